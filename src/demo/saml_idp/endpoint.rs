//! What programs ask: our metadata.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};

use super::Idp;

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/metadata", web::get().to(metadata));
}

async fn metadata(idp: Data<Idp>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/samlmetadata+xml")).body(idp.metadata.clone())
}
