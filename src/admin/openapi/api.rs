//! `/api/v1/openapi.json`.

use actix_web::{HttpResponse, web};

use super::document;
use crate::admin::api::one;
use crate::admin::extract::Api;
use crate::admin::{Read, Trouble};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/openapi.json", web::get().to(openapi));
}

async fn openapi(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let document = document(&api.broker.ctx.urls.at("/api/v1")).map_err(|error| {
        tracing::error!(error, "the description of the API does not read");
        Trouble::Broken
    })?;
    Ok(one(&document, None))
}
