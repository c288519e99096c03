//! A table that somebody uploads, or pastes, into a form of ours.

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::admin::extract::Desk;
use crate::admin::{Edit, Trouble};
use crate::user::import::MOST_BYTES;

/// The token stands before everything else in the form and is checked before anything of it is read.
pub struct Tabled {
    pub desk: Desk<Edit>,
    /// The file, or what was pasted where no file was chosen. One byte more than may be, at most.
    pub table: Vec<u8>,
    /// It was looked at before.
    pub go: bool,
    /// Slugs of connections, where the form asks for them.
    pub from: String,
    pub to: String,
}

/// Bytes of a form token, and more.
const SHORT: usize = 1 << 10;

impl FromRequest for Tabled {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let desk = Desk::<Edit>::from_request(&req, payload);
        let mut form = Multipart::new(req.headers(), payload.take());
        Box::pin(async move {
            let desk = desk.await?;
            let (mut known, mut go, mut table) = (false, false, Vec::new());
            let (mut from, mut to) = (String::new(), String::new());
            while let Some(field) = form.next().await {
                let mut field = field.map_err(|error| unreadable(&error))?;
                let name = field.name().unwrap_or_default().to_owned();
                match name.as_str() {
                    "csrf" => {
                        let token = read(&mut field, SHORT).await?;
                        desk.wrote(&req, std::str::from_utf8(&token).ok())?;
                        known = true;
                    }
                    _ if !known => break,
                    "go" => go = !read(&mut field, SHORT).await?.is_empty(),
                    "from" => from = String::from_utf8_lossy(&read(&mut field, SHORT).await?).into(),
                    "to" => to = String::from_utf8_lossy(&read(&mut field, SHORT).await?).into(),
                    "file" | "table" => {
                        let read = read(&mut field, MOST_BYTES + 1).await?;
                        if !read.is_empty() && (table.is_empty() || name == "file") {
                            table = read;
                        }
                        if table.len() > MOST_BYTES {
                            break;
                        }
                    }
                    _ => {}
                }
            }
            if known { Ok(Self { desk, table, go, from, to }) } else { Err(Trouble::ForeignForm) }
        })
    }
}

/// Up to so many bytes; what comes after them is not read.
async fn read(field: &mut Field, most: usize) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.next().await {
        let piece = piece.map_err(|error| unreadable(&error))?;
        let room = most - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if bytes.len() == most {
            break;
        }
    }
    Ok(bytes)
}

fn unreadable(error: &actix_multipart::MultipartError) -> Trouble {
    Trouble::Malformed(format!("the form could not be read: {error}"))
}
