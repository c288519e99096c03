//! Credentials as the page shows them: never a secret, and of keys the public part only.

use time::OffsetDateTime;

use crate::admin::moment::{self, Moment};
use crate::connection::certificate::{self, Certificate, fingerprint};
use crate::connection::key_rotation::KnownKey;
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, Credential, CredentialKind, CredentialState, KeyUse, Protocol, untrusted};
use crate::db::Conn;
use crate::life::Verdict;
use crate::upstream::saml::TrustedCertificate;

/// One of the provider's certificates.
pub struct ShownCertificate {
    pub href: String,
    pub key: String,
    pub fingerprint: String,
    /// Of the fingerprint, for who hears it.
    pub short: String,
    pub state: &'static str,
    pub state_word: &'static str,
    pub is_usable: bool,
    pub not_after: Moment,
    pub last_seen_at: Option<Moment>,
    pub source: &'static str,
    /// Where another one is trusted beside it.
    pub verdict: Option<Verdict>,
}

/// The provider's metadata by URL.
pub struct ShownMetadata {
    pub url: String,
    pub fetched_at: Option<Moment>,
    pub next: Option<Moment>,
    pub trouble: Option<String>,
}

/// A key of ours.
pub struct ShownKey {
    pub href: String,
    pub label: &'static str,
    pub fingerprint: String,
    pub state: &'static str,
    pub state_word: &'static str,
    pub expires_at: Option<Moment>,
    pub last_used_at: Option<Moment>,
    pub uses: String,
    /// Of one that retires.
    pub verdict: Option<Verdict>,
}

pub struct ShownKeys {
    pub about: &'static str,
    pub keys: Vec<ShownKey>,
    pub has_next: bool,
    /// Whether they are replaced here.
    pub rotates: bool,
}

pub const fn state_word(state: CredentialState) -> &'static str {
    match state {
        CredentialState::Next => "Next",
        CredentialState::Active => "Active",
        CredentialState::Retiring => "Retiring",
        CredentialState::Retired => "Retired",
        CredentialState::Revoked => "Revoked",
    }
}

/// Of SAML only; the living ones first, the newest of them on top.
pub fn certificates(one: &Connection, path: &str, now: OffsetDateTime) -> Option<Vec<ShownCertificate>> {
    let Protocol::Saml(_) = &one.protocol else { return None };
    let several = one.certificates.iter().filter(|certificate| certificate.is_usable()).count() > 1;
    let shown = |certificate: &Certificate| ShownCertificate {
        href: format!("{path}/credentials/certificates/{}", certificate.id),
        key: format!("{} {}", certificate.key_type.to_uppercase(), certificate.key_bits),
        fingerprint: fingerprint(&certificate.sha256),
        short: fingerprint(&certificate.sha256).chars().take(11).collect(),
        state: certificate.state.as_str(),
        state_word: state_word(certificate.state),
        is_usable: certificate.is_usable(),
        not_after: Moment::new(certificate.not_after, now),
        last_seen_at: certificate.last_seen_at.map(|at| Moment::new(at, now)),
        source: match certificate.source {
            certificate::Source::Metadata => "from metadata",
            certificate::Source::File => "from the settings",
            certificate::Source::Manual => "added by hand",
        },
        verdict: certificate.safe_to_retire(&one.certificates, now).filter(|_| several),
    };
    let mut sorted: Vec<&Certificate> = one.certificates.iter().rev().collect();
    sorted.sort_by_key(|certificate| !certificate.is_usable());
    Some(sorted.into_iter().map(shown).collect())
}

/// Of SAML by URL only.
pub fn metadata(one: &Connection, now: OffsetDateTime) -> Option<ShownMetadata> {
    let Protocol::Saml(settings) = &one.protocol else { return None };
    let IdpSource::MetadataUrl { url, .. } = &settings.source else { return None };
    let row = one.refreshing.as_ref();
    Some(ShownMetadata {
        url: url.clone(),
        fetched_at: one.metadata().map(|known| Moment::new(known.fetched_at, now)),
        next: row.filter(|_| one.enabled).map(|row| Moment::new(row.next_refresh_at, now)),
        trouble: row.and_then(|row| row.last_error.clone()),
    })
}

/// Nothing where the connection works with a secret alone. `known`: what is known of the use of all of them.
pub fn keys(one: &Connection, known: &[KnownKey], path: &str, now: OffsetDateTime) -> Option<ShownKeys> {
    let rotates = matches!(one.protocol, Protocol::Saml(_));
    let living = |key: &&Credential| key.kind() == CredentialKind::PrivateKey && key.state.is_published();
    let mut own: Vec<&Credential> = one.credentials.iter().filter(living).collect();
    if own.is_empty() && !rotates {
        return None;
    }
    own.sort_by_key(|key| key.key_use().map(KeyUse::as_str));
    let use_of = |key: &Credential| known.iter().find(|used| used.id == key.id);
    let shown = |key: &Credential| ShownKey {
        last_used_at: use_of(key).and_then(|used| used.last_used_at).map(|at| Moment::new(at, now)),
        uses: moment::uses(use_of(key).map_or(0, |used| used.uses), None),
        verdict: use_of(key).and_then(|used| used.safe_to_retire(known, now)),
        href: format!("{path}/credentials/sp-keys/{}", key.id),
        label: match key.key_use() {
            Some(KeyUse::Signing) => "Signing key",
            Some(KeyUse::Encryption) => "Encryption key",
            None => "Key",
        },
        fingerprint: key
            .public
            .as_ref()
            .and_then(|public| TrustedCertificate::from_der(&public.certificate).ok())
            .map(|certificate| format!("SHA-256 {}", fingerprint(certificate.sha256())))
            .unwrap_or_default(),
        state: key.state.as_str(),
        state_word: state_word(key.state),
        expires_at: key.expires_at.map(|at| Moment::new(at, now)),
    };
    let has_next = own.iter().any(|key| key.state == CredentialState::Next);
    let about = match (rotates, has_next) {
        (true, true) => "The next keys are in our metadata. Let the provider read it before they take over.",
        (true, false) => {
            "They sign our requests and open what is encrypted to us. The next ones stand in our metadata before they take over."
        }
        (false, _) => "By it we prove ourselves; the provider reads its public part from our JWKS URL.",
    };
    Some(ShownKeys { about, keys: own.into_iter().map(shown).collect(), has_next, rotates })
}

/// A certificate that a refused answer was signed with.
pub struct ShownSigner {
    pub fingerprint: String,
    pub subject: String,
    pub from: Moment,
    pub until: Moment,
    pub seen: Moment,
    pub times: i64,
}

/// # Errors
/// the database's.
pub async fn untrusted(
    conn: &mut Conn,
    one: &Connection,
    now: OffsetDateTime,
) -> Result<Vec<ShownSigner>, sqlx::Error> {
    let seen = untrusted::list(conn, &one.slug).await?;
    let shown = seen.into_iter().map(|seen| ShownSigner {
        fingerprint: fingerprint(&seen.signer.sha256),
        subject: seen.signer.subject,
        from: Moment::new(seen.signer.not_before, now),
        until: Moment::new(seen.signer.not_after, now),
        seen: Moment::new(seen.last_seen_at, now),
        times: seen.times,
    });
    Ok(shown.collect())
}
