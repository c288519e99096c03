//! `POST /api/v1/connections/{slug}/test`: an address to open in a browser, and where the result will stand.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::pages::trouble;
use crate::admin::api;
use crate::admin::extract::Api;
use crate::admin::trace::view;
use crate::admin::{Edit, Trouble};
use crate::login::trial;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/test", web::post().to(test));
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose token is to be shown.
    #[serde(default)]
    client_id: Option<String>,
    /// The secret or key to prove us with, instead of the one in use.
    #[serde(default)]
    credential_id: Option<String>,
}

async fn test(api: Api<Edit>, slug: Path<String>, body: Bytes) -> Result<HttpResponse, Trouble> {
    let wanted = if body.is_empty() { Wanted::default() } else { api::body(&body)? };
    let (client, credential) = (wanted.client_id.as_deref(), wanted.credential_id.as_deref());
    let invited = trial::invite(&api.broker, &slug, trial::Wanted { client, credential }, &api.author).await;
    let invited = invited.map_err(|refusal| trouble(&slug, refusal))?;
    let body = json!({
        "url": invited.url.expose(),
        "trace_id": invited.trace_id,
        "expires_at": view::machine_time(invited.expires_at),
    });
    Ok(api::created(&format!("/api/v1/traces/{}", invited.trace_id), &body, None))
}
