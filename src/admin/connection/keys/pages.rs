//! Pages: `/admin/connections/{slug}/keys` and what is done there.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Duration;

use super::register::Registration;
use super::shown::ShownKey;
use super::{Way, choose};
use crate::admin::connection::credential;
use crate::admin::connection::guide::Addresses;
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, capitalised, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::key_rotation::{self, Delivery, KeyRotation, Takeover};
use crate::connection::{ClientAuthentication, CredentialState, OidcSettings, Protocol};
use crate::provisioning::Problem;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}/keys{tail}");
    app.route(&at(""), web::get().to(keys))
        .route(&at(""), web::post().to(prepare))
        .route(&at("/way"), web::post().to(change_way))
        .route(&at("/schedule"), web::post().to(plan))
        .route(&at("/put-back"), web::get().to(ask_put_back))
        .route(&at("/put-back"), web::post().to(put_back))
        .route(&at("/{id}/promote"), web::get().to(ask_promote))
        .route(&at("/{id}/promote"), web::post().to(promote))
        .route(&at("/{id}/delete"), web::get().to(ask_withdraw))
        .route(&at("/{id}/delete"), web::post().to(withdraw));
}

#[derive(Template)]
#[template(path = "admin/connection/keys.html")]
struct KeysPage {
    frame: Frame,
    head: Head,
    errors: FieldErrors,
    keys: Vec<ShownKey>,
    has_next: bool,
    has_retiring: bool,
    jwks: String,
    metadata: String,
    /// Of OpenID Connect only.
    way: Option<WayForm>,
    federated: Option<Registration>,
    planned: Planned,
}

impl KeysPage {
    /// What is given to the provider where it does not read our JWKS: the next key, or the only one.
    fn to_upload(&self) -> Option<&ShownKey> {
        let by_hand = self.way.as_ref().is_some_and(|way| way.delivery == "upload");
        self.keys.iter().find(|key| key.state == "next").or(self.keys.first()).filter(|_| by_hand)
    }

    fn by_key(&self) -> bool {
        self.way.as_ref().is_none_or(|way| way.client_authentication == "private_key_jwt")
    }
}

/// As it is configured, or was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct WayForm {
    client_authentication: String,
    delivery: String,
    days: String,
    publish_ahead_hours: String,
}

const WAYS: [(&str, &str); 4] = [
    ("client_secret_basic", "A client secret, in the Authorization header"),
    ("client_secret_post", "A client secret, in the body"),
    ("private_key_jwt", "A statement signed with a key of ours (private_key_jwt)"),
    ("federated_credential", "Our issuer's word: a federated credential of Entra ID"),
];
const DELIVERIES: [(&str, &str); 2] = [
    ("jwks_uri", "It reads them from our JWKS URL: they change by themselves"),
    ("upload", "Somebody pastes each one there: they change by hand"),
];

impl WayForm {
    fn of(settings: &OidcSettings) -> Self {
        let rotation = settings.key_rotation.unwrap_or_default();
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        Self {
            client_authentication: word(serde_json::to_value(settings.client_authentication)),
            delivery: word(serde_json::to_value(rotation.delivery)),
            days: rotation.days.to_string(),
            publish_ahead_hours: rotation.publish_ahead_hours.to_string(),
        }
    }

