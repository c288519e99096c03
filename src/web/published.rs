//! A public document that is rendered once and read often (discovery, JWKS): bytes with their ETag and cache time.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[derive(Clone, Debug)]
pub struct Published {
    pub body: Bytes,
    /// Strong, with its quotes (RFC 9110 §8.8.3): SHA-256 of the body.
    pub etag: String,
    pub max_age: Duration,
}

impl Published {
    pub fn new(body: impl Into<Bytes>, max_age: Duration) -> Self {
        let body = body.into();
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &body)));
        Self { body, etag, max_age }
    }

    /// 200 with the document, or 304 when the caller has it (RFC 9110 §13.1.2). It is for everybody, scripts on other
    /// origins included. To HEAD the server sends the same without the body.
    pub fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = if self.is_known_to(request) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::ETAG, self.etag.as_str()))
            .insert_header((header::CACHE_CONTROL, format!("public, max-age={}", self.max_age.as_secs())))
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        if self.is_known_to(request) {
            return response.finish();
        }
        response.content_type("application/json").body(self.body.clone())
    }

    fn is_known_to(&self, request: &HttpRequest) -> bool {
        let candidates = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
        candidates
            .flat_map(|list| list.split(','))
            .map(str::trim)
            // the comparison is the weak one: a proxy that compressed the body made our tag weak
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_caller_who_has_the_document_is_told_so() {
        let document = Published::new("{}", Duration::from_secs(300));
        let ask =
            |tag: &str| document.respond(&TestRequest::get().insert_header(("if-none-match", tag)).to_http_request());
        assert_eq!(ask("\"other\"").status(), 200);
        assert_eq!(ask(&document.etag).status(), 304);
        assert_eq!(ask(&format!("\"other\", W/{}", document.etag)).status(), 304);
        assert_eq!(ask("*").status(), 304);
        let answer = document.respond(&TestRequest::get().to_http_request());
        assert_eq!(answer.headers().get("cache-control").unwrap(), "public, max-age=300");
        assert_eq!(answer.headers().get("access-control-allow-origin").unwrap(), "*");
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/json");
    }
}
