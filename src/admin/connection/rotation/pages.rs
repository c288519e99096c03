//! Pages: `/admin/connections/{slug}/credentials/rotation`, where a secret is told to rotate by itself.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::Preset;
use crate::connection::secret_driver::settings::{graph_url, login_url};
use crate::connection::secret_driver::{self, Kind, SecretDriver, Settings, Wanted};
use crate::rotation::{self, Outcome, Rotation, Step};
use crate::secret::Secret;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}/credentials/rotation{tail}");
    app.route(&at(""), web::get().to(rotating))
        .route(&at(""), web::post().to(save))
        .route(&at("/run"), web::post().to(run))
        .route(&at("/stop"), web::post().to(stop))
        .route(&at("/delete"), web::get().to(ask_delete))
        .route(&at("/delete"), web::post().to(delete));
}

#[derive(Template)]
#[template(path = "admin/connection/rotation.html")]
struct RotationPage {
    frame: Frame,
    head: Head,
    errors: FieldErrors,
    form: RotationForm,
    kinds: Vec<(&'static str, &'static str)>,
    /// What the driver needs at least, for the kind that is shown.
    right: &'static str,
    has_driver: bool,
    has_credential: bool,
    may_run: bool,
    next: Option<Moment>,
    running: Option<Shown>,
    /// Those that are over.
    past: Vec<Shown>,
}

struct Shown {
    started: Moment,
    by: String,
    state: &'static str,
    state_word: &'static str,
    steps: Vec<(&'static str, &'static str)>,
    next: Option<Moment>,
    trouble: Option<String>,
    remedy: Option<&'static str>,
}

impl Shown {
    fn of(one: &Rotation, now: OffsetDateTime) -> Self {
        let (state, state_word) = match one.outcome {
            None => ("next", "Under way"),
            Some(Outcome::Done) => ("active", "Done"),
            Some(Outcome::Failed) => ("failing", "Failed"),
            Some(Outcome::Stopped) => ("retired", "Stopped"),
        };
        let steps = Step::ALL.into_iter().filter(|step| *step != Step::Done).map(|step| {
            let word = match step.cmp(&one.step) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "now",
                std::cmp::Ordering::Greater => "to come",
            };
            (step.words(), word)
        });
        Self {
            started: Moment::new(one.started_at, now),
            by: one.asked_by.clone(),
            state,
            state_word,
            steps: steps.collect(),
            next: one.finished_at.is_none().then(|| Moment::new(one.next_at, now)),
            trouble: one.last_error.clone(),
            remedy: one.cause.map(rotation::Cause::remedy),
        }
    }
}

/// As it is typed. One field may belong to several kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RotationForm {
    kind: String,
    url: String,
    tenant: String,
    client_id: String,
    object_id: String,
    current_key_id: String,
    login_url: String,
    graph_url: String,
    app_id: String,
    bearer: Option<String>,
    realm: String,
    keeps_old: Option<String>,
    credential: Option<Secret<String>>,
    credential_expires_at: String,
    interval_days: String,
    lifetime_days: String,
    watch_hours: String,
    enabled: Option<String>,
}

/// The least that does it.
const fn right(kind: Kind) -> &'static str {
    match kind {
        Kind::Entra => {
            "Application permission Application.ReadWrite.OwnedBy with admin consent, and be an owner of this one app registration. Never Application.ReadWrite.All: it is a key to the whole tenant. Without an application of the driver's own, the connection's app registration must own itself."
        }
        Kind::Okta => {
            "okta.apps.manage, with an administrator's role that is limited to this one app. An API token acts with all rights of whoever made it, and ends after 30 days without use."
        }
        Kind::Auth0 => {
            "A machine-to-machine application with update:clients. Auth0 grants that for the whole tenant, so guard it well. The old secret ends as soon as the new one begins."
        }
        Kind::Keycloak => {
            "A service account that may configure and manage this one client (fine-grained admin permissions). The role manage-clients would be for all clients."
        }
        Kind::Registration => {
            "The registration access token of this one client. The provider must make a new secret when a registration is updated; the old one ends at once, and there is no way back."
        }
    }
}

