//! The way to the account, and the page that asks to sign in once more. Element ids are stable: `again-SLUG`, and those of the
//! chooser.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::broker::Broker;
use crate::login::account::pages::{own, signed_in, token, who};
use crate::login::account::{PATH, identities, session as session_of};
use crate::login::authorize::require_live;
use crate::login::chooser::by_domain;
use crate::login::chooser::pages::{ChoiceView, ChooserPage, show_chooser};
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::{SignedInAs, own_form};
use crate::login::{Next, Problem, Refusal, Visitor};
use crate::web::brand::Brand;
use crate::web::redirect::see_other;
use crate::web::security_headers::FormAction;
use crate::web::{cookies, csrf, page};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/account/sign-in").route(web::get().to(sign_in)).route(web::post().to(leave)))
        .service(web::resource("/account/again").route(web::get().to(again)).route(web::post().to(leave_again)));
}

const SIGN_IN: &str = "account/sign-in";

async fn sign_in(broker: Data<Broker>, req: HttpRequest, visiting: Visiting) -> HttpResponse {
    match session_of(&broker, &visiting.visitor).await {
        Ok(Some(_)) => see_other(&broker.ctx.urls.local(PATH)),
        Ok(None) => visiting.welcome(&broker, show_chooser(&broker, &sign_in_page(&broker, &req, &visiting.visitor))),
        Err(refusal) => respond(&broker, &visiting, Err(refusal), "login").await,
    }
}

fn sign_in_page(broker: &Broker, req: &HttpRequest, visitor: &Visitor) -> ChooserPage {
    let urls = &broker.ctx.urls;
    let possible = super::possible(broker);
    let last = cookies::last_connection(req, urls);
    let is_last = |slug: &str| last.as_deref() == Some(slug);
    let choices = possible.iter().filter(|c| c.listed || is_last(c.slug.as_str()));
    let mut connections: Vec<_> = choices.map(|c| ChoiceView::of(c, is_last(c.slug.as_str()))).collect();
    connections.sort_by_key(|c| !c.last_used);
    ChooserPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, SIGN_IN, &visitor.browser),
        action_email: urls.local("/account/sign-in"),
        action_connection: urls.local("/account/sign-in"),
        app_name: "your account".into(),
        return_host: None,
        ask_email: possible.iter().any(|c| !c.email_domains.is_empty()),
        email_value: String::new(),
        email_error: None,
        connections,
        signed_in: None,
    }
}

/// By a button, or by an address.
#[derive(serde::Deserialize)]
struct Chosen {
    csrf: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    email: String,
}

async fn leave(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, form: Form<Chosen>) -> HttpResponse {
    let visitor = &visiting.visitor;
    let ready = own_form(&broker, &req, visitor, SIGN_IN, &form.csrf)
        .and_then(|()| require_live(&broker).map_err(Refusal::from));
    if let Err(refusal) = ready {
        return respond(&broker, &visiting, Err(refusal), "login").await;
    }
    let possible = super::possible(&broker);
    let next = if form.connection.is_empty() {
        let email = form.email.trim();
        let Some(connection) = by_domain(&possible, email).filter(|_| email.contains('@') && email.len() <= 254) else {
            let mut page = sign_in_page(&broker, &req, visitor);
            page.email_value = email.chars().take(254).collect();
            page.email_error = Some("We found no sign-in page for this address. Check the spelling.".into());
            return visiting.welcome(&broker, show_chooser(&broker, &page));
        };
        super::by(&broker, visitor, &connection, Some(email.into())).await
    } else {
        match possible.iter().find(|c| c.slug.as_str() == form.connection) {
            Some(connection) => super::by(&broker, visitor, connection, None).await,
            None => Err(Problem::UnknownConnection.into()),
        }
    };
    respond(&broker, &visiting, next, "login").await
}

/// "Sign in once more", by any of one's own.
#[derive(Clone, Debug, Template)]
#[template(path = "account/again.html")]
pub struct AgainPage {
    pub brand: Brand,
    pub csrf: String,
    pub action: String,
    pub person: SignedInAs,
    pub connections: Vec<ChoiceView>,
    pub back: String,
}

async fn again(broker: Data<Broker>, visiting: Visiting) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        let known = identities(&broker, &session).await?;
        let mine = |slug: &str| known.iter().any(|one| one.connection_slug == slug);
        let possible = super::possible(&broker);
        let mine = possible.iter().filter(|c| mine(c.slug.as_str()));
        let mut connections: Vec<_> =
            mine.map(|c| ChoiceView::of(c, c.slug.as_str() == session.connection_slug)).collect();
        connections.sort_by_key(|c| !c.last_used);
        let page = AgainPage {
            brand: broker.brand(),
            csrf: token(&broker, visitor, &session, "again"),
            action: broker.ctx.urls.local("/account/again"),
            person: who(&broker, &session).await?,
            connections,
            back: broker.ctx.urls.local(PATH),
        };
        Ok(FormAction::onward(&broker.ctx.urls, []).on(page::render(StatusCode::OK, &page)))
    })
    .await
}

async fn leave_again(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, form: Form<Chosen>) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        own(&broker, &req, visitor, &session, "again", &form.csrf)?;
        let next = super::again(&broker, visitor, &session, &form.connection).await?;
        Ok(respond(&broker, &visiting, Ok::<Next, Refusal>(next), "login").await)
    })
    .await
}
