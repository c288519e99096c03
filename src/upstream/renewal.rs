//! Asking a provider again, after the person has left, whether it still vouches and what it says today (OIDC Core §12).
//! Two steps, because the first may use up the refresh token: its successor is to be stored before anything else can
//! fail.

use serde_json::Value;

use super::oidc::ExpectedNonce;
use super::{UpstreamError, Upstreams, code_flow, identity, issuer, token_request, userinfo};
use crate::connection::{Connection, OidcSettings, Protocol};
use crate::ctx::Ctx;
use crate::secret::Secret;
use crate::session::upstream_grant::Kept;
use crate::user::IdentityKey;

/// The token endpoint's answer. Nothing in it is verified but that it came.
#[derive(Debug)]
pub struct Renewal(token_request::Tokens);

/// What the provider says of the person today.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// ID token and UserInfo merged, as at a sign-in. `None`: it brought neither, so that it vouched and said nothing.
    pub claims: Option<Value>,
    /// Of the new ID token, if there was one.
    pub id_token: Option<Value>,
}

impl Renewal {
    /// The refresh token that replaces the one shown (RFC 6749 §6).
    pub fn refresh_token(&self) -> Option<&Secret<String>> {
        self.0.refresh_token.as_ref()
    }
}

impl Upstreams {
    /// Shows the refresh token. Never to another provider than the one that gave it.
    ///
    /// # Errors
    /// `issuer_changed`, `tenant_not_allowed`; `Refused` when the provider does not take it any more; `Unavailable`, `Misconfigured`.
    pub async fn renew(&self, ctx: &Ctx, connection: &Connection, kept: &Kept) -> Result<Renewal, UpstreamError> {
        let settings = oidc(connection)?;
        if kept.claims["iss"].as_str() != Some(issuer::expected(settings, &kept.claims)?.as_str()) {
            return Err(issuer_changed());
        }
        let provider = self.discovery.get(ctx, connection, settings).await?;
        let parties = token_request::Parties { upstreams: self, connection, settings, provider: &provider };
        token_request::refresh(ctx, &parties, &kept.refresh_token).await.map(Renewal)
    }

    /// Who it was kept of.
    ///
    /// # Errors
    /// as of an ID token.
    pub fn key(&self, connection: &Connection, claims: &Value) -> Result<IdentityKey, UpstreamError> {
        identity::key(connection, claims)
    }

    /// Verifies what came: a new ID token is about the same person, by the same issuer and for us (OIDC Core §12.2).
    ///
    /// # Errors
    /// every word of an ID token's and of UserInfo's; `subject_changed`, `userinfo_subject_mismatch` for another person.
    pub async fn renewed(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        kept: &Kept,
        renewal: &Renewal,
    ) -> Result<Renewed, UpstreamError> {
        let settings = oidc(connection)?;
        let provider = self.discovery.get(ctx, connection, settings).await?;
        let id_token = match &renewal.0.id_token {
            None => None,
            Some(token) => {
                let nonce = ExpectedNonce::NoneOr(kept.claims["nonce"].as_str());
                let claims =
                    code_flow::verified_claims(self, ctx, settings, &provider, (nonce, None), token.expose()).await?;
                let same = claims["sub"] == kept.claims["sub"]
                    && identity::key(connection, &claims)? == identity::key(connection, &kept.claims)?;
                if !same {
                    let detail =
                        "the refreshed ID token is about another person than the first one (OIDC Core section 12.2)";
                    return Err(UpstreamError::invalid("subject_changed", detail));
                }
                Some(claims)
            }
        };
        let userinfo = match (&provider.userinfo_endpoint, &renewal.0.access_token) {
            (Some(endpoint), Some(token)) => Some(userinfo::fetch(ctx, endpoint, token).await?),
            _ => None,
        };
        let claims = match (&id_token, userinfo) {
            (Some(id_token), Some(userinfo)) => Some(userinfo::merge(id_token, userinfo)?),
            (Some(id_token), None) => Some(id_token.clone()),
            (None, Some(userinfo)) => Some(userinfo::update(&kept.claims, userinfo)?),
            (None, None) => None,
        };
        Ok(Renewed { claims, id_token })
    }
}

fn oidc(connection: &Connection) -> Result<&OidcSettings, UpstreamError> {
    match &connection.protocol {
        Protocol::Oidc(settings) => Ok(settings),
        Protocol::Saml(_) => Err(issuer_changed()),
    }
}

fn issuer_changed() -> UpstreamError {
    UpstreamError::invalid("issuer_changed", "the connection leads to another provider than at the sign-in")
}
