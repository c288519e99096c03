//! SAML 2.0 Web Browser SSO, service-provider side (SAML profiles §4.1): the request, and the answer through the guard.
//! The answer must be to a request of ours: only such a one becomes an identity.

use std::sync::Arc;

use serde_json::json;
use time::Duration;
use tokio::sync::Semaphore;

use super::credential_uses::CredentialUses;
use super::identity::Once;
use super::saml::{
    self, AuthnRequest, Binding, Encryption, Policy, Refusal, ResponseInput, SpKey, VerifiedAssertion, WantSigned,
    XmlSec, XmlSignatureEngine,
};
use super::saml_idp::{self, Idp};
use super::{
    Pending, StartHints, Trip, UpstreamError, UpstreamIdentity, authorization_url, saml_metadata, saml_sp, saml_subject,
};
use crate::connection::certificate::fingerprint;
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, SamlSettings, saml as settings, untrusted};
use crate::ctx::Ctx;
use crate::ids::CredentialId;
use crate::oauth::params::Params;
use crate::secret::{Kind, Secret, mint};
use crate::trace::{Recording, Word};
use crate::user::IdentityKey;

/// Between their clock and ours.
pub(super) const SKEW: Duration = Duration::minutes(2);

/// What the protocol keeps between logins.
pub(super) struct Saml {
    engine: Arc<dyn XmlSignatureEngine>,
    /// As many checks at a time as there are cores: they take processor time, at anybody's will.
    checks: Arc<Semaphore>,
}

impl Default for Saml {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { engine: Arc::new(XmlSec::new()), checks: Arc::new(Semaphore::new(cores)) }
    }
}

impl Saml {
    /// Does `work` on a thread that may be busy, when it is its turn.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn checked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn XmlSignatureEngine) -> T + Send + 'static,
    ) -> Result<T, UpstreamError> {
        let broken = |detail: &str| UpstreamError::unavailable("the check of the answer", detail);
        let permit = self.checks.clone().acquire_owned().await.map_err(|_| broken("the broker is shutting down"))?;
        let engine = self.engine.clone();
        let work = move || {
            // held until the work is done, even when nobody waits for it any more
            let _permit = permit;
            work(engine.as_ref())
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| broken("it ended unexpectedly; please report this"))
    }
}

/// # Errors
/// as for a sign-in; where metadata is fetched, also when it cannot be had now or is not taken.
pub(super) async fn check(ctx: &Ctx, connection: &Connection, settings: &SamlSettings) -> Result<(), UpstreamError> {
    let IdpSource::MetadataUrl { url, signed_by, .. } = &settings.source else {
        return saml_idp::of(connection, settings).map(drop);
    };
    let fetched = saml_metadata::fetch(ctx, settings, url, signed_by.as_deref(), None).await;
    fetched.map(drop).map_err(|failure| UpstreamError::unavailable("the provider's metadata", failure.to_string()))
}

pub(super) fn start(
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    hints: &StartHints,
) -> Result<Trip, UpstreamError> {
    let idp = saml_idp::of(connection, settings)?;
    let endpoint = &idp.single_sign_on;
    authorization_url::endpoint(&ctx.http, &endpoint.location)?;
    let state = mint(Kind::UpstreamState, &ctx.rng);
    let id = saml::new_id(&ctx.rng);
    let anew = hints.prompt.as_deref().is_some_and(|prompt| prompt.split(' ').any(|word| word == "login"));
    let request = AuthnRequest {
        id: &id,
        issue_instant: ctx.now(),
        issuer: &saml_sp::entity_id(ctx, connection, settings),
        destination: &endpoint.location,
        acs_url: &ctx.urls.acs(connection.slug.as_str()),
        // SAML has no age to ask for, so whoever limits it gets a new sign-in
        force_authn: settings.force_authn || anew || hints.max_age.is_some(),
        is_passive: false,
        name_id_format: settings.name_id_format.as_deref(),
        requested_authn_context: &settings.requested_authn_context,
    };
    let key = if settings.sign_requests { Some(saml_sp::signing_key(ctx, connection)?) } else { None };
    let (mut url, form) = match endpoint.binding {
        Binding::Redirect => (request.redirect_url(Some(state.expose()), key.as_ref()), None),
        Binding::Post => {
            (endpoint.location.clone(), Some(request.post_form(Some(state.expose()), key.as_ref()).fields))
        }
    };
    if let Some(hint) = hints.login_hint.as_deref().filter(|_| settings.send_login_hint) {
        url = with_login_hint(&url, hint);
    }
    Ok(Trip {
        url,
        form,
        issuer: idp.entity_id.clone(),
        state,
        nonce: id,
        pkce_verifier: Secret::new(String::new()),
        max_age: hints.max_age,
    })
}

