//! `/api/v1/connections/{slug}/rotation`.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::admin::api::{body, done, expected, one};
use crate::admin::connection::slug;
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::secret_driver::{self, SecretDriver, Wanted};
use crate::ctx::Ctx;
use crate::rotation::{self, Rotation};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/rotation", web::get().to(standing))
        .route("/connections/{slug}/rotation", web::put().to(put))
        .route("/connections/{slug}/rotation", web::delete().to(remove))
        .route("/connections/{slug}/rotation/run", web::post().to(run))
        .route("/connections/{slug}/rotation/stop", web::post().to(stop));
}

fn time(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.format(&Rfc3339).ok())
}

fn configured(ctx: &Ctx, driver: &SecretDriver) -> Value {
    json!({
        "public_key": driver.public_key(ctx).ok().flatten(),
        "driver": driver.settings,
        "has_credential": driver.has_credential(),
        "credential_expires_at": time(driver.credential_expires_at),
        "interval_days": driver.interval_days,
        "lifetime_days": driver.lifetime_days,
        "watch_hours": driver.watch_hours,
        "enabled": driver.enabled,
        "next_rotation_at": time(driver.next_rotation_at),
    })
}

fn shown(one: &Rotation) -> Value {
    json!({
        "id": one.id,
        "driver": one.driver,
        "step": one.step.as_str(),
        "outcome": one.outcome.map(rotation::Outcome::as_str),
        "cause": one.cause.map(rotation::Cause::as_str),
        "remedy": one.cause.map(rotation::Cause::remedy),
        "last_error": one.last_error,
        "attempts": one.attempts,
        "secret": one.credential,
        "asked_by": one.asked_by,
        "started_at": time(Some(one.started_at)),
        "next_at": time(one.finished_at.is_none().then_some(one.next_at)),
        "finished_at": time(one.finished_at),
    })
}

async fn standing(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let standing = rotation::standing(&mut *api.broker.ctx.db.acquire().await?, &slug).await?;
    let driver = standing.driver.as_ref().ok_or_else(|| Trouble::Unknown("rotation of this connection".into()))?;
    let mut view = configured(&api.broker.ctx, driver);
    view["rotations"] = standing.rotations.iter().map(shown).collect();
    Ok(one(&view, Some(&driver.version.to_string())))
}

async fn put(api: Api<Edit>, name: Path<String>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let wanted: Wanted = body(&bytes)?;
    // a version that cannot be one of ours is nobody's
    let version = expected(&req)?.map(|version| version.parse().unwrap_or(-1));
    let driver = secret_driver::put(&api.broker.ctx, &api.author, &slug(&name)?, wanted, version).await?;
    Ok(one(&configured(&api.broker.ctx, &driver), Some(&driver.version.to_string())))
}

async fn remove(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    secret_driver::remove(&api.broker.ctx, &api.author, &slug(&name)?).await?;
    Ok(done())
}

async fn run(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let begun = rotation::run_now(&api.broker.ctx, &api.author, &slug(&name)?).await?;
    Ok(one(&shown(&begun), None))
}

async fn stop(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    rotation::stop(&api.broker.ctx, &api.author, &slug(&name)?).await?;
    Ok(done())
}
