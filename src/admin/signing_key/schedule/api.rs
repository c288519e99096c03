//! `/api/v1/signing-keys/schedule`.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::admin::api::{body, list as listed, one};
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::signing_key::pages::due;
use crate::admin::{Own, Read, Trouble};
use crate::broker::Broker;
use crate::jose::Alg;
use crate::provisioning::Problem;
use crate::signing_key;
use crate::signing_key::schedule::{self, Wanted};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/signing-keys/schedule", web::get().to(list))
        .route("/signing-keys/schedule/{alg}", web::put().to(change));
}

#[derive(Serialize)]
struct View {
    alg: Alg,
    lifetime_days: Option<i32>,
    publish_ahead_hours: i32,
    /// When the next key is to sign, if everybody has it by then.
    #[serde(with = "time::serde::rfc3339::option")]
    due_at: Option<OffsetDateTime>,
    /// Of the JWKS, by the schedules of all algorithms.
    jwks_max_age_seconds: u64,
}

async fn views(broker: &Broker) -> Result<Vec<View>, Trouble> {
    let mut conn = broker.ctx.db.acquire().await?;
    let schedule = schedule::store::load(&mut conn).await?;
    let keys = signing_key::list(&mut conn).await?;
    let max_age = schedule.max_age().as_secs();
    let view = |alg| {
        let plan = schedule.of(alg);
        View {
            alg,
            lifetime_days: plan.lifetime_days,
            publish_ahead_hours: plan.publish_ahead_hours,
            due_at: due(plan, alg, &keys),
            jwks_max_age_seconds: max_age,
        }
    };
    Ok(Alg::ALL.into_iter().map(view).collect())
}

async fn list(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    Ok(listed(&Page { items: views(&api.broker).await?, next: None }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    lifetime_days: Option<i64>,
    publish_ahead_hours: i64,
}

async fn change(api: Api<Own>, alg: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let alg = Alg::parse(&alg).ok_or_else(|| Trouble::Unknown(format!("algorithm {alg}")))?;
    let Body { lifetime_days, publish_ahead_hours } = body(&bytes)?;
    let plan = Wanted { lifetime_days, publish_ahead_hours }.check().map_err(|faults| {
        Trouble::Invalid(faults.into_iter().map(|(path, reason)| Problem { path: path.into(), reason }).collect())
    })?;
    schedule::change(&api.broker.ctx, &api.author, alg, plan).await?;
    let changed = views(&api.broker).await?.into_iter().find(|view| view.alg == alg).ok_or(Trouble::Broken)?;
    Ok(one(&changed, None))
}
