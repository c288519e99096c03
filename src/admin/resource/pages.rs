//! Pages: `/admin/resources`, `/admin/resources/new`, `/admin/resources/{identifier}` and what can be done there.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::admin::configuration::{Refused, settle};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given, lines};
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::pages::{ConfirmPage, confirm_release, show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble, configuration};
use crate::jose::Alg;
use crate::provisioning::ResourceEntry;
use crate::provisioning::one::{self, Entry, Expect, Item};
use crate::resource::{self, AccessTokenProfile, Resource, TokenTyp};
use crate::web::redirect::see_other;
use crate::{client, role};

const ALGORITHMS: [(&str, &str); 4] = [("RS256", "RS256"), ("ES256", "ES256"), ("PS256", "PS256"), ("EdDSA", "EdDSA")];
const TYPES: [(&str, &str); 2] = [("at+jwt", "at+jwt"), ("JWT", "JWT")];

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/resources", web::get().to(list))
        .service(web::resource("/resources/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/resources/{identifier}").route(web::get().to(edit)).route(web::post().to(save)))
        .service(
            web::resource("/resources/{identifier}/delete")
                .route(web::get().to(ask_delete))
                .route(web::post().to(delete)),
        )
        .service(
            web::resource("/resources/{identifier}/release")
                .route(web::get().to(ask_release))
                .route(web::post().to(release)),
        );
}

#[derive(Template)]
#[template(path = "admin/resource/list.html")]
struct ListPage {
    frame: Frame,
    search: String,
    first: bool,
    page: Page<Row>,
}

struct Row {
    href: String,
    identifier: String,
    name: Option<String>,
    scopes: String,
    tokens: String,
    managed_by: Option<String>,
}

impl ListPage {
    fn list_href(&self) -> String {
        self.frame.to(&format!("/admin/resources?q={}&", segment(&self.search)))
    }
}

async fn list(desk: Desk<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let found = resource::store::page(&mut conn, query.search(), after.first().map(String::as_str), limit + 1).await?;
    let frame = desk.frame(Section::Resources);
    let page =
        Page::of(found, limit, |resource| vec![resource.identifier.clone()]).map(|resource| row(&frame, resource));
    Ok(show(&ListPage { search: query.search().unwrap_or_default().into(), first: after.is_empty(), page, frame }))
}

fn row(frame: &Frame, resource: Resource) -> Row {
    let AccessTokenProfile { ttl, alg, typ } = resource.access_token;
    Row {
        href: frame.to(&path(&resource.identifier)),
        name: Some(resource.name).filter(|name| *name != resource.identifier),
        scopes: resource.scopes.iter().collect::<Vec<_>>().join(" "),
        tokens: format!("{ttl} s, {}, {}", alg.as_str(), typ.as_str()),
        identifier: resource.identifier,
        managed_by: resource.managed_by,
    }
}

fn path(identifier: &str) -> String {
    format!("/admin/resources/{}", segment(identifier))
}

/// What was typed.
#[derive(Deserialize)]
struct ResourceForm {
    identifier: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: String,
    ttl: String,
    alg: String,
    typ: String,
    /// Of what the form was filled with; empty for a new one.
    #[serde(default)]
    version: String,
}

impl ResourceForm {
    fn of(entry: &ResourceEntry) -> Self {
        let AccessTokenProfile { ttl, alg, typ } = entry.access_token;
        Self {
            identifier: entry.identifier.clone(),
            name: entry.name.clone().unwrap_or_default(),
            scopes: entry.scopes.join("\n"),
            ttl: ttl.to_string(),
            alg: alg.as_str().into(),
            typ: typ.as_str().into(),
            version: String::new(),
        }
    }

    fn entry(&self) -> Result<Entry, FieldErrors> {
        let mut errors = FieldErrors::default();
        let ttl = self.ttl.trim().parse().unwrap_or_else(|_| {
            errors.add("ttl", "Write a whole number of seconds, such as 3600.");
            0
        });
        let alg = Alg::parse(&self.alg).unwrap_or(Alg::RS256);
        let typ = TokenTyp::parse(&self.typ).unwrap_or_default();
        let entry = ResourceEntry {
            identifier: self.identifier.trim().into(),
            name: given(&self.name),
            scopes: lines(&self.scopes),
            access_token: AccessTokenProfile { ttl, alg, typ },
        };
        if errors.is_empty() { Ok(Entry::Resource(entry)) } else { Err(errors) }
    }
}

#[derive(Template)]
#[template(path = "admin/resource/form.html")]
struct FormPage {
    frame: Frame,
    form: ResourceForm,
    errors: FieldErrors,
    known: bool,
    managed_by: Option<String>,
    action: String,
}

