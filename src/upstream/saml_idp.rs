//! What is known of a SAML identity provider: its name, where to send people, and the certificates that vouch. From
//! metadata fetched when first needed, from metadata that was stored, or entered by hand.

use std::sync::Arc;

use super::UpstreamError;
use super::cache::Cache;
use super::saml::{self, Binding, Endpoint, TrustedCertificate, read_idp_metadata};
use crate::connection::SamlSettings;
use crate::connection::saml::{IdpSource, SsoBinding};
use crate::ctx::Ctx;

const WHAT: &str = "the provider's metadata";

/// What a connection trusts and uses.
#[derive(Debug)]
pub(super) struct Idp {
    pub(super) entity_id: String,
    pub(super) single_sign_on: Endpoint,
    pub(super) single_logout: Option<Endpoint>,
    pub(super) certificates: Vec<TrustedCertificate>,
}

/// Fetched metadata, by URL and pinned entity id.
#[derive(Default)]
pub(super) struct Idps(Cache<Idp>);

impl Idps {
    /// # Errors
    /// `Unavailable` when metadata cannot be had, `metadata_invalid` when what was stored or entered cannot work.
    pub(super) async fn get(&self, ctx: &Ctx, settings: &SamlSettings) -> Result<Arc<Idp>, UpstreamError> {
        match &settings.source {
            IdpSource::MetadataUrl { url } => {
                self.0.get(&key(url, settings), ctx.now(), fetch(ctx, url, settings)).await
            }
            _ => stored(settings).map(Arc::new),
        }
    }

    /// Metadata other than `tried`, fetched at most once a minute. `None`: there is nothing newer to be had.
    pub(super) async fn newer_than(&self, ctx: &Ctx, settings: &SamlSettings, tried: &Arc<Idp>) -> Option<Arc<Idp>> {
        let IdpSource::MetadataUrl { url } = &settings.source else { return None };
        let fetched = self.0.other_than(&key(url, settings), tried, ctx.now(), fetch(ctx, url, settings)).await;
        // the refusal that made us look is what counts, not that looking failed
        fetched.ok().flatten().filter(|newer| newer.certificates != tried.certificates)
    }
}

fn key(url: &str, settings: &SamlSettings) -> String {
    format!("{url} {}", settings.entity_id.as_deref().unwrap_or_default())
}

/// Past the cache.
///
/// # Errors
/// as [`Idps::get`].
pub(super) async fn current(ctx: &Ctx, settings: &SamlSettings) -> Result<Idp, UpstreamError> {
    match &settings.source {
        IdpSource::MetadataUrl { url } => fetch(ctx, url, settings).await,
        _ => stored(settings),
    }
}

async fn fetch(ctx: &Ctx, url: &str, settings: &SamlSettings) -> Result<Idp, UpstreamError> {
    let failed = |detail: String| UpstreamError::unavailable(WHAT, detail);
    let request = http::Request::get(url)
        .header(http::header::ACCEPT, "application/samlmetadata+xml, application/xml, text/xml")
        .body(Vec::new())
        .map_err(|_| failed("its address is not a URL".into()))?;
    let response = ctx.http.send(request).await.map_err(|error| failed(error.to_string()))?;
    if response.status() != http::StatusCode::OK {
        return Err(failed(format!("the provider answered with status {}", response.status().as_u16())));
    }
    let metadata = read_idp_metadata(response.body(), settings.entity_id.as_deref(), None)
        .map_err(|refusal| failed(refusal.to_string()))?;
    // A date that lapsed is the provider's oversight; locking everybody out would not mend it.
    if metadata.valid_until.is_some_and(|until| until <= ctx.now()) {
        tracing::warn!(entity_id = metadata.entity_id, "the identity provider's metadata is past its validUntil");
    }
    of_metadata(metadata)
}

fn stored(settings: &SamlSettings) -> Result<Idp, UpstreamError> {
    let invalid = |detail: String| UpstreamError::misconfigured("metadata_invalid", detail);
    match &settings.source {
        IdpSource::MetadataUrl { .. } => Err(invalid("the metadata is fetched, not stored".into())),
        IdpSource::Metadata { xml } => of_metadata(
            read_idp_metadata(xml.as_bytes(), settings.entity_id.as_deref(), None)
                .map_err(|refusal| invalid(refusal.to_string()))?,
        ),
        IdpSource::Manual { sso_url, sso_binding, certificates } => {
            let read = |text: &String| TrustedCertificate::from_text(text).map_err(|error| invalid(error.to_string()));
            let certificates = certificates.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let Some(entity_id) = settings.entity_id.clone().filter(|_| !certificates.is_empty()) else {
                return Err(invalid("the entity id or every certificate is missing".into()));
            };
            let binding = match sso_binding {
                SsoBinding::Redirect => Binding::Redirect,
                SsoBinding::Post => Binding::Post,
            };
            let single_sign_on = Endpoint { binding, location: sso_url.clone(), response_location: None };
            let single_logout = settings.slo.as_ref().map(|slo| Endpoint {
                binding: match slo.binding {
                    SsoBinding::Redirect => Binding::Redirect,
                    SsoBinding::Post => Binding::Post,
                },
                location: slo.url.clone(),
                response_location: slo.response_url.clone(),
            });
            Ok(Idp { entity_id, single_sign_on, single_logout, certificates })
        }
    }
}

/// Redirect where it is offered: shorter, and no page in between.
fn of_metadata(metadata: saml::IdpMetadata) -> Result<Idp, UpstreamError> {
    let chosen = |endpoints: &[Endpoint]| {
        endpoints.iter().find(|endpoint| endpoint.binding == Binding::Redirect).or(endpoints.first()).cloned()
    };
    let single_sign_on = chosen(&metadata.single_sign_on)
        .ok_or_else(|| UpstreamError::unavailable(WHAT, "it names no single sign-on service"))?;
    let single_logout = chosen(&metadata.single_logout);
    let certificates = metadata.signing_certificates;
    Ok(Idp { entity_id: metadata.entity_id, single_sign_on, single_logout, certificates })
}
