//! `POST /oauth/par` (RFC 9126 §2).

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};

use super::{PATH, push};
use crate::audit::Event;
use crate::broker::Broker;
use crate::broker::endpoint::cors;
use crate::broker::extract::ClientForm;
use crate::oauth::error::ErrorCode;
use crate::token::dpop::DpopHeader;
use crate::web::oauth_error::OAuthErrorAnswer;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource(PATH).wrap(from_fn(cors)).route(web::post().to(par)));
}

/// Audited when refused; what becomes of a request that was taken is audited as its sign-in.
async fn par(broker: Data<Broker>, form: ClientForm, proof: DpopHeader) -> Result<HttpResponse, OAuthErrorAnswer> {
    let client = form.client.client();
    match push(&broker, client, &form.params, &proof).await {
        Ok(response) => Ok(HttpResponse::Created()
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((PRAGMA, "no-cache"))
            .json(response)),
        Err(error) => {
            let (reason, actor) = (error.code.as_str(), format!("client:{}", client.client_id));
            let event = match error.code {
                ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => {
                    Event::failed("authorization.push", reason, actor)
                }
                _ => Event::refused("authorization.push", reason, actor),
            };
            let detail = serde_json::json!({ "detail": error.description });
            broker.audit.record(form.caller.sign(event.client(&client.client_id).detail(detail)));
            Err(error.into())
        }
    }
}
