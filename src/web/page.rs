//! Answering a page.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use askama::Template;

use super::trace;

/// `page` as HTML that nobody keeps: what it says is about one person and one moment. A page that cannot be written
/// is a plain 500 with the trace id.
pub fn render(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            let trace_id = trace::current().map(|id| id.to_string()).unwrap_or_default();
            HttpResponse::InternalServerError()
                .content_type(ContentType::plaintext())
                .insert_header((CACHE_CONTROL, "no-store"))
                .body(format!("This page could not be shown. Tell the operator this trace id: {trace_id}\n"))
        }
    }
}