impl RotationForm {
    fn of(driver: &SecretDriver) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let on = |yes: bool| yes.then(|| "on".to_owned());
        let mut form = Self {
            kind: driver.settings.kind().as_str().into(),
            credential_expires_at: driver.credential_expires_at.map(day).unwrap_or_default(),
            interval_days: driver.interval_days.to_string(),
            lifetime_days: driver.lifetime_days.to_string(),
            watch_hours: driver.watch_hours.to_string(),
            enabled: on(driver.enabled),
            ..Self::blank(driver.settings.kind())
        };
        match driver.settings.clone() {
            Settings::Entra { tenant, client_id, object_id, current_key_id, login_url, graph_url } => {
                (form.tenant, form.login_url, form.graph_url) = (tenant, login_url, graph_url);
                (form.client_id, form.object_id, form.current_key_id) =
                    (text(&client_id), text(&object_id), text(&current_key_id));
            }
            Settings::Okta { url, app_id, bearer } => {
                (form.url, form.app_id, form.bearer) = (url, text(&app_id), on(bearer));
            }
            Settings::Auth0 { url, client_id } => (form.url, form.client_id) = (url, client_id),
            Settings::Keycloak { url, realm, client_id, keeps_old } => {
                (form.url, form.realm, form.client_id, form.keeps_old) = (url, realm, client_id, on(keeps_old));
            }
            Settings::Registration { url } => form.url = url,
        }
        form
    }

    fn blank(kind: Kind) -> Self {
        Self {
            kind: kind.as_str().into(),
            login_url: login_url(),
            graph_url: graph_url(),
            interval_days: secret_driver::usual_interval().to_string(),
            lifetime_days: secret_driver::usual_lifetime().to_string(),
            watch_hours: secret_driver::usual_watch().to_string(),
            enabled: Some("on".into()),
            ..Self::default()
        }
    }

    fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or(Kind::Entra)
    }

    fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    fn wanted(&self, errors: &mut FieldErrors) -> Wanted {
        let own = |text: &str| text.trim().to_owned();
        let driver = match self.kind() {
            Kind::Entra => Settings::Entra {
                tenant: own(&self.tenant),
                client_id: given(&self.client_id),
                object_id: given(&self.object_id),
                current_key_id: given(&self.current_key_id),
                login_url: given(&self.login_url).unwrap_or_else(login_url),
                graph_url: given(&self.graph_url).unwrap_or_else(graph_url),
            },
            Kind::Okta => {
                Settings::Okta { url: own(&self.url), app_id: given(&self.app_id), bearer: self.bearer.is_some() }
            }
            Kind::Auth0 => Settings::Auth0 { url: own(&self.url), client_id: own(&self.client_id) },
            Kind::Keycloak => Settings::Keycloak {
                url: own(&self.url),
                realm: own(&self.realm),
                client_id: own(&self.client_id),
                keeps_old: self.keeps_old.is_some(),
            },
            Kind::Registration => Settings::Registration { url: own(&self.url) },
        };
        let credential_expires_at = match given(&self.credential_expires_at) {
            None => None,
            Some(text) => match Date::parse(&text, format_description!("[year]-[month]-[day]")) {
                Ok(day) => Some(day.with_time(Time::MIDNIGHT).assume_utc()),
                Err(_) => {
                    errors.add("credential_expires_at", "Write the date like 2027-05-21.");
                    None
                }
            },
        };
        // what is no number is out of every range
        let number = |text: &str| text.trim().parse().unwrap_or_default();
        Wanted {
            driver,
            credential: self.credential.as_ref().and_then(|typed| given(typed.expose())).map(Secret::new),
            credential_expires_at,
            interval_days: number(&self.interval_days),
            lifetime_days: number(&self.lifetime_days),
            watch_hours: number(&self.watch_hours),
            enabled: self.enabled.is_some(),
        }
    }
}

