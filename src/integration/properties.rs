//! Java's properties, as java.util.Properties reads them, and the strings of the JAAS configuration that stands in some of
//! them. Where nothing needs an escape, librdkafka's programs read the same lines.

use std::fmt::Write as _;

use serde_json::Value;

/// One line for each member. `None`: a member is no text.
pub(super) fn write(value: &Value) -> Option<String> {
    let mut out = String::new();
    for (key, value) in value.as_object()? {
        escape(&mut out, key, |at, c| matches!(c, '=' | ':' | ' ') || (at == 0 && matches!(c, '#' | '!')));
        out.push('=');
        // the separator is past: only blanks that begin the value would get lost
        escape(&mut out, value.as_str()?, |at, c| at == 0 && c == ' ');
        out.push('\n');
    }
    Some(out)
}

/// Older readers take Latin-1, so that everything beyond ASCII is written by its number.
fn escape(out: &mut String, text: &str, special: fn(usize, char) -> bool) {
    for (at, c) in text.char_indices() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if special(at, c) => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}

/// `MODULE required name="value" ...;` as Kafka reads it, by java.io.StreamTokenizer.
pub(super) fn jaas(module: &str, options: &[(&str, &str)]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let options: String = options.iter().map(|(name, value)| format!(" {name}=\"{}\"", quoted(value))).collect();
    format!("{module} required{options};")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_java_would_read_differently_is_escaped() {
        let text = write(&json!({ "a key:b=c": " x = y: # \\ \n ü😀", "#k": "" })).unwrap();
        assert_eq!(text, "a\\ key\\:b\\=c=\\ x = y: # \\\\ \\n \\u00fc\\ud83d\\ude00\n\\#k=\n");
        assert_eq!(write(&json!({ "a": 1 })), None);
    }

    #[test]
    fn jaas_strings_end_where_they_should() {
        let text = jaas("M", &[("scope", "a\" evil=\"b\\")]);
        assert_eq!(text, r#"M required scope="a\" evil=\"b\\";"#);
    }
}
