//! `GET` and `POST /userinfo`. The token comes as Bearer, or in a form body (RFC 6750 §2.1, §2.2), never in the URL.

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};

use super::userinfo::{self, UserInfoError};
use crate::broker::Broker;
use crate::db::database_error;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/userinfo").route(web::get().to(userinfo)).route(web::post().to(userinfo)));
}

async fn userinfo(broker: Data<Broker>, req: HttpRequest, body: Bytes) -> Result<HttpResponse, OAuthErrorAnswer> {
    broker.require_live()?;
    let bearer = bearer(&req, &body)?;
    match userinfo::answer(&broker, &bearer).await {
        Ok(answer) => Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer)),
        Err(UserInfoError::Refused(error)) => Err(error.into()),
        Err(UserInfoError::Database(error)) => Err(database_error(&error).into()),
    }
}

fn bearer(req: &HttpRequest, body: &[u8]) -> Result<String, OAuthError> {
    let missing = || OAuthError::new(ErrorCode::InvalidToken, "send the access token as Authorization: Bearer");
    if let Some(header) = req.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
        return if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim().into()) } else { Err(missing()) };
    }
    match req.method() {
        &Method::POST => Params::decode(body)?.get("access_token").map(Into::into).ok_or_else(missing),
        _ => Err(missing()),
    }
}
