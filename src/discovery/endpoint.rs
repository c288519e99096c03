//! The three public documents under `/.well-known/`. They come from memory, so they are there while the database is not.

use actix_web::{HttpRequest, HttpResponse};

use super::Discovery;
use crate::signing_key::KeySet;

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.
pub fn configuration(discovery: &Discovery, keys: &KeySet, request: &HttpRequest) -> HttpResponse {
    discovery.document(keys).respond(request)
}

/// `GET /.well-known/jwks.json`.
pub fn jwks(keys: &KeySet, request: &HttpRequest) -> HttpResponse {
    keys.jwks().respond(request)
}
