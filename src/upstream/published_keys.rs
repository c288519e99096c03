//! The keys of those who show us JWTs, clients and issuers that clients trust, where they publish them. The same limits hold
//! as for a provider's keys: see `jwks`.

use std::sync::Arc;

use serde::Deserialize;

use super::UpstreamError;
use super::cache::Cache;
use super::discovery::get_json;
use super::{jwks, quoted::quoted};
use crate::ctx::Ctx;
use crate::jose::JwkSet;

const WHAT: &str = "the issuer's discovery document";

/// Where keys are published.
#[derive(Clone, Copy, Debug)]
pub enum KeysAt<'a> {
    JwksUri(&'a str),
    /// At the `jwks_uri` of this issuer's discovery document.
    Issuer(&'a str),
}

/// An issuer of JWTs need not be an OpenID provider: Kubernetes and GitHub Actions publish little more than this.
#[derive(Debug, Deserialize)]
struct IssuerDocument {
    issuer: String,
    jwks_uri: String,
}

#[derive(Default)]
pub(super) struct PublishedKeys {
    issuers: Cache<IssuerDocument>,
    sets: Cache<JwkSet>,
}

impl PublishedKeys {
    pub(super) async fn get(&self, ctx: &Ctx, at: KeysAt<'_>) -> Result<Arc<JwkSet>, UpstreamError> {
        let uri = self.jwks_uri(ctx, at).await?;
        self.sets.get(&uri, ctx.now(), fetch(ctx, &uri)).await
    }

    pub(super) async fn newer_than(
        &self,
        ctx: &Ctx,
        at: KeysAt<'_>,
        tried: &Arc<JwkSet>,
    ) -> Result<Option<Arc<JwkSet>>, UpstreamError> {
        let uri = self.jwks_uri(ctx, at).await?;
        self.sets.other_than(&uri, tried, ctx.now(), fetch(ctx, &uri)).await
    }

    async fn jwks_uri(&self, ctx: &Ctx, at: KeysAt<'_>) -> Result<String, UpstreamError> {
        match at {
            KeysAt::JwksUri(uri) => Ok(uri.to_owned()),
            KeysAt::Issuer(issuer) => {
                let document = self.issuers.get(issuer, ctx.now(), document(ctx, issuer)).await?;
                Ok(document.jwks_uri.clone())
            }
        }
    }
}

async fn fetch(ctx: &Ctx, jwks_uri: &str) -> Result<JwkSet, UpstreamError> {
    jwks::fetch(ctx, jwks_uri).await.map(|set| JwkSet::published(&set.keys))
}

async fn document(ctx: &Ctx, issuer: &str) -> Result<IssuerDocument, UpstreamError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document: IssuerDocument = get_json(ctx, WHAT, &url).await?;
    if document.issuer != issuer {
        let detail = format!("it names another issuer, {:?}", quoted(&document.issuer, 200));
        return Err(UpstreamError::misconfigured("discovery_issuer_mismatch", detail));
    }
    Ok(document)
}
