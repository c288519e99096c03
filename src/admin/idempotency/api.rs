//! Middleware of the admin API: `Idempotency-Key` on POST.

use actix_web::body::{BoxBody, EitherBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, error, web};

use super::{Answer, Request, place, store};
use crate::admin::api::problem;
use crate::admin::extract::Api;
use crate::admin::{Read, Trouble};
use crate::broker::Broker;
use crate::user;
use crate::vault::Sealed;
use crate::web::problem::Problem;

/// Of any body; the handlers have their own, smaller limits.
const MOST_BYTES: usize = user::import::MOST_BYTES + 1;
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// What is kept of an answer besides its body.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, ETAG];

type Answered<B> = Result<ServiceResponse<EitherBody<B>>, actix_web::Error>;

pub async fn remember<B: MessageBody + 'static>(mut req: ServiceRequest, next: Next<B>) -> Answered<B> {
    let Some(key) = req.headers().get(KEY).filter(|_| req.method() == Method::POST) else {
        return Ok(next.call(req).await?.map_into_left_body());
    };
    let key = key.to_str().unwrap_or_default().to_owned();
    let (http, payload) = req.parts_mut();
    let (http, mut payload) = (http.clone(), payload.take());
    let refused = |trouble: &Trouble| Ok(ServiceResponse::new(http.clone(), problem(trouble)).map_into_right_body());
    // nobody gets an answer again who would not be let in now
    let api = match Api::<Read>::from_request(&http, &mut Payload::None).await {
        Ok(api) => api,
        Err(trouble) => return refused(&trouble),
    };
    if !Request::is_well_formed(&key) {
        return refused(&Trouble::Malformed("Idempotency-Key is 1 to 255 visible ASCII characters".into()));
    }
    let Ok(body) = read(&http, &mut payload).await else {
        return refused(&Trouble::Malformed("the body could not be read".into()));
    };
    let target = http.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let role = api.role.as_str();
    let asked = Request { actor: &api.author.actor, role, key: &key, target: &target, body: &body };
    let (id, hash, broker) = (asked.id(), asked.hash(), api.broker.clone());
    let known = match begin(&broker, &id, &hash).await {
        Ok(known) => known,
        Err(trouble) => return refused(&trouble),
    };
    match known {
        Some(known) => Ok(ServiceResponse::new(http.clone(), again(&broker, &id, &hash, known)).map_into_right_body()),
        None => {
            drop(http);
            req.set_payload(Payload::from(body));
            first(&broker, &id, next.call(req).await).await
        }
    }
}

async fn read(http: &HttpRequest, payload: &mut Payload) -> Result<Bytes, actix_web::Error> {
    let body = web::Payload::from_request(http, payload).await?;
    body.to_bytes_limited(MOST_BYTES).await.map_err(|_| error::ErrorPayloadTooLarge("the body is too large"))?
}

async fn begin(broker: &Broker, id: &str, hash: &[u8]) -> Result<Option<store::Known>, Trouble> {
    let mut conn = broker.ctx.db.acquire().await?;
    Ok(store::begin(&mut conn, id, hash, broker.ctx.now()).await?)
}

/// Does what was asked, and keeps the answer unless it is none.
async fn first<B: MessageBody + 'static>(
    broker: &Broker,
    id: &str,
    answer: Result<ServiceResponse<B>, actix_web::Error>,
) -> Answered<B> {
    let answer = match answer {
        Ok(answer) if !answer.status().is_server_error() => answer,
        failed => {
            forget(broker, id).await;
            return failed.map(ServiceResponse::map_into_left_body);
        }
    };
    let (request, response) = answer.into_parts();
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body).await else {
        forget(broker, id).await;
        return Ok(ServiceResponse::new(request, problem(&Trouble::Broken)).map_into_right_body());
    };
    let header = |name: &HeaderName| Some((name.to_string(), head.headers().get(name)?.to_str().ok()?.to_owned()));
    let kept = Answer {
        status: head.status().as_u16(),
        headers: KEPT.iter().filter_map(header).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let ctx = &broker.ctx;
    let sealed = ctx.vault.seal(place(id), &serde_json::to_vec(&kept).unwrap_or_default(), &ctx.rng);
    if let Err(error) = keep(broker, id, &sealed).await {
        // it is done: a repetition waits two minutes, and is then refused by what exists
        tracing::warn!(%error, "the answer to an idempotent request could not be kept");
    }
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(body))).map_into_right_body())
}

async fn keep(broker: &Broker, id: &str, sealed: &Sealed) -> Result<(), sqlx::Error> {
    store::answered(&mut *broker.ctx.db.acquire().await?, id, sealed).await
}

async fn forget(broker: &Broker, id: &str) {
    let forgotten = async { store::forget(&mut *broker.ctx.db.acquire().await?, id).await };
    if let Err(error) = forgotten.await {
        tracing::warn!(%error, "an idempotency key could not be released");
    }
}

fn again(broker: &Broker, id: &str, hash: &[u8], known: store::Known) -> HttpResponse {
    if known.request_hash != hash {
        let detail = "this Idempotency-Key came with another request before; choose a new key for a new request";
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).error_response();
    }
    let Some(sealed) = known.sealed else {
        let detail = "the first request with this Idempotency-Key is still under way; ask again in a moment";
        let mut answer = Problem::new(StatusCode::CONFLICT, "idempotency_key_in_use", detail).error_response();
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return answer;
    };
    let opened = broker.ctx.vault.open(place(id), &sealed).ok();
    let Some(kept) = opened.and_then(|bytes| serde_json::from_slice::<Answer>(bytes.expose()).ok()) else {
        tracing::error!(id, "a kept answer does not open");
        return problem(&Trouble::Broken);
    };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer.insert_header(("cache-control", "no-store")).insert_header((REPLAYED, "true"));
    for (name, value) in kept.headers {
        answer.insert_header((name, value));
    }
    answer.body(kept.body)
}
