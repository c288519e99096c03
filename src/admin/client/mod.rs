//! Clients at the desk: the list, a page for each, the way to a new one from what a known system needs, and their secrets.
//! Owns the words; what a client is and what is wrong with one stand in `client` and `provisioning`.

pub mod api;
pub mod doctor;
pub mod form;
mod key;
pub mod pages;
pub mod secret;
pub mod settings;
pub mod setup;
pub mod template;

use super::Trouble;
use super::frame::segment;
use crate::client::key::{self as keys_of, KnownKey};
use crate::client::secret::SecretError;
use crate::client::{ClientId, ClientKind};
use crate::db::Conn;
use crate::jose::{CertificatePem, JwkSet};
use crate::provisioning::ClientEntry;
use crate::provisioning::impact::{Counted, Impact, MOST_COUNTED};
use crate::provisioning::one::{Entry, Item, Known};

/// `id` from a path.
///
/// # Errors
/// [`Trouble::Unknown`]: no client can be called that.
pub fn named(id: &str) -> Result<ClientId, Trouble> {
    ClientId::parse(id).map_err(|_| Trouble::Unknown(format!("client {id}")))
}

pub fn item(id: &ClientId) -> Item {
    Item::Client(id.clone())
}

pub fn path(id: &ClientId) -> String {
    format!("/admin/clients/{}", segment(id.as_str()))
}

/// What was read is a client: it was asked for by a client's id.
fn entry(known: &Known) -> Result<&ClientEntry, Trouble> {
    if let Entry::Client(entry) = &known.entry { Ok(entry) } else { Err(Trouble::Broken) }
}

/// The keys by which it signs, with what is known of their use.
async fn keys(conn: &mut Conn, id: &ClientId, entry: &ClientEntry) -> Result<Vec<KnownKey>, Trouble> {
    let jwks = entry.jwks.iter().flat_map(JwkSet::keys);
    let registered = jwks.chain(entry.certificates.iter().map(CertificatePem::key));
    Ok(keys_of::list(conn, id, registered, entry.jwks_uri.is_some()).await?)
}

pub const fn kind_words(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Web => "Web application",
        ClientKind::Spa => "Single-page application",
        ClientKind::Native => "Native or command line",
        ClientKind::Machine => "Machine",
    }
}

/// What hangs on it, for the page that asks before something ends.
fn touches(impact: &Impact) -> Vec<(String, String)> {
    vec![
        ("People who are signed in there".into(), counted(&impact.users)),
        ("Grants that end".into(), none_or(impact.grants)),
        ("Tokens it was given in the last 30 days".into(), none_or(impact.tokens)),
    ]
}

fn counted(counted: &Counted) -> String {
    match counted.names.as_slice() {
        [] => none_or(counted.count),
        names => {
            let more = counted.count - i64::try_from(names.len()).unwrap_or_default();
            let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
            format!("{}: {}{more}", none_or(counted.count), names.join(", "))
        }
    }
}

fn none_or(count: i64) -> String {
    match count {
        0 => "None".into(),
        count if count >= MOST_COUNTED => format!("{} or more", grouped(count)),
        count => grouped(count),
    }
}

/// Thousands apart.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

impl From<SecretError> for Trouble {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Database(error) => error.into(),
            SecretError::UnknownClient(id) => Self::Unknown(format!("client {id}")),
            SecretError::UnknownSecret(id) => Self::Unknown(format!("such secret of the client {id}")),
            SecretError::Public(_) => Self::Conflict("public_client", error.to_string()),
            SecretError::TooMany => Self::Conflict("too_many_secrets", error.to_string()),
            SecretError::Past => Self::Malformed(error.to_string()),
        }
    }
}
