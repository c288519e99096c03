//! QR codes as SVG: dark on light with the quiet zone, whatever page they stand on.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// An image file. `None` when the text is too long for a QR code.
pub fn image(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}

/// The same, to stand inside a page: for what must not have an address of its own.
pub fn inline(text: &str) -> Option<String> {
    let image = image(text)?;
    image.find("<svg").map(|at| image[at..].to_owned())
}
