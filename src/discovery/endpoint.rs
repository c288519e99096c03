//! The three public documents under `/.well-known/`. They come from memory, so they are there while the database is not.

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};

use super::Discovery;
use crate::broker::Broker;
use crate::signing_key::KeySet;
use crate::signing_key::consumer::OURSELVES;
use crate::web::client_addr::ClientAddr;
use crate::web::rate_limit::network;

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.
pub fn configuration(discovery: &Discovery, keys: &KeySet, request: &HttpRequest) -> HttpResponse {
    discovery.document(keys).respond(request)
}

/// `GET /.well-known/jwks.json`. Who comes is noted: a next key waits for them. 304 counts, as they have the document then;
/// HEAD does not, nor
/// does our own doctor.
pub fn jwks(broker: &Broker, request: &HttpRequest) -> HttpResponse {
    let keys = broker.keys.load();
    if request.method() == Method::GET {
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        if agent != OURSELVES {
            broker.fetches.note(network(ClientAddr::of(request).0), agent, keys.newest(), broker.ctx.now());
        }
    }
    keys.jwks().respond(request)
}
