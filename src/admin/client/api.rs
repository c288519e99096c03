//! `/api/v1/clients/{client_id}/secrets`: a value is answered once, when it is made. The clients themselves stand with the
//! other configuration. `.../keys`: those by which it signs instead.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::{entry, item, named};
use crate::admin::api::{body, created, done, list};
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::{Edit, Read, Trouble, configuration};
use crate::client::key::KnownKey;
use crate::client::secret::{self, KnownSecret};
use crate::life::Verdict;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/clients/{client_id}/secrets", web::get().to(secrets))
        .route("/clients/{client_id}/secrets", web::post().to(add))
        .route("/clients/{client_id}/secrets/{id}", web::delete().to(withdraw))
        .route("/clients/{client_id}/keys", web::get().to(keys));
}

#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    secret: KnownSecret,
    safe_to_retire: Verdict,
}

/// There are few, so they are one page.
async fn secrets(api: Api<Read>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let client = named(&client_id)?;
    configuration::read(&api.broker.ctx, &item(&client)).await?;
    let mut conn = api.broker.ctx.db.acquire().await?;
    let (known, now) = (secret::list(&mut conn, &client).await?, api.broker.ctx.now());
    let view = |one: &KnownSecret| View { safe_to_retire: one.safe_to_retire(&known, now), secret: one.clone() };
    Ok(list(&Page { items: known.iter().map(view).collect(), next: None }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

async fn add(api: Api<Edit>, client_id: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let client = named(&client_id)?;
    let wanted = if bytes.is_empty() { NewSecret::default() } else { body(&bytes)? };
    let (known, value) = secret::add(&api.broker.ctx, &api.author, &client, wanted.expires_at).await?;
    let mut answer = json!(known);
    answer["value"] = value.expose().as_str().into();
    let location = api.broker.ctx.urls.at(&format!("/api/v1/clients/{client}/secrets/{}", known.id));
    Ok(created(&location, &answer, None))
}

async fn withdraw(api: Api<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (client_id, id) = path.into_inner();
    secret::withdraw(&api.broker.ctx, &api.author, &named(&client_id)?, &id).await?;
    Ok(done())
}

#[derive(Serialize)]
struct KeyView {
    #[serde(flatten)]
    key: KnownKey,
    safe_to_retire: Option<Verdict>,
}

/// They change with the client's settings, or where it publishes them.
async fn keys(api: Api<Read>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let client = named(&client_id)?;
    let stored = configuration::read(&api.broker.ctx, &item(&client)).await?;
    let mut conn = api.broker.ctx.db.acquire().await?;
    let (known, now) = (super::keys(&mut conn, &client, entry(&stored)?).await?, api.broker.ctx.now());
    let view = |one: &KnownKey| KeyView { safe_to_retire: one.safe_to_retire(&known, now), key: one.clone() };
    Ok(list(&Page { items: known.iter().map(view).collect(), next: None }))
}
