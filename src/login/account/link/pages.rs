//! Where a person begins to link an identity, and the page that asks whether the two are one. Element ids are stable: `link`,
//! `keep`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::broker::Broker;
use crate::login::account::pages::{ask_again, own, signed_in, token, who};
use crate::login::account::{PATH, is_fresh};
use crate::login::authorize::actor;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::SignedInAs;
use crate::web::brand::Brand;
use crate::web::page;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/account/link", web::post().to(begin))
        .service(web::resource("/account/link/{id}").route(web::get().to(ask)).route(web::post().to(decide)));
}

/// "Link ada@new.example at Contoso to your account?"
#[derive(Clone, Debug, Template)]
#[template(path = "account/confirm.html")]
pub struct ConfirmPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf` and `decision` (`link` or `keep`).
    pub action: String,
    pub person: SignedInAs,
    pub connection: String,
    /// What the provider calls the other one, and its own name for it.
    pub called: String,
    pub subject: String,
}

#[derive(serde::Deserialize)]
struct Chosen {
    csrf: String,
    connection: String,
}

async fn begin(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, form: Form<Chosen>) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        own(&broker, &req, visitor, &session, "link", &form.csrf)?;
        if !is_fresh(&broker, &session) {
            return Ok(ask_again(&broker));
        }
        let next = super::begin(&broker, visitor, &session, &form.connection).await;
        let next = next.map_err(|refusal| refusal.asked(super::ACTION, actor(Some(&session))))?;
        Ok(respond(&broker, &visiting, Ok(next), "account").await)
    })
    .await
}

async fn ask(broker: Data<Broker>, visiting: Visiting, id: Path<String>) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        let asked = super::asked(&broker, visitor, &session, &id).await;
        let (proof, connection) = asked.map_err(|refusal| refusal.asked(super::ACTION, actor(Some(&session))))?;
        let page = ConfirmPage {
            brand: broker.brand(),
            csrf: token(&broker, visitor, &session, &purpose(&id)),
            action: broker.ctx.urls.local(&format!("/account/link/{id}")),
            person: who(&broker, &session).await?,
            connection: connection.display_name.clone(),
            called: proof.called,
            subject: proof.key.subject,
        };
        Ok(page::render(StatusCode::OK, &page))
    })
    .await
}

#[derive(serde::Deserialize)]
struct Decided {
    csrf: String,
    #[serde(default)]
    decision: String,
}

async fn decide(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<Decided>,
) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        let asked = |refusal: crate::login::Refusal| refusal.asked(super::ACTION, actor(Some(&session)));
        own(&broker, &req, visitor, &session, &purpose(&id), &form.csrf).map_err(asked)?;
        let done = if form.decision == "link" {
            super::confirm(&broker, visitor, &session, &id).await.map_err(asked)?;
            "linked"
        } else {
            super::leave_it(&broker, visitor, &session, &id).await?;
            "kept"
        };
        Ok(see_other(&broker.ctx.urls.local(&format!("{PATH}?done={done}"))))
    })
    .await
}

fn purpose(id: &str) -> String {
    format!("link/{id}")
}
