//! Pages: `/admin/connections/new` and `/admin/connections/{slug}/setup/{register,credentials,claims,test}`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Beginning, STEPS, certificates};
use crate::admin::configuration::{Refused, settle};
use crate::admin::connection::form::{self, Context, Kind, Section as FormSection, Typed};
use crate::admin::connection::guide::{self, Addresses, Step};
use crate::admin::connection::pages::{shown, switch};
use crate::admin::connection::provider::Provider;
use crate::admin::connection::settings::pages::{entry, put};
use crate::admin::connection::view::{Head, protocol};
use crate::admin::connection::{credential, path, slug};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Trouble};
use crate::connection::metadata::schedule::Why;
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, CredentialKind, CredentialState, Protocol, Slug};
use crate::metadata;
use crate::provisioning::EntryProtocol;
use crate::provisioning::one::{self, Entry, Expect};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/connections/new").route(web::get().to(new)).route(web::post().to(begin)))
        .route("/connections/{slug}/setup/register", web::get().to(register))
        .route("/connections/{slug}/setup/credentials", web::get().to(credentials))
        .route("/connections/{slug}/setup/credentials", web::post().to(save_credentials))
        .route("/connections/{slug}/setup/claims", web::get().to(claims))
        .route("/connections/{slug}/setup/claims", web::post().to(save_claims))
        .route("/connections/{slug}/setup/test", web::get().to(test))
        .route("/connections/{slug}/setup/test", web::post().to(switch_on));
}

const PROTOCOLS: [(&str, &str); 3] =
    [("", "What this provider does best"), ("oidc", "OpenID Connect"), ("saml", "SAML 2.0")];

#[derive(Template)]
#[template(path = "admin/connection/setup/new.html")]
struct NewPage {
    frame: Frame,
    form: Beginning,
    errors: FieldErrors,
    step: usize,
}

fn new_page(desk: &Desk<Edit>, form: Beginning, errors: FieldErrors) -> NewPage {
    NewPage { frame: desk.frame(Section::Connections), form, errors, step: 1 }
}

async fn new(desk: Desk<Edit>) -> HttpResponse {
    show(&new_page(&desk, Beginning { provider: "entra".into(), ..Beginning::default() }, FieldErrors::default()))
}

async fn begin(posted: Posted<Edit, Beginning>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    // a slug that another replica has just taken is found by the database
    let catalog = desk.broker.catalog.load_full();
    let put = match form.entry(|slug| catalog.connection(slug).is_some()) {
        Ok(entry) => {
            let slug = entry.slug.clone();
            let put = one::put(&desk.broker.ctx, &desk.author, Entry::Connection(entry), Expect::Absent).await;
            settle(put, form::field_of)?.map(|_| slug)
        }
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(slug) => Ok(onward(&desk, &slug, "register")),
        Err(Refused(errors)) => Ok(show_again(&new_page(&desk, form, errors))),
    }
}

fn onward(desk: &Desk<Edit>, slug: &Slug, step: &str) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(&format!("{}/setup/{step}", path(slug.as_str()))))
}

