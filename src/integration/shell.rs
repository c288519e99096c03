//! POSIX shell: words that stay what they are, and environment files, which are the same words behind names. A word is a
//! text, or `variables` of its reader's: for secrets above all, which we do not know.

use serde_json::{Value, json};

/// One `NAME=word` a line, for a shell or for Compose. `None`: a member is no word.
pub(super) fn environment(value: &Value) -> Option<String> {
    let members = value.as_object()?.iter();
    members.map(|(name, value)| Some(format!("{name}={}\n", word(value)?))).collect()
}

/// One command a line; each option begins a line of its own. `None`: it is no list of lists of words.
pub(super) fn commands(value: &Value) -> Option<String> {
    let mut out = String::new();
    for command in value.as_array()? {
        for (at, one) in command.as_array()?.iter().enumerate() {
            let option = one.as_str().is_some_and(|text| text.starts_with("--"));
            out.push_str(if at == 0 {
                ""
            } else if option {
                " \\\n    "
            } else {
                " "
            });
            out.push_str(&word(one)?);
        }
        out.push('\n');
    }
    Some(out)
}

/// A word in which `$NAME` and `${NAME}` stand for the reader's variables. The rest of `text` is ours: plain letters.
pub(super) fn variables(text: impl Into<String>) -> Value {
    json!({ "variables": text.into() })
}

/// The variable in which a client's secret is looked for.
pub(super) fn secret_variable(client_id: &str) -> String {
    let name: String =
        client_id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let letter = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    format!("{letter}{name}_SECRET")
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quoted(text)),
        Value::Object(members) => Some(format!("\"{}\"", members.get("variables")?.as_str()?)),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_what_they_are() {
        let value = json!([["echo", "it's $HOME", "--filter", "a==\"b\"", variables("$ID"), ""]]);
        assert_eq!(commands(&value).unwrap(), "echo 'it'\\''s $HOME' \\\n    --filter 'a==\"b\"' \"$ID\" ''\n");
        assert_eq!(environment(&json!({ "A": "http://x/?a&b", "B": "c" })).unwrap(), "A='http://x/?a&b'\nB=c\n");
        assert_eq!(environment(&json!({ "A": 1 })), None);
    }

    #[test]
    fn a_secrets_variable_is_named_after_its_client() {
        assert_eq!(secret_variable("orders-app.v2~x"), "ORDERS_APP_V2_X_SECRET");
        assert_eq!(secret_variable("7up"), "_7UP_SECRET");
    }
}
