//! A form post by a client that proved itself: what the token, introspection and revocation endpoints begin with.

use std::net::IpAddr;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::assertion::ShownAs;
use super::bearer::{self, Bearer};
use super::{Broker, assertion};
use crate::audit::Event;
use crate::client::authentication::{Presented, Refusal};
use crate::client::presented::Proof;
use crate::client::{AuthenticatedClient, Client, ClientId, presented};
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

/// As [`ClientForm`], for the token endpoint: there the grant may be a JWT that says by itself who it stands for.
#[derive(Debug)]
pub struct TokenForm {
    pub form: ClientForm,
    /// The JWT of the grant was verified, and stands for the client.
    pub vouched: bool,
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, OAuthErrorAnswer>>>>;

impl FromRequest for ClientForm {
    type Error = OAuthErrorAnswer;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let posted = Posted::read(req, payload);
        Box::pin(async move {
            let posted = posted.await?;
            let client = authenticate(&posted).await?;
            Ok(Self { client, params: posted.params, caller: posted.caller })
        })
    }
}

impl FromRequest for TokenForm {
    type Error = OAuthErrorAnswer;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let posted = Posted::read(req, payload);
        Box::pin(async move {
            let posted = posted.await?;
            let (client, vouched) = match bearer::of(&posted.params, &posted.broker.ctx.urls) {
                Some(bearer) => (identify(&posted, bearer).await?, true),
                None => (authenticate(&posted).await?, false),
            };
            within_limit(&posted.broker, client.client())?;
            Ok(Self { form: ClientForm { client, params: posted.params, caller: posted.caller }, vouched })
        })
    }
}

/// Failed authentications a minute of one client from one address. Beyond it a wrong secret is told to wait, without
/// a row for each; a right one passes all the same, or an instance that was forgotten at a rotation would lock out those
/// beside it.
const MOST_FAILURES: u32 = 20;

/// A form post, by somebody.
struct Posted {
    broker: Data<Broker>,
    authorization: Option<HeaderValue>,
    params: Params,
    caller: Caller,
}

impl Posted {
    fn read(req: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Self, OAuthError>> + use<> {
        let req = req.clone();
        let body = Bytes::from_request(&req, payload);
        let addr = ClientAddr::from_request(&req, payload);
        async move {
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
            let authorization = req.headers().get(AUTHORIZATION).cloned();
            Ok(Self { broker: broker.clone(), authorization, params, caller })
        }
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

async fn authenticate(posted: &Posted) -> Result<AuthenticatedClient, OAuthError> {
    let Posted { broker, params, caller, .. } = posted;
    let header = match posted.authorization.as_ref().map(HeaderValue::to_str) {
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
        Proof::Named(presented) => by_name(broker, &presented, caller.addr).map_err(|refusal| {
            if let Some(too_many) = failed(broker, &presented.client_id, caller.addr) {
                return too_many;
            }
            refused(refusal.reason(), Some(&presented.client_id));
            OAuthError::new(ErrorCode::InvalidClient, refusal.description())
        }),
        Proof::Assertion { client_id, jwt } => {
            let catalog = broker.catalog.load_full();
            let shown_as = ShownAs::ClientAssertion;
            let vouched = assertion::vouched(broker, &catalog, jwt.expose(), shown_as, client_id.as_ref()).await;
            vouched.inspect(|client| note_key(broker, client, caller.addr)).map_err(|not| {
                refused(not.reason(), client_id.as_ref());
                not.into_error(ErrorCode::InvalidClient)
            })
        }
    }
}

/// The client that the grant itself stands for. One that authenticates as well has to be the same.
async fn identify(posted: &Posted, bearer: Bearer<'_>) -> Result<AuthenticatedClient, OAuthError> {
    let Posted { broker, params, caller, .. } = posted;
    let proves = posted.authorization.is_some()
        || ["client_secret", "client_assertion"].into_iter().any(|name| params.get(name).is_some());
    let named = if proves {
        Some(authenticate(posted).await?.client().client_id.clone())
    } else {
        params.get("client_id").map(presented::client_id).transpose()?
    };
    let catalog = broker.catalog.load_full();
    let vouched = assertion::vouched(broker, &catalog, bearer.jwt, ShownAs::Grant, named.as_ref()).await;
    vouched.inspect(|client| note_key(broker, client, caller.addr)).map_err(|not| {
        let event = Event::refused("token.refused", not.reason(), "anonymous");
        let event = event.detail(serde_json::json!({ "grant": bearer.grant.as_str() }));
        broker.metrics.token(bearer.grant.as_str(), not.reason());
        broker.audit.record(caller.sign(match &named {
            Some(client_id) => event.client(client_id),
            None => event,
        }));
        not.into_error(bearer.refusal)
    })
}

fn note_key(broker: &Broker, client: &AuthenticatedClient, addr: Option<IpAddr>) {
    if let Some(key) = client.key() {
        broker.used_client_keys.note(key, broker.ctx.now(), addr);
    }
}

/// Counts a failure. An answer: there were too many.
fn failed(broker: &Broker, client_id: &ClientId, addr: Option<IpAddr>) -> Option<OAuthError> {
    let key = format!("{client_id} {}", addr.map(|addr| addr.to_string()).unwrap_or_default());
    let now = broker.ctx.now();
    let wait = broker.failed_authentications.wait(&key, MOST_FAILURES, now);
    broker.failed_authentications.note(key, now);
    wait.map(|_| {
        let text = "this client failed to authenticate too often from your address; correct its credentials";
        OAuthError::new(ErrorCode::TooManyRequests, text)
    })
}

/// The client's own limit, where an operator set one.
fn within_limit(broker: &Broker, client: &Client) -> Result<(), OAuthError> {
    let Some(limit) = client.settings.rate_limit else { return Ok(()) };
    let (key, now) = (client.client_id.as_str(), broker.ctx.now());
    if broker.token_requests.wait(key, limit, now).is_some() {
        let text = format!("this client may make {limit} token requests a minute; keep tokens until they end");
        return Err(OAuthError::new(ErrorCode::TooManyRequests, text));
    }
    broker.token_requests.note(key.into(), now);
    Ok(())
}

fn by_name(broker: &Broker, presented: &Presented, addr: Option<IpAddr>) -> Result<AuthenticatedClient, Refusal> {
    let client = broker.catalog.load().client(presented.client_id.as_str());
    let now = broker.ctx.now();
    let checked = AuthenticatedClient::check(client.as_ref(), presented, &broker.ctx.vault, now)?;
    if let Some(secret) = checked.secret_id() {
        broker.used_secrets.note(secret, now, addr);
    }
    Ok(checked)
}