pub(super) async fn finish(
    (saml, uses): (&Saml, &CredentialUses),
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    (pending, params): (&Pending, &Params),
    trace: &Recording,
) -> Result<UpstreamIdentity, UpstreamError> {
    trace.begin(Word::Metadata);
    let idp = saml_idp::of(connection, settings)?;
    let trusted: Vec<_> = idp.certificates.iter().map(saml::TrustedCertificate::sha256).collect();
    trace.passed(
        Word::Metadata,
        json!({ "entity_id": idp.entity_id, "sso_url": idp.single_sign_on.location, "trusted_certificates": trusted }),
    );
    trace.begin(Word::AnswerVerified);
    trace.evidence(json!({
        "in_response_to": pending.nonce,
        "audience": saml_sp::entity_id(ctx, connection, settings),
        "recipient": ctx.urls.acs(connection.slug.as_str()),
    }));
    let asked = Some(Asked { entity_id: pending.issuer.clone(), request_id: pending.nonce.clone() });
    let assertion = vouched((saml, uses), ctx, connection, settings, params, asked).await?;
    check_age(&assertion, pending, ctx)?;
    let claims = assertion.claims();
    let sp_entity_id = saml_sp::entity_id(ctx, connection, settings);
    let subject = saml_subject::of(settings, &assertion, &claims, &sp_entity_id)?;
    let key = IdentityKey { issuer: assertion.issuer.clone(), subject };
    trace.passed(Word::AnswerVerified, saml_subject::evidence(&assertion, &key));
    trace.passed(Word::Claims, json!({ "claims": claims }));
    let identity = UpstreamIdentity::of_assertion(key, claims, &assertion, SKEW);
    let session_ends = assertion.session_not_on_or_after.filter(|_| settings.end_with_idp_session);
    Ok(identity.until(session_ends.map(|end| end + SKEW)))
}

/// An answer to no request of ours, held against everything that an answer is held against. What comes of it is not an
/// identity: nobody is signed in by it.
pub(super) async fn unsolicited(
    (saml, uses): (&Saml, &CredentialUses),
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    params: &Params,
) -> Result<Once, UpstreamError> {
    let assertion = vouched((saml, uses), ctx, connection, settings, params, None).await?;
    Ok(Once { id: assertion.assertion_id.clone(), until: assertion.not_on_or_after + SKEW })
}

