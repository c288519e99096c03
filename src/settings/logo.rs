//! A logo that somebody uploads: known by its first bytes and never by what it is said to be, small, and not so large in
//! pixels that it costs a browser dear. No SVG: that is a document, with scripts and links of its own.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes.
pub const LARGEST: usize = 64 << 10;
/// Pixels a side: three times what the widest page shows, for screens that are as fine.
const WIDEST: u32 = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    pub bytes: Arc<[u8]>,
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALogo {
    #[error("the file is larger than 64 KiB; save it smaller")]
    TooLarge,
    #[error("the file is no PNG, JPEG or WebP image; export the logo as one of these")]
    Unknown,
    #[error("the image is larger than 1024 by 1024 pixels; scale it down")]
    TooWide,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

impl Logo {
    /// # Errors
    /// [`NotALogo`].
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, NotALogo> {
        let bytes = bytes.into();
        if bytes.len() > LARGEST {
            return Err(NotALogo::TooLarge);
        }
        let (format, (width, height)) = measure(&bytes).ok_or(NotALogo::Unknown)?;
        if [width, height].into_iter().any(|side| side == 0 || side > WIDEST) {
            return Err(NotALogo::TooWide);
        }
        Ok(Self { bytes, format, width, height })
    }
}

impl fmt::Display for Logo {
    /// For the audit log: what it is, and a fingerprint by which two are told apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, format, width, height } = self;
        write!(f, "{} {width}x{height}, {} bytes, sha256 ", format.media_type(), bytes.len())?;
        digest(&SHA256, bytes).as_ref()[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn measure(bytes: &[u8]) -> Option<(Format, (u32, u32))> {
    if let Some(rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        return Some((Format::Png, png(rest)?));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xd8") {
        return Some((Format::Jpeg, jpeg(rest)?));
    }
    let rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    Some((Format::WebP, webp(rest)?))
}

/// PNG §11.2.1: the first chunk is IHDR.
fn png(rest: &[u8]) -> Option<(u32, u32)> {
    let header = rest.strip_prefix(b"\0\0\0\x0dIHDR")?;
    Some((
        u32::from_be_bytes(header.get(..4)?.try_into().ok()?),
        u32::from_be_bytes(header.get(4..8)?.try_into().ok()?),
    ))
}

/// ITU-T T.81 §B.1: segments, each with its length, until a frame header says the size.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        // any number of 0xff may stand before a marker
        let from = rest.iter().position(|byte| *byte != 0xff).filter(|at| *at > 0)?;
        let marker = rest[from];
        rest = &rest[from + 1..];
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let side = |at: usize| Some(u32::from(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?)));
                return Some((side(5)?, side(3)?));
            }
            0xd0..=0xda => return None,
            _ => {
                let length = u16::from_be_bytes(rest.get(..2)?.try_into().ok()?);
                rest = rest.get(usize::from(length)..)?;
            }
        }
    }
}

/// RFC 9649 §2: one of three kinds of first chunk.
fn webp(rest: &[u8]) -> Option<(u32, u32)> {
    let (kind, data) = (rest.get(..4)?, rest.get(8..)?);
    match kind {
        b"VP8 " => {
            let sides = data.get(3..)?.strip_prefix(b"\x9d\x01\x2a")?;
            let side =
                |at: usize| Some(u32::from(u16::from_le_bytes(sides.get(at..at + 2)?.try_into().ok()?)) & 0x3fff);
            Some((side(0)?, side(2)?))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(data.strip_prefix(b"\x2f")?.get(..4)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let side = |at: usize| {
                let bytes = data.get(at..at + 3)?;
                Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1)
            };
            Some((side(4)?, side(7)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(bytes: &[u8]) -> Result<(Format, u32, u32), NotALogo> {
        Logo::parse(bytes.to_vec()).map(|logo| (logo.format, logo.width, logo.height))
    }

    #[test]
    fn an_image_is_known_by_its_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x40\0\0\0\x20\x08\x06\0\0\0";
        assert_eq!(sized(png), Ok((Format::Png, 64, 32)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xc0\0\x11\x08\0\x20\0\x40\x03";
        assert_eq!(sized(jpeg), Ok((Format::Jpeg, 64, 32)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\0\x20\0";
        assert_eq!(sized(lossy), Ok((Format::WebP, 64, 32)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc0\x07\0";
        assert_eq!(sized(lossless), Ok((Format::WebP, 64, 32)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0";
        assert_eq!(sized(extended), Ok((Format::WebP, 64, 32)));
        for cut in 0..png.len().min(24) {
            assert_eq!(sized(&png[..cut]), Err(NotALogo::Unknown), "{cut}");
        }
        for cut in 0..jpeg.len() - 1 {
            assert_eq!(sized(&jpeg[..cut]), Err(NotALogo::Unknown), "{cut}");
        }
    }

    #[test]
    fn what_is_no_small_image_is_refused() {
        let script = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        assert_eq!(sized(script), Err(NotALogo::Unknown));
        assert_eq!(sized(b"<!doctype html>"), Err(NotALogo::Unknown));
        assert_eq!(sized(b"GIF89a\x01\0\x01\0"), Err(NotALogo::Unknown));
        assert_eq!(sized(&vec![0; LARGEST + 1]), Err(NotALogo::TooLarge));
        let bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x80\0\0\0\x80\0\x08\x06\0\0\0";
        assert_eq!(sized(bomb), Err(NotALogo::TooWide));
        assert_eq!(sized(b"\xff\xd8\xff\xff\xff\xff"), Err(NotALogo::Unknown));
    }
}
