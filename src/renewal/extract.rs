//! The form of a renewal page, as a browser without an account sends it.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, ResponseError};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::broker::Broker;
use crate::secret::Secret;
use crate::web::{cookies, csrf};

/// Of a document. Metadata of one provider has some ten thousand bytes.
pub(super) const MOST_BYTES: usize = 512 << 10;
/// Of any other field.
const SHORT: usize = 4 << 10;

/// What was typed, unjudged.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) secret: Option<Secret<String>>,
    pub(super) expires_at: String,
    /// The file, or what was pasted where no file was chosen.
    pub(super) document: String,
    pub(super) url: String,
    /// The document was not read to its end.
    pub(super) too_large: bool,
}

/// The token stands before everything else in the form and is checked before anything of it is read.
pub(super) struct Submitted(pub(super) Fields);

/// It did not come from a page of ours in this browser, or could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the form did not come from a page of ours, or could not be read")]
pub(super) struct ForeignForm;

impl ResponseError for ForeignForm {}

impl From<MultipartError> for ForeignForm {
    fn from(_: MultipartError) -> Self {
        Self
    }
}

/// What a form's token is for: this link in this browser.
pub(super) fn purpose(token: &str) -> String {
    format!("renew/{token}")
}

impl FromRequest for Submitted {
    type Error = ForeignForm;
    type Future = LocalBoxFuture<'static, Result<Self, ForeignForm>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let mut form = Multipart::new(req.headers(), payload.take());
        Box::pin(async move {
            let broker = req.app_data::<Data<Broker>>().cloned().ok_or(ForeignForm)?;
            let urls = &broker.ctx.urls;
            let browser = cookies::browser(&req, urls).filter(|_| csrf::same_origin(&req, urls)).ok_or(ForeignForm)?;
            let purpose = purpose(req.match_info().query("token"));
            let (mut fields, mut known) = (Fields::default(), false);
            while let Some(field) = form.next().await {
                let mut field = field?;
                let name = field.name().unwrap_or_default().to_owned();
                match name.as_str() {
                    "csrf" => {
                        known = csrf::check(&broker.ctx.vault, &purpose, &browser, &text(&mut field, SHORT).await?);
                        if !known {
                            break;
                        }
                    }
                    _ if !known => break,
                    "secret" => fields.secret = Some(Secret::new(text(&mut field, SHORT).await?)),
                    "expires_at" => fields.expires_at = text(&mut field, SHORT).await?,
                    "url" => fields.url = text(&mut field, SHORT).await?,
                    "file" | "document" => {
                        let read = text(&mut field, MOST_BYTES + 1).await?;
                        if !read.trim().is_empty() && (fields.document.is_empty() || name == "file") {
                            fields.document = read;
                        }
                        if fields.document.len() > MOST_BYTES {
                            (fields.document, fields.too_large) = (String::new(), true);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            if known { Ok(Self(fields)) } else { Err(ForeignForm) }
        })
    }
}

/// Up to so many bytes; what comes after them is not read.
async fn text(field: &mut Field, most: usize) -> Result<String, ForeignForm> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.next().await {
        let piece = piece?;
        let room = most - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if bytes.len() == most {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
