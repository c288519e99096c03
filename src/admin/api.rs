//! The admin API's manners: errors are problem documents (RFC 9457), what was made is named by Location, and what may be
//! changed carries an ETag.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_MATCH, LOCATION, WWW_AUTHENTICATE};
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::extract::Api;
use super::paging::Page;
use super::{Read, Trouble, client, configuration, connection, idempotency, replay, signing_key, trace, trial, user};
use crate::web::problem::Problem;

pub fn routes(app: &mut web::ServiceConfig) {
    let api = web::scope("/api/v1")
        .wrap(from_fn(dress))
        .wrap(from_fn(idempotency::api::remember))
        .configure(client::api::routes)
        .configure(client::doctor::api::routes)
        .configure(trace::api::routes)
        .configure(trial::api::routes)
        .configure(replay::api::routes)
        .configure(super::audit::api::routes)
        .configure(super::settings::api::routes)
        .configure(super::webhook::api::routes)
        .configure(super::operator::api::routes)
        .configure(super::operator::key::api::routes)
        .configure(super::operator::rule::api::routes)
        .configure(super::role::api::routes)
        .configure(configuration::api::routes)
        .configure(connection::api::routes)
        .configure(connection::keys::api::routes)
        .configure(connection::renewal::api::routes)
        .configure(connection::rotation::api::routes)
        .configure(connection::drift::api::routes)
        .configure(user::api::routes)
        .configure(super::moving::api::routes)
        .configure(signing_key::api::routes)
        .configure(signing_key::schedule::api::routes)
        .configure(super::overview::api::routes)
        .configure(super::calendar::api::routes)
        .configure(super::integration::api::routes)
        .configure(super::openapi::api::routes)
        .default_service(web::to(nothing_here));
    app.service(api);
}

async fn nothing_here(_api: Api<Read>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    Err(Trouble::Unknown(format!(
        "{} {} in this API; /api/v1/openapi.json lists what there is",
        req.method(),
        req.path()
    )))
}

/// One page of a list: `{"items": [...], "next": CURSOR}`; `next` is absent on the last one.
pub fn list<T: Serialize>(page: &Page<T>) -> HttpResponse {
    let mut body = json!({ "items": page.items });
    if let Some(next) = &page.next {
        body["next"] = next.as_str().into();
    }
    answer(StatusCode::OK).json(body)
}

/// One thing as it is now. `version` is what `If-Match` of a change names.
pub fn one(body: &impl Serialize, version: Option<&str>) -> HttpResponse {
    stamped(StatusCode::OK, version).json(body)
}

/// A new thing, and where it is: the path below `/api/v1`.
pub fn created(location: &str, body: &impl Serialize, version: Option<&str>) -> HttpResponse {
    stamped(StatusCode::CREATED, version).insert_header((LOCATION, location)).json(body)
}

pub fn done() -> HttpResponse {
    answer(StatusCode::NO_CONTENT).finish()
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CACHE_CONTROL, "no-store"));
    answer
}

fn stamped(status: StatusCode, version: Option<&str>) -> HttpResponseBuilder {
    let mut answer = answer(status);
    if let Some(version) = version {
        answer.insert_header((ETAG, format!("\"{version}\"")));
    }
    answer
}

/// The version that `If-Match` names; none where any will do (`*`, or no such header).
///
/// # Errors
/// [`Trouble::Malformed`]: it is not one strong entity tag.
pub fn expected(req: &HttpRequest) -> Result<Option<String>, Trouble> {
    let Some(value) = req.headers().get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    tag.map(|tag| Some(tag.to_owned()))
        .ok_or_else(|| Trouble::Malformed("If-Match names one entity tag, as the ETag of the answer had it".into()))
}

/// A JSON body in the shape `T`; what does not fit is named by its path.
///
/// # Errors
/// [`Trouble::Malformed`].
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(bytes).map_err(|error| Trouble::Malformed(format!("the body does not fit: {error}")))
}

/// Middleware: a [`Trouble`], and what the framework refused itself, as a problem document.
async fn dress<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let response = next.call(req).await?;
    let (request, answer) = response.into_parts();
    let dressed = match answer.error().map(|error| (error.as_error::<Trouble>(), error)) {
        Some((Some(trouble), _)) => Some(problem(trouble)),
        Some((None, error)) => {
            let status = answer.status();
            let detail = if status.is_server_error() { "it could not be done".into() } else { error.to_string() };
            Some(Problem::new(status, "malformed", detail).error_response())
        }
        None => None,
    };
    let answer = match dressed {
        Some(problem) => problem.map_into_right_body(),
        None => answer.map_into_left_body(),
    };
    Ok(ServiceResponse::new(request, answer))
}

/// A [`Trouble`] as a problem document.
pub fn problem(trouble: &Trouble) -> HttpResponse {
    let (status, code) = trouble.kind();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut problem = Problem::new(status, code, trouble.to_string());
    if let Trouble::Invalid(problems) = trouble {
        let errors: Vec<Value> = problems.iter().map(|p| json!({ "path": p.path, "detail": p.reason })).collect();
        problem = problem.with("errors", errors);
    }
    let mut answer = problem.error_response();
    if let Trouble::SignedOut | Trouble::Credential(_) = trouble {
        let challenge = HeaderValue::from_static("Bearer realm=\"avouch\"");
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}
