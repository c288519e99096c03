//! A form post by a client that proved itself: what the token, introspection and revocation endpoints begin with.

use std::net::IpAddr;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::{Broker, assertion};
use crate::audit::Event;
use crate::client::authentication::{Presented, Refusal};
use crate::client::presented::Proof;
use crate::client::{AuthenticatedClient, ClientId, presented};
use crate::ids::TraceId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::web::client_addr::ClientAddr;
use crate::web::oauth_error::OAuthErrorAnswer;

/// The parameters, and evidence of who sent them.
#[derive(Debug)]
pub struct ClientForm {
    pub client: AuthenticatedClient,
    pub params: Params,
    pub caller: Caller,
}

/// Who asks, for audit.
#[derive(Clone, Debug)]
pub struct Caller {
    pub trace_id: Option<TraceId>,
    pub addr: Option<IpAddr>,
}

impl Caller {
    /// Adds what is known of the caller to an event.
    pub fn sign(&self, mut event: Event) -> Event {
        event.trace_id = self.trace_id.clone();
        event.from_addr(self.addr)
    }
}

impl FromRequest for ClientForm {
    type Error = OAuthErrorAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let body = Bytes::from_request(&req, payload);
        let addr = ClientAddr::from_request(&req, payload);
        Box::pin(async move {
            let broker = req
                .app_data::<Data<Broker>>()
                .ok_or_else(|| OAuthError::new(ErrorCode::ServerError, "the broker is not installed"))?;
            broker.require_live()?;
            let trace_id = req.extensions().get::<TraceId>().cloned();
            let caller = Caller { trace_id, addr: addr.into_inner().ok().map(|addr| addr.0) };
            let body = body
                .await
                .map_err(|_| OAuthError::new(ErrorCode::InvalidRequest, "the body is too large or was cut off"))?;
            let params = form(&req, &body)?;
            let client = authenticate(broker, &req, &params, &caller).await?;
            Ok(Self { client, params, caller })
        })
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

async fn authenticate(
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
    let refused = |reason: &'static str, client_id: Option<&ClientId>| {
        let event = Event::refused("client.authentication", reason, "anonymous");
        broker.audit.record(caller.sign(match client_id {
            Some(client_id) => event.client(client_id),
            None => event,
        }));
    };
    match presented::proof(header, params).inspect_err(|_| refused("credentials_malformed", None))? {
        Proof::Named(presented) => by_name(broker, &presented).map_err(|refusal| {
            refused(refusal.reason(), Some(&presented.client_id));
            OAuthError::new(ErrorCode::InvalidClient, refusal.description())
        }),
        Proof::Assertion { client_id, jwt } => {
            let catalog = broker.catalog.load_full();
            assertion::vouched(broker, &catalog, jwt.expose(), client_id.as_ref()).await.map_err(|not| {
                refused(not.reason(), client_id.as_ref());
                not.into_error(ErrorCode::InvalidClient)
            })
        }
    }
}

fn by_name(broker: &Broker, presented: &Presented) -> Result<AuthenticatedClient, Refusal> {
    let client = broker.catalog.load().client(presented.client_id.as_str());
    let now = broker.ctx.now();
    let checked = AuthenticatedClient::check(client.as_ref(), presented, &broker.ctx.vault, now)?;
    if let Some(secret) = checked.secret_id() {
        broker.used_secrets.note(secret, now);
    }
    Ok(checked)
}
