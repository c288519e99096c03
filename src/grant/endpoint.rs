//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};

use super::request::TokenRequest;
use super::{Caller, GrantError, TokenResponse, authorization_code, client_credentials, presented, refresh_token};
use crate::audit::Event;
use crate::broker::Broker;
use crate::client::AuthenticatedClient;
use crate::db::database_error;
use crate::ids::{TraceId, UserId};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::params::Params;
use crate::web::client_addr::ClientAddr;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/oauth/token", web::post().to(token));
}

async fn token(
    broker: Data<Broker>,
    req: HttpRequest,
    trace_id: TraceId,
    addr: ClientAddr,
    body: Bytes,
) -> Result<HttpResponse, OAuthErrorAnswer> {
    broker.require_live()?;
    let caller = Caller { trace_id, addr: Some(addr.0) };
    let params = form(&req, &body)?;
    let request = TokenRequest::parse(&params)?;
    let client = authenticate(&broker, &req, &params, &caller)?;
    let grant = request.grant_type();
    if !client.client().may_use(grant) {
        return Err(unregistered(&broker, &client, grant, &caller).into());
    }
    let answer = issue(&broker, &client, request).await;
    let client_id = &client.client().client_id;
    match answer {
        Ok((response, user)) => {
            broker.metrics.token(grant.as_str(), "success");
            let mut event = Event::success("token.issued", format!("client:{client_id}"));
            event.sub = user.map(|id| id.to_string());
            broker.audit.record(noted(event, client_id, grant, &caller));
            Ok(HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((PRAGMA, "no-cache"))
                .json(response))
        }
        Err(GrantError::Refused { reason, error }) => {
            broker.metrics.token(grant.as_str(), reason);
            let event = Event::refused("token.refused", reason, format!("client:{client_id}"));
            broker.audit.record(noted(event, client_id, grant, &caller));
            Err(error.into())
        }
        Err(GrantError::Broken(error)) => Err(error.into()),
        Err(GrantError::Database(error)) => Err(database_error(&error).into()),
    }
}

fn form(req: &HttpRequest, body: &Bytes) -> Result<Params, OAuthError> {
    let content_type = req.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "the body must be application/x-www-form-urlencoded (RFC 6749 section 3.2)",
        ));
    }
    Params::decode(body)
}

fn authenticate(
    broker: &Broker,
    req: &HttpRequest,
    params: &Params,
    caller: &Caller,
) -> Result<AuthenticatedClient, OAuthError> {
    let header = match req.headers().get(AUTHORIZATION).map(|v| v.to_str()) {
        Some(Err(_)) => return Err(OAuthError::new(ErrorCode::InvalidClient, "the Authorization header is not ASCII")),
        Some(Ok(text)) => Some(text),
        None => None,
    };
    let presented = presented::presented(header, params)?;
    let client = broker.catalog.load().client(presented.client_id.as_str());
    AuthenticatedClient::check(client.as_ref(), &presented, &broker.ctx.vault, broker.ctx.now()).map_err(|refusal| {
        let event = Event::refused("client.authentication", refusal.reason(), "anonymous");
        broker.audit.record(event.client(&presented.client_id).trace(&caller.trace_id).from_addr(caller.addr));
        OAuthError::new(ErrorCode::InvalidClient, refusal.description())
    })
}

async fn issue(
    broker: &Broker,
    client: &AuthenticatedClient,
    request: TokenRequest,
) -> Result<(TokenResponse, Option<UserId>), GrantError> {
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
    }
}

fn unregistered(broker: &Broker, client: &AuthenticatedClient, grant: GrantType, caller: &Caller) -> OAuthError {
    let client_id = &client.client().client_id;
    let event = Event::refused("token.refused", "grant_not_registered", format!("client:{client_id}"));
    broker.audit.record(noted(event, client_id, grant, caller));
    OAuthError::new(
        ErrorCode::UnauthorizedClient,
        format!("this client is not registered for the grant {}; an operator can add it", grant.as_str()),
    )
}

fn noted(event: Event, client_id: &crate::client::ClientId, grant: GrantType, caller: &Caller) -> Event {
    event
        .client(client_id)
        .trace(&caller.trace_id)
        .from_addr(caller.addr)
        .detail(serde_json::json!({ "grant": grant.as_str() }))
}
