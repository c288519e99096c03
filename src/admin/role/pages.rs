//! Pages: `/admin/roles`, `/admin/roles/new`, `/admin/roles/{resource}/{name}` and what can be done there.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Outcome, TRIED, tried};
use crate::admin::configuration::{Refused, settle};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::pages::{ConfirmPage, confirm_release, show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::user::pages::called;
use crate::admin::{Edit, Read, Right, Trouble, configuration};
use crate::cel::Expression;
use crate::provisioning::RoleEntry;
use crate::provisioning::one::{self, Entry, Expect, Item};
use crate::role::{self, Role};
use crate::user::User;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/roles", web::get().to(list))
        .service(web::resource("/roles/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/roles/{resource}/{name}").route(web::get().to(edit)).route(web::post().to(save)))
        .service(
            web::resource("/roles/{resource}/{name}/delete")
                .route(web::get().to(ask_delete))
                .route(web::post().to(delete)),
        )
        .service(
            web::resource("/roles/{resource}/{name}/release")
                .route(web::get().to(ask_release))
                .route(web::post().to(release)),
        );
}

#[derive(Template)]
#[template(path = "admin/role/list.html")]
struct ListPage {
    frame: Frame,
    search: String,
    first: bool,
    page: Page<Row>,
    href: String,
}

struct Row {
    href: String,
    role: Role,
}

async fn list(desk: Desk<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let key = after.first().map(String::as_str).zip(after.get(1).map(String::as_str));
    let found = role::store::page(&mut *desk.broker.ctx.db.acquire().await?, query.search(), key, limit + 1).await?;
    let frame = desk.frame(Section::Roles);
    let search = query.search().unwrap_or_default().to_owned();
    let page = Page::of(found, limit, |role| vec![role.resource.clone(), role.name.clone()]);
    Ok(show(&ListPage {
        page: page.map(|role| Row { href: frame.to(&path(&role.resource, &role.name)), role }),
        href: frame.to(&format!("/admin/roles?q={}&", segment(&search))),
        first: after.is_empty(),
        search,
        frame,
    }))
}

fn path(resource: &str, name: &str) -> String {
    format!("/admin/roles/{}/{}", segment(resource), segment(name))
}

fn item(path: Path<(String, String)>) -> Item {
    let (resource, name) = path.into_inner();
    Item::Role { resource, name }
}

/// What was typed.
#[derive(Default, Deserialize)]
struct RoleForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    when: String,
    /// Whom to try it on.
    #[serde(default)]
    people: String,
    /// Of what the form was filled with; empty for a new one.
    #[serde(default)]
    version: String,
    /// `try`: nothing is kept yet.
    #[serde(default)]
    step: String,
}

impl RoleForm {
    fn rule(&self) -> Result<Expression, FieldErrors> {
        Expression::parse(self.when.trim()).map_err(|error| FieldErrors::one("when", format!("{error}.")))
    }

    fn entry(&self) -> Result<Entry, FieldErrors> {
        let when = self.rule()?;
        Ok(Entry::Role(RoleEntry { name: self.name.trim().into(), when, resource: self.resource.clone() }))
    }
}

#[derive(Template)]
#[template(path = "admin/role/form.html")]
struct FormPage {
    frame: Frame,
    form: RoleForm,
    errors: FieldErrors,
    resources: Vec<(String, String)>,
    known: bool,
    managed_by: Option<String>,
    action: String,
    outcome: Option<Outcome>,
}

/// People that a page shows of those a rule was tried on.
const SHOWN: usize = 50;

impl FormPage {
    fn of<R: Right>(desk: &Desk<R>, form: RoleForm, errors: FieldErrors, known: bool) -> Self {
        let frame = desk.frame(Section::Roles);
        let catalog = desk.broker.catalog.load();
        let mut resources: Vec<_> =
            catalog.resources().map(|one| (one.identifier.clone(), one.identifier.clone())).collect();
        resources.sort();
        let action = if known { path(&form.resource, &form.name) } else { "/admin/roles/new".into() };
        Self { action: frame.to(&action), frame, form, errors, resources, known, managed_by: None, outcome: None }
    }

    fn may_change(&self) -> bool {
        self.frame.may_edit() && self.managed_by.is_none()
    }

    fn called(&self, user: &User) -> String {
        called(user)
    }

