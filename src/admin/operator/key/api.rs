//! `/api/v1/operator-keys`. A key's value stands in the answer that made it and nowhere else.

use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use crate::admin::api::{body, created, done, list, one};
use crate::admin::extract::Api;
use crate::admin::operator::{key_id, role};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Own, Read, Trouble};
use crate::life::Verdict;
use crate::operator::OperatorRole;
use crate::operator::api_key::{self, OperatorKey, store};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/operator-keys").route(web::get().to(all)).route(web::post().to(create)))
        .service(web::resource("/operator-keys/{id}").route(web::get().to(read)).route(web::delete().to(delete)));
}

#[derive(Serialize)]
struct KeyView {
    id: String,
    name: String,
    role: OperatorRole,
    /// The last four characters.
    hint: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    created_by: String,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// To a minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    last_used_addr: Option<String>,
    uses: i64,
    safe_to_retire: Verdict,
}

impl KeyView {
    fn of(key: &OperatorKey, now: OffsetDateTime) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            role: key.role,
            hint: key.hint.clone(),
            created_at: key.created_at,
            created_by: key.created_by.clone(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            last_used_addr: key.last_used_addr.clone(),
            uses: key.uses,
            safe_to_retire: key.safe_to_retire(now),
        }
    }
}

async fn all(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let after = after.first().map(String::as_str);
    let found = store::page(&mut *api.broker.ctx.db.acquire().await?, query.search(), after, limit + 1).await?;
    Ok(list(&Page::of(found, limit, |key| vec![key.name.clone()]).map(|key| KeyView::of(&key, api.broker.ctx.now()))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    role: String,
    /// Absent: it ends when it is deleted.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

async fn create(api: Api<Own>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let new: New = body(&bytes)?;
    let (ctx, role) = (&api.broker.ctx, role(&new.role)?);
    let (key, value) = api_key::create(ctx, &api.author, api.role, &new.name, role, new.expires_at).await?;
    let mut answer = json!(KeyView::of(&key, ctx.now()));
    answer["value"] = value.expose().as_str().into();
    Ok(created(&ctx.urls.at(&format!("/api/v1/operator-keys/{}", key.id)), &answer, None))
}

async fn read(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = key_id(id.into_inner())?;
    let key = store::by_id(&mut *api.broker.ctx.db.acquire().await?, &id).await?;
    let key = key.ok_or_else(|| Trouble::Unknown("such operator key".into()))?;
    Ok(one(&KeyView::of(&key, api.broker.ctx.now()), None))
}

async fn delete(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    api_key::delete(&api.broker.ctx, &api.author, &key_id(id.into_inner())?).await?;
    Ok(done())
}