impl FormPage {
    fn may_change(&self) -> bool {
        self.frame.may_edit() && self.managed_by.is_none()
    }
}

async fn new(desk: Desk<Edit>) -> HttpResponse {
    let blank = ResourceEntry {
        identifier: String::new(),
        name: None,
        scopes: Vec::new(),
        access_token: AccessTokenProfile::default(),
    };
    show(&new_page(&desk, ResourceForm::of(&blank), FieldErrors::default()))
}

fn new_page(desk: &Desk<Edit>, form: ResourceForm, errors: FieldErrors) -> FormPage {
    let frame = desk.frame(Section::Resources);
    FormPage { action: frame.to("/admin/resources/new"), frame, form, errors, known: false, managed_by: None }
}

async fn create(posted: Posted<Edit, ResourceForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let put = match form.entry() {
        Ok(entry) => settle(one::put(&desk.broker.ctx, &desk.author, entry, Expect::Absent).await, field_of)?,
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at(&path(form.identifier.trim()))))),
        Err(Refused(errors)) => Ok(show_again(&new_page(&desk, form, errors))),
    }
}

async fn edit(desk: Desk<Read>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &Item::Resource(identifier.into_inner())).await?;
    let Entry::Resource(entry) = &stored.entry else { return Err(Trouble::Broken) };
    let form = ResourceForm { version: stored.version.clone(), ..ResourceForm::of(entry) };
    Ok(show(&edit_page(&desk, form, FieldErrors::default(), stored.managed_by)))
}

fn edit_page<R: crate::admin::Right>(
    desk: &Desk<R>,
    form: ResourceForm,
    errors: FieldErrors,
    managed_by: Option<String>,
) -> FormPage {
    let frame = desk.frame(Section::Resources);
    FormPage { action: frame.to(&path(&form.identifier)), frame, form, errors, known: true, managed_by }
}

async fn save(posted: Posted<Edit, ResourceForm>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, mut form } = posted;
    form.identifier = identifier.into_inner();
    let put = match form.entry() {
        Ok(entry) => {
            let expect = Expect::Version(form.version.clone());
            settle(one::put(&desk.broker.ctx, &desk.author, entry, expect).await, field_of)?
        }
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&path(&form.identifier))))),
        Err(Refused(errors)) => Ok(show_again(&edit_page(&desk, form, errors, None))),
    }
}

async fn ask_delete(desk: Desk<Edit>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let item = Item::Resource(identifier.into_inner());
    let stored = configuration::read(&desk.broker.ctx, &item).await?;
    let Item::Resource(identifier) = item else { return Err(Trouble::Broken) };
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let clients = client::store::naming(&mut conn, Some(&identifier), None).await?;
    let roles = role::store::all(&mut conn).await?;
    let roles: Vec<_> = roles.into_iter().filter(|role| role.resource == identifier).map(|role| role.name).collect();
    let none = |names: Vec<String>| if names.is_empty() { "None".to_owned() } else { names.join(", ") };
    let frame = desk.frame(Section::Resources);
    let back = frame.to(&path(&identifier));
    Ok(show(&ConfirmPage {
        question: format!("Delete {identifier}?"),
        explanation:
            "No new token names it as its audience from then on. Tokens that were issued hold until they expire. \
                      While a client names it, it cannot be deleted."
                .into(),
        touches: vec![("Clients that name it".into(), none(clients)), ("Roles deleted with it".into(), none(roles))],
        fields: vec![("version", stored.version)],
        action: format!("{back}/delete"),
        button: "Delete it".into(),
        back_label: identifier,
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

async fn delete(posted: Posted<Edit, Confirmed>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let item = Item::Resource(identifier.into_inner());
    one::delete(&desk.broker.ctx, &desk.author, &item, Expect::Version(form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/resources"))))
}

async fn ask_release(desk: Desk<Edit>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &Item::Resource(identifier.to_string())).await?;
    let frame = desk.frame(Section::Resources);
    let back = frame.to(&path(&identifier));
    Ok(show(&confirm_release(frame, &identifier, stored.managed_by.as_deref().unwrap_or("its file"), back)))
}

async fn release(posted: Posted<Edit, NoFields>, identifier: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    one::release(&desk.broker.ctx, &desk.author, &Item::Resource(identifier.to_string())).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Released.at(&path(&identifier)))))
}

/// Where the form has another name for it than the file.
fn field_of(path: &str) -> Option<&'static str> {
    ["ttl", "alg", "typ"].into_iter().find(|field| path.ends_with(field))
}
