//! `/calendar/{token}.ics`: for calendar programs, which have no session and send no header of ours.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, web};

use crate::broker::Broker;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/calendar/{token}.ics", web::get().to(feed));
}

async fn feed(broker: Data<Broker>, token: Path<String>) -> HttpResponse {
    match super::read(&broker, &token).await {
        Ok(Some(calendar)) => HttpResponse::Ok()
            .content_type("text/calendar; charset=utf-8")
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .insert_header((CONTENT_DISPOSITION, "inline; filename=\"avouch.ics\""))
            .body(calendar),
        // one that was withdrawn, one that never was and garbage are alike
        Ok(None) => HttpResponse::NotFound()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("text/plain; charset=utf-8")
            .body("There is no such calendar. An operator can make another address on the page Calendar.\n"),
        Err(error) => {
            tracing::error!(%error, "the calendar could not be read");
            HttpResponse::ServiceUnavailable().insert_header(("retry-after", "60")).finish()
        }
    }
}
