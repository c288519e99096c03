//! Introspection, revocation, and `GET` and `POST /userinfo`, where the token comes as Bearer, or in a form body (RFC 6750 §2.1, §2.2), never in the URL.

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};

use super::userinfo::{self, UserInfoError};
use super::{introspection, revocation};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::ClientForm;
use crate::db::database_error;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/oauth/introspect", web::post().to(introspect))
        .service(web::resource("/oauth/revoke").wrap(from_fn(cors)).route(web::post().to(revoke)))
        .service(
            web::resource("/userinfo")
                .wrap(from_fn(cors))
                .route(web::get().to(userinfo))
                .route(web::post().to(userinfo)),
        );
}

/// RFC 7662: confidential clients only, so that nobody can try tokens out.
async fn introspect(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let client = form.client.client();
    if !client.is_confidential() {
        let text = "introspection is for clients that can prove themselves; this one is public";
        return Err(OAuthError::new(ErrorCode::InvalidClient, text).into());
    }
    let token = form.params.require("token")?;
    let answer = introspection::introspect(&broker, client, token).await.map_err(|error| database_error(&error))?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

/// RFC 7009: 200 whether or not the token was known.
async fn revoke(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let client = form.client.client();
    let token = form.params.require("token")?;
    let revoked = revocation::revoke(&broker, client, token).await.map_err(|error| database_error(&error))?;
    if revoked {
        let event = Event::success("token.revoked", format!("client:{}", client.client_id));
        broker.audit.record(form.caller.sign(event.client(&client.client_id)));
    }
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish())
}

async fn userinfo(broker: Data<Broker>, req: HttpRequest, body: Bytes) -> Result<HttpResponse, OAuthErrorAnswer> {
    broker.require_live()?;
    let Some(bearer) = bearer(&req, &body)? else {
        // RFC 6750 §3.1: who sent no token is not told of an error
        return Ok(HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, "Bearer realm=\"avouch\"")).finish());
    };
    match userinfo::answer(&broker, &bearer).await {
        Ok(answer) => Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer)),
        Err(UserInfoError::Refused(error)) => Err(error.into()),
        Err(UserInfoError::Database(error)) => Err(database_error(&error).into()),
    }
}

fn bearer(req: &HttpRequest, body: &[u8]) -> Result<Option<String>, OAuthError> {
    if let Some(header) = req.headers().get(AUTHORIZATION) {
        let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
        return Ok(parts
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().into()));
    }
    match req.method() {
        &Method::POST => Ok(Params::decode(body)?.get("access_token").map(Into::into)),
        _ => Ok(None),
    }
}
