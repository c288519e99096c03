//! A provider's words as we may repeat them: bounded, on one line, without control or direction-changing characters.

/// At most `limit` characters of `text`; what was cut shows as an ellipsis.
pub(crate) fn quoted(text: &str, limit: usize) -> String {
    let clean = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    let mut out: String = text.chars().take(limit).map(clean).collect();
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}

/// Zero-width and bidirectional controls: they make a text look like another one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The code of an error response: RFC 6749 knows short words only.
pub(crate) fn error_code(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>')).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_words_stay_short_and_on_one_line() {
        assert_eq!(quoted("a\r\nb\u{202e}c", 10), "a  b c");
        assert_eq!(quoted(&"é".repeat(5), 3), "ééé…");
        assert_eq!(error_code("access_denied\"<script>\n"), "access_deniedscript");
        assert_eq!(error_code(&"x".repeat(100)).len(), 64);
    }
}
