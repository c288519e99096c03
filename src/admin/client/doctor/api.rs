//! `POST /api/v1/clients/{client_id}/doctor`: the report of [`crate::doctor`] as it is.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Asked, examine};
use crate::admin::api::{body, one};
use crate::admin::client::named;
use crate::admin::extract::Api;
use crate::admin::{Edit, Trouble};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/clients/{client_id}/doctor", web::post().to(look));
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    system: Option<String>,
    user: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    groups_claim: Option<String>,
}

async fn look(api: Api<Edit>, client_id: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let body: Body = if bytes.is_empty() { Body::default() } else { body(&bytes)? };
    let asked = Asked {
        system: body.system.unwrap_or_default(),
        user: body.user.unwrap_or_default(),
        issuer: body.issuer.unwrap_or_default(),
        audience: body.audience.unwrap_or_default(),
        groups_claim: body.groups_claim.unwrap_or_default(),
    };
    Ok(one(&examine(&api.broker, &api.author, &named(&client_id)?, &asked).await?, None))
}
