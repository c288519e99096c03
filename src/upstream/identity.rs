//! The evidence of a verified sign-in, and who the person is at the upstream: issuer and subject, never an e-mail address.

use serde_json::Value;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::UpstreamError;
use super::saml::VerifiedAssertion;
use crate::connection::{Connection, Preset};
use crate::secret::Secret;
use crate::session::upstream_grant::Kept;
use crate::session::{NameIdAttributes, UpstreamSession};
use crate::user::IdentityKey;

/// OIDC Core §2: a subject has at most 255 ASCII characters.
const LONGEST_SUBJECT: usize = 255;

/// Evidence of a verified sign-in at an upstream. Only this module's protocols can make one.
#[derive(Clone, Debug)]
pub struct UpstreamIdentity {
    key: IdentityKey,
    claims: Value,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Vec<String>,
    session: UpstreamSession,
    id_token: Option<Secret<String>>,
    kept: Option<Kept>,
    once: Option<Once>,
    session_ends: Option<OffsetDateTime>,
    signed_by: Option<String>,
}

/// A proof that counts once, although it would hold a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Unique within the connection.
    pub id: String,
    /// It does not hold any more from here on.
    pub until: OffsetDateTime,
}

impl UpstreamIdentity {
    pub fn key(&self) -> &IdentityKey {
        &self.key
    }
    /// ID token and UserInfo merged; the ID token wins.
    pub fn claims(&self) -> &Value {
        &self.claims
    }
    /// When the person really signed in there (seconds since the epoch), if the provider says so.
    pub fn auth_time(&self) -> Option<i64> {
        self.auth_time
    }
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }
    pub fn amr(&self) -> &[String] {
        &self.amr
    }
    /// The provider's own session, for signing out.
    pub fn session(&self) -> &UpstreamSession {
        &self.session
    }
    /// OIDC: the token itself, which the provider wants to see at sign-out (id_token_hint).
    pub fn id_token(&self) -> Option<&Secret<String>> {
        self.id_token.as_ref()
    }

    /// OIDC: what the provider gave to ask it again with.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// The same evidence, with what the provider's directory says beside its token.
    pub fn completed(self, claims: Value) -> Self {
        Self { claims, ..self }
    }

    pub(super) fn renewable(self, refresh_token: Option<Secret<String>>, claims: Value) -> Self {
        Self { kept: refresh_token.map(|refresh_token| Kept { refresh_token, claims }), ..self }
    }

    /// What must be remembered with the sign-in, so that it cannot be repeated (SAML profiles §4.1.4.5).
    pub fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    /// When the provider's own session is over and a session here should be as well.
    pub fn session_ends(&self) -> Option<OffsetDateTime> {
        self.session_ends
    }

    pub(super) fn until(self, session_ends: Option<OffsetDateTime>) -> Self {
        Self { session_ends, ..self }
    }

    /// SAML: which of the connection's certificates vouches (lower-case hex of its SHA-256).
    pub fn signed_by(&self) -> Option<&str> {
        self.signed_by.as_deref()
    }

    /// From an assertion that was verified; `skew` is what was forgiven its times.
    pub(super) fn of_assertion(key: IdentityKey, claims: Value, verified: &VerifiedAssertion, skew: Duration) -> Self {
        Self {
            key,
            claims,
            auth_time: Some(verified.authn_instant.unix_timestamp()),
            acr: verified.authn_context_class_ref.clone(),
            amr: Vec::new(),
            session: UpstreamSession {
                issuer: verified.issuer.clone(),
                subject: verified.name_id.value.clone(),
                name_id: Some(NameIdAttributes {
                    format: verified.name_id.format.clone(),
                    name_qualifier: verified.name_id.name_qualifier.clone(),
                    sp_name_qualifier: verified.name_id.sp_name_qualifier.clone(),
                }),
                sids: verified.session_indexes.clone(),
            },
            id_token: None,
            kept: None,
            once: Some(Once { id: verified.assertion_id.clone(), until: verified.not_on_or_after + skew }),
            session_ends: None,
            signed_by: Some(verified.signed_by_sha256.clone()),
        }
    }

    /// From the claims of an ID token whose verification has succeeded, the token, and what UserInfo adds to its claims.
    pub(super) fn of_verified(key: IdentityKey, id_token: &Value, raw: Secret<String>, merged: Value) -> Self {
        let plain = |text: &&str| text.len() <= LONGEST_SUBJECT && !text.contains(char::is_control);
        let text = |name: &str| id_token[name].as_str().filter(plain).map(str::to_owned);
        let amr = id_token["amr"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(plain)
            .take(16)
            .map(str::to_owned)
            .collect();
        // Entra's key is not its `sub`, but logout tokens name the `sub`
        let session = UpstreamSession {
            issuer: key.issuer.clone(),
            subject: text("sub").unwrap_or_default(),
            name_id: None,
            sids: text("sid").into_iter().collect(),
        };
        Self {
            key,
            claims: merged,
            auth_time: id_token["auth_time"].as_f64().map(|seconds| seconds as i64),
            acr: text("acr"),
            amr,
            session,
            id_token: Some(raw),
            kept: None,
            once: None,
            session_ends: None,
            signed_by: None,
        }
    }
}

/// `iss` and `sub`; for Entra `iss` (which names the tenant) and `oid`, because an Entra `sub` differs from application
/// to application, so that a new registration would make everybody a stranger.
///
/// # Errors
/// `subject_missing`, `oid_missing`, `subject_malformed`, `subject_too_long`.
pub(super) fn key(connection: &Connection, id_token: &Value) -> Result<IdentityKey, UpstreamError> {
    let text = |name: &str| id_token[name].as_str().filter(|text| !text.is_empty());
    let issuer = text("iss").unwrap_or_default().to_owned();
    let subject = if is_entra(connection, &issuer) {
        text("oid").ok_or_else(|| {
            UpstreamError::invalid(
                "oid_missing",
                "the ID token has no object id (oid), which is who the person is in Entra",
            )
        })
    } else {
        text("sub")
            .ok_or_else(|| UpstreamError::invalid("subject_missing", "the ID token does not say who signed in (sub)"))
    }?;
    if subject.contains(char::is_control) {
        return Err(UpstreamError::invalid("subject_malformed", "the subject holds control characters"));
    }
    if subject.len() > LONGEST_SUBJECT {
        let detail = format!("the subject has {} bytes; at most {LONGEST_SUBJECT} are allowed", subject.len());
        return Err(UpstreamError::invalid("subject_too_long", detail));
    }
    Ok(IdentityKey { issuer, subject: subject.to_owned() })
}

pub(super) fn is_entra(connection: &Connection, issuer: &str) -> bool {
    const HOSTS: [&str; 3] =
        ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];
    connection.preset == Some(Preset::Entra)
        || Url::parse(issuer).is_ok_and(|url| url.host_str().is_some_and(|host| HOSTS.contains(&host)))
}