/// Whether an answer claims to answer a request at all. Nothing of it is believed; what cannot be read claims nothing.
pub(super) async fn is_unsolicited(saml: &Saml, params: &Params) -> bool {
    let Some(response) = params.get("SAMLResponse").map(str::to_owned) else { return false };
    let Ok(permit) = saml.checks.clone().acquire_owned().await else { return false };
    let look = move || {
        let _permit = permit;
        saml::is_unsolicited(&response)
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// The request that an answer must be to.
struct Asked {
    entity_id: String,
    request_id: String,
}

async fn vouched(
    (saml, uses): (&Saml, &CredentialUses),
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    params: &Params,
    asked: Option<Asked>,
) -> Result<VerifiedAssertion, UpstreamError> {
    let response = params
        .get("SAMLResponse")
        .ok_or_else(|| UpstreamError::invalid("response_missing", "the form has no SAMLResponse"))?;
    let idp = saml_idp::of(connection, settings)?;
    let (entity_id, request_id) = match asked {
        Some(asked) => (asked.entity_id, Some(asked.request_id)),
        None => (idp.entity_id.clone(), None),
    };
    let check = Check {
        response: response.to_owned(),
        entity_id,
        sp_entity_id: saml_sp::entity_id(ctx, connection, settings),
        acs_url: ctx.urls.acs(connection.slug.as_str()),
        request_id,
        keys: saml_sp::decryption_keys(ctx, connection)?,
        policy: policy(settings),
        now: ctx.now(),
    };
    let vouched = verify(saml, check, idp).await?;
    let (assertion, opened_by) = vouched.map_err(|refusal| refused(refusal, connection, settings))?;
    if let Some(key) = opened_by {
        uses.note(&key, ctx.now());
    }
    Ok(assertion)
}

/// Beside the message, which names the address without it, and outside its signature.
fn with_login_hint(url: &str, hint: &str) -> String {
    let hint = url::form_urlencoded::Serializer::new(String::new()).append_pair("login_hint", hint).finish();
    format!("{url}{}{hint}", if url.contains('?') { '&' } else { '?' })
}

/// Everything a check needs, to be taken to another thread.
struct Check {
    response: String,
    entity_id: String,
    sp_entity_id: String,
    acs_url: String,
    request_id: Option<String>,
    keys: Vec<(CredentialId, SpKey)>,
    policy: Policy,
    now: time::OffsetDateTime,
}

/// With the key of ours that it was encrypted to.
type Vouched = (VerifiedAssertion, Option<CredentialId>);

async fn verify(saml: &Saml, check: Check, idp: Idp) -> Result<Result<Vouched, Refusal>, UpstreamError> {
    if idp.entity_id != check.entity_id {
        let detail = "the connection's identity provider was changed during the sign-in; start again";
        return Err(UpstreamError::invalid("issuer_changed", detail));
    }
    saml.checked(move |engine| {
        let keys: Vec<&SpKey> = check.keys.iter().map(|(_, key)| key).collect();
        let input = ResponseInput {
            saml_response_base64: &check.response,
            idp_entity_id: &idp.entity_id,
            certificates: &idp.certificates,
            sp_entity_id: &check.sp_entity_id,
            acs_url: &check.acs_url,
            expected_request_id: check.request_id.as_deref(),
            decryption_keys: &keys,
            policy: &check.policy,
            now: check.now,
            skew: SKEW,
        };
        let assertion = saml::verify_response(&input, engine)?;
        let opened = check.keys.iter().find(|(_, key)| key.has_opened());
        Ok((assertion, opened.map(|(id, _)| id.clone())))
    })
    .await
}

fn policy(settings: &SamlSettings) -> Policy {
    Policy {
        want_signed: match settings.want_signed {
            settings::WantSigned::Response => WantSigned::Response,
            settings::WantSigned::Assertion => WantSigned::Assertion,
            settings::WantSigned::Either => WantSigned::Either,
            settings::WantSigned::Both => WantSigned::Both,
        },
        encryption: match settings.encryption {
            settings::Encryption::Never => Encryption::Never,
            settings::Encryption::Allow => Encryption::Allow,
            settings::Encryption::Require => Encryption::Require,
        },
        requested_authn_context: settings.requested_authn_context.clone(),
        enforce_certificate_dates: settings.enforce_certificate_dates,
    }
}

/// A certificate that is not trusted comes with the way to trust it: this is what operators are called for.
pub(super) fn refused(refusal: Refusal, connection: &Connection, settings: &SamlSettings) -> UpstreamError {
    let Some(sha256) = refusal.signer_sha256.filter(|_| refusal.reason == "unknown_certificate") else {
        return UpstreamError::invalid(refusal.reason, refusal.detail);
    };
    let slug = &connection.slug;
    let by_hand = format!("`avouch connection certificates add {slug} FILE`");
    let known = connection.certificates.iter().find(|certificate| certificate.sha256 == sha256);
    let what_to_do = match (&settings.source, known.and_then(|certificate| certificate.retired)) {
        (_, Some((at, by))) => {
            format!("it was retired at {at} ({}); if that was a mistake, trust it again with {by_hand}", by.as_str())
        }
        (IdpSource::MetadataUrl { trust: true, .. }, None) => format!(
            "its metadata does not name it. If it is the provider's new certificate, let it be published there and run \
             `avouch connection refresh {slug}`, or add it with {by_hand}"
        ),
        (IdpSource::MetadataUrl { .. }, None) => format!(
            "new certificates in its metadata are not trusted by themselves (trust_metadata: false). Compare the \
             fingerprint with the provider's administrator, then add it with {by_hand}"
        ),
        _ => format!(
            "if it is the provider's new certificate, add it with {by_hand}, or put it into the resource file beside \
             the old one and apply that"
        ),
    };
    let detail = format!(
        "your IdP signed with certificate SHA-256 {}, which is not trusted: {what_to_do}",
        fingerprint(&sha256)
    );
    let signer = refusal.signer.as_deref().map(untrusted::Signer::from).map(Box::new);
    UpstreamError::UnknownCertificate { sha256, detail, signer }
}

/// Downstream's `max_age`, as an OpenID provider would keep it.
fn check_age(assertion: &VerifiedAssertion, pending: &Pending, ctx: &Ctx) -> Result<(), UpstreamError> {
    match pending.max_age {
        Some(most) if ctx.now() - assertion.authn_instant > Duration::seconds(most.into()) + SKEW => {
            let detail = format!("the person signed in more than {most} seconds ago (AuthnInstant)");
            Err(UpstreamError::invalid("auth_time_too_old", detail))
        }
        _ => Ok(()),
    }
}
