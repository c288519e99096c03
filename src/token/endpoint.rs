//! Introspection, revocation, and `GET` and `POST /userinfo`, where the token comes as Bearer, as DPoP
//! with a proof (RFC 9449 §7.1), or in a form body (RFC 6750 §2.1, §2.2), never in the URL.

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};

use super::dpop::{self, DpopError, DpopHeader, Refusal, Target};
use super::userinfo::{self, UserInfoError};
use super::{introspection, revocation};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::ClientForm;
use crate::db::database_error;
use crate::jose::SignatureAlg;
use crate::oauth::auth_scheme::AuthScheme;
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

async fn userinfo(
    broker: Data<Broker>,
    req: HttpRequest,
    body: Bytes,
    header: DpopHeader,
) -> Result<HttpResponse, OAuthErrorAnswer> {
    broker.require_live()?;
    let Some((scheme, token)) = shown(&req, &body)? else {
        // RFC 6750 §3.1: who sent no token is not told of an error
        let mut answer = HttpResponse::Unauthorized();
        return Ok(answer
            .append_header((WWW_AUTHENTICATE, "Bearer realm=\"avouch\""))
            .append_header((WWW_AUTHENTICATE, dpop_challenge(None)))
            .finish());
    };
    let proof = match scheme {
        AuthScheme::Bearer => Ok(None),
        AuthScheme::Dpop => {
            let url = broker.ctx.urls.at("/userinfo");
            let target = Target { method: req.method().as_str(), url: &url, access_token: Some(&token) };
            header.read(&broker, target).and_then(|proof| proof.ok_or_else(Refusal::missing).map(Some))
        }
    };
    let answered = match proof {
        Ok(proof) => userinfo::answer(&broker, &token, proof).await,
        Err(refusal) => Err(DpopError::Refused(refusal).into()),
    };
    match answered {
        Ok(answer) => Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer)),
        Err(UserInfoError::Refused(error, AuthScheme::Bearer)) => Err(error.into()),
        Err(UserInfoError::Refused(error, AuthScheme::Dpop)) => Ok(refused_with_dpop(error)),
        Err(UserInfoError::Database(error)) => Err(database_error(&error).into()),
    }
}

/// RFC 9449 §7.1: at a resource a bad proof is a 401 too.
fn refused_with_dpop(error: OAuthError) -> HttpResponse {
    let challenge = dpop_challenge(Some(&error));
    let code = error.code;
    let mut answer = OAuthErrorAnswer(error).error_response();
    if code == ErrorCode::InvalidDpopProof {
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
    }
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}

fn dpop_challenge(error: Option<&OAuthError>) -> String {
    let algs = dpop::ALGS.map(SignatureAlg::as_str).join(" ");
    let error =
        error.map(|error| format!(", error=\"{}\", error_description=\"{}\"", error.code.as_str(), error.description));
    format!("DPoP realm=\"avouch\", algs=\"{algs}\"{}", error.unwrap_or_default())
}

/// The token, and how it was shown.
fn shown(req: &HttpRequest, body: &[u8]) -> Result<Option<(AuthScheme, String)>, OAuthError> {
    if let Some(header) = req.headers().get(AUTHORIZATION) {
        let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
        return Ok(parts.and_then(|(scheme, token)| Some((AuthScheme::parse(scheme)?, token.trim().into()))));
    }
    match req.method() {
        &Method::POST => Ok(Params::decode(body)?.get("access_token").map(|token| (AuthScheme::Bearer, token.into()))),
        _ => Ok(None),
    }
}
