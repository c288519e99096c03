//! OpenID Connect, relying-party side: the code flow (OIDC Core §3.1) with PKCE, nonce and RFC 9207.

use serde_json::{Value, json};

use super::discovery::Provider;
use super::oidc::{Expected, ExpectedNonce, Presented};
use super::quoted::{error_code, quoted};
use super::{Pending, StartHints, Trip, UpstreamError, UpstreamIdentity, Upstreams};
use super::{authorization_url, identity, issuer, token_request, userinfo};
use crate::connection::{Connection, OidcSettings};
use crate::ctx::Ctx;
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::secret::{Kind, Secret, mint};
use crate::trace::{Recording, Word};

pub(super) async fn start(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    hints: &StartHints,
) -> Result<Trip, UpstreamError> {
    let provider = upstreams.discovery.get(ctx, connection, settings).await?;
    let endpoint = authorization_url::endpoint(&ctx.http, &provider.authorization_endpoint)?;
    let state = mint(Kind::UpstreamState, &ctx.rng);
    let nonce = ctx.rng.token();
    let pkce_verifier = Secret::new(ctx.rng.token());
    let max_age = authorization_url::max_age(settings, hints.max_age);
    let unique = authorization_url::Unique {
        state: state.expose(),
        nonce: &nonce,
        code_challenge: &CodeChallenge::of_verifier(pkce_verifier.expose()),
        max_age,
    };
    let redirect_uri = ctx.urls.callback(connection.slug.as_str());
    let url = authorization_url::build(endpoint, connection, settings, hints, &redirect_uri, &unique);
    Ok(Trip { url, form: None, issuer: settings.issuer.clone(), state, nonce, pkce_verifier, max_age })
}

pub(super) async fn finish(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    (pending, params): (&Pending, &Params),
    trace: &Recording,
) -> Result<UpstreamIdentity, UpstreamError> {
    trace.begin(Word::Discovery);
    if pending.issuer != settings.issuer {
        let detail = "the connection was changed during the sign-in; start again";
        return Err(UpstreamError::invalid("issuer_changed", detail));
    }
    let provider = upstreams.discovery.get(ctx, connection, settings).await?;
    trace.passed(
        Word::Discovery,
        json!({
            "issuer": provider.issuer,
            "redeem_at": provider.token_endpoint,
            "jwks_uri": provider.jwks_uri,
            "userinfo_endpoint": provider.userinfo_endpoint,
            "entered_by_hand": settings.endpoints.is_some(),
        }),
    );
    trace.begin(Word::UpstreamAnswer);
    trace.evidence(json!({ "iss": params.get("iss").map(|iss| quoted(iss, 200)) }));
    check_response_issuer(settings, &provider, params.get("iss"))?;
    if let Some(error) = params.get("error") {
        let description = quoted(params.get("error_description").unwrap_or_default(), 300);
        return Err(UpstreamError::Refused { error: error_code(error), description });
    }
    let code = params
        .get("code")
        .ok_or_else(|| UpstreamError::invalid("code_missing", "the response has neither a code nor an error"))?;
    trace.passed(Word::UpstreamAnswer, json!({ "brought": "a code" }));

    trace.begin(Word::UpstreamToken);
    trace.evidence(json!({
        "redeem_at": provider.token_endpoint,
        "client_id": settings.client_id,
        "client_authentication": settings.client_authentication,
    }));
    let parties = token_request::Parties { upstreams, connection, settings, provider: &provider };
    let tokens = token_request::redeem(ctx, &parties, code, &pending.pkce_verifier, trace).await?;
    let brought = [
        ("id_token", tokens.id_token.is_some()),
        ("access_token", tokens.access_token.is_some()),
        ("refresh_token", tokens.refresh_token.is_some()),
    ];
    let brought: Vec<_> = brought.into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
    trace.evidence(json!({ "brought": brought }));
    let id_token = tokens.id_token.ok_or_else(|| {
        UpstreamError::invalid(
            "id_token_missing",
            "the token answer has no ID token; is `openid` allowed for our client?",
        )
    })?;
    trace.passed(Word::UpstreamToken, json!({}));

    trace.begin(Word::AnswerVerified);
    let nonce = ExpectedNonce::Of(&pending.nonce);
    let max_age = authorization_url::max_age(settings, pending.max_age);
    if let Ok(token) = Presented::parse(id_token.expose()) {
        trace.evidence(token.evidence());
    }
    let claims = verified_claims(upstreams, ctx, settings, &provider, (nonce, max_age), id_token.expose()).await?;
    let key = identity::key(connection, &claims)?;
    trace.passed(Word::AnswerVerified, json!({ "subject": key.subject, "checked_max_age": max_age }));
    let merged = match (&provider.userinfo_endpoint, &tokens.access_token) {
        (Some(endpoint), Some(token)) => {
            trace.begin(Word::UserInfo);
            trace.evidence(json!({ "userinfo_endpoint": endpoint }));
            let merged = userinfo::merge(&claims, userinfo::fetch(ctx, endpoint, token).await?)?;
            trace.passed(Word::UserInfo, json!({}));
            merged
        }
        _ => claims.clone(),
    };
    trace.passed(Word::Claims, json!({ "claims": merged }));
    Ok(UpstreamIdentity::of_verified(key, &claims, id_token, merged).renewable(tokens.refresh_token, claims))
}

/// RFC 9207 §2.4, before anything else in the response is believed: it may be another provider's (mix-up).
fn check_response_issuer(settings: &OidcSettings, provider: &Provider, iss: Option<&str>) -> Result<(), UpstreamError> {
    match iss {
        Some(iss) if issuer::acceptable(settings)?.iter().any(|issuer| issuer == iss) => Ok(()),
        Some(iss) => {
            let detail = format!("the response comes from {:?}, which is not who was asked", quoted(iss, 200));
            Err(UpstreamError::invalid("iss_parameter_mismatch", detail))
        }
        None if provider.authorization_response_iss_parameter_supported => Err(UpstreamError::invalid(
            "iss_parameter_missing",
            "the response does not name its issuer, which this provider promises always to do",
        )),
        None => Ok(()),
    }
}

/// Verifies the ID token; a key we have not seen is looked for once more at the provider.
pub(super) async fn verified_claims(
    upstreams: &Upstreams,
    ctx: &Ctx,
    settings: &OidcSettings,
    provider: &Provider,
    (nonce, max_age): (ExpectedNonce<'_>, Option<u32>),
    id_token: &str,
) -> Result<Value, UpstreamError> {
    let token = Presented::parse(id_token)?;
    let expected = Expected {
        issuer: issuer::expected(settings, token.payload())?,
        shared: settings.is_multi_tenant(),
        client_id: &settings.client_id,
        nonce,
        max_age,
        now: ctx.now().unix_timestamp(),
    };
    let keys = upstreams.jwks.get(ctx, &provider.jwks_uri).await?;
    match token.verify(&expected, &keys) {
        Err(UpstreamError::Invalid { reason: "unknown_key", detail }) => {
            match upstreams.jwks.newer_than(ctx, &provider.jwks_uri, &keys).await? {
                Some(newer) => token.verify(&expected, &newer)?,
                None => return Err(UpstreamError::invalid("unknown_key", detail)),
            }
        }
        result => result?,
    }
    Ok(token.payload().clone())
}
