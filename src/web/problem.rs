//! Problem details (RFC 9457) for the JSON API, with the trace id as an extension member.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value};

use super::trace;

/// `type` stays `about:blank` (§4.2.1), so `title` is the status' own phrase; `code` is what programs match on.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    pub status: StatusCode,
    /// Snake case and stable: `version_conflict`.
    pub code: &'static str,
    /// Cause and remedy, in a sentence that may be shown.
    pub detail: Cow<'static, str>,
    /// Further members, such as `errors`.
    pub members: Map<String, Value>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), members: Map::new() }
    }

    /// Adds a member of our own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut body = self.members.clone();
        body.insert("type".into(), "about:blank".into());
        body.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        body.insert("detail".into(), self.detail.as_ref().into());
        if let Some(trace_id) = trace::current() {
            body.insert("trace_id".into(), trace_id.as_str().into());
        }
        let mut answer = HttpResponse::build(self.status);
        answer.content_type("application/problem+json").insert_header((CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, "5"));
        }
        answer.body(Value::Object(body).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn a_member_of_ours_cannot_displace_the_standard_ones() {
        let problem =
            Problem::new(StatusCode::CONFLICT, "version_conflict", "somebody changed it meanwhile; read it again")
                .with("current", "\"7\"")
                .with("status", 200);
        let answer = problem.error_response();
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
        let body: Value = serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["status"], 409);
        assert_eq!(body["title"], "Conflict");
        assert_eq!(body["current"], "\"7\"");
    }
}
