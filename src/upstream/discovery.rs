//! A provider's metadata (OIDC Discovery 1.0, RFC 8414): fetched when first needed, so that Avouch starts while a
//! provider is down, or taken from endpoints entered by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use url::Url;

use super::UpstreamError;
use super::cache::Cache;
use super::issuer;
use crate::connection::oidc::Endpoints;
use crate::connection::{Connection, OidcSettings};
use crate::ctx::Ctx;

const WHAT: &str = "the provider's discovery document";

pub(super) use crate::connection::version::Surface as Provider;

#[derive(Default)]
pub(super) struct Documents(Cache<Provider>);

impl Documents {
    /// # Errors
    /// `Unavailable`, `discovery_issuer_mismatch`, `tenants_missing`.
    pub(super) async fn get(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        settings: &OidcSettings,
    ) -> Result<Arc<Provider>, UpstreamError> {
        issuer::acceptable(settings)?;
        // whatever the provider says by now: a change of it waits for an operator
        if let (None, Some(approved)) = (&settings.endpoints, connection.approved_surface()) {
            issuer::check_document(settings, &approved.issuer)?;
            return Ok(Arc::new(approved.clone()));
        }
        match &settings.endpoints {
            Some(endpoints) => Ok(Arc::new(by_hand(settings, endpoints))),
            None => {
                let provider = self.0.get(&settings.issuer, ctx.now(), fetch(ctx, settings)).await?;
                // Another connection may have filled the cache under other tenants.
                issuer::check_document(settings, &provider.issuer)?;
                Ok(provider)
            }
        }
    }
}

/// Past the cache.
///
/// # Errors
/// as [`Documents::get`].
pub(super) async fn fetch(ctx: &Ctx, settings: &OidcSettings) -> Result<Provider, UpstreamError> {
    if let Some(endpoints) = &settings.endpoints {
        issuer::acceptable(settings)?;
        return Ok(by_hand(settings, endpoints));
    }
    let url = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
    let mut provider: Provider = get_json(ctx, WHAT, &url).await?;
    issuer::check_document(settings, &provider.issuer)?;
    let admitted = |endpoint: &str| Url::parse(endpoint).is_ok_and(|url| ctx.http.admits(&url).is_ok());
    // we can do without these
    provider.introspection_endpoint.take_if(|endpoint| !admitted(endpoint));
    provider.revocation_endpoint.take_if(|endpoint| !admitted(endpoint));
    for endpoint in [&provider.authorization_endpoint, &provider.token_endpoint, &provider.jwks_uri] {
        if !admitted(endpoint) {
            return Err(UpstreamError::unavailable(WHAT, "it names an endpoint that is not an https URL"));
        }
    }
    Ok(provider)
}

/// A JSON document by GET.
///
/// # Errors
/// `Unavailable`, named by `what`.
pub(super) async fn get_json<T: serde::de::DeserializeOwned>(
    ctx: &Ctx,
    what: &'static str,
    url: &str,
) -> Result<T, UpstreamError> {
    let failed = |detail: String| UpstreamError::unavailable(what, detail);
    let request = http::Request::get(url)
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| failed("its address is not a URL".into()))?;
    let response = ctx.http.send(request).await.map_err(|error| failed(error.to_string()))?;
    if response.status() != http::StatusCode::OK {
        return Err(failed(format!("the provider answered with status {}", response.status().as_u16())));
    }
    serde_json::from_slice(response.body()).map_err(|error| failed(not_readable(&error)))
}

/// What is wrong with JSON of a provider, by place and kind: serde's own text would repeat the provider's.
pub(super) fn not_readable(error: &serde_json::Error) -> String {
    let why = match error.classify() {
        serde_json::error::Category::Data => "a member is missing or of the wrong kind",
        _ => "it is not JSON",
    };
    format!("its answer cannot be read: {why} (line {}, column {})", error.line(), error.column())
}

fn by_hand(settings: &OidcSettings, endpoints: &Endpoints) -> Provider {
    Provider {
        issuer: settings.issuer.clone(),
        authorization_endpoint: endpoints.authorization_endpoint.clone(),
        token_endpoint: endpoints.token_endpoint.clone(),
        jwks_uri: endpoints.jwks_uri.clone(),
        userinfo_endpoint: endpoints.userinfo_endpoint.clone(),
        end_session_endpoint: endpoints.end_session_endpoint.clone(),
        introspection_endpoint: None,
        revocation_endpoint: None,
        authorization_response_iss_parameter_supported: false,
        id_token_signing_alg_values_supported: BTreeSet::new(),
        token_endpoint_auth_methods_supported: BTreeSet::new(),
        code_challenge_methods_supported: BTreeSet::new(),
    }
}
