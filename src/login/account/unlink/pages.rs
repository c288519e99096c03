//! The page that asks before an identity is taken away. Element ids are stable: `remove`, `keep`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::broker::Broker;
use crate::login::account::pages::{ask_again, own, signed_in, token, who};
use crate::login::account::{PATH, is_fresh};
use crate::login::authorize::actor;
use crate::login::extract::Visiting;
use crate::login::pages::SignedInAs;
use crate::web::brand::Brand;
use crate::web::page;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/account/identities/{id}/remove").route(web::get().to(ask)).route(web::post().to(remove)),
    );
}

#[derive(Clone, Debug, Template)]
#[template(path = "account/remove.html")]
pub struct RemovePage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf`.
    pub action: String,
    pub person: SignedInAs,
    pub connection: String,
    pub subject: String,
    pub back: String,
}

async fn ask(broker: Data<Broker>, visiting: Visiting, id: Path<String>) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let one = super::asked(&broker, &session, &id).await?;
        if !is_fresh(&broker, &session) {
            return Ok(ask_again(&broker));
        }
        let page = RemovePage {
            brand: broker.brand(),
            csrf: token(&broker, &visiting.visitor, &session, &purpose(&id)),
            action: broker.ctx.urls.local(&format!("/account/identities/{id}/remove")),
            person: who(&broker, &session).await?,
            connection: one.connection_name,
            subject: one.subject,
            back: broker.ctx.urls.local(PATH),
        };
        Ok(page::render(StatusCode::OK, &page))
    })
    .await
}

#[derive(serde::Deserialize)]
struct Agreed {
    csrf: String,
}

async fn remove(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<Agreed>,
) -> HttpResponse {
    signed_in(&broker, &visiting, async |session| {
        let visitor = &visiting.visitor;
        let asked = |refusal: crate::login::Refusal| refusal.asked(super::ACTION, actor(Some(&session)));
        own(&broker, &req, visitor, &session, &purpose(&id), &form.csrf).map_err(asked)?;
        if !is_fresh(&broker, &session) {
            return Ok(ask_again(&broker));
        }
        super::take_away(&broker, visitor, &session, &id).await?;
        Ok(see_other(&broker.ctx.urls.local(&format!("{PATH}?done=removed"))))
    })
    .await
}

fn purpose(id: &str) -> String {
    format!("remove/{id}")
}
