//! What somebody gives by a renewal link, as far as it can be judged without asking anybody.

use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};
use url::Url;

use super::extract::Fields;
use super::saml;
use crate::connection::certificate::Facts;
use crate::connection::credential::client_secret::{self, UpstreamSecretError};
use crate::connection::{Connection, Protocol};
use crate::secret::Secret;

/// Bytes; no provider makes longer ones.
const LONGEST_SECRET: usize = 1000;

pub(super) enum Given {
    Wrong(Vec<(&'static str, String)>),
    Secret(NewSecret),
    /// From a document or a certificate that was pasted or uploaded.
    Certificates(Vec<Facts>),
    /// Metadata is there, to be asked for.
    Url(String),
}

pub(super) struct NewSecret {
    pub(super) value: Secret<String>,
    pub(super) expires_at: Option<OffsetDateTime>,
}

impl Given {
    pub(super) fn of(connection: &Connection, fields: &Fields, now: OffsetDateTime) -> Self {
        match connection.protocol {
            Protocol::Oidc(_) => secret(fields, now),
            Protocol::Saml(_) => document(connection, fields),
        }
    }
}

fn secret(fields: &Fields, now: OffsetDateTime) -> Given {
    let mut errors = Vec::new();
    let pasted = fields.secret.as_ref().map(|value| value.expose().trim()).unwrap_or_default();
    if pasted.is_empty() {
        errors.push(("secret", "Paste the new secret.".to_owned()));
    } else if pasted.len() > LONGEST_SECRET || pasted.contains(char::is_control) {
        errors.push((
            "secret",
            "This is no client secret: it is too long, or has line breaks. Paste the value alone.".into(),
        ));
    }
    let expires_at = match last_day(&fields.expires_at) {
        Ok(expires_at) => expires_at,
        Err(message) => {
            errors.push(("expires_at", message));
            None
        }
    };
    // what is copied from a page often has a blank at its end
    let value = Secret::new(pasted.to_owned());
    if let Err(UpstreamSecretError::Past) = client_secret::check(&value, expires_at, now) {
        errors.push(("expires_at", "This day has passed. A new secret ends later.".into()));
    }
    if errors.is_empty() { Given::Secret(NewSecret { value, expires_at }) } else { Given::Wrong(errors) }
}

/// The beginning of that day, in UTC: providers show dates, and too early is better than too late.
fn last_day(text: &str) -> Result<Option<OffsetDateTime>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let day = day.map_err(|_| "Write the date like 2027-05-21.".to_owned())?;
    Ok(Some(day.with_time(Time::MIDNIGHT).assume_utc()))
}

fn document(connection: &Connection, fields: &Fields) -> Given {
    if fields.too_large {
        let most = super::extract::MOST_BYTES >> 10;
        return Given::Wrong(vec![(
            "document",
            format!("This is larger than {most} KiB, which no metadata of one provider is."),
        )]);
    }
    let url = fields.url.trim();
    match (fields.document.trim().is_empty(), url.is_empty()) {
        (true, true) => Given::Wrong(vec![(
            "document",
            "Paste your metadata or certificate, choose the file, or give its address.".into(),
        )]),
        (false, false) => Given::Wrong(vec![("document", "Give either a document or an address, not both.".into())]),
        (true, false) => {
            match Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host()) {
                Some(url) if url.as_str().len() <= 2000 => Given::Url(url.into()),
                _ => Given::Wrong(vec![(
                    "url",
                    "Write the whole address, like https://login.example.com/metadata.".into(),
                )]),
            }
        }
        (false, true) => match saml::read(connection, &fields.document) {
            Ok(listed) => Given::Certificates(listed),
            Err(message) => Given::Wrong(vec![("document", message)]),
        },
    }
}
