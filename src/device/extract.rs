//! Which client asks for a device authorization. No secret is demanded (RFC 8628 §3.1): Go's x/oauth2 never sends one here,
//! for no client. One that is sent must be right.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::extract::{Caller, ClientForm};
use crate::client::Client;
use crate::ids::TraceId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::web::client_addr::ClientAddr;
use crate::web::oauth_error::OAuthErrorAnswer;

/// The parameters, and the client that they name.
pub struct DeviceForm {
    pub client: Arc<Client>,
    pub params: Params,
    pub caller: Caller,
}

impl FromRequest for DeviceForm {
    type Error = OAuthErrorAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let body = Bytes::from_request(&req, payload);
        let addr = ClientAddr::from_request(&req, payload);
        Box::pin(async move {
            let body = body
                .await
                .map_err(|_| OAuthError::new(ErrorCode::InvalidRequest, "the body is too large or was cut off"))?;
            if brings_proof(&req, &body) {
                let form = ClientForm::from_request(&req, &mut Payload::from(body)).await?;
                return Ok(Self { client: form.client.client().clone(), params: form.params, caller: form.caller });
            }
            let broker = req
                .app_data::<Data<Broker>>()
                .ok_or_else(|| OAuthError::new(ErrorCode::ServerError, "the broker is not installed"))?;
            broker.require_live()?;
            let caller = Caller {
                trace_id: req.extensions().get::<TraceId>().cloned(),
                addr: addr.into_inner().ok().map(|addr| addr.0),
            };
            let params = Params::decode(&body)?;
            let client_id = params.require("client_id")?;
            let client = broker.catalog.load().client(client_id).filter(|client| client.enabled);
            let client = client.ok_or_else(|| {
                let event = Event::refused("client.authentication", "client_unknown", "anonymous");
                broker.audit.record(caller.sign(event));
                OAuthError::new(ErrorCode::InvalidClient, "this client is unknown or disabled")
            })?;
            Ok(Self { client, params, caller })
        })
    }
}

/// Anything that speaks for the client beyond its name is checked as at the token endpoint. So is a body that is no
/// form, which is then refused there.
fn brings_proof(req: &HttpRequest, body: &Bytes) -> bool {
    let is_form = req.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let proof = ["client_secret", "client_assertion", "client_assertion_type"];
    !is_form
        || req.headers().contains_key(AUTHORIZATION)
        || Params::decode(body).is_ok_and(|params| proof.iter().any(|name| params.get(name).is_some()))
}
