//! What programs ask: discovery, keys, tokens, UserInfo.

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{CLIENT_ID, Idp, token};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::secret::Secret;
use crate::web::oauth_error::OAuthErrorAnswer;

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/.well-known/openid-configuration", web::get().to(discovery))
        .route("/jwks.json", web::get().to(jwks))
        .route("/token", web::post().to(redeem))
        .route("/userinfo", web::get().to(userinfo));
}

async fn discovery(idp: Data<Idp>) -> HttpResponse {
    let urls = &idp.company.urls;
    HttpResponse::Ok().json(json!({
        "issuer": urls.issuer(),
        "authorization_endpoint": urls.at("/authorize"),
        "token_endpoint": urls.at("/token"),
        "userinfo_endpoint": urls.at("/userinfo"),
        "jwks_uri": urls.at("/jwks.json"),
        "end_session_endpoint": urls.at("/logout"),
        "scopes_supported": ["openid", "profile", "email", "groups"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "name", "given_name", "family_name", "preferred_username", "email", "groups"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(idp: Data<Idp>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "keys": [idp.key.public_jwk()] }))
}

async fn redeem(idp: Data<Idp>, req: HttpRequest, body: Bytes) -> Result<HttpResponse, OAuthErrorAnswer> {
    authenticate(&idp, &req)?;
    let response = token::redeem(&idp, &Params::decode(&body)?)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(response))
}

/// client_secret_basic (RFC 6749 §2.3.1). Id and secret are of characters that form encoding leaves alone.
fn authenticate(idp: &Idp, req: &HttpRequest) -> Result<(), OAuthError> {
    let credentials = credentials(req, "Basic").and_then(|text| STANDARD.decode(text).ok());
    let credentials = credentials.and_then(|bytes| String::from_utf8(bytes).ok());
    let proven = credentials
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .is_some_and(|(id, secret)| id == CLIENT_ID && Secret::new(secret.to_owned()) == idp.client_secret);
    if proven { Ok(()) } else { Err(OAuthError::new(ErrorCode::InvalidClient, "client id or secret is wrong")) }
}

async fn userinfo(idp: Data<Idp>, req: HttpRequest) -> HttpResponse {
    match credentials(&req, "Bearer").and_then(|token| token::userinfo(&idp, token)) {
        Some(claims) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(claims),
        None => {
            HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")).finish()
        }
    }
}

fn credentials<'a>(req: &'a HttpRequest, scheme: &str) -> Option<&'a str> {
    let (named, rest) = req.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    named.eq_ignore_ascii_case(scheme).then_some(rest)
}
