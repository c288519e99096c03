//! `/api/v1/connections/{slug}/versions`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::number;
use crate::admin::api::{done, one};
use crate::admin::connection::slug;
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::version::keys::Sighting;
use crate::connection::version::{self, Version};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/versions", web::get().to(all))
        .route("/connections/{slug}/versions/{id}/approve", web::post().to(approve))
        .route("/connections/{slug}/versions/{id}/reject", web::post().to(reject));
}

fn view(version: &Version, used: Option<&Version>) -> Value {
    let decided = version.decided.as_ref();
    json!({
        "id": version.id.to_string(),
        "state": version.state,
        "document": version.document.json(),
        "changes": used.map(|used| used.document.changes(&version.document)),
        "first_seen_at": moment(version.first_seen_at),
        "last_seen_at": moment(version.last_seen_at),
        "decided_at": decided.map(|(at, _)| moment(*at)),
        "decided_by": decided.map(|(_, by)| by),
    })
}

fn key(one: &Sighting) -> Value {
    json!({
        "thumbprint": one.thumbprint,
        "kid": one.key.kid,
        "kty": one.key.kty,
        "alg": one.key.alg,
        "published": one.there,
        "first_seen_at": moment(one.first_seen_at),
        "last_seen_at": moment(one.last_seen_at),
    })
}

fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

async fn all(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let history = version::history(&mut *api.broker.ctx.db.acquire().await?, &slug(&name)?).await?;
    let items: Vec<_> = history.versions.iter().map(|version| view(version, history.used())).collect();
    let keys: Vec<_> = history.keys.iter().map(key).collect();
    let blocked = history.blocked.map(|one| json!({ "since": moment(one.since), "detail": one.detail }));
    Ok(one(&json!({ "items": items, "blocked": blocked, "keys": keys }), None))
}

async fn approve(api: Api<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    version::approve(&api.broker.ctx, &api.author, &slug(&at.0)?, number(&at.1)?).await?;
    Ok(done())
}

async fn reject(api: Api<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    version::reject(&api.broker.ctx, &api.author, &slug(&at.0)?, number(&at.1)?).await?;
    Ok(done())
}
