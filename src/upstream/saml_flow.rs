//! SAML 2.0 Web Browser SSO, service-provider side (SAML profiles §4.1): the request, and the answer through the guard.
//! The answer must be to a request of ours: sign-in begun by the provider is not taken.

use std::sync::Arc;

use time::Duration;
use tokio::sync::Semaphore;

use super::saml::{
    self, AuthnRequest, Binding, Encryption, Policy, Refusal, ResponseInput, SpKey, VerifiedAssertion, WantSigned,
    XmlSec, XmlSignatureEngine,
};
use super::saml_idp::{Idp, Idps};
use super::{Pending, StartHints, Trip, UpstreamError, UpstreamIdentity, authorization_url, saml_sp};
use crate::connection::{Connection, SamlSettings, saml as settings};
use crate::ctx::Ctx;
use crate::oauth::params::Params;
use crate::secret::{Kind, Secret, mint};
use crate::user::IdentityKey;

/// Between their clock and ours.
pub(super) const SKEW: Duration = Duration::minutes(2);
/// Bytes of an attribute that says who somebody is; a NameID has its own limit.
const LONGEST_SUBJECT: usize = 1024;

/// What the protocol keeps between logins.
pub(super) struct Saml {
    pub(super) idps: Idps,
    engine: Arc<dyn XmlSignatureEngine>,
    /// As many checks at a time as there are cores: they take processor time, at anybody's will.
    checks: Arc<Semaphore>,
}

impl Default for Saml {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { idps: Idps::default(), engine: Arc::new(XmlSec::new()), checks: Arc::new(Semaphore::new(cores)) }
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

pub(super) async fn start(
    saml: &Saml,
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    hints: &StartHints,
) -> Result<Trip, UpstreamError> {
    let idp = saml.idps.get(ctx, settings).await?;
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
    let (url, form) = match endpoint.binding {
        Binding::Redirect => (request.redirect_url(Some(state.expose()), key.as_ref()), None),
        Binding::Post => {
            (endpoint.location.clone(), Some(request.post_form(Some(state.expose()), key.as_ref()).fields))
        }
    };
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
    saml: &Saml,
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    pending: &Pending,
    params: &Params,
) -> Result<UpstreamIdentity, UpstreamError> {
    let response = params
        .get("SAMLResponse")
        .ok_or_else(|| UpstreamError::invalid("response_missing", "the form has no SAMLResponse"))?;
    let idp = saml.idps.get(ctx, settings).await?;
    let check = Check {
        response: response.to_owned(),
        entity_id: pending.issuer.clone(),
        sp_entity_id: saml_sp::entity_id(ctx, connection, settings),
        acs_url: ctx.urls.acs(connection.slug.as_str()),
        request_id: pending.nonce.clone(),
        keys: saml_sp::keys(ctx, connection)?,
        policy: policy(settings),
        now: ctx.now(),
    };
    let check = Arc::new(check);
    let mut verified = verify(saml, &check, idp.clone()).await?;
    // The provider may have changed its certificate: its metadata is asked again, but not at everybody's will.
    if let Err(Refusal { reason: "unknown_certificate" | "signature_invalid", .. }) = &verified
        && let Some(newer) = saml.idps.newer_than(ctx, settings, &idp).await
    {
        verified = verify(saml, &check, newer).await?;
    }
    let assertion = verified.map_err(|refusal| UpstreamError::invalid(refusal.reason, refusal.detail))?;
    check_age(&assertion, pending, ctx)?;
    let claims = assertion.claims();
    let subject = subject(settings, &assertion, &claims, &check.sp_entity_id)?;
    let key = IdentityKey { issuer: assertion.issuer.clone(), subject };
    Ok(UpstreamIdentity::of_assertion(key, claims, &assertion, SKEW))
}

/// Everything a check needs, to be taken to another thread.
struct Check {
    response: String,
    entity_id: String,
    sp_entity_id: String,
    acs_url: String,
    request_id: String,
    keys: Vec<SpKey>,
    policy: Policy,
    now: time::OffsetDateTime,
}

async fn verify(
    saml: &Saml,
    check: &Arc<Check>,
    idp: Arc<Idp>,
) -> Result<Result<VerifiedAssertion, Refusal>, UpstreamError> {
    if idp.entity_id != check.entity_id {
        let detail = "the connection's identity provider was changed during the sign-in; start again";
        return Err(UpstreamError::invalid("issuer_changed", detail));
    }
    let check = check.clone();
    saml.checked(move |engine| {
        let keys: Vec<&SpKey> = check.keys.iter().collect();
        let input = ResponseInput {
            saml_response_base64: &check.response,
            idp_entity_id: &idp.entity_id,
            certificates: &idp.certificates,
            sp_entity_id: &check.sp_entity_id,
            acs_url: &check.acs_url,
            expected_request_id: Some(&check.request_id),
            decryption_keys: &keys,
            policy: &check.policy,
            now: check.now,
            skew: SKEW,
        };
        saml::verify_response(&input, engine)
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
        enforce_certificate_dates: false,
    }
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

/// Who the person is at this provider, for good: the NameID, or the attribute that the connection names.
///
/// # Errors
/// `name_id_transient`, `subject_missing`, `subject_malformed`.
fn subject(
    settings: &SamlSettings,
    assertion: &VerifiedAssertion,
    claims: &serde_json::Value,
    sp_entity_id: &str,
) -> Result<String, UpstreamError> {
    let Some(attribute) = &settings.subject else {
        return assertion.name_id.stable_subject(&assertion.issuer, sp_entity_id).ok_or_else(|| {
            let detail = "the NameID is transient: it names another person next time; let the provider send a \
                          persistent one, or name an attribute in the connection's `subject`";
            UpstreamError::invalid("name_id_transient", detail)
        });
    };
    let values = claims[attribute.as_str()].as_array().map(Vec::as_slice).unwrap_or_default();
    let [value] = values else {
        let detail = format!("attribute {attribute} has {} values; the subject needs one", values.len());
        return Err(UpstreamError::invalid("subject_missing", detail));
    };
    let value = value.as_str().map(str::trim).unwrap_or_default();
    if value.is_empty() {
        return Err(UpstreamError::invalid("subject_missing", format!("attribute {attribute} is empty")));
    }
    if value.len() > LONGEST_SUBJECT || value.contains(char::is_control) {
        let detail = format!("attribute {attribute} is too long or holds control characters");
        return Err(UpstreamError::invalid("subject_malformed", detail));
    }
    Ok(value.to_owned())
}
