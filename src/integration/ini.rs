//! The ini files that Grafana reads (go-ini): a value with a sign of a comment in it stands in backquotes.

use std::fmt::Write as _;

use serde_json::Value;

/// Sections of texts and switches. `None`: something else is in there, or a value that no line can hold.
pub(super) fn write(value: &Value) -> Option<String> {
    let mut out = String::new();
    for (section, members) in value.as_object()? {
        let gap = if out.is_empty() { "" } else { "\n" };
        writeln!(out, "{gap}[{section}]").ok()?;
        for (name, value) in members.as_object()? {
            let text = match value {
                Value::String(text) => quoted(text)?,
                Value::Bool(on) => on.to_string(),
                _ => return None,
            };
            writeln!(out, "{name} = {text}").ok()?;
        }
    }
    Some(out)
}

fn quoted(text: &str) -> Option<String> {
    if text.contains(char::is_control) {
        return None;
    }
    let bare = !text.contains(['#', ';', '`']) && text.trim() == text && !text.starts_with(['"', '\'']);
    match bare {
        true => Some(text.to_owned()),
        false if text.contains('`') => None,
        false => Some(format!("`{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_begin_a_comment_is_quoted_and_what_no_line_holds_is_refused() {
        assert_eq!(quoted("https://a.example/x?y=z&w"), Some("https://a.example/x?y=z&w".into()));
        assert_eq!(quoted("a;b"), Some("`a;b`".into()));
        assert_eq!(quoted(" a#b"), Some("` a#b`".into()));
        assert_eq!((quoted("a`b"), quoted("a\nb")), (None, None));
    }
}
