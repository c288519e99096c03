//! Cross-origin requests (CORS, Fetch standard) from the pages of registered single-page applications. Never `*` with
//! credentials: no endpoint that is opened here reads a cookie.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use super::Broker;

/// Seconds that a browser may keep the answer to a preflight.
const MAX_AGE: &str = "600";

/// Answers preflights and marks answers, for registered origins only.
pub async fn cors(
    broker: Data<Broker>,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(origin) = req.headers().get(ORIGIN).cloned() else {
        return Ok(next.call(req).await?.map_into_boxed_body());
    };
    let allowed = origin.to_str().is_ok_and(|text| broker.catalog.load().allows_origin(text));
    let preflight = req.method() == Method::OPTIONS && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let mut answer = HttpResponse::NoContent().finish();
        if allowed {
            let headers = answer.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, dpop"));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
        req.into_response(answer)
    } else {
        next.call(req).await?.map_into_boxed_body()
    };
    mark(response.headers_mut(), origin, allowed);
    Ok(response)
}

/// The public documents allow every origin by themselves already.
fn mark(headers: &mut HeaderMap, origin: HeaderValue, allowed: bool) {
    if allowed && !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-trace-id, www-authenticate"));
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
}
