//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};

use super::request::TokenRequest;
use super::{GrantError, TokenResponse, authorization_code, client_credentials, device_code, refresh_token};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::ClientForm;
use crate::client::AuthenticatedClient;
use crate::db::database_error;
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/oauth/token").wrap(from_fn(cors)).route(web::post().to(token)));
}

async fn token(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
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
    match issue(&broker, &form.client, request).await {
        Ok((response, user)) => {
            broker.metrics.token(grant.as_str(), "success");
            let mut event = Event::success("token.issued", format!("client:{client_id}"));
            event.sub = user.map(|id| id.to_string());
            noted(event);
            Ok(HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((PRAGMA, "no-cache"))
                .json(response))
        }
        Err(GrantError::Waiting(error)) => {
            broker.metrics.token(grant.as_str(), error.code.as_str());
            Err(error.into())
        }
        Err(GrantError::Refused { reason, error }) => {
            broker.metrics.token(grant.as_str(), reason);
            noted(Event::refused("token.refused", reason, format!("client:{client_id}")));
            Err(error.into())
        }
        Err(failure) => {
            let error = match failure {
                GrantError::Database(error) => database_error(&error),
                GrantError::Broken(error) | GrantError::Waiting(error) | GrantError::Refused { error, .. } => error,
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
) -> Result<(TokenResponse, Option<UserId>), GrantError> {
    registered(client, request.grant_type())?;
    let catalog = broker.catalog.load_full();
    match request {
        TokenRequest::ClientCredentials(request) => {
            client_credentials::issue(broker, &catalog, client, request).map(|response| (response, None))
        }
        TokenRequest::AuthorizationCode(request) => {
            authorization_code::redeem(broker, &catalog, client, request).await.map(|(r, user)| (r, Some(user)))
        }
        TokenRequest::RefreshToken(request) => {
            refresh_token::refresh(broker, &catalog, client, request).await.map(|(r, user)| (r, Some(user)))
        }
        TokenRequest::DeviceCode(request) => {
            device_code::poll(broker, &catalog, client, request).await.map(|(r, user)| (r, Some(user)))
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
