//! What somebody registers at Entra ID so that it takes our issuer's word for a connection, in the shapes that its portal,
//! its command line and Graph want.

use serde_json::{Value, json};
use url::Url;

use crate::connection::Slug;
use crate::upstream::{FEDERATED_AUDIENCE, federated_subject};
use crate::urls::Urls;

pub struct Registration {
    pub name: String,
    pub issuer: String,
    pub subject: String,
    pub audience: &'static str,
    /// Of Graph's `federatedIdentityCredentials`.
    pub json: String,
    pub az: String,
    /// Why it cannot work as Avouch is set up.
    pub fault: Option<&'static str>,
}

impl Registration {
    pub fn of(urls: &Urls, slug: &Slug, client_id: &str) -> Self {
        let issuer = urls.issuer().to_owned();
        // 3 to 120 characters that may stand in a URL; it cannot be changed later
        let name = format!("avouch-{slug}");
        let (subject, audience) = (federated_subject(slug), FEDERATED_AUDIENCE);
        let body: Value = json!({
            "name": name, "issuer": issuer, "subject": subject, "audiences": [audience],
            "description": "Avouch proves itself by its own issuer",
        });
        let id = if client_id.is_empty() { "APPLICATION_ID" } else { client_id };
        let az = format!(
            "az ad app federated-credential create --id {} --parameters {}",
            quoted(id),
            quoted(&body.to_string())
        );
        let json = serde_json::to_string_pretty(&body).unwrap_or_default();
        Self { fault: fault(&issuer), name, issuer, subject, audience, json, az }
    }
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn fault(issuer: &str) -> Option<&'static str> {
    let url = Url::parse(issuer).ok()?;
    let host = url.host_str().unwrap_or_default();
    let inside = [".local", ".internal", ".lan", ".localhost"].iter().any(|end| host.ends_with(end));
    if url.scheme() != "https" {
        Some("Entra ID reads our keys by https only, and our issuer's address has none.")
    } else if host == "localhost" || inside || !host.contains('.') {
        Some("Entra ID reads our keys over the internet, and our issuer's address is not public.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_entra_cannot_reach_is_said() {
        for (issuer, ok) in [
            ("https://sso.example.com", true),
            ("http://sso.example.com", false),
            ("https://localhost", false),
            ("https://avouch.internal", false),
            ("https://avouch", false),
        ] {
            assert_eq!(fault(issuer).is_none(), ok, "{issuer}");
        }
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
