//! Talking to an upstream: [`Upstreams::start`] makes the trip, [`Upstreams::finish`] turns its return into an
//! [`UpstreamIdentity`]. Owns discovery and key caches. It writes nothing to the database and decides nothing about users.
//!
//! Every failure has one word that never changes, for audit, trace and metrics ([`UpstreamError::reason`]):
//!
//! | word | what happened |
//! |---|---|
//! | `unavailable` | the provider cannot be reached or its answer cannot be read |
//! | `refused` | the provider answered with an error of its own, such as `access_denied` |
//! | `issuer_changed` | the connection's issuer was changed while the person was away |
//! | `iss_parameter_missing`, `iss_parameter_mismatch` | RFC 9207: the response does not name the issuer, or names another |
//! | `code_missing` | the response has neither a code nor an error |
//! | `id_token_missing`, `id_token_malformed` | the token answer holds no ID token, or one that cannot be read |
//! | `header_not_supported` | the ID token is encrypted, of another `typ`, or has `crit` |
//! | `alg_not_allowed` | it is signed with `none`, HS* or something unknown |
//! | `unknown_key`, `ambiguous_key` | its `kid` is not in the JWK set (refetched), or does not choose one key |
//! | `signature_invalid` | the signature does not hold |
//! | `issuer_mismatch`, `audience_mismatch`, `azp_mismatch` | it is by or for somebody else |
//! | `expired`, `issued_in_future`, `not_yet_valid` | `exp`, `iat`, `nbf`, beyond 60 s of skew |
//! | `nonce_mismatch` | it answers another request |
//! | `auth_time_missing`, `auth_time_too_old` | `max_age` was asked for and not kept |
//! | `subject_missing`, `subject_malformed`, `subject_too_long` | `sub` is absent, holds control characters, or has more than 255 bytes |
//! | `tid_missing`, `oid_missing` | Entra: the tenant or object id is absent |
//! | `tenant_not_allowed` | Entra: the tenant is not in the connection's `tenants` |
//! | `subject_changed` | a refresh brought an ID token about somebody else |
//! | `userinfo_subject_mismatch` | UserInfo speaks of another person |
//! | `groups_left_out` | SAML: the person is in more groups than the assertion holds |
//! | `groups_unavailable`, `groups_forbidden` | Entra: more groups than the token holds, and the directory does not tell them |
//! | `tenants_missing` | configuration: a multi-tenant issuer without `tenants` |
//! | `discovery_issuer_mismatch` | configuration: the discovery document names another issuer |
//! | `endpoint_invalid` | configuration: an endpoint is no URL we may send anybody to |
//! | `credential_missing`, `credential_unreadable` | configuration: no active secret or key, or it does not open |
//! | `issuer_key_missing` | configuration: our own issuer has no RS256 key, which a federated credential needs |
//! | `invalid_client` | the token endpoint does not accept our credential |
//! | `code_spent` | it did not, and had used up the code when another one of ours was shown |
//! | `response_missing` | SAML: the form has no response |
//! | `unsolicited` | SAML: it answers no request of ours, and the connection takes no such answer |
//! | `unknown_certificate` | SAML: signed with a certificate that is not trusted |
//! | `name_id_transient` | SAML: the NameID is another one next time, and no attribute says who the person is |
//! | `metadata_invalid` | configuration: stored SAML metadata, or what was entered by hand, cannot work |
//!
//! A SAML answer is refused with one of the words in [`saml`] as well.

mod answer;
mod authorization_url;
mod cache;
mod client_assertion;
mod code_flow;
mod credential_uses;
mod discovery;
mod end_session;
mod federated_credential;
pub mod group_overage;
mod identity;
mod issuer;
mod jwks;
mod logout;
mod logout_token;
mod oidc;
mod proof;
mod published_keys;
pub(crate) mod quoted;
mod renewal;
pub mod saml;
mod saml_flow;
mod saml_idp;
mod saml_logout;
pub mod saml_metadata;
mod saml_sp;
mod saml_subject;
mod secret_trial;
mod standby;
mod token_request;
mod trip;
mod userinfo;

pub use federated_credential::{AUDIENCE as FEDERATED_AUDIENCE, subject as federated_subject};
pub use identity::{Once, UpstreamIdentity};
pub use logout::{Departure, LogoutNotice, Onward, SamlMessage};
pub use published_keys::KeysAt;
pub use renewal::{Renewal, Renewed};
pub use secret_trial::{Rehearsed, SecretTrial};
pub use standby::{StoodIn, WINDOW as STANDBY_WINDOW};
pub use trip::{Pending, StartHints, Trip};

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::connection::credential::handover::store::Used;
use crate::connection::version::{self, Surface};
use crate::connection::{Connection, Credential, KeyUse, OidcSettings, Protocol, untrusted};
use crate::ctx::Ctx;
use crate::ids::CredentialId;
use crate::jose::JwkSet;
use crate::oauth::params::Params;
use crate::secret::Secret;
use crate::signing_key::KeySet;
use crate::trace::Recording;

