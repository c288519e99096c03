//! Pages: `/admin/connections/{slug}/credentials` and what is done there.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::lanes::{Bar, Lanes};
use super::secret::shown::ShownSecret;
use super::shown::{self, ShownCertificate, ShownKeys, ShownMetadata, ShownSigner};
use super::{add_secret, beside_fields, pasted, saml, secret, withdraw_secret};
use crate::admin::connection::form::{self, Typed};
use crate::admin::connection::guide::{self, Addresses, Paste};
use crate::admin::connection::pages::shown as load;
use crate::admin::connection::provider::Provider;
use crate::admin::connection::view::{Head, Tab, protocol};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, capitalised, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::certificate::fingerprint;
use crate::connection::key_rotation;
use crate::connection::{Connection, CredentialState, KeyUse, Protocol};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}/credentials{tail}");
    app.route(&at(""), web::get().to(credentials))
        .route(&at("/secrets"), web::post().to(add))
        .route(&at("/secrets/{id}/promote"), web::get().to(ask_promote))
        .route(&at("/secrets/{id}/promote"), web::post().to(promote))
        .route(&at("/secrets/{id}/delete"), web::get().to(ask_withdraw))
        .route(&at("/secrets/{id}/delete"), web::post().to(withdraw))
        .configure(secret::pages::routes)
        .configure(saml::pages::routes);
}

#[derive(Template)]
#[template(path = "admin/connection/credentials.html")]
pub(super) struct CredentialsPage {
    frame: Frame,
    head: Head,
    errors: FieldErrors,
    place: &'static str,
    addresses: Vec<Paste>,
    lanes: Option<Lanes>,
    /// Of OpenID Connect only.
    secrets: Option<Vec<ShownSecret>>,
    certificates: Option<Vec<ShownCertificate>>,
    metadata: Option<ShownMetadata>,
    keys: Option<ShownKeys>,
    untrusted: Vec<ShownSigner>,
    /// As they were typed.
    expires_at: String,
    pem: String,
}

impl CredentialsPage {
    /// With a certificate as it was pasted.
    pub(super) fn pasted(self, pem: String) -> Self {
        Self { pem, ..self }
    }
}

pub(super) async fn page(desk: &Seated, name: &str, errors: FieldErrors) -> Result<CredentialsPage, Trouble> {
    let ctx = &desk.broker.ctx;
    let (slug, now) = (slug(name)?, ctx.now());
    let frame = desk.frame(Section::Connections);
    let (one, head) = load(desk, &frame, &slug, Some(Tab::Credentials)).await?;
    let shown = match one.protocol {
        Protocol::Oidc(_) => {
            let (known, rehearsals) = secret::list(&mut *ctx.db.acquire().await?, &slug).await?;
            Some(secret::shown::all(&known, rehearsals, (&head.path, one.by_secret()), now))
        }
        Protocol::Saml(_) => None,
    };
    let keys = key_rotation::list(&mut *ctx.db.acquire().await?, &slug).await?;
    let provider = Provider::of(&one);
    let (secrets, bars) = shown.map_or_else(|| (None, key_bars(&one)), |shown| (Some(shown.secrets), shown.bars));
    Ok(CredentialsPage {
        errors,
        place: provider.place(),
        addresses: guide::addresses(provider, protocol(&one), &Addresses::of(&ctx.urls, &slug)),
        lanes: (!bars.is_empty()).then(|| Lanes::of(bars, now)),
        secrets,
        certificates: shown::certificates(&one, &head.path, now),
        metadata: shown::metadata(&one, now),
        keys: shown::keys(&one, &keys, &head.path, now),
        untrusted: shown::untrusted(&mut *ctx.db.acquire().await?, &one, now).await?,
        expires_at: String::new(),
        pem: String::new(),
        head,
        frame,
    })
}

/// Our keys beside the provider's certificates.
fn key_bars(one: &Connection) -> Vec<Bar> {
    let living = one.credentials.iter().filter(|key| key.state.is_published());
    let ours = living.map(|key| {
        let label = key.key_use().map_or("Our key", |usage| match usage {
            KeyUse::Signing => "Our signing key",
            KeyUse::Encryption => "Our encryption key",
        });
        (label.to_owned(), key.state, key.created_at, key.expires_at)
    });
    let usable = one.certificates.iter().filter(|certificate| certificate.is_usable());
    let theirs = usable.map(|certificate| {
        let label = fingerprint(&certificate.sha256).chars().take(11).collect::<String>();
        (format!("Theirs, {label}"), certificate.state, certificate.not_before, Some(certificate.not_after))
    });
    theirs.chain(ours).collect()
}

