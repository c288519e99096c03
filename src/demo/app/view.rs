//! A verified token as a table that a person can read.

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use super::verify::Verified;

pub(super) struct TokenView {
    pub rows: Vec<Row>,
    pub checks: Vec<Check>,
    pub raw: String,
}

pub(super) struct Row {
    pub claim: String,
    pub values: Vec<String>,
    /// The instant behind a number.
    pub instant: Option<String>,
    pub meaning: &'static str,
}

/// What was compared, and with what.
pub(super) struct Check {
    pub what: &'static str,
    pub with: String,
}

impl TokenView {
    pub fn of(token: &Verified) -> Self {
        let text = |name: &str| token.claims.get(name).map(|value| lines(value).join(", ")).unwrap_or_default();
        let ends = token.claims.get("exp").and_then(instant).unwrap_or_default();
        let mut checks = vec![
            Check { what: "Signature", with: format!("RS256, by key {:.8}… of Avouch's JWKS", token.kid) },
            Check { what: "Issuer", with: text("iss") },
            Check { what: "Audience", with: text("aud") },
            Check { what: "Time", with: format!("good until {ends}") },
            Check { what: "Type", with: token.typ.clone() },
        ];
        if token.claims.contains_key("nonce") {
            checks.push(Check { what: "Nonce", with: "the one this sign-in began with".into() });
        }
        let mut rows: Vec<Row> = token.claims.iter().map(|(claim, value)| Row::of(claim, value)).collect();
        rows.sort_by_key(|row| place(&row.claim));
        Self { rows, checks, raw: token.raw.clone() }
    }

    /// The raw token in its three parts.
    pub fn parts(&self) -> Vec<&str> {
        self.raw.split('.').collect()
    }
}

impl Row {
    fn of(claim: &str, value: &Value) -> Self {
        let instant = matches!(claim, "exp" | "iat" | "nbf" | "auth_time").then(|| instant(value)).flatten();
        Self { claim: claim.to_owned(), values: lines(value), instant, meaning: meaning(claim) }
    }
}

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.is_empty() => vec!["none".into()],
        Value::Array(items) => items.iter().flat_map(lines).collect(),
        other => vec![other.to_string()],
    }
}

fn instant(value: &Value) -> Option<String> {
    let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
    OffsetDateTime::from_unix_timestamp(value.as_i64()?).ok()?.format(format).ok()
}

/// First who, then what they may, then for whom and when.
const CLAIMS: [(&str, &str); 21] = [
    ("sub", "The person, by Avouch's own id for life"),
    ("name", "As the company tells it"),
    ("email", "As the company tells it"),
    ("email_verified", "True because the company is authoritative for its domain"),
    ("groups", "From the company, through the connection's mapping"),
    ("roles", "Granted by a rule: 'platform' in user.groups"),
    ("scope", "What the application may do at the API"),
    ("iss", "Who issued this: Avouch, not the company"),
    ("aud", "For whom it is; everybody else must refuse it"),
    ("azp", "The application that asked for it"),
    ("client_id", "The application that asked for it"),
    ("iat", "When it was issued"),
    ("exp", "When it ends"),
    ("nbf", "Not good before"),
    ("auth_time", "When the person signed in"),
    ("acr", "How sure the provider was"),
    ("amr", "How the person proved who they are"),
    ("sid", "The session at Avouch, the same in all its tokens"),
    ("nonce", "Binds the token to this sign-in"),
    ("at_hash", "Binds it to the access token beside it"),
    ("jti", "The token's own id"),
];

fn meaning(claim: &str) -> &'static str {
    CLAIMS.iter().find(|(name, _)| *name == claim).map_or("", |(_, meaning)| meaning)
}

fn place(claim: &str) -> usize {
    CLAIMS.iter().position(|(name, _)| *name == claim).unwrap_or(CLAIMS.len())
}
