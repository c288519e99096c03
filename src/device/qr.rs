//! The complete address as a QR code, in SVG: for phones that look at a screen. Made from the code alone, so it tells
//! nobody whether the code exists.

use super::UserCode;
use super::request::complete_uri;
use crate::urls::Urls;
use crate::web::qr;

pub fn uri(urls: &Urls, code: &UserCode) -> String {
    urls.at(&format!("/device/qr/{}.svg", code.shown()))
}

/// `None` when the issuer is too long for a QR code.
pub fn image(urls: &Urls, code: &UserCode) -> Option<String> {
    qr::image(&complete_uri(urls, code))
}
