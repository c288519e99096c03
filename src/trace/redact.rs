//! What never stands in a trace, whoever wrote it there: providers put tokens into claims, and texts quote what came.

use serde_json::{Map, Value};

/// Instead of a value.
const CUT: &str = "[cut out]";
/// Characters of one text. Group lists are long, texts are not.
const LONGEST: usize = 2048;
/// Words in a member's name whose value is the secret itself.
const NAMES: [&str; 11] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "assertion",
    "cookie",
    "credential",
    "api_key",
    "apikey",
    "private_key",
];

/// `value` without tokens, codes and secrets, by the name they stand under and by their looks.
pub(super) fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().map(member).collect::<Map<_, _>>()),
        Value::Array(items) => items.into_iter().map(redacted).collect(),
        Value::String(text) => Value::String(plain(text)),
        other => other,
    }
}

fn member((name, value): (String, Value)) -> (String, Value) {
    let lower = name.to_ascii_lowercase();
    let secret = NAMES.iter().any(|word| lower.contains(word));
    let says_something = !matches!(value, Value::Null | Value::Bool(_) | Value::Number(_));
    // a name may be anybody's text as well
    let name = plain(name);
    if secret && says_something { (name, CUT.into()) } else { (name, redacted(value)) }
}

fn plain(text: String) -> String {
    if text.split(|c: char| !is_of_tokens(c)).any(is_token) {
        return text.split_inclusive(|c: char| !is_of_tokens(c)).map(cut_piece).collect();
    }
    bounded(text)
}

/// A piece with the character that ends it.
fn cut_piece(piece: &str) -> String {
    let end = piece.chars().last().filter(|c| !is_of_tokens(*c));
    let word = end.map_or(piece, |end| &piece[..piece.len() - end.len_utf8()]);
    let shown = if is_token(word) { CUT } else { word };
    shown.chars().chain(end).collect()
}

fn bounded(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… [{} bytes]", &text[..at], text.len()),
        None => text,
    }
}

const fn is_of_tokens(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// One of ours, a JWT, or XML in base64 (a SAML message begins with `<`, `PD` or `PH` then).
fn is_token(word: &str) -> bool {
    let ours = word.starts_with("avo_") && word.len() > 20;
    let jwt = word.starts_with("eyJ") && word.matches('.').count() >= 2;
    let saml = (word.starts_with("PHNhbWw") || word.starts_with("PD94bWw")) && word.len() > 40;
    ours || jwt || saml
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rng::Rng;
    use crate::secret::{self, mint};

    #[test]
    fn what_is_a_token_by_name_or_by_looks_is_cut_out() {
        let code = mint(secret::Kind::AuthorizationCode, &Rng::default());
        let claims = json!({
            "sub": "marty", "email": "marty@contoso.example", "groups": ["staff", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x"],
            "idp_access_token": "opaque", "app": { "Client_Secret": ["s"], "note": format!("code={};", code.expose()) },
            "endpoint": "https://idp.example/token", "two_factor_token": true,
        });
        let cut = redacted(claims);
        assert_eq!(
            cut,
            json!({
                "sub": "marty", "email": "marty@contoso.example", "groups": ["staff", CUT],
                "idp_access_token": CUT, "app": { "Client_Secret": CUT, "note": format!("code={CUT};") },
                "endpoint": "https://idp.example/token", "two_factor_token": true,
            })
        );
    }

    #[test]
    fn texts_are_bounded_and_names_are_texts_too() {
        let long = redacted(json!({ "a": "ä".repeat(3000), "eyJh.eyJz.x": 1 }));
        assert!(long["a"].as_str().unwrap().ends_with("… [6000 bytes]"));
        assert_eq!(long[CUT], 1);
    }
}