fn day(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

async fn page(
    desk: &Seated,
    name: &str,
    typed: Option<RotationForm>,
    errors: FieldErrors,
) -> Result<RotationPage, Trouble> {
    let ctx = &desk.broker.ctx;
    let (slug, now) = (slug(name)?, ctx.now());
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug, Some(Tab::Credentials)).await?;
    if !secret_driver::has_secret(&one) {
        return Err(Trouble::Conflict(
            "no_secret",
            "the connection proves itself without a client secret; there is nothing to rotate".into(),
        ));
    }
    let standing = rotation::standing(&mut *ctx.db.acquire().await?, &slug).await?;
    let driver = standing.driver.as_ref();
    let likely = match one.preset {
        Some(Preset::Entra) => Kind::Entra,
        _ => Kind::Keycloak,
    };
    let stored = || driver.map_or_else(|| RotationForm::blank(likely), RotationForm::of);
    let form = typed.unwrap_or_else(stored);
    let running = standing.running().map(|one| Shown::of(one, now));
    Ok(RotationPage {
        kinds: Kind::ALL.into_iter().map(|kind| (kind.as_str(), kind.words())).collect(),
        right: right(form.kind()),
        has_driver: driver.is_some(),
        has_credential: driver.is_some_and(SecretDriver::has_credential),
        may_run: running.is_none() && head.enabled && driver.is_some_and(|driver| driver.enabled),
        next: driver.filter(|one| one.enabled).and_then(|one| one.next_rotation_at).map(|at| Moment::new(at, now)),
        past: standing
            .rotations
            .iter()
            .filter(|one| one.finished_at.is_some())
            .map(|one| Shown::of(one, now))
            .collect(),
        running,
        form,
        head,
        frame,
        errors,
    })
}

/// `?kind=` shows the fields of another one.
#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    kind: Option<String>,
}

async fn rotating(desk: Desk<Read>, name: Path<String>, choice: web::Query<Choice>) -> Result<HttpResponse, Trouble> {
    let kind = choice.kind.as_deref().and_then(Kind::parse);
    let mut page = page(&desk, &name, None, FieldErrors::default()).await?;
    if let Some(kind) = kind.filter(|kind| *kind != page.form.kind()) {
        (page.form, page.right) = (RotationForm::blank(kind), right(kind));
    }
    Ok(show(&page))
}

async fn save(posted: Posted<Edit, RotationForm>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let ctx = &desk.broker.ctx;
    let mut errors = FieldErrors::default();
    let wanted = form.wanted(&mut errors);
    if errors.is_empty() {
        match secret_driver::put(ctx, &desk.author, &slug(&name)?, wanted, None).await.map_err(Trouble::from) {
            Ok(_) => return Ok(back(&desk, &name, Done::Saved)),
            Err(Trouble::Invalid(problems)) => errors = FieldErrors::of(&problems, |_| None),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(show_again(&page(&desk, &name, Some(form), errors).await?))
}

fn back(desk: &Seated, name: &str, done: Done) -> HttpResponse {
    let to = format!("{}/credentials/rotation", path(name));
    see_other(&desk.broker.ctx.urls.local(&done.at(&to)))
}

async fn run(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    rotation::run_now(&desk.broker.ctx, &desk.author, &slug(&name)?).await?;
    Ok(back(&desk, &name, Done::Asked))
}

async fn stop(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    rotation::stop(&desk.broker.ctx, &desk.author, &slug(&name)?).await?;
    Ok(back(&desk, &name, Done::Asked))
}

async fn ask_delete(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let standing = rotation::standing(&mut *desk.broker.ctx.db.acquire().await?, &slug).await?;
    let driver = standing.driver.ok_or_else(|| Trouble::Unknown("rotation of this connection".into()))?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, None).await?;
    let back = format!("{}/credentials/rotation", head.path);
    Ok(show(&ConfirmPage {
        question: "Rotate by itself no more?".into(),
        explanation:
            "The driver's own credential is erased here. The secret in use stays, and is renewed by hand from then on."
                .into(),
        touches: vec![("Connection".into(), one.display_name), ("By".into(), driver.settings.kind().words().into())],
        fields: Vec::new(),
        action: format!("{back}/delete"),
        button: "Rotate no more".into(),
        back_label: "Rotation".into(),
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn delete(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    secret_driver::remove(&desk.broker.ctx, &desk.author, &slug(&name)?).await?;
    Ok(back(&desk, &name, Done::Removed))
}