/// What is remembered of providers between logins. One per process.
#[derive(Default)]
pub struct Upstreams {
    discovery: discovery::Documents,
    jwks: jwks::KeySets,
    saml: saml_flow::Saml,
    published_keys: published_keys::PublishedKeys,
    /// By which our own issuer vouches for us where a provider takes that.
    own_keys: ArcSwapOption<KeySet>,
    standbys: standby::Standbys,
    uses: credential_uses::CredentialUses,
    graph_tokens: group_overage::GraphTokens,
}

impl Upstreams {
    pub fn new() -> Self {
        Self::default()
    }

    /// The signing keys of our own issuer, from now on.
    pub fn sign_with(&self, keys: Arc<KeySet>) {
        self.own_keys.store(Some(keys));
    }

    /// Makes the trip to the provider: where to send the browser, and what to remember until it comes back.
    ///
    /// # Errors
    /// `Unavailable` when discovery fails, `Misconfigured` when the connection's settings cannot work.
    pub async fn start(&self, ctx: &Ctx, connection: &Connection, hints: &StartHints) -> Result<Trip, UpstreamError> {
        match &connection.protocol {
            Protocol::Oidc(settings) => code_flow::start(self, ctx, connection, settings, hints).await,
            Protocol::Saml(settings) => {
                let trip = saml_flow::start(ctx, connection, settings, hints)?;
                if settings.sign_requests {
                    self.note_signed(ctx, connection);
                }
                Ok(trip)
            }
        }
    }

    /// A SAML message was signed. Whether anybody verifies it is not told to us.
    fn note_signed(&self, ctx: &Ctx, connection: &Connection) {
        if let Some(key) = connection.active_key(KeyUse::Signing) {
            self.uses.note(&key.id, ctx.now());
        }
    }

    /// Turns the browser's return into a verified identity. The caller has matched `state` to `pending` already and
    /// holds no database connection. Each step is told to `trace`.
    ///
    /// # Errors
    /// Every [`UpstreamError`].
    pub async fn finish(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        pending: &Pending,
        params: &Params,
        trace: &Recording,
    ) -> Result<UpstreamIdentity, UpstreamError> {
        match &connection.protocol {
            Protocol::Oidc(settings) => {
                code_flow::finish(self, ctx, connection, settings, (pending, params), trace).await
            }
            Protocol::Saml(settings) => {
                saml_flow::finish((&self.saml, &self.uses), ctx, connection, settings, (pending, params), trace).await
            }
        }
    }

    /// Holds a SAML answer to no request of ours against everything else an answer is held against. It is no identity: it
    /// may begin a sign-in, never be one.
    ///
    /// # Errors
    /// Every [`UpstreamError`]; `unsolicited` where the connection does not take such answers.
    pub async fn unsolicited(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        params: &Params,
    ) -> Result<Once, UpstreamError> {
        match &connection.protocol {
            Protocol::Saml(settings) if settings.allow_idp_initiated => {
                saml_flow::unsolicited((&self.saml, &self.uses), ctx, connection, settings, params).await
            }
            _ => Err(UpstreamError::invalid("unsolicited", "the connection takes answers to our own requests only")),
        }
    }

    /// Whether a SAML answer claims to be one to a request at all. It may be anybody's word.
    pub async fn is_unsolicited(&self, params: &Params) -> bool {
        saml_flow::is_unsolicited(&self.saml, params).await
    }

    /// Whether discovery and keys can be had now; asks the provider, not the caches.
    ///
    /// # Errors
    /// `Unavailable` or `Misconfigured`.
    pub async fn check(&self, ctx: &Ctx, connection: &Connection) -> Result<(), UpstreamError> {
        match &connection.protocol {
            Protocol::Oidc(settings) => {
                let provider = discovery::fetch(ctx, settings).await?;
                jwks::fetch(ctx, &provider.jwks_uri).await.map(drop)
            }
            Protocol::Saml(settings) => saml_flow::check(ctx, connection, settings).await,
        }
    }

    /// What the provider's discovery document says now, past caches and what is approved.
    ///
    /// # Errors
    /// `Unavailable` or `Misconfigured`.
    pub async fn surface(&self, ctx: &Ctx, settings: &OidcSettings) -> Result<Surface, UpstreamError> {
        discovery::fetch(ctx, settings).await
    }

