//! `/api/v1/connections/{slug}/renewal-links`.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::admin::api::{body, created, done, one};
use crate::admin::connection::{renewal, slug};
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::renewal_link::{self, RenewalLink};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/renewal-links", web::get().to(all))
        .route("/connections/{slug}/renewal-links", web::post().to(make))
        .route("/connections/{slug}/renewal-links/{id}", web::delete().to(withdraw));
}

#[derive(Serialize)]
struct LinkView<'a> {
    id: &'a str,
    state: &'static str,
    takes_over: bool,
    created_by: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    tries: i32,
}

impl<'a> LinkView<'a> {
    fn of(link: &'a RenewalLink, now: OffsetDateTime) -> Self {
        Self {
            id: link.id.as_str(),
            state: link.state(now),
            takes_over: link.takes_over,
            created_by: &link.created_by,
            created_at: link.created_at,
            expires_at: link.expires_at,
            ended_at: link.ended.map(|(at, _)| at),
            tries: link.tries,
        }
    }
}

async fn all(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let ctx = &api.broker.ctx;
    let known = renewal_link::list(&mut *ctx.db.acquire().await?, &slug(&name)?).await?;
    let items: Vec<_> = known.iter().map(|link| LinkView::of(link, ctx.now())).collect();
    Ok(one(&json!({ "items": items }), None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLink {
    #[serde(default = "usual")]
    days: u16,
    #[serde(default)]
    takes_over: bool,
}

const fn usual() -> u16 {
    renewal_link::DAYS
}

async fn make(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let new: NewLink = body(if bytes.is_empty() { b"{}" } else { &bytes })?;
    let ctx = &api.broker.ctx;
    let made = renewal::make(ctx, &api.author, &name, new.days, new.takes_over).await?;
    let location = ctx.urls.at(&format!("/api/v1/connections/{name}/renewal-links/{}", made.link.id));
    let view = json!({
        "id": made.link.id,
        "url": made.url,
        "text": made.text,
        "mailto": made.mailto,
        "takes_over": made.link.takes_over,
        "expires_at": made.link.expires_at.format(&Rfc3339).unwrap_or_default(),
    });
    Ok(created(&location, &view, None))
}

async fn withdraw(api: Api<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    renewal_link::withdraw(&api.broker.ctx, &api.author, &slug(&at.0)?, &at.1).await?;
    Ok(done())
}
