//! `POST /api/v1/role-trials`: a rule tried on people. It changes nothing.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tried;
use crate::admin::api::{body, one};
use crate::admin::extract::Api;
use crate::admin::{Read, Trouble};
use crate::cel::Expression;
use crate::role::trial::Tried;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/role-trials", web::post().to(try_rule));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    when: Expression,
    /// Of the role whose stored rule it is compared with.
    #[serde(default)]
    resource: String,
    #[serde(default)]
    name: String,
    /// Whom to try it on, as in the list of users; everybody when it is left out.
    #[serde(default)]
    q: String,
}

async fn try_rule(api: Api<Read>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let trial: Trial = body(&bytes)?;
    let outcome = tried(&api.broker, &trial.resource, &trial.name, &trial.when, &trial.q).await?;
    let view = |one: &Tried| {
        json!({
            "sub": one.user.id, "email": one.user.profile.email, "before": one.before, "after": one.after, "error": one.error,
        })
    };
    let people: Vec<Value> = outcome.people.iter().map(view).collect();
    Ok(one(&json!({ "before": outcome.before, "after": outcome.after, "people": people }), None))
}
