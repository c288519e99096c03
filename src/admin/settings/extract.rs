//! A file that somebody uploads by a form of ours.

use std::marker::PhantomData;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::admin::extract::Desk;
use crate::admin::{Right, Trouble};
use crate::settings::logo::LARGEST;

/// As [`crate::admin::extract::Posted`], for a form with a file: the token stands before the file and is checked before the
/// file is read.
pub struct Uploaded<R> {
    pub desk: Desk<R>,
    /// Up to one byte more than a logo may have; empty where none was chosen.
    pub file: Vec<u8>,
    right: PhantomData<R>,
}

/// Bytes of a form token, and more.
const TOKEN: usize = 1 << 10;

impl<R: Right> FromRequest for Uploaded<R> {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let desk = Desk::<R>::from_request(&req, payload);
        let mut form = Multipart::new(req.headers(), payload.take());
        Box::pin(async move {
            let desk = desk.await?;
            let mut known = false;
            while let Some(field) = form.next().await {
                let mut field = field.map_err(|error| unreadable(&error))?;
                match field.name() {
                    Some("csrf") => {
                        let token = read(&mut field, TOKEN).await?;
                        desk.wrote(&req, std::str::from_utf8(&token).ok())?;
                        known = true;
                    }
                    Some("file") if known => {
                        let file = read(&mut field, LARGEST + 1).await?;
                        return Ok(Self { desk, file, right: PhantomData });
                    }
                    _ => break,
                }
            }
            Err(if known { Trouble::Malformed("the form has no file".into()) } else { Trouble::ForeignForm })
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
