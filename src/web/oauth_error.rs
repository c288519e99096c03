//! A protocol error as a direct answer: JSON of RFC 6749 §5.2 with our trace id as an extra member (§5.2 leaves room
//! for it). Errors that travel by redirect, and pages, are made elsewhere.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

use super::trace;
use crate::oauth::error::{ErrorCode, OAuthError};

/// Seconds after which a client may ask again when we could not decide.
const RETRY_AFTER_SECONDS: &str = "5";
/// And when it asked too often.
const TOO_MANY_SECONDS: &str = "30";

/// Lets a protocol endpoint end with `?`.
#[derive(Clone, Debug)]
pub struct OAuthErrorAnswer(pub OAuthError);

impl From<OAuthError> for OAuthErrorAnswer {
    fn from(error: OAuthError) -> Self {
        Self(error)
    }
}

impl fmt::Display for OAuthErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(serde::Serialize)]
struct Body<'a> {
    error: &'static str,
    error_description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl ResponseError for OAuthErrorAnswer {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
        challenge(&mut answer, &self.0);
        match self.0.code {
            ErrorCode::TemporarilyUnavailable => drop(answer.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS))),
            ErrorCode::TooManyRequests => drop(answer.insert_header((RETRY_AFTER, TOO_MANY_SECONDS))),
            _ => {}
        }
        answer.json(Body {
            error: self.0.code.as_str(),
            error_description: &self.0.description,
            trace_id: trace::current().map(|id| id.to_string()),
        })
    }
}

/// RFC 6749 §5.2 for clients, RFC 6750 §3 for bearers. A description has no quote or backslash, so it can be quoted.
fn challenge(answer: &mut HttpResponseBuilder, error: &OAuthError) {
    match error.code {
        ErrorCode::InvalidClient => {
            answer.insert_header((WWW_AUTHENTICATE, "Basic realm=\"avouch\""));
        }
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope => {
            let (code, description) = (error.code.as_str(), &error.description);
            answer.insert_header((
                WWW_AUTHENTICATE,
                format!("Bearer realm=\"avouch\", error=\"{code}\", error_description=\"{description}\""),
            ));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    fn answer(code: ErrorCode, description: &'static str) -> HttpResponse {
        OAuthErrorAnswer(OAuthError::new(code, description)).error_response()
    }

    #[actix_web::test]
    async fn the_body_is_rfc_6749_and_nobody_caches_it() {
        let refused = answer(ErrorCode::InvalidGrant, "the code was redeemed already");
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.headers().get("cache-control").unwrap(), "no-store");
        assert_eq!(refused.headers().get("pragma").unwrap(), "no-cache");
        assert_eq!(refused.headers().get("content-type").unwrap(), "application/json");
        assert!(!refused.headers().contains_key(WWW_AUTHENTICATE));
        let body = to_bytes(refused.into_body()).await.unwrap();
        assert_eq!(body, r#"{"error":"invalid_grant","error_description":"the code was redeemed already"}"#);
    }

    #[test]
    fn each_401_names_its_scheme_and_a_503_says_when() {
        let client = answer(ErrorCode::InvalidClient, "no such client");
        assert_eq!(
            (client.status().as_u16(), client.headers().get(WWW_AUTHENTICATE).unwrap()),
            (401, &"Basic realm=\"avouch\"".parse().unwrap())
        );
        let token = answer(ErrorCode::InvalidToken, "expired \"yesterday\"");
        assert_eq!(
            token.headers().get(WWW_AUTHENTICATE).unwrap(),
            "Bearer realm=\"avouch\", error=\"invalid_token\", error_description=\"expired 'yesterday'\""
        );
        let busy = answer(ErrorCode::TemporarilyUnavailable, "the database does not answer");
        assert_eq!((busy.status().as_u16(), busy.headers().get(RETRY_AFTER).unwrap()), (503, &"5".parse().unwrap()));
    }
}