    /// With the rule tried, or with what is wrong with it.
    async fn trying(desk: &Desk<Edit>, form: RoleForm, known: bool) -> Result<HttpResponse, Trouble> {
        let rule = match form.rule() {
            Ok(rule) => rule,
            Err(errors) => return Ok(show_again(&Self::of(desk, form, errors, known))),
        };
        let outcome = tried(&desk.broker, &form.resource, &form.name, &rule, &form.people).await?;
        let mut page = Self::of(desk, form, FieldErrors::default(), known);
        page.outcome = Some(outcome);
        Ok(show(&page))
    }
}

async fn new(desk: Desk<Edit>) -> HttpResponse {
    show(&FormPage::of(&desk, RoleForm::default(), FieldErrors::default(), false))
}

async fn create(posted: Posted<Edit, RoleForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    if form.step == "try" {
        return FormPage::trying(&desk, form, false).await;
    }
    let put = match form.entry() {
        Ok(entry) => settle(one::put(&desk.broker.ctx, &desk.author, entry, Expect::Absent).await, |_| None)?,
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(_) => {
            let path = path(&form.resource, form.name.trim());
            Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at(&path))))
        }
        Err(Refused(errors)) => Ok(show_again(&FormPage::of(&desk, form, errors, false))),
    }
}

async fn edit(desk: Desk<Read>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &item(path)).await?;
    let Entry::Role(entry) = stored.entry else { return Err(Trouble::Broken) };
    let form = RoleForm {
        name: entry.name,
        resource: entry.resource,
        when: entry.when.source().into(),
        version: stored.version,
        ..RoleForm::default()
    };
    let mut page = FormPage::of(&desk, form, FieldErrors::default(), true);
    page.managed_by = stored.managed_by;
    Ok(show(&page))
}

async fn save(posted: Posted<Edit, RoleForm>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, mut form } = posted;
    (form.resource, form.name) = at.into_inner();
    if form.step == "try" {
        return FormPage::trying(&desk, form, true).await;
    }
    let put = match form.entry() {
        Ok(entry) => {
            let expect = Expect::Version(form.version.clone());
            settle(one::put(&desk.broker.ctx, &desk.author, entry, expect).await, |_| None)?
        }
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&path(&form.resource, &form.name))))),
        Err(Refused(errors)) => Ok(show_again(&FormPage::of(&desk, form, errors, true))),
    }
}

async fn ask_delete(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &item(at)).await?;
    let Entry::Role(entry) = stored.entry else { return Err(Trouble::Broken) };
    let outcome = tried(&desk.broker, &entry.resource, &entry.name, &entry.when, "").await?;
    let frame = desk.frame(Section::Roles);
    let back = frame.to(&path(&entry.resource, &entry.name));
    let holders = outcome.people.iter().filter(|one| one.before);
    let mut names: Vec<String> = holders.take(5).map(|one| called(&one.user)).collect();
    if outcome.before > names.len() {
        names.push(format!("and {} more", outcome.before - names.len()));
    }
    let held = if outcome.before == 0 { "Nobody".into() } else { format!("{}: {}", outcome.before, names.join(", ")) };
    let of = if outcome.people.len() as i64 == TRIED {
        format!("Of the {TRIED} newest people have it")
    } else {
        "People who have it".into()
    };
    Ok(show(&ConfirmPage {
        question: format!("Delete the role {}?", entry.name),
        explanation: "New tokens do not name it from then on, and at the API of Avouch nobody has rights by it. Tokens that were \
                      issued hold until they expire."
            .into(),
        touches: vec![("Resource".into(), entry.resource), (of, held)],
        fields: vec![("version", stored.version)],
        action: format!("{back}/delete"),
        button: "Delete it".into(),
        back_label: entry.name,
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

/// Of the page that asked.
#[derive(Deserialize)]
struct Confirmed {
    version: String,
}

async fn delete(posted: Posted<Edit, Confirmed>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    one::delete(&desk.broker.ctx, &desk.author, &item(at), Expect::Version(form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/roles"))))
}

async fn ask_release(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let back = path(&at.0, &at.1);
    let stored = configuration::read(&desk.broker.ctx, &item(at)).await?;
    let Entry::Role(entry) = stored.entry else { return Err(Trouble::Broken) };
    let frame = desk.frame(Section::Roles);
    let back = frame.to(&back);
    Ok(show(&confirm_release(frame, &entry.name, stored.managed_by.as_deref().unwrap_or("its file"), back)))
}

async fn release(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (desk, back) = (posted.desk, path(&at.0, &at.1));
    one::release(&desk.broker.ctx, &desk.author, &item(at)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Released.at(&back))))
}
