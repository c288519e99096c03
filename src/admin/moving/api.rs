//! `/api/v1/moves`.

use actix_web::web::{Bytes, Path, PayloadConfig, Query};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{asked, checked, id_of, one as known, plan};
use crate::admin::api::{body, created, done, list, one};
use crate::admin::extract::Api;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::user::problems;
use crate::admin::{Edit, Read, Trouble};
use crate::moving::{self, Group, Move, Step, store};
use crate::user::import::MOST_BYTES;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/moves")
            .app_data(PayloadConfig::new(MOST_BYTES + 1))
            .route(web::get().to(all))
            .route(web::post().to(make)),
    )
    .route("/moves/{id}", web::get().to(show))
    .route("/moves/{id}", web::delete().to(delete))
    .route("/moves/{id}/people", web::get().to(people))
    .route("/moves/{id}/forward", web::post().to(forward))
    .route("/moves/{id}/back", web::post().to(back))
    .route("/moves/{id}/complete", web::post().to(complete));
}

fn view(one: &Move) -> Value {
    let moment = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    json!({
        "id": one.id, "from": one.from, "to": one.to, "people": one.counts.people(), "counts": one.counts,
        "created_at": moment(one.created_at), "completed_at": one.completed_at.map(moment),
    })
}

async fn all(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let moves = store::list(&mut *api.broker.ctx.db.acquire().await?, None).await?;
    Ok(one(&json!({ "items": moves.iter().map(view).collect::<Vec<_>>() }), None))
}

#[derive(Deserialize)]
struct Between {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// `text/csv` in. Nobody is moved by it.
async fn make(api: Api<Edit>, between: Query<Between>, table: Bytes) -> Result<HttpResponse, Trouble> {
    let broker = &api.broker;
    let made = plan(broker, &api.author, &between.from, &between.to, &table).await?;
    let id = made.map_err(|faults| {
        let by_line = faults.iter().any(|fault| fault.line > 0);
        Trouble::Invalid(problems(faults, by_line))
    })?;
    let made = known(&mut *broker.ctx.db.acquire().await?, id.as_str()).await?;
    Ok(created(&broker.ctx.urls.at(&format!("/api/v1/moves/{id}")), &view(&made), None))
}

async fn show(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(one(&view(&known(&mut *api.broker.ctx.db.acquire().await?, &id).await?), None))
}

#[derive(Deserialize)]
struct Who {
    standing: Option<String>,
}

async fn people(
    api: Api<Read>,
    id: Path<String>,
    who: Query<Who>,
    paging: Query<ListQuery>,
) -> Result<HttpResponse, Trouble> {
    let mut conn = api.broker.ctx.db.acquire().await?;
    let id = known(&mut conn, &id).await?.id;
    let (after, limit) = (paging.after()?, paging.limit()?);
    let after = after.first().and_then(|line| line.parse().ok()).unwrap_or_default();
    let people = store::people(&mut conn, &id, who.standing.as_deref(), after, limit + 1).await?;
    Ok(list(&Page::of(people, limit, |person| vec![person.line.to_string()])))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    first: Option<i64>,
    domain: Option<String>,
    subs: Option<Vec<String>>,
}

async fn forward(api: Api<Edit>, id: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    step(&api, &id, Step::Forward, &bytes).await
}

async fn back(api: Api<Edit>, id: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    step(&api, &id, Step::Back, &bytes).await
}

async fn step(api: &Api<Edit>, id: &str, step: Step, bytes: &[u8]) -> Result<HttpResponse, Trouble> {
    let (id, chosen) = (id_of(id)?, body::<Chosen>(bytes)?);
    let group = Group { first: chosen.first, domain: chosen.domain, subs: chosen.subs };
    checked(&group)?;
    let people = asked(&id, moving::step(&api.broker.ctx, &api.author, &id, step, &group).await?)?;
    Ok(one(&json!({ "people": people }), None))
}

async fn complete(api: Api<Edit>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = id_of(&id)?;
    let people = asked(&id, moving::complete(&api.broker.ctx, &api.author, &id).await?)?;
    Ok(one(&json!({ "people": people }), None))
}

async fn delete(api: Api<Edit>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = id_of(&id)?;
    asked(&id, moving::delete(&api.broker.ctx, &api.author, &id).await?)?;
    Ok(done())
}
