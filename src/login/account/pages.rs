//! `/account`. Element ids are stable: `link-SLUG`, `remove-ID`.

use std::future::Future;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;
use time::macros::format_description;

use super::{link, sign_in, unlink};
use crate::broker::Broker;
use crate::login::chooser::pages::ChoiceView;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::{SignedInAs, named, own_form};
use crate::login::{Refusal, Visitor};
use crate::session::Session;
use crate::session::person::{self, browser};
use crate::token::withdrawal;
use crate::user::record::{self, KnownIdentity};
use crate::web::brand::Brand;
use crate::web::redirect::see_other;
use crate::web::security_headers::FormAction;
use crate::web::{csrf, page};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/account", web::get().to(account))
        .configure(sign_in::pages::routes)
        .configure(link::pages::routes)
        .configure(unlink::pages::routes);
}

/// A time for reading, always UTC.
#[derive(Clone, Debug)]
pub struct At {
    pub machine: String,
    pub human: String,
}

impl From<OffsetDateTime> for At {
    fn from(at: OffsetDateTime) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        let machine = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
        let human = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
        Self {
            machine: at.format(machine).unwrap_or_default(),
            human: at.format(human).map(|at| format!("{at} UTC")).unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, Template)]
#[template(path = "account/account.html")]
pub struct AccountPage {
    pub brand: Brand,
    pub csrf: String,
    pub person: SignedInAs,
    /// What was just done.
    pub said: Option<&'static str>,
    pub identities: Vec<IdentityView>,
    /// Posts `csrf`, `connection`.
    pub action_link: String,
    /// What may be linked.
    pub offered: Vec<ChoiceView>,
    pub sessions: Vec<SessionView>,
    /// Applications that hold refresh tokens.
    pub applications: Vec<ApplicationView>,
    pub sign_out: String,
}

#[derive(Clone, Debug)]
pub struct IdentityView {
    pub id: String,
    pub connection: String,
    /// What the provider calls the person.
    pub subject: String,
    pub since: At,
    pub last: Option<At>,
    pub in_use: bool,
    /// Where it is taken away, if it may be.
    pub remove: Option<String>,
    /// Why it stays.
    pub kept: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct SessionView {
    pub browser: String,
    pub here: bool,
    pub seen: At,
    pub applications: String,
}

#[derive(Clone, Debug)]
pub struct ApplicationView {
    pub name: String,
    pub used: At,
}

#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

/// A token for a form of this session's: another session in the same browser has others.
pub fn token(broker: &Broker, visitor: &Visitor, session: &Session, what: &str) -> String {
    csrf::token(&broker.ctx.vault, &purpose(session, what), &visitor.browser)
}

/// # Errors
/// [`Problem::ForeignForm`]
pub fn own(
    broker: &Broker,
    req: &HttpRequest,
    visitor: &Visitor,
    session: &Session,
    what: &str,
    csrf: &str,
) -> Result<(), Refusal> {
    own_form(broker, req, visitor, &purpose(session, what), csrf)
}

fn purpose(session: &Session, what: &str) -> String {
    format!("account/{}/{what}", session.id)
}

/// Answers whoever is signed in, and lets everybody else sign in first.
pub async fn signed_in<F: Future<Output = Result<HttpResponse, Refusal>>>(
    broker: &Broker,
    visiting: &Visiting,
    answer: impl FnOnce(Session) -> F,
) -> HttpResponse {
    let answered = match super::session(broker, &visiting.visitor).await {
        Ok(Some(session)) => answer(session).await,
        Ok(None) => Ok(see_other(&broker.ctx.urls.local("/account/sign-in"))),
        Err(refusal) => Err(refusal),
    };
    match answered {
        Ok(response) => visiting.welcome(broker, response),
        Err(refusal) => respond(broker, visiting, Err(refusal), "account").await,
    }
}

/// Where nothing changes until the person has signed in once more.
pub fn ask_again(broker: &Broker) -> HttpResponse {
    see_other(&broker.ctx.urls.local("/account/again"))
}

pub async fn who(broker: &Broker, session: &Session) -> Result<SignedInAs, Refusal> {
    let profile = crate::login::pages::person(broker, session).await?.unwrap_or_default();
    let (name, detail) = named(&profile);
    Ok(SignedInAs { name, detail })
}

async fn account(broker: Data<Broker>, visiting: Visiting, asked: Query<Asked>) -> HttpResponse {
    let said = match asked.done.as_str() {
        "linked" => Some("Linked. From now on you can sign in by it as well."),
        "removed" => Some("Removed. Whatever was signed in by it is signed out."),
        "kept" => Some("Nothing was linked."),
        _ => None,
    };
    signed_in(&broker, &visiting, async |session| {
        let page = account_page(&broker, &visiting.visitor, &session, said).await?;
        let response = page::render(StatusCode::OK, &page);
        Ok(FormAction::onward(&broker.ctx.urls, []).on(response))
    })
    .await
}

async fn account_page(
    broker: &Broker,
    visitor: &Visitor,
    session: &Session,
    said: Option<&'static str>,
) -> Result<AccountPage, Refusal> {
    let (urls, now) = (&broker.ctx.urls, broker.ctx.now());
    let mut conn = broker.ctx.db.acquire().await?;
    let known = record::store::identities(&mut conn, &session.user_id).await?;
    let record = record::store::of(&mut conn, &session.user_id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let live = person::store::live(&mut conn, &session.user_id, broker.session_lifetimes, now).await?;
    let held = withdrawal::store::held(&mut conn, &session.user_id, now).await?;
    drop(conn);
    let catalog = broker.catalog.load_full();
    let app = |id: &str| catalog.client(id).map_or_else(|| id.to_owned(), |client| client.name.clone());
    let identity = |one: &KnownIdentity| {
        let kept = unlink::kept(session, &record, &known, one);
        IdentityView {
            id: one.id.to_string(),
            connection: one.connection_name.clone(),
            subject: one.subject.clone(),
            since: one.created_at.into(),
            last: one.last_login_at.map(At::from),
            in_use: session.identity_id == one.id,
            remove: kept.is_none().then(|| urls.local(&format!("/account/identities/{}/remove", one.id))),
            // of the only one nothing has to be said
            kept: kept.filter(|_| known.len() > 1).map(|fault| match fault {
                super::Fault::OfFile => "Kept by whoever runs this page",
                _ => "Sign in by another one to remove it",
            }),
        }
    };
    let mut applications: Vec<ApplicationView> = Vec::new();
    for one in held {
        let name = app(&one.client_id);
        if !applications.iter().any(|known| known.name == name) {
            applications.push(ApplicationView { name, used: one.last_used_at.into() });
        }
    }
    Ok(AccountPage {
        brand: broker.brand(),
        csrf: token(broker, visitor, session, "link"),
        person: who(broker, session).await?,
        said,
        identities: known.iter().map(identity).collect(),
        action_link: urls.local("/account/link"),
        offered: link::offered(broker).iter().map(|c| ChoiceView::of(c, false)).collect(),
        sessions: live
            .into_iter()
            .map(|one| SessionView {
                browser: browser::called(one.user_agent.as_deref()),
                here: one.id == session.id,
                seen: one.last_seen_at.into(),
                applications: one.clients.iter().map(|id| app(id)).collect::<Vec<_>>().join(", "),
            })
            .collect(),
        applications,
        sign_out: urls.local("/oidc/logout"),
    })
}
