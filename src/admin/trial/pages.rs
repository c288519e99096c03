//! `/admin/connections/{slug}/test`: whose token is to be shown, and off to the provider.

use std::sync::Arc;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Trouble};
use crate::authorization::request::TargetError;
use crate::broker::Broker;
use crate::client::ClientKind;
use crate::connection::Connection;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::{Problem, Refusal, trial};
use crate::web::security_headers::FormAction;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/connections/{slug}/test").route(web::get().to(ask)).route(web::post().to(begin)));
}

/// What a test cannot begin for.
pub fn trouble(slug: &str, refusal: Refusal) -> Trouble {
    match refusal.problem {
        Problem::UnknownConnection => Trouble::Unknown(format!("connection {slug}")),
        Problem::Target(TargetError::UnknownClient(id)) => Trouble::Unknown(format!("client {id}")),
        Problem::Upstream { .. } => Trouble::Unknown("such secret or key of this connection".into()),
        Problem::NotLive => Trouble::Unavailable,
        Problem::Database(error) => error.into(),
        _ => Trouble::Broken,
    }
}

#[derive(Template)]
#[template(path = "admin/trial/ask.html")]
struct AskPage {
    frame: Frame,
    connection: Arc<Connection>,
    path: String,
    /// Registered at the provider, or nobody comes back.
    return_to: String,
    client: String,
    /// Empty: the one in use.
    credential: String,
    errors: FieldErrors,
}

fn page(desk: &Desk<Edit>, slug: &str, sent: TestForm, errors: FieldErrors) -> Result<AskPage, Trouble> {
    let connection = desk.broker.catalog.load().connection(slug);
    let connection = connection.ok_or_else(|| Trouble::Unknown(format!("connection {slug}")))?;
    let frame = desk.frame(Section::Connections);
    let urls = &desk.broker.ctx.urls;
    Ok(AskPage {
        path: frame.to(&format!("/admin/connections/{}", segment(slug))),
        return_to: match connection.protocol {
            crate::connection::Protocol::Oidc(_) => urls.callback(slug),
            crate::connection::Protocol::Saml(_) => urls.acs(slug),
        },
        frame,
        connection,
        client: sent.client_id,
        credential: sent.credential_id,
        errors,
    })
}

async fn ask(desk: Desk<Edit>, slug: Path<String>, query: Query<Which>) -> Result<HttpResponse, Trouble> {
    let suggested = TestForm { client_id: suggested(&desk.broker), credential_id: query.into_inner().credential_id };
    let page = page(&desk, &slug, suggested, FieldErrors::default())?;
    Ok(FormAction::onward(&desk.broker.ctx.urls, []).on(show(&page)))
}

/// The first that people sign in to.
fn suggested(broker: &Broker) -> String {
    let catalog = broker.catalog.load();
    let first = catalog.clients().filter(|client| client.enabled && client.kind != ClientKind::Machine);
    first.map(|client| client.client_id.to_string()).min().unwrap_or_default()
}

#[derive(Deserialize)]
struct TestForm {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    credential_id: String,
}

/// The credential to be tested.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    credential_id: String,
}

async fn begin(
    posted: Posted<Edit, TestForm>,
    broker: Data<Broker>,
    visiting: Visiting,
    slug: Path<String>,
) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let (client, credential) = (given(&form.client_id), given(&form.credential_id));
    let wanted = trial::Wanted { client: client.as_deref(), credential: credential.as_deref() };
    match trial::begin(&broker, &visiting.visitor, &slug, wanted, &desk.author).await {
        Ok(next) => Ok(respond(&broker, &visiting, Ok(next), "login").await),
        Err(refusal) => match trouble(&slug, refusal) {
            Trouble::Unknown(what) if what.starts_with("client") => {
                let errors =
                    FieldErrors::one("client_id", format!("There is no {what}. Leave it empty to see no token."));
                Ok(FormAction::onward(&broker.ctx.urls, []).on(show_again(&page(&desk, &slug, form, errors)?)))
            }
            trouble => Err(trouble),
        },
    }
}
