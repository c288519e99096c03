//! `/api/v1/users/import` and `/api/v1/users/export`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, PayloadConfig, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::look;
use crate::admin::api::one;
use crate::admin::extract::Api;
use crate::admin::user::{Asked, all, problems};
use crate::admin::{Edit, Read, Trouble};
use crate::broker::Broker;
use crate::user::export;
use crate::user::import::{self, MOST_BYTES};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/users/import").app_data(PayloadConfig::new(MOST_BYTES + 1)).route(web::post().to(bring_in)),
    )
    .route("/users/export", web::get().to(export_people));
}

#[derive(Deserialize)]
struct How {
    #[serde(default)]
    dry_run: bool,
}

/// `text/csv` in; what was made, or would be, by line.
async fn bring_in(api: Api<Edit>, how: Query<How>, body: Bytes) -> Result<HttpResponse, Trouble> {
    let broker = &api.broker;
    let looked = look(broker, &body).await?.map_err(|faults| Trouble::Invalid(problems(faults, true)))?;
    if how.dry_run {
        let known = looked.known;
        return Ok(one(&json!({ "dry_run": true, "created": looked.ready.len() - known, "known": known }), None));
    }
    let made = import::import(&broker.ctx, &api.author, &looked.ready).await?;
    let user = |new: bool| move |(line, id): &(u64, _)| json!({ "line": line, "sub": id, "created": new });
    let mut users: Vec<Value> = made.created.iter().map(user(true)).chain(made.known.iter().map(user(false))).collect();
    users.sort_by_key(|user| user["line"].as_u64());
    Ok(one(&json!({ "created": made.created.len(), "known": made.known.len(), "users": users }), None))
}

async fn export_people(api: Api<Read>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    exported(&api.broker, req.query_string()).await
}

/// `?format=influxdb|csv`, the list's own filter, and `sub` as often as somebody is chosen.
///
/// # Errors
/// [`Trouble::Malformed`], and the database's.
pub async fn exported(broker: &Broker, query: &str) -> Result<HttpResponse, Trouble> {
    let mut asked = Asked::default();
    let (mut format, mut chosen) = (String::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "q" => asked.q = value.into(),
            "connection" => asked.connection = value.into(),
            "status" => asked.status = value.into(),
            "format" => format = value.into(),
            "sub" => chosen.push(value.into_owned()),
            _ => {}
        }
    }
    if !matches!(&*format, "influxdb" | "csv") {
        return Err(Trouble::Malformed("format is influxdb or csv".into()));
    }
    let people = all(broker, &asked, &chosen).await?;
    let day = broker.ctx.now().date();
    let (body, kind, name) = if format == "csv" {
        (export::table(&people).map_err(|_| Trouble::Broken)?, "text/csv; charset=utf-8", format!("users-{day}.csv"))
    } else {
        let yaml = export::influxdb(&people).map_err(|_| Trouble::Broken)?;
        (yaml.into_bytes(), "application/yaml", format!("influxdb-users-{day}.yaml"))
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body))
}
