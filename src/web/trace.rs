//! One trace id a request: in the span, in the answer's `x-trace-id`, in error bodies, and for handlers as an extractor.
//! Query strings, cookies and bodies are never logged: codes and states travel there.

use std::future::{Ready, ready};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, error};
use tracing::Instrument;

use crate::ids::TraceId;
use crate::rng::Rng;

pub const HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// More of a path than this says nothing more to a reader, and a log is not the caller's notepad.
const LONGEST_PATH: usize = 200;

tokio::task_local! {
    static CURRENT: TraceId;
}

/// The trace id of the request this task is answering. For what cannot see the request, such as
/// `ResponseError::error_response`; handlers take [`TraceId`] as an argument.
pub fn current() -> Option<TraceId> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Middleware, to be wrapped outermost. Needs `Data<Rng>`.
pub async fn apply(
    rng: Data<Rng>,
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    traced(&rng, req, async |req| next.call(req).await).await
}

/// Answers a request within its trace, for whoever is a middleware already.
///
/// # Errors
/// those of `answer`.
pub async fn traced<B>(
    rng: &Rng,
    req: ServiceRequest,
    answer: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<B>, Error> {
    let trace_id = TraceId::new(rng);
    req.extensions_mut().insert(trace_id.clone());
    let path = without_token(req.path());
    let span = tracing::info_span!(
        "request",
        %trace_id,
        method = %req.method(),
        path = &path[..path.floor_char_boundary(LONGEST_PATH)],
    );
    // A duration, not a time: nothing is decided by it, so it need not come from the injected clock.
    let started = Instant::now();
    let answered = CURRENT.scope(trace_id.clone(), answer(req).instrument(span.clone())).await;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let status = match &answered {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    span.in_scope(|| tracing::info!(status = status.as_u16(), micros, "answered"));
    let mut response = answered?;
    if let Ok(value) = HeaderValue::from_str(trace_id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// A path may end in a secret of ours; all of them begin alike, and the kind is enough to read.
fn without_token(path: &str) -> &str {
    path.find("/avo_").map_or(path, |at| &path[..path.floor_char_boundary((at + "/avo_xx_".len()).min(path.len()))])
}

impl FromRequest for TraceId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = req.extensions().get::<TraceId>().cloned();
        ready(found.ok_or_else(|| error::ErrorInternalServerError("the trace middleware is not installed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, web};

    #[actix_web::test]
    async fn handler_header_and_error_body_name_one_trace() {
        let app = init_service(
            App::new()
                .app_data(Data::new(Rng::default()))
                .wrap(from_fn(apply))
                .route("/", web::get().to(async |id: TraceId| format!("{id} {}", current().unwrap()))),
        )
        .await;
        let response = call_service(&app, TestRequest::get().uri("/?code=avo_ac_x").to_request()).await;
        let header = response.headers().get(HEADER).unwrap().to_str().unwrap().to_owned();
        assert!(header.starts_with("trc_"));
        assert_eq!(read_body(response).await, format!("{header} {header}"));
        let response = call_service(&app, TestRequest::get().uri("/nowhere").to_request()).await;
        assert!(response.headers().contains_key(HEADER), "an unknown path has a trace too");
    }

    #[test]
    fn a_token_in_a_path_stays_out_of_the_log() {
        let token = crate::secret::mint(crate::secret::Kind::RenewalLink, &crate::rng::Rng::default());
        assert_eq!(without_token(&format!("/sso/renew/{}", token.expose())), "/sso/renew/avo_rl_");
        for path in ["/renew/avo_", "/renew/avo_é", "/admin", "/"] {
            assert!(path.starts_with(without_token(path)), "{path}");
        }
        assert_eq!(without_token("/connections/contoso/callback"), "/connections/contoso/callback");
    }
}