#[derive(Template)]
#[template(path = "admin/connection/setup/register.html")]
struct RegisterPage {
    frame: Frame,
    head: Head,
    step: usize,
    place: &'static str,
    steps: Vec<Step>,
    certificates: Vec<(&'static str, String)>,
}

async fn register(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    let (provider, addresses) = (Provider::of(&one), Addresses::of(&desk.broker.ctx.urls, &one.slug));
    Ok(show(&RegisterPage {
        place: provider.place(),
        steps: guide::steps(provider, protocol(&one), &addresses),
        certificates: certificates(&one),
        step: 2,
        head,
        frame,
    }))
}

#[derive(Template)]
#[template(path = "admin/connection/setup/credentials.html")]
struct CredentialsPage {
    frame: Frame,
    head: Head,
    step: usize,
    place: &'static str,
    sections: Vec<FormSection>,
    errors: FieldErrors,
    version: String,
    takes_secret: bool,
    has_secret: bool,
    expires_at: String,
    /// Why metadata that was just saved cannot be had.
    unread: Option<String>,
}

fn credentials_page(
    frame: Frame,
    head: Head,
    one: &Connection,
    sections: Vec<FormSection>,
    errors: FieldErrors,
    version: String,
) -> CredentialsPage {
    CredentialsPage {
        place: Provider::of(one).place(),
        takes_secret: protocol(one) == EntryProtocol::Oidc,
        has_secret: one.active(CredentialKind::ClientSecret).is_some(),
        expires_at: String::new(),
        unread: None,
        step: 3,
        sections,
        errors,
        version,
        head,
        frame,
    }
}

async fn credentials(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    let (entry, version) = entry(&desk, &one).await?;
    let sections = Context::of(&one).filled(form::provider(Provider::of(&one), protocol(&one)), &entry);
    Ok(show(&credentials_page(frame, head, &one, sections, FieldErrors::default(), version)))
}

async fn save_credentials(posted: Posted<Edit, Typed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: sent } = posted;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    let sections = Context::of(&one).typed(form::provider(Provider::of(&one), protocol(&one)), &sent);
    let version = form::typed(&sent, "version").to_owned();
    let mut errors = FieldErrors::default();
    let by_key = !form::typed(&sent, "client_authentication").starts_with("client_secret");
    let secret = credential::pasted(&sent, &mut errors).filter(|_| protocol(&one) == EntryProtocol::Oidc && !by_key);
    if errors.is_empty() {
        match put(&desk, &one, &sections, version.clone()).await? {
            Ok(()) => {}
            Err(Refused(found)) => errors = found,
        }
    }
    if !errors.is_empty() {
        let expires_at = form::typed(&sent, "expires_at").to_owned();
        let page = credentials_page(frame, head, &one, sections, errors, version);
        return Ok(show_again(&CredentialsPage { expires_at, ..page }));
    }
    if let Some(secret) = secret {
        match credential::add_secret(&desk.broker.ctx, &desk.author, &name, &secret).await {
            Ok(known) if known.state == CredentialState::Next => {
                // there was one in use: handing over is a step of its own
                let to = format!("{}/credentials", path(one.slug.as_str()));
                return Ok(see_other(&desk.broker.ctx.urls.local(&Done::Added.at(&to))));
            }
            Ok(_) => {}
            Err(trouble) => {
                let errors = credential::beside_fields(trouble)?;
                let (one, head) = shown(&desk, &frame, &one.slug, None).await?;
                let (_, version) = entry(&desk, &one).await?;
                return Ok(show_again(&credentials_page(frame, head, &one, sections, errors, version)));
            }
        }
    }
    if let Some(trouble) = unread(&desk, &one.slug).await? {
        let (one, head) = shown(&desk, &frame, &one.slug, None).await?;
        let (_, version) = entry(&desk, &one).await?;
        let page = credentials_page(frame, head, &one, sections, FieldErrors::default(), version);
        return Ok(show_again(&CredentialsPage { unread: Some(trouble), ..page }));
    }
    Ok(onward(&desk, &one.slug, "claims"))
}

/// Reads metadata by URL at once: who typed it learns here that it is wrong.
async fn unread(desk: &Desk<Edit>, slug: &Slug) -> Result<Option<String>, Trouble> {
    let ctx = &desk.broker.ctx;
    let one = crate::admin::connection::stored(&mut *ctx.db.acquire().await?, slug).await?;
    match &one.protocol {
        Protocol::Saml(settings) if matches!(settings.source, IdpSource::MetadataUrl { .. }) => {}
        _ => return Ok(None),
    }
    Ok(metadata::refresh(ctx, &one, Why::Asked).await.err().map(|error| error.to_string()))
}

#[derive(Template)]
#[template(path = "admin/connection/setup/claims.html")]
struct ClaimsPage {
    frame: Frame,
    head: Head,
    step: usize,
    sections: Vec<FormSection>,
    errors: FieldErrors,
    version: String,
}

async fn claims(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    let (entry, version) = entry(&desk, &one).await?;
    let sections = Context::of(&one).filled(form::claims(), &entry);
    Ok(show(&ClaimsPage { frame, head, step: 4, sections, errors: FieldErrors::default(), version }))
}

async fn save_claims(posted: Posted<Edit, Typed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: sent } = posted;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    let sections = Context::of(&one).typed(form::claims(), &sent);
    let version = form::typed(&sent, "version").to_owned();
    match put(&desk, &one, &sections, version.clone()).await? {
        Ok(()) => Ok(onward(&desk, &one.slug, "test")),
        Err(Refused(errors)) => Ok(show_again(&ClaimsPage { frame, head, step: 4, sections, errors, version })),
    }
}

#[derive(Template)]
#[template(path = "admin/connection/setup/test.html")]
struct TestPage {
    frame: Frame,
    head: Head,
    step: usize,
    place: &'static str,
    listed: bool,
}

async fn test(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
    Ok(show(&TestPage { frame, head, step: 5, place: Provider::of(&one).place(), listed: one.listed }))
}

async fn switch_on(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, slug) = (posted.desk, slug(&name)?);
    match switch(&desk, &slug, true, None).await {
        Ok(()) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Enabled.at(&path(slug.as_str()))))),
        // the page says what is missing
        Err(Trouble::Invalid(_)) => Ok(onward(&desk, &slug, "test")),
        Err(trouble) => Err(trouble),
    }
}