    /// Which keys stand at this `jwks_uri` now, past the cache.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn key_names(&self, ctx: &Ctx, jwks_uri: &str) -> Result<version::Keys, UpstreamError> {
        jwks::fetch(ctx, jwks_uri).await.map(|set| set.names())
    }

    /// Whether the provider takes this client secret, which need not be stored. Nobody signs in by it.
    pub async fn try_secret(&self, ctx: &Ctx, connection: &Connection, secret: &Secret<String>) -> SecretTrial {
        self.rehearse_value(ctx, connection, secret).await.trial
    }

    /// The same with how it was found out.
    pub async fn rehearse_value(&self, ctx: &Ctx, connection: &Connection, secret: &Secret<String>) -> Rehearsed {
        secret_trial::of(self, ctx, connection, secret_trial::Candidate::Secret(secret)).await
    }

    /// The same of a stored credential, secret or key, whatever its state, with how it was found out.
    pub async fn rehearse(&self, ctx: &Ctx, connection: &Connection, credential: &Credential) -> Rehearsed {
        secret_trial::of(self, ctx, connection, secret_trial::Candidate::Stored(credential)).await
    }

    /// Whether the provider takes statements signed with this key of ours, and none signed with another.
    pub async fn try_key(&self, ctx: &Ctx, connection: &Connection, key: &Credential) -> SecretTrial {
        self.rehearse(ctx, connection, key).await.trial
    }

    /// Which credentials were taken since the last time that somebody asked; of SAML keys, which signed a message, or opened
    /// an answer that was believed.
    pub fn take_uses(&self) -> Vec<(CredentialId, Used)> {
        self.uses.take()
    }

    /// Where one stood in for another since the last time that somebody asked.
    pub fn take_stood_in(&self) -> Vec<StoodIn> {
        self.standbys.take()
    }

    /// The keys that a client or a trusted issuer publishes, to verify what it signed.
    ///
    /// # Errors
    /// `Unavailable`; `discovery_issuer_mismatch`.
    pub async fn published_keys(&self, ctx: &Ctx, at: KeysAt<'_>) -> Result<Arc<JwkSet>, UpstreamError> {
        self.published_keys.get(ctx, at).await
    }

    /// Newer ones than `tried`, which lack one; `None` when they were fetched anew within the last minute.
    ///
    /// # Errors
    /// As [`Upstreams::published_keys`].
    pub async fn newer_published_keys(
        &self,
        ctx: &Ctx,
        at: KeysAt<'_>,
        tried: &Arc<JwkSet>,
    ) -> Result<Option<Arc<JwkSet>>, UpstreamError> {
        self.published_keys.newer_than(ctx, at, tried).await
    }

    /// Our SAML metadata for this connection; `None` where it speaks another protocol.
    ///
    /// # Errors
    /// `credential_unreadable`.
    pub fn sp_metadata(&self, ctx: &Ctx, connection: &Connection) -> Result<Option<String>, UpstreamError> {
        match &connection.protocol {
            Protocol::Oidc(_) => Ok(None),
            Protocol::Saml(settings) => saml_sp::metadata(ctx, connection, settings).map(Some),
        }
    }
}

/// Why an upstream could not vouch. One cause, one word in audit and trace, one sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be reached or answers nonsense: nobody's fault who signs in.
    #[error("{what}: {detail}")]
    Unavailable { what: &'static str, detail: String },
    /// It said no: `access_denied` and the like (RFC 6749 §4.1.2.1). Both texts are bounded and free of control
    /// characters, but they are the provider's.
    #[error("the provider answered {error}: {description}")]
    Refused { error: String, description: String },
    /// Its answer does not hold: signature, nonce, audience and so on. `reason` is the audit word.
    #[error("{reason}: {detail}")]
    Invalid { reason: &'static str, detail: String },
    /// SAML: signed with a certificate that is not trusted, and that the answer itself carries (lower-case hex of its
    /// SHA-256). `detail` says how to trust it. `signer`: that certificate, where the signature holds under it.
    #[error("unknown_certificate: {detail}")]
    UnknownCertificate { sha256: String, detail: String, signer: Option<Box<untrusted::Signer>> },
    /// Our side of the connection is wrong: credential missing or refused, issuer or tenants not as they should be.
    #[error("{reason}: {detail}")]
    Misconfigured { reason: &'static str, detail: String },
}

impl UpstreamError {
    /// The audit word: see the table at the head of this module.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Refused { .. } => "refused",
            Self::UnknownCertificate { .. } => "unknown_certificate",
            Self::Invalid { reason, .. } | Self::Misconfigured { reason, .. } => reason,
        }
    }

    /// Whether a SAML provider that has changed its certificates would look like this.
    pub fn is_about_certificates(&self) -> bool {
        matches!(self.reason(), "unknown_certificate" | "signature_invalid" | "no_certificate")
    }

    fn unavailable(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Unavailable { what, detail: detail.into() }
    }

    fn invalid(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid { reason, detail: detail.into() }
    }

    fn misconfigured(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::Misconfigured { reason, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests;
