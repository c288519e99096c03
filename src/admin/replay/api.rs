//! `POST /api/v1/connections/{slug}/replay`. Nothing is stored.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::run;
use crate::admin::api;
use crate::admin::extract::Api;
use crate::admin::trace::view;
use crate::admin::{Edit, Trouble};
use crate::cel::Expression;
use crate::connection::Mapping;
use crate::trace::replay;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/replay", web::post().to(replay));
}

/// As in the resource file. What is left out stays as it is; `"allow": null` is no rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    #[serde(default)]
    mapping: Option<Mapping>,
    #[serde(default, deserialize_with = "said")]
    allow: Option<Option<Expression>>,
}

/// Absent is one thing, null another.
fn said<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<Expression>>, D::Error> {
    Option::<Expression>::deserialize(d).map(Some)
}

async fn replay(api: Api<Edit>, slug: Path<String>, body: Bytes) -> Result<HttpResponse, Trouble> {
    let edited: Edited = api::body(&body)?;
    let before = api.broker.catalog.load().connection(&slug);
    let before = before.ok_or_else(|| Trouble::Unknown(format!("connection {slug}")))?;
    let after = replay::edited(
        &before,
        edited.mapping.unwrap_or_else(|| before.mapping.clone()),
        edited.allow.unwrap_or_else(|| before.allow.clone()),
    );
    let compared = run(&api.broker, &before, &after).await?;
    let changed = compared.iter().filter(|(_, difference)| !difference.changes.is_empty()).count();
    let items: Vec<Value> = compared
        .iter()
        .map(|(summary, difference)| {
            json!({
                "trace_id": summary.id,
                "started_at": view::machine_time(summary.started_at),
                "name": summary.name,
                "email": summary.email,
                "changes": difference.changes,
                "warnings": difference.warnings,
            })
        })
        .collect();
    Ok(api::one(&json!({ "items": items, "changed": changed }), None))
}