    fn read(&self) -> Result<Way, FieldErrors> {
        let mut errors = FieldErrors::default();
        let authentication = serde_json::from_value(self.client_authentication.clone().into()).unwrap_or_else(|_| {
            errors.add("client_authentication", "Choose one.");
            ClientAuthentication::ClientSecretBasic
        });
        let delivery = if self.delivery == "jwks_uri" { Delivery::JwksUri } else { Delivery::Upload };
        let mut number = |field: &'static str, text: &str| {
            text.trim().parse().unwrap_or_else(|_| {
                errors.add(field, "Write a whole number.");
                1
            })
        };
        let days = number("days", &self.days);
        let publish_ahead_hours = number("publish_ahead_hours", &self.publish_ahead_hours);
        if errors.is_empty() {
            Ok(Way { authentication, rotation: KeyRotation { delivery, days, publish_ahead_hours } })
        } else {
            Err(errors)
        }
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Planned {
    promote_at: String,
    days_before_expiry: String,
}

async fn page(desk: &Seated, name: &str, errors: FieldErrors) -> Result<KeysPage, Trouble> {
    let ctx = &desk.broker.ctx;
    let (slug, now) = (slug(name)?, ctx.now());
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug, Some(Tab::Credentials)).await?;
    let known = key_rotation::list(&mut *ctx.db.acquire().await?, &slug).await?;
    let settings = if let Protocol::Oidc(settings) = &one.protocol { Some(settings) } else { None };
    let is_entra = one.preset == Some(crate::connection::Preset::Entra);
    let federated = settings
        .filter(|settings| is_entra || settings.client_authentication == ClientAuthentication::FederatedCredential);
    let has = |state| known.iter().any(|key| key.state == state);
    Ok(KeysPage {
        errors,
        has_next: has(CredentialState::Next),
        has_retiring: has(CredentialState::Retiring),
        keys: known.iter().map(|key| ShownKey::of(key, &known, &head.path, now)).collect(),
        jwks: Addresses::of(&ctx.urls, &slug).jwks,
        metadata: ctx.urls.sp_metadata(slug.as_str()),
        way: settings.map(WayForm::of),
        federated: federated.map(|settings| Registration::of(&ctx.urls, &slug, &settings.client_id)),
        planned: Planned::default(),
        frame,
        head,
    })
}

fn back(desk: &Seated, name: &str, done: Done) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(&done.at(&format!("{}/keys", path(name)))))
}

async fn keys(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(show(&page(&desk, &name, FieldErrors::default()).await?))
}

async fn prepare(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    key_rotation::prepare(&desk.broker.ctx, &desk.author, &slug(&name)?).await?;
    Ok(back(&desk, &name, Done::Added))
}

async fn change_way(posted: Posted<Edit, WayForm>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let errors = match form.read() {
        Err(errors) => errors,
        Ok(way) => match choose(&desk.broker, &desk.author, &name, way).await {
            Ok(()) => return Ok(back(&desk, &name, Done::Saved)),
            Err(Trouble::Invalid(problems)) => FieldErrors::of(&problems, field_of),
            Err(Trouble::Conflict("no_active_key", said)) => {
                FieldErrors::one("client_authentication", format!("{}.", capitalised(&said)))
            }
            Err(trouble) => return Err(trouble),
        },
    };
    Ok(show_again(&KeysPage { way: Some(form), ..page(&desk, &name, errors).await? }))
}

fn field_of(path: &str) -> Option<&'static str> {
    path.ends_with("key_rotation").then_some("days")
}

async fn plan(posted: Posted<Edit, Planned>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let wanted = match (credential::day(&form.promote_at), given(&form.days_before_expiry)) {
        (Err(message), _) => Err(FieldErrors::one("promote_at", message)),
        (Ok(Some(day)), _) => Ok(Takeover::At(day)),
        (Ok(None), Some(text)) => match text.parse::<u16>() {
            Ok(days) => Ok(Takeover::BeforeEnd(Duration::days(days.into()))),
            Err(_) => Err(FieldErrors::one("days_before_expiry", "Write a whole number.")),
        },
        (Ok(None), None) => Ok(Takeover::ByHand),
    };
    let errors = match wanted {
        Err(errors) => errors,
        Ok(wanted) => match key_rotation::plan_takeover(&desk.broker.ctx, &desk.author, &slug(&name)?, wanted).await {
            Ok(_) => return Ok(back(&desk, &name, Done::Saved)),
            Err(error) => match Trouble::from(error) {
                Trouble::Invalid(problems) => FieldErrors::of(&sentences(problems), |_| None),
                Trouble::Conflict("too_early" | "not_rehearsed", said) => {
                    FieldErrors::one("promote_at", format!("{}.", capitalised(&said)))
                }
                trouble => return Err(trouble),
            },
        },
    };
    Ok(show_again(&KeysPage { planned: form, ..page(&desk, &name, errors).await? }))
}

