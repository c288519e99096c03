//! When a certificate ends (`notAfter`, RFC 5280 §4.1.2.5). Reads just that far: whether the certificate is any good
//! is for TLS clients to judge, this is so that an expired one is named before it is put to use.

use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `None` when `der` is no certificate.
pub fn not_after(der: &[u8]) -> Option<OffsetDateTime> {
    let (tag, certificate, _) = element(der)?;
    let (_, tbs, _) = element(certificate).filter(|_| tag == SEQUENCE)?;
    let mut rest = tbs;
    if *rest.first()? == VERSION {
        (_, _, rest) = element(rest)?;
    }
    for _serial_signature_issuer in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after_not_before) = element(validity)?;
    let (tag, text, _) = element(after_not_before)?;
    let text = std::str::from_utf8(text).ok()?;
    let full = match tag {
        GENERALIZED_TIME => text.to_owned(),
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => return None,
    };
    let format = format_description!("[year][month][day][hour][minute][second]Z");
    PrimitiveDateTime::parse(&full, format).ok().map(PrimitiveDateTime::assume_utc)
}

/// Tag, content and what follows of the first DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use time::macros::datetime;

    #[test]
    fn both_time_forms_are_read_and_garbage_is_not() {
        let key = KeyPair::generate().unwrap();
        for end in [datetime!(2031-02-03 04:05:06 UTC), datetime!(2061-02-03 04:05:06 UTC)] {
            let mut params = CertificateParams::new(vec!["id.example".into()]).unwrap();
            params.not_after = end;
            let certificate = params.self_signed(&key).unwrap();
            assert_eq!(not_after(certificate.der()), Some(end));
            for cut in 0..80 {
                assert_eq!(not_after(&certificate.der()[..cut]), None);
            }
        }
        assert_eq!(not_after(b"\x30\x84\xff\xff\xff\xff"), None);
    }
}
