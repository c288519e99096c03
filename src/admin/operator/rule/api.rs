//! `/api/v1/operator-rules`: who may sit at the desk by what an upstream says.

use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{invalid, slug, wanted};
use crate::admin::api::{body, created, done, expected, list, one};
use crate::admin::extract::Api;
use crate::admin::operator::rule_id;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Own, Read, Trouble};
use crate::broker::Broker;
use crate::operator::OperatorRole;
use crate::operator::rule::{self, OperatorRule, store};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/operator-rules").route(web::get().to(all)).route(web::post().to(create))).service(
        web::resource("/operator-rules/{id}")
            .route(web::get().to(read))
            .route(web::put().to(change))
            .route(web::delete().to(delete)),
    );
}

#[derive(Serialize)]
struct RuleView {
    id: String,
    connection: String,
    when: String,
    role: OperatorRole,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl RuleView {
    fn of(broker: &Broker, rule: &OperatorRule) -> Self {
        Self {
            id: rule.id.to_string(),
            connection: slug(broker, &rule.connection),
            when: rule.when.source().into(),
            role: rule.role,
            created_at: rule.created_at,
        }
    }
}

async fn all(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let after = after.first().map(String::as_str);
    let found = store::page(&mut *api.broker.ctx.db.acquire().await?, after, limit + 1).await?;
    let page = Page::of(found, limit, |rule| vec![rule.id.to_string()]);
    Ok(list(&page.map(|rule| RuleView::of(&api.broker, &rule))))
}

/// `connection` of a rule that exists is the one it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    connection: String,
    when: String,
    role: String,
    /// What a rule that was read brings along means nothing.
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "created_at")]
    _created_at: IgnoredAny,
}

async fn create(api: Api<Own>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let written: Written = body(&bytes)?;
    let wanted = wanted(&api.broker, &written.connection, &written.when, &written.role).map_err(invalid)?;
    let ctx = &api.broker.ctx;
    let rule = rule::put(ctx, &api.author, api.role, None, None, &wanted).await?;
    let location = ctx.urls.at(&format!("/api/v1/operator-rules/{}", rule.id));
    Ok(created(&location, &RuleView::of(&api.broker, &rule), Some(&rule.version())))
}

async fn read(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = rule_id(id.into_inner())?;
    let rule = store::by_id(&mut *api.broker.ctx.db.acquire().await?, &id).await?;
    let rule = rule.ok_or_else(|| Trouble::Unknown("such operator rule".into()))?;
    Ok(one(&RuleView::of(&api.broker, &rule), Some(&rule.version())))
}

async fn change(api: Api<Own>, id: Path<String>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let (id, written): (_, Written) = (rule_id(id.into_inner())?, body(&bytes)?);
    let wanted = wanted(&api.broker, &written.connection, &written.when, &written.role).map_err(invalid)?;
    let before = store::by_id(&mut *api.broker.ctx.db.acquire().await?, &id).await?;
    if before.is_some_and(|before| before.connection != wanted.connection) {
        return Err(Trouble::Malformed("a rule stays with its connection; make another one instead".into()));
    }
    let version = expected(&req)?;
    let rule = rule::put(&api.broker.ctx, &api.author, api.role, Some(&id), version.as_deref(), &wanted).await?;
    Ok(one(&RuleView::of(&api.broker, &rule), Some(&rule.version())))
}

async fn delete(api: Api<Own>, id: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let id = rule_id(id.into_inner())?;
    rule::delete(&api.broker.ctx, &api.author, &id, expected(&req)?.as_deref()).await?;
    Ok(done())
}
