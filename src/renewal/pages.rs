//! `/renew/{token}`: the page for somebody without an account, and what came of their form. Element ids are stable:
//! `renew`, `secret`, `expires_at`, `document`, `file`, `url`, `give`, `taken`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, REFERRER_POLICY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use super::extract::{Fields, ForeignForm, Submitted, purpose};
use super::given::Given;
use super::{Outcome, Taken, give, saml};
use crate::admin::form::FieldErrors;
use crate::admin::moment::Moment;
use crate::audit::Author;
use crate::broker::Broker;
use crate::connection::renewal_link::{self, RenewalLink};
use crate::connection::{CertificateState, Connection, CredentialKind, Protocol};
use crate::ids::TraceId;
use crate::login::extract::Visiting;
use crate::web::brand::Brand;
use crate::web::error_page::ErrorPage;
use crate::web::{csrf, page, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    let link = web::resource("/renew/{token}");
    app.service(link.route(web::get().to(form)).route(web::head().to(form)).route(web::post().to(given)));
}

/// What is in use now: since when, until when.
struct InUse {
    since: Moment,
    until: Option<Moment>,
}

#[derive(Template)]
#[template(path = "renewal/form.html")]
struct FormPage {
    brand: Brand,
    csrf: String,
    action: String,
    name: String,
    is_saml: bool,
    /// Label, value and id of what tells them that this is their connection.
    facts: Vec<(&'static str, String, &'static str)>,
    in_use: Option<InUse>,
    ends: Moment,
    at_once: bool,
    errors: FieldErrors,
    /// As they were typed; the secret never comes back.
    expires_at: String,
    document: String,
    url: String,
}

#[derive(Template)]
#[template(path = "renewal/taken.html")]
struct TakenPage {
    brand: Brand,
    name: String,
    taken: Taken,
}

/// As long a document is shown again; a longer one is chosen again.
const SHOWN_AGAIN: usize = 64 << 10;

impl FormPage {
    fn of(broker: &Broker, visiting: &Visiting, token: &str, link: &RenewalLink, one: &Connection) -> Self {
        let (urls, now, slug) = (&broker.ctx.urls, broker.ctx.now(), one.slug.as_str());
        let facts = match &one.protocol {
            Protocol::Oidc(settings) => vec![
                ("Client ID", settings.client_id.clone(), "client-id"),
                ("Redirect URI", urls.callback(slug), "callback"),
            ],
            Protocol::Saml(settings) => {
                let ours = settings.sp_entity_id.clone().unwrap_or_else(|| urls.sp_metadata(slug));
                let theirs = saml::entity_id(one).map(|id| ("Your provider's entity ID", id, "entity-id"));
                let ours = [("Our entity ID", ours, "our-entity-id"), ("Reply URL (ACS)", urls.acs(slug), "acs")];
                theirs.into_iter().chain(ours).collect()
            }
        };
        Self {
            brand: broker.brand(),
            csrf: csrf::token(&broker.ctx.vault, &purpose(token), &visiting.visitor.browser),
            action: urls.local(&format!("/renew/{token}")),
            name: one.display_name.clone(),
            is_saml: matches!(one.protocol, Protocol::Saml(_)),
            facts,
            in_use: in_use(one).map(|(since, until)| InUse {
                since: Moment::new(since, now),
                until: until.map(|at| Moment::new(at, now)),
            }),
            ends: Moment::new(link.expires_at, now),
            at_once: link.takes_over,
            errors: FieldErrors::default(),
            expires_at: String::new(),
            document: String::new(),
            url: String::new(),
        }
    }
}

fn in_use(one: &Connection) -> Option<(OffsetDateTime, Option<OffsetDateTime>)> {
    match one.protocol {
        Protocol::Oidc(_) => one.active(CredentialKind::ClientSecret).map(|known| (known.created_at, known.expires_at)),
        Protocol::Saml(_) => {
            let active = one.certificates.iter().filter(|known| known.state == CertificateState::Active);
            active.max_by_key(|known| known.not_after).map(|known| (known.not_before, Some(known.not_after)))
        }
    }
}

async fn form(broker: Data<Broker>, visiting: Visiting, token: Path<String>) -> HttpResponse {
    // looking uses nothing up: mail scanners look first
    let answer = match renewal_link::open(&broker.ctx, &token).await {
        Ok(Some((link, one))) => page::render(StatusCode::OK, &FormPage::of(&broker, &visiting, &token, &link, &one)),
        Ok(None) => over(&broker, &visiting),
        Err(error) => broken(&broker, &visiting, &error),
    };
    dressed(visiting.welcome(&broker, answer))
}

async fn given(
    broker: Data<Broker>,
    visiting: Visiting,
    token: Path<String>,
    submitted: Result<Submitted, ForeignForm>,
    _req: HttpRequest,
) -> HttpResponse {
    let answer = match submitted {
        Err(ForeignForm) => foreign(&broker, &visiting),
        Ok(Submitted(fields)) => match answered(&broker, &visiting, &token, fields).await {
            Ok(answer) => answer,
            Err(error) => broken(&broker, &visiting, &error),
        },
    };
    dressed(visiting.welcome(&broker, answer))
}

