//! `/api/v1/connections/{slug}/secrets`, as far as it is about the hand-over.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{list, rehearse, restore};
use crate::admin::api::one;
use crate::admin::connection::slug;
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::credential::client_secret::KnownSecret;
use crate::connection::credential::rehearsal::Rehearsal;
use crate::life::Verdict;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/secrets", web::get().to(secrets))
        .route("/connections/{slug}/secrets/{id}/rehearsal", web::post().to(rehearsal))
        .route("/connections/{slug}/secrets/{id}/restore", web::post().to(put_back));
}

/// A secret with what is known of its fitness.
#[derive(Serialize)]
struct SecretView<'a> {
    #[serde(flatten)]
    known: &'a KnownSecret,
    rehearsal: Option<Rehearsal>,
    /// Of one that retires.
    safe_to_retire: Option<Verdict>,
}

async fn secrets(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let ctx = &api.broker.ctx;
    let (known, mut rehearsals) = list(&mut *ctx.db.acquire().await?, &slug(&name)?).await?;
    let view = |one| SecretView::of(one, &known, &mut rehearsals, ctx.now());
    let items: Vec<_> = known.iter().map(view).collect();
    Ok(one(&json!({ "items": items }), None))
}

impl<'a> SecretView<'a> {
    fn of(
        one: &'a KnownSecret,
        all: &[KnownSecret],
        rehearsals: &mut std::collections::HashMap<String, Rehearsal>,
        now: time::OffsetDateTime,
    ) -> Self {
        Self { known: one, rehearsal: rehearsals.remove(one.id.as_str()), safe_to_retire: one.safe_to_retire(all, now) }
    }
}

async fn rehearsal(api: Api<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let tried = rehearse(&api.broker, &api.author, &at.0, &at.1).await?;
    Ok(one(&tried.rehearsal, None))
}

async fn put_back(api: Api<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let restored = restore(&api.broker.ctx, &api.author, &at.0, &at.1).await?;
    Ok(one(&json!({ "active": restored.active, "retiring": restored.retiring }), None))
}
