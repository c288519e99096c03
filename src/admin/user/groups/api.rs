//! `/api/v1/users/{sub}/groups`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::admin::api::list as listed;
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::user::{nobody, sub};
use crate::admin::{Edit, Read, Trouble};
use crate::overage::inquiry::{self, Standing};
use crate::trace::remedy;
use crate::user;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/users/{sub}/groups", web::get().to(show)).route("/users/{sub}/groups/ask", web::post().to(ask));
}

fn described(one: &Standing) -> Value {
    let kept = one
        .kept
        .as_ref()
        .map(|kept| json!({ "count": kept.count, "fetched_at": stamp(kept.fetched_at), "problem": kept.problem }));
    json!({
        "connection": one.connection.slug, "source": one.source(),
        "last_sign_in_at": one.last_login_at.map(stamp), "kept": kept,
    })
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

async fn show(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    user::store::by_id(&mut *api.broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let items = inquiry::standings(&api.broker, &id).await?.iter().map(described).collect();
    Ok(listed(&Page { items, next: None }))
}

/// Every directory that knows the person. What one refuses is told beside what the others say.
async fn ask(api: Api<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    let known = user::store::by_id(&mut *api.broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let mut items = Vec::new();
    for standing in inquiry::standings(&api.broker, &id).await? {
        let mut told = described(&standing);
        told["answer"] = match inquiry::ask(&api.broker, &api.author, &known, &standing).await? {
            Ok(answer) => json!({
                "ok": true, "count": answer.count, "groups": answer.groups, "new": answer.new, "gone": answer.gone,
                "warning": answer.warning,
            }),
            Err(error) => json!({
                "ok": false, "reason": error.reason(), "detail": error.to_string(),
                "fix": remedy::of(error.reason()).map(|remedy| remedy.fix),
            }),
        };
        items.push(told);
    }
    Ok(listed(&Page { items, next: None }))
}