async fn answered(
    broker: &Broker,
    visiting: &Visiting,
    token: &str,
    fields: Fields,
) -> Result<HttpResponse, sqlx::Error> {
    let ctx = &broker.ctx;
    let Some((link, one)) = renewal_link::open(ctx, token).await? else { return Ok(over(broker, visiting)) };
    let author = Author {
        actor: link.actor(),
        trace_id: Some(visiting.visitor.trace_id.clone()),
        remote_addr: visiting.visitor.addr,
    };
    let given = Given::of(&one, &fields, ctx.now());
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    match give(broker, &author, &link, &one, given).await? {
        Outcome::Taken(taken) => {
            let page = TakenPage { brand: broker.brand(), name: one.display_name, taken };
            return Ok(page::render(StatusCode::OK, &page));
        }
        Outcome::Over => return Ok(over(broker, visiting)),
        Outcome::Wrong(wrong) => wrong.into_iter().for_each(|(field, message)| errors.add(field, message)),
        Outcome::Refused { field, said, left: 0 } => {
            errors.add(field, said);
            return Ok(withdrawn(broker, visiting, &errors));
        }
        Outcome::Refused { field, said, left } => {
            let times = if left == 1 { "once more" } else { "again" };
            errors.add(field, format!("{said} You can try {times}; attempts left: {left}."));
        }
        Outcome::Busy => {
            status = StatusCode::CONFLICT;
            let field = if matches!(one.protocol, Protocol::Oidc(_)) { "secret" } else { "document" };
            errors.add(field, "Somebody is using this link at this moment. Wait a minute and try again.");
        }
    }
    let document = if fields.document.len() <= SHOWN_AGAIN { fields.document } else { String::new() };
    let page = FormPage {
        errors,
        expires_at: fields.expires_at,
        document,
        url: fields.url,
        ..FormPage::of(broker, visiting, token, &link, &one)
    };
    Ok(page::render(status, &page))
}

/// The token stands in the address: nobody who is linked to, and no log of ours, learns it. Unlike `no-referrer` this
/// leaves `Origin` on our own form.
fn dressed(answer: HttpResponse) -> HttpResponse {
    let mut answer = security_headers::isolate(answer);
    answer.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    answer
}

/// One page for every link that leads nowhere: used, ended, withdrawn, mistyped or made up.
fn over(broker: &Broker, visiting: &Visiting) -> HttpResponse {
    said(
        broker,
        &visiting.visitor.trace_id,
        StatusCode::NOT_FOUND,
        "Not found",
        "This link does not work",
        "It was used already, it has ended, or a part of it got lost on the way.",
        "Check that the address is complete. Otherwise ask the people who sent it for a new one.",
        "renewal_link_over",
    )
}

fn withdrawn(broker: &Broker, visiting: &Visiting, errors: &FieldErrors) -> HttpResponse {
    let last = errors.iter().next().map(|error| error.message.clone()).unwrap_or_default();
    said(
        broker,
        &visiting.visitor.trace_id,
        StatusCode::UNPROCESSABLE_ENTITY,
        "Not stored",
        "That was the last attempt",
        &format!("{last} This link does not work any more."),
        "Nothing has changed for anybody who signs in. Ask the people who sent you the link for a new one.",
        "renewal_link_too_many_tries",
    )
}

fn foreign(broker: &Broker, visiting: &Visiting) -> HttpResponse {
    said(
        broker,
        &visiting.visitor.trace_id,
        StatusCode::FORBIDDEN,
        "Not done",
        "This form has grown old",
        "It did not come from a page of ours, or this browser has forgotten it.",
        "Nothing was changed. Open the link again and repeat it there; cookies have to be allowed.",
        "form_refused",
    )
}

fn broken(broker: &Broker, visiting: &Visiting, error: &sqlx::Error) -> HttpResponse {
    tracing::error!(%error, "a renewal failed");
    let status = if crate::db::is_unavailable(error) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    said(
        broker,
        &visiting.visitor.trace_id,
        status,
        "Not now",
        "Something broke on our side",
        "Nothing was stored.",
        "The link keeps working: try again in a minute.",
        "temporarily_unavailable",
    )
}

#[allow(clippy::too_many_arguments)] // the words of a page, in the order in which they stand on it
fn said(
    broker: &Broker,
    trace_id: &TraceId,
    status: StatusCode,
    verdict: &str,
    heading: &str,
    explanation: &str,
    remedy: &str,
    code: &str,
) -> HttpResponse {
    let page = ErrorPage {
        brand: broker.brand(),
        verdict: verdict.into(),
        heading: heading.into(),
        explanation: explanation.into(),
        remedies: vec![remedy.into()],
        actions: Vec::new(),
        trace_id: trace_id.clone(),
        at: broker.ctx.now(),
        code: code.into(),
    };
    page.render(status)
}