fn sentences(problems: Vec<Problem>) -> Vec<Problem> {
    let sentence = |one: Problem| Problem { reason: format!("{}.", capitalised(&one.reason)), ..one };
    problems.into_iter().map(sentence).collect()
}

async fn ask(
    desk: &Seated,
    name: &str,
    tail: &str,
    (question, explanation, button): (&str, &str, &str),
) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug(name)?, None).await?;
    let back = format!("{}/keys", head.path);
    Ok(show(&ConfirmPage {
        question: question.into(),
        explanation: explanation.into(),
        touches: vec![("Connection".into(), one.display_name)],
        fields: Vec::new(),
        action: format!("{back}{tail}"),
        button: button.into(),
        back_label: "Keys".into(),
        back,
        keep: "Not now",
        harmless: tail == "/put-back",
        frame,
    }))
}

async fn ask_put_back(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let words = (
        "Put the former key back?",
        "It signs again from now on. The one in use now waits as next, for somebody and no date.",
        "Put it back",
    );
    ask(&desk, &name, "/put-back", words).await
}

async fn put_back(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    key_rotation::put_back(&desk.broker.ctx, &desk.author, &slug(&name)?).await?;
    Ok(back(&desk, &name, Done::Saved))
}

#[derive(Template)]
#[template(path = "admin/connection/promote_key.html")]
struct PromotePage {
    frame: Frame,
    head: Head,
    action: String,
    by_url: bool,
    hours: u16,
    errors: FieldErrors,
    reason: String,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

async fn promote_page(
    desk: &Seated,
    (name, id): &(String, String),
    reason: String,
    errors: FieldErrors,
) -> Result<PromotePage, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug(name)?, None).await?;
    let Protocol::Oidc(settings) = &one.protocol else {
        return Err(Trouble::Unknown("next key of that id".into()));
    };
    if !one.keys(CredentialState::Next).any(|key| key.id.as_str() == id) {
        return Err(Trouble::Unknown("next key of that id".into()));
    }
    let rotation = settings.key_rotation.unwrap_or_default();
    Ok(PromotePage {
        action: format!("{}/keys/{id}/promote", head.path),
        by_url: rotation.delivery == Delivery::JwksUri,
        hours: rotation.publish_ahead_hours,
        frame,
        head,
        errors,
        reason,
    })
}

async fn ask_promote(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    Ok(show(&promote_page(&desk, &at, String::new(), FieldErrors::default()).await?))
}

async fn promote(posted: Posted<Edit, Reason>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    match super::promote(&desk.broker, &desk.author, &at.0, &at.1, given(&form.reason).as_deref()).await {
        Ok(_) => Ok(back(&desk, &at.0, Done::Saved)),
        Err(Trouble::Conflict("too_early" | "key_refused" | "not_rehearsed", said)) => {
            let errors = FieldErrors::one("reason", format!("{}.", capitalised(&said)));
            Ok(show_again(&promote_page(&desk, &at, form.reason, errors).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn ask_withdraw(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let words = (
        "Withdraw this key?",
        "It leaves our JWKS and signs nothing any more. It cannot be brought back.",
        "Withdraw it",
    );
    ask(&desk, &at.0, &format!("/{}/delete", at.1), words).await
}

async fn withdraw(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    key_rotation::withdraw(&desk.broker.ctx, &desk.author, &slug(&at.0)?, &at.1).await?;
    Ok(back(&desk, &at.0, Done::Removed))
}
