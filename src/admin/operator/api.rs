//! `/api/v1/operators`. A one-time password stands in the answer that made it and nowhere else.

use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::{operator_id, role};
use crate::admin::api::{body, created, done, expected, list, one};
use crate::admin::extract::Api;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Own, Read, Trouble};
use crate::operator::manage::{self, Change};
use crate::operator::{Operator, OperatorRole, store};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/operators").route(web::get().to(all)).route(web::post().to(create)))
        .service(
            web::resource("/operators/{id}")
                .route(web::get().to(read))
                .route(web::patch().to(change))
                .route(web::delete().to(delete)),
        )
        .route("/operators/{id}/reset-password", web::post().to(reset_password))
        .route("/operators/{id}/reset-second-factor", web::post().to(reset_second_factor));
}

#[derive(Serialize)]
struct OperatorView {
    id: String,
    email: String,
    role: OperatorRole,
    disabled: bool,
    /// `password`, or `connection` for a person whom a rule lets in.
    signs_in_by: &'static str,
    /// That person.
    user: Option<String>,
    second_factor: bool,
    /// The password is a one-time one still.
    must_change_password: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_sign_in_at: Option<OffsetDateTime>,
}

impl From<&Operator> for OperatorView {
    fn from(operator: &Operator) -> Self {
        Self {
            id: operator.id.to_string(),
            email: operator.email.clone(),
            role: operator.role,
            disabled: operator.disabled,
            signs_in_by: if operator.user.is_some() { "connection" } else { "password" },
            user: operator.user.as_ref().map(ToString::to_string),
            second_factor: operator.second_factor,
            must_change_password: operator.must_change,
            created_at: operator.created_at,
            last_sign_in_at: operator.last_sign_in_at,
        }
    }
}

async fn all(api: Api<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let after = after.first().zip(after.get(1)).map(|(email, id)| (email.as_str(), id.as_str()));
    let found = store::page(&mut *api.broker.ctx.db.acquire().await?, query.search(), after, limit + 1).await?;
    let page = Page::of(found, limit, |o| vec![o.email.to_lowercase(), o.id.to_string()]);
    Ok(list(&page.map(|operator| OperatorView::from(&operator))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    email: String,
    role: String,
}

async fn create(api: Api<Own>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let new: New = body(&bytes)?;
    let ctx = &api.broker.ctx;
    let (operator, password) = manage::create(ctx, &api.author, api.role, &new.email, role(&new.role)?).await?;
    let mut answer = json!(OperatorView::from(&operator));
    answer["one_time_password"] = password.expose().as_str().into();
    Ok(created(&ctx.urls.at(&format!("/api/v1/operators/{}", operator.id)), &answer, Some(&operator.version())))
}

async fn find(api: &Api<Read>, id: String) -> Result<Operator, Trouble> {
    let found = store::by_id(&mut *api.broker.ctx.db.acquire().await?, &operator_id(id)?).await?;
    found.ok_or_else(|| Trouble::Unknown("such operator".into()))
}

async fn read(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let operator = find(&api, id.into_inner()).await?;
    Ok(one(&OperatorView::from(&operator), Some(&operator.version())))
}

/// What is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    role: Option<String>,
    disabled: Option<bool>,
}

async fn change(api: Api<Own>, id: Path<String>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let patch: Patch = body(&bytes)?;
    let change = Change { role: patch.role.as_deref().map(role).transpose()?, disabled: patch.disabled };
    let (id, version) = (operator_id(id.into_inner())?, expected(&req)?);
    let operator = manage::change(&api.broker.ctx, &api.author, api.role, &id, version.as_deref(), change).await?;
    Ok(one(&OperatorView::from(&operator), Some(&operator.version())))
}

async fn delete(api: Api<Own>, id: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let id = operator_id(id.into_inner())?;
    manage::delete(&api.broker.ctx, &api.author, &id, expected(&req)?.as_deref()).await?;
    Ok(done())
}

async fn reset_password(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = operator_id(id.into_inner())?;
    let password = manage::reset_password(&api.broker.ctx, &api.author, &id).await?;
    Ok(one(&json!({ "one_time_password": password.expose().as_str() }), None))
}

async fn reset_second_factor(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = operator_id(id.into_inner())?;
    manage::reset_second_factor(&api.broker.ctx, &api.author, &id).await?;
    Ok(done())
}
