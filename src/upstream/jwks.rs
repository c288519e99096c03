//! A provider's signing keys, kept for an hour. A token signed with a key we have not seen causes one fetch, and no more
//! than one a minute: otherwise forged tokens would make us hammer the provider.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::UpstreamError;
use super::cache::Cache;
use super::discovery::get_json;
use super::quoted::quoted;
use crate::connection::version::{Key, Keys};
use crate::ctx::Ctx;
use crate::jose::PublicKey;

const WHAT: &str = "the provider's signing keys";

/// RFC 7517 §5, keys as they came: what a verifier does not understand it passes over.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Value>,
}

impl KeySet {
    /// What tells one key from another. Names are the provider's: bounded, and by the material where it can be read.
    pub(super) fn names(&self) -> Keys {
        let bounded = |key: &Value, name: &str| key[name].as_str().map(|text| quoted(text, 100));
        let all = self.keys.iter().map(|key| {
            let thumbprint = serde_json::from_value::<PublicKey>(key.clone()).map(|key| key.thumbprint());
            let named =
                || format!("{} {}", bounded(key, "kty").unwrap_or_default(), bounded(key, "kid").unwrap_or_default());
            let (kid, kty, alg) = (bounded(key, "kid"), bounded(key, "kty").unwrap_or_default(), bounded(key, "alg"));
            (thumbprint.unwrap_or_else(|_| named()), Key { kid, kty, alg })
        });
        Keys(all.collect())
    }
}

#[derive(Default)]
pub(super) struct KeySets(Cache<KeySet>);

impl KeySets {
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn get(&self, ctx: &Ctx, jwks_uri: &str) -> Result<Arc<KeySet>, UpstreamError> {
        self.0.get(jwks_uri, ctx.now(), fetch(ctx, jwks_uri)).await
    }

    /// A set newer than `tried`, which lacks a key; `None` when it was fetched anew within the last minute.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn newer_than(
        &self,
        ctx: &Ctx,
        jwks_uri: &str,
        tried: &Arc<KeySet>,
    ) -> Result<Option<Arc<KeySet>>, UpstreamError> {
        self.0.other_than(jwks_uri, tried, ctx.now(), fetch(ctx, jwks_uri)).await
    }
}

/// Past the cache.
///
/// # Errors
/// `Unavailable`.
pub(super) async fn fetch(ctx: &Ctx, jwks_uri: &str) -> Result<KeySet, UpstreamError> {
    let set: KeySet = get_json(ctx, WHAT, jwks_uri).await?;
    if set.keys.is_empty() {
        return Err(UpstreamError::unavailable(WHAT, "the JWK set is empty"));
    }
    Ok(set)
}
