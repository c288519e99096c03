//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::request::TokenRequest;
use super::{GrantError, TokenResponse, authorization_code, client_credentials, refresh_token, token_exchange};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::TokenForm;
use crate::client::AuthenticatedClient;
use crate::db::database_error;
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::token_type::TokenType;
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

async fn token(broker: Data<Broker>, form: TokenForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let TokenForm { form, vouched } = form;
    let client_id = &form.client.client().client_id;
    let request = TokenRequest::parse(&form.params).inspect_err(|error| {
        let event = Event::refused("token.refused", error.code.as_str(), format!("client:{client_id}"));
        broker.audit.record(form.caller.sign(event.client(client_id)));
    })?;
    let grant = request.grant_type();
    let noted = |event: Event| {
        let detail = serde_json::json!({ "grant": grant.as_str() });
        broker.audit.record(form.caller.sign(event.client(client_id).detail(detail)));
    };
    match issue(&broker, &form.client, request, vouched).await {
        Ok((response, user)) => {
            broker.metrics.token(grant.as_str(), "success");
            let mut event = Event::success("token.issued", format!("client:{client_id}"));
            event.sub = user.map(|id| id.to_string());
            noted(event);
            Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache")).json(
                Answer {
                    response,
                    issued_token_type: (grant == GrantType::TokenExchange).then_some(TokenType::AccessToken.as_str()),
                },
            ))
        }
        Err(GrantError::Refused { reason, error }) => {
            broker.metrics.token(grant.as_str(), reason);
            noted(Event::refused("token.refused", reason, format!("client:{client_id}")));
            Err(error.into())
        }
        Err(failure) => {
            let error = match failure {
                GrantError::Database(error) => database_error(&error),
                GrantError::Broken(error) | GrantError::Refused { error, .. } => error,
            };
            broker.metrics.token(grant.as_str(), error.code.as_str());
            noted(Event::failed("token.refused", error.code.as_str(), format!("client:{client_id}")));
            Err(error.into())
        }
    }
}

async fn issue(
    broker: &Broker,
    client: &AuthenticatedClient,
    request: TokenRequest,
    vouched: bool,
) -> Result<(TokenResponse, Option<UserId>), GrantError> {
    registered(client, request.grant_type())?;
    let catalog = broker.catalog.load_full();
    match request {
        TokenRequest::ClientCredentials(request) | TokenRequest::JwtBearer(request) => {
            client_credentials::issue(broker, &catalog, client, request).map(|response| (response, None))
        }
        TokenRequest::TokenExchange(request) => {
            token_exchange::exchange(broker, &catalog, client, request, vouched).await
        }
        TokenRequest::AuthorizationCode(request) => {
            authorization_code::redeem(broker, &catalog, client, request).await.map(|(r, user)| (r, Some(user)))
        }
        TokenRequest::RefreshToken(request) => {
            refresh_token::refresh(broker, &catalog, client, request).await.map(|(r, user)| (r, Some(user)))
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
