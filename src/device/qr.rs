//! The complete address as a QR code, in SVG: for phones that look at a screen. Made from the code alone, so it tells
//! nobody whether the code exists.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use super::UserCode;
use super::request::complete_uri;
use crate::urls::Urls;

pub fn uri(urls: &Urls, code: &UserCode) -> String {
    urls.at(&format!("/device/qr/{}.svg", code.shown()))
}

/// Dark on light with the quiet zone, whatever page it stands on. `None` when the issuer is too long for a QR code.
pub fn image(urls: &Urls, code: &UserCode) -> Option<String> {
    let code = QrCode::with_error_correction_level(complete_uri(urls, code), EcLevel::M).ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}