pub(super) fn back(desk: &Seated, name: &str, done: Done) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(&done.at(&format!("{}/credentials", path(name)))))
}

async fn credentials(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(show(&page(&desk, &name, FieldErrors::default()).await?))
}

async fn add(posted: Posted<Edit, Typed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: sent } = posted;
    let mut errors = FieldErrors::default();
    let pasted = pasted(&sent, &mut errors);
    if pasted.is_none() {
        errors.add("secret", "Paste the secret.");
    }
    if let Some(pasted) = pasted.filter(|_| errors.is_empty()) {
        match add_secret(&desk.broker.ctx, &desk.author, &name, &pasted).await {
            Ok(_) => return Ok(back(&desk, &name, Done::Added)),
            Err(trouble) => errors = beside_fields(trouble)?,
        }
    }
    let expires_at = form::typed(&sent, "expires_at").to_owned();
    Ok(show_again(&CredentialsPage { expires_at, ..page(&desk, &name, errors).await? }))
}

#[derive(Template)]
#[template(path = "admin/connection/promote.html")]
struct PromotePage {
    frame: Frame,
    head: Head,
    action: String,
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
    at: &(String, String),
    form: Reason,
    errors: FieldErrors,
) -> Result<PromotePage, Trouble> {
    let (name, id) = at;
    let frame = desk.frame(Section::Connections);
    let (one, head) = load(desk, &frame, &slug(name)?, None).await?;
    let is_next = one.credentials.iter().any(|known| known.id.as_str() == id && known.state == CredentialState::Next);
    if !is_next {
        return Err(Trouble::Unknown("next secret of that id".into()));
    }
    let action = format!("{}/credentials/secrets/{id}/promote", head.path);
    Ok(PromotePage { frame, head, action, errors, reason: form.reason })
}

async fn ask_promote(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    Ok(show(&promote_page(&desk, &at, Reason { reason: String::new() }, FieldErrors::default()).await?))
}

async fn promote(posted: Posted<Edit, Reason>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let reason = given(&form.reason);
    match secret::promote(&desk.broker, &desk.author, &at.0, &at.1, reason.as_deref()).await {
        Ok(_) => {}
        Err(Trouble::Conflict("secret_refused" | "not_rehearsed", said)) => {
            let errors = FieldErrors::one("reason", capitalised(&said));
            return Ok(show_again(&promote_page(&desk, &at, form, errors).await?));
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(back(&desk, &at.0, Done::Saved))
}

/// A question before something is taken away from a connection.
pub(super) struct Question {
    pub(super) what: String,
    pub(super) explanation: &'static str,
    pub(super) touches: Vec<(String, String)>,
    /// Below the credentials' page.
    pub(super) action: String,
    pub(super) button: &'static str,
    pub(super) harmless: bool,
}

pub(super) async fn ask(
    desk: &Seated,
    name: &str,
    question: impl FnOnce(&Connection, &Head) -> Question,
) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = load(desk, &frame, &slug(name)?, None).await?;
    let asked = question(&one, &head);
    let back = format!("{}/credentials", head.path);
    Ok(show(&ConfirmPage {
        question: asked.what,
        explanation: asked.explanation.into(),
        touches: asked.touches,
        fields: Vec::new(),
        action: format!("{back}{}", asked.action),
        button: asked.button.into(),
        back_label: one.display_name,
        back,
        keep: if asked.harmless { "Not yet" } else { "Keep it" },
        harmless: asked.harmless,
        frame,
    }))
}

async fn ask_withdraw(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (name, id) = at.into_inner();
    ask(&desk, &name, |one, _| Question {
        what: format!("Remove a secret of {}?", one.display_name),
        explanation: "Avouch forgets it. It stays valid at the provider until it is deleted there too.",
        touches: vec![("People affected".into(), "None: it is not the one in use".into())],
        action: format!("/secrets/{id}/delete"),
        button: "Remove it",
        harmless: false,
    })
    .await
}

async fn withdraw(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    withdraw_secret(&posted.desk.broker.ctx, &posted.desk.author, &at.0, &at.1).await?;
    Ok(back(&posted.desk, &at.0, Done::Removed))
}
