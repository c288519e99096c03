//! `POST /oauth/token` (RFC 6749 §3.2).

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::recheck::Freshness;
use super::request::TokenRequest;
use super::{
    GrantError, TokenResponse, authorization_code, client_credentials, device_code, possession, refresh_token,
    token_exchange,
};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::TokenForm;
use crate::client::{AuthenticatedClient, Client};
use crate::db::database_error;
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::token_type::TokenType;
use crate::session::upstream_grant::Failure;
use crate::token::dpop::DpopHeader;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/oauth/token").wrap(from_fn(cors)).route(web::post().to(token)));
}

/// RFC 6749 §5.1, and what RFC 8693 §2.2.1 adds to it.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    response: TokenResponse,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
}

async fn token(broker: Data<Broker>, form: TokenForm, proof: DpopHeader) -> Result<HttpResponse, OAuthErrorAnswer> {
    let TokenForm { form, vouched } = form;
    let client = form.client.client();
    let actor = || format!("client:{}", client.client_id);
    let request = TokenRequest::parse(&form.params).inspect_err(|error| {
        let event = Event::refused("token.refused", error.code.as_str(), actor());
        broker.audit.record(form.caller.sign(event.client(&client.client_id)));
    })?;
    let grant = request.grant_type();
    let about =
        |event: Event| form.caller.sign(event.client(&client.client_id).detail(json!({ "grant": grant.as_str() })));
    match issue(&broker, &form.client, request, vouched, &proof).await {
        Ok((response, user, freshness)) => {
            broker.metrics.token(grant.as_str(), "success");
            let event = || about(Event::success("token.issued", actor()));
            match (user, over_budget(&broker, client, &response)) {
                (None, None) => broker.audit.record_repeated(client.client_id.as_str(), form.caller.addr, event),
                (user, over_budget) => {
                    let mut event = event();
                    event.sub = user.map(|id| id.to_string());
                    if let Some(freshness) = freshness {
                        event.detail["profile_age_seconds"] = freshness.age.whole_seconds().into();
                        event.detail["profile_stale"] = freshness.stale.map(Failure::as_str).into();
                    }
                    if let Some(bytes) = over_budget {
                        event.detail["access_token_bytes_over_budget"] = bytes.into();
                    }
                    broker.audit.record(event);
                }
            }
            Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache")).json(
                Answer {
                    response,
                    issued_token_type: (grant == GrantType::TokenExchange).then_some(TokenType::AccessToken.as_str()),
                },
            ))
        }
        Err(GrantError::Waiting(error)) => {
            broker.metrics.token(grant.as_str(), error.code.as_str());
            Err(error.into())
        }
        Err(GrantError::Refused { reason, error }) => {
            broker.metrics.token(grant.as_str(), reason);
            broker.audit.record(about(Event::refused("token.refused", reason, actor())));
            Err(error.into())
        }
        Err(failure) => {
            let error = match failure {
                GrantError::Database(error) => database_error(&error),
                GrantError::Broken(error) | GrantError::Waiting(error) | GrantError::Refused { error, .. } => error,
            };
            broker.metrics.token(grant.as_str(), error.code.as_str());
            broker.audit.record(about(Event::failed("token.refused", error.code.as_str(), actor())));
            Err(error.into())
        }
    }
}

/// A token that a proxy or a servlet container may refuse as too large a header is given all the same: the operator, who
/// can filter groups and claims, is told.
fn over_budget(broker: &Broker, client: &Client, response: &TokenResponse) -> Option<usize> {
    let (bytes, budget) = (response.access_token.len(), client.claims.token_budget());
    if bytes <= budget {
        return None;
    }
    let client_id = client.client_id.as_str();
    tracing::warn!(
        client_id,
        bytes,
        budget,
        "an access token is larger than the client's token_budget; narrow claims.access_token or set claims.groups_filter"
    );
    broker.metrics.token_over_budget(client_id);
    Some(bytes)
}

async fn issue(
    broker: &Arc<Broker>,
    client: &AuthenticatedClient,
    request: TokenRequest,
    vouched: bool,
    proof: &DpopHeader,
) -> Result<(TokenResponse, Option<UserId>, Option<Freshness>), GrantError> {
    registered(client, request.grant_type())?;
    let key = possession::proven(broker, client.client(), proof).await?;
    let key = key.as_ref();
    let catalog = broker.catalog.load_full();
    match request {
        TokenRequest::ClientCredentials(request) | TokenRequest::JwtBearer(request) => {
            client_credentials::issue(broker, &catalog, client, request, key).map(|response| (response, None, None))
        }
        TokenRequest::TokenExchange(request) => {
            token_exchange::exchange(broker, &catalog, client, request, vouched, key)
                .await
                .map(|(r, user)| (r, user, None))
        }
        TokenRequest::AuthorizationCode(request) => authorization_code::redeem(broker, &catalog, client, request, key)
            .await
            .map(|(r, user)| (r, Some(user), None)),
        TokenRequest::RefreshToken(request) => {
            refresh_token::refresh(broker, &catalog, client, request, key).await.map(|(r, user, f)| (r, Some(user), f))
        }
        TokenRequest::DeviceCode(request) => {
            device_code::poll(broker, &catalog, client, request, key).await.map(|(r, user)| (r, Some(user), None))
        }
    }
}

fn registered(client: &AuthenticatedClient, grant: GrantType) -> Result<(), GrantError> {
    if client.client().may_use(grant) {
        return Ok(());
    }
    let text = format!("this client is not registered for the grant {}; an operator can add it", grant.as_str());
    Err(GrantError::Refused {
        reason: "grant_not_registered",
        error: OAuthError::new(ErrorCode::UnauthorizedClient, text),
    })
}
