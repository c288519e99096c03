//! Pages: `/admin/connections/{slug}/credentials/rotation`, where a secret is told to rotate by itself.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use super::form::{RotationForm, right};
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::Preset;
use crate::connection::secret_driver::{self, Kind, SecretDriver};
use crate::rotation::{self, Outcome, Rotation, Step};
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
    /// The JWK to register at the driver's service app.
    public_key: Option<String>,
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
    if !one.by_secret() {
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
        public_key: driver
            .and_then(|driver| driver.public_key(ctx).ok().flatten())
            .and_then(|key| serde_json::to_string(&key).ok()),
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
