//! `POST /oauth/device/code` (RFC 8628 §3.1), and the QR code of a complete address.

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, web};

use super::extract::DeviceForm;
use super::{UserCode, begin, qr};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::oauth::error::ErrorCode;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/oauth/device/code").wrap(from_fn(cors)).route(web::post().to(device_code)))
        .route("/device/qr/{code}.svg", web::get().to(image));
}

async fn device_code(broker: Data<Broker>, form: DeviceForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let client_id = &form.client.client_id;
    let actor = format!("client:{client_id}");
    let note = |event: Event| broker.audit.record(form.caller.sign(event.client(client_id)));
    match begin(&broker, &form.client, &form.params, &form.caller).await {
        Ok(response) => {
            note(Event::success("device.request", actor));
            Ok(HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((PRAGMA, "no-cache"))
                .json(response))
        }
        Err(error) => {
            let reason = error.code.as_str();
            note(match error.code {
                ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => {
                    Event::failed("device.request", reason, actor)
                }
                _ => Event::refused("device.request", reason, actor),
            });
            Err(error.into())
        }
    }
}

async fn image(broker: Data<Broker>, code: Path<String>) -> HttpResponse {
    match UserCode::parse(&code).and_then(|code| qr::image(&broker.ctx.urls, &code)) {
        Some(svg) => {
            HttpResponse::Ok().content_type("image/svg+xml").insert_header((CACHE_CONTROL, "no-store")).body(svg)
        }
        None => HttpResponse::NotFound().finish(),
    }
}
