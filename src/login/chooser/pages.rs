//! The chooser: "Sign in to APP" by e-mail domain, by provider, or as who one already is.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::authorization::Authorization;
use crate::broker::Broker;
use crate::client::Client;
use crate::connection::Connection;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::{named, own_form, person};
use crate::login::{Problem, Refusal, Visitor, authorize, depart, told};
use crate::trace::Word;
use crate::web::brand::Brand;
use crate::web::security_headers::FormAction;
use crate::web::{cookies, csrf, page};

/// "Sign in to APP": by e-mail domain, by provider, or as who one already is.
#[derive(Clone, Debug, Template)]
#[template(path = "login/chooser.html")]
pub struct ChooserPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf`, `email`.
    pub action_email: String,
    /// Posts `csrf`, `connection` (a slug).
    pub action_connection: String,
    pub app_name: String,
    /// Host of the redirect URI, where there is one to show.
    pub return_host: Option<String>,
    pub ask_email: bool,
    pub email_value: String,
    /// One neutral sentence for a malformed address and for a domain that nobody here is authoritative for.
    pub email_error: Option<String>,
    /// In the order to be shown.
    pub connections: Vec<ChoiceView>,
    /// The account of the running session, with `prompt=select_account`.
    pub signed_in: Option<ContinueAs>,
}

impl ChooserPage {
    fn has_ways_in(&self) -> bool {
        self.ask_email || !self.connections.is_empty()
    }
}

/// A provider's button: `id="connection-SLUG"`.
#[derive(Clone, Debug)]
pub struct ChoiceView {
    pub slug: String,
    pub display_name: String,
    pub last_used: bool,
}

impl ChoiceView {
    pub fn of(connection: &Connection, last_used: bool) -> Self {
        Self { slug: connection.slug.to_string(), display_name: connection.display_name.clone(), last_used }
    }

    pub fn monogram(&self) -> String {
        monogram(&self.display_name)
    }
}

/// The button `id="continue-as"`; posts `csrf`.
#[derive(Clone, Debug)]
pub struct ContinueAs {
    pub name: String,
    /// The e-mail address, where the name is something else.
    pub detail: Option<String>,
    pub action: String,
}

impl ContinueAs {
    fn monogram(&self) -> String {
        monogram(&self.name)
    }
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/login/{id}", web::get().to(chooser))
        .route("/login/{id}/email", web::post().to(choose_by_email))
        .route("/login/{id}/connection", web::post().to(choose_connection))
        .route("/login/{id}/continue", web::post().to(continue_as));
}

async fn chooser(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, id: Path<String>) -> HttpResponse {
    match authorize::find(&broker, &visiting.visitor, &id).await {
        Ok((authorization, client)) => {
            let page = chooser_page(&broker, &req, &visiting.visitor, &authorization, &client).await;
            told::shown(&broker, &visiting.visitor, &authorization, Word::ChooserShown);
            visiting.welcome(&broker, show_chooser(&broker, &page))
        }
        Err(refusal) => respond(&broker, &visiting, Err(refusal), "login").await,
    }
}

#[derive(serde::Deserialize)]
struct EmailForm {
    csrf: String,
    #[serde(default)]
    email: String,
}

async fn choose_by_email(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<EmailForm>,
) -> HttpResponse {
    let visitor = &visiting.visitor;
    let found = match own_form(&broker, &req, visitor, &purpose(&id), &form.csrf) {
        Ok(()) => authorize::find(&broker, visitor, &id).await,
        Err(refusal) => Err(refusal),
    };
    let (mut authorization, client) = match found {
        Ok(found) => found,
        Err(refusal) => return respond(&broker, &visiting, Err(refusal), "login").await,
    };
    let email = form.email.trim();
    let possible = broker.catalog.load().connections_for(&client);
    match super::by_domain(&possible, email).filter(|_| email.contains('@') && email.len() <= 254) {
        Some(connection) => {
            authorization.request.login_hint = Some(email.into());
            let next = depart::depart(&broker, visitor, &authorization, &connection).await;
            respond(&broker, &visiting, next, "login").await
        }
        None => {
            let mut page = chooser_page(&broker, &req, visitor, &authorization, &client).await;
            page.email_value = email.chars().take(254).collect();
            let way_on =
                if page.connections.is_empty() { "ask your administrator" } else { "choose your provider below" };
            page.email_error =
                Some(format!("We found no sign-in page for this address. Check the spelling, or {way_on}."));
            visiting.welcome(&broker, show_chooser(&broker, &page))
        }
    }
}

#[derive(serde::Deserialize)]
struct ConnectionForm {
    csrf: String,
    connection: String,
}

async fn choose_connection(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<ConnectionForm>,
) -> HttpResponse {
    let visitor = &visiting.visitor;
    let next = async {
        own_form(&broker, &req, visitor, &purpose(&id), &form.csrf)?;
        let (authorization, client) = authorize::find(&broker, visitor, &id).await?;
        let possible = broker.catalog.load().connections_for(&client);
        let chosen = possible.iter().find(|c| c.slug.as_str() == form.connection);
        let chosen = chosen.ok_or_else(|| Refusal::from(Problem::UnknownConnection).at(&authorization))?;
        depart::depart(&broker, visitor, &authorization, chosen).await
    };
    let next = next.await;
    respond(&broker, &visiting, next, "login").await
}

#[derive(serde::Deserialize)]
struct PlainForm {
    csrf: String,
}

async fn continue_as(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<PlainForm>,
) -> HttpResponse {
    let visitor = &visiting.visitor;
    let next = match own_form(&broker, &req, visitor, &purpose(&id), &form.csrf) {
        Ok(()) => super::continue_as(&broker, visitor, &id).await,
        Err(refusal) => Err(refusal),
    };
    respond(&broker, &visiting, next, "login").await
}

async fn chooser_page(
    broker: &Broker,
    req: &HttpRequest,
    visitor: &Visitor,
    authorization: &Authorization,
    client: &Client,
) -> ChooserPage {
    let urls = &broker.ctx.urls;
    let id = &authorization.id;
    let possible = broker.catalog.load().connections_for(client);
    let last = cookies::last_connection(req, urls);
    let choices = possible.iter().filter(|c| c.listed || last.as_deref() == Some(c.slug.as_str()));
    let mut connections: Vec<_> =
        choices.map(|c| ChoiceView::of(c, last.as_deref() == Some(c.slug.as_str()))).collect();
    connections.sort_by_key(|c| !c.last_used);
    ChooserPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, &purpose(id.as_str()), &visitor.browser),
        action_email: urls.local(&format!("/login/{id}/email")),
        action_connection: urls.local(&format!("/login/{id}/connection")),
        app_name: client.name.clone(),
        return_host: host(authorization),
        ask_email: possible.iter().any(|c| !c.email_domains.is_empty()),
        email_value: authorization.request.login_hint.clone().unwrap_or_default(),
        email_error: None,
        connections,
        signed_in: continue_as_view(broker, visitor, authorization, client).await,
    }
}

/// With `prompt=select_account`, the account already signed in is one of the choices.
async fn continue_as_view(
    broker: &Broker,
    visitor: &Visitor,
    authorization: &Authorization,
    client: &Client,
) -> Option<ContinueAs> {
    let session = super::may_continue(broker, visitor, authorization, client).await.ok().flatten()?;
    let (name, detail) = named(&person(broker, &session).await.ok().flatten()?);
    let action = broker.ctx.urls.local(&format!("/login/{}/continue", authorization.id));
    Some(ContinueAs { name, detail, action })
}

pub fn show_chooser(broker: &Broker, page: &ChooserPage) -> HttpResponse {
    let status = if page.email_error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    FormAction::onward(&broker.ctx.urls, []).on(page::render(status, page))
}

fn host(authorization: &Authorization) -> Option<String> {
    if authorization.request.device.is_some() {
        return None;
    }
    let url = url::Url::parse(authorization.request.redirect_uri.as_str()).ok()?;
    url.host_str().map(Into::into)
}

fn purpose(id: &str) -> String {
    format!("login/{id}")
}

/// The first letter or digit, in capitals.
fn monogram(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::Urls;

    fn chooser() -> ChooserPage {
        ChooserPage {
            brand: Brand::avouch(&Urls::new("https://id.example").unwrap()),
            csrf: "token".into(),
            action_email: "/login/atz_1/email".into(),
            action_connection: "/login/atz_1/connection".into(),
            app_name: "Grafana".into(),
            return_host: Some("grafana.example".into()),
            ask_email: true,
            email_value: String::new(),
            email_error: None,
            connections: vec![ChoiceView { slug: "contoso".into(), display_name: "Contoso".into(), last_used: true }],
            signed_in: None,
        }
    }

    #[test]
    fn the_chooser_has_the_ids_that_suites_drive_it_by() {
        let html = chooser().render().unwrap();
        for id in ["email", "continue", "connection-contoso", "email-form", "connection-form", "return-host"] {
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert_eq!(html.matches("name=\"csrf\" value=\"token\"").count(), 2);
        assert!(html.contains("Last used") && !html.contains("error-summary") && !html.contains("style="));
    }

    #[test]
    fn an_error_stands_in_title_summary_and_field_and_keeps_what_was_typed() {
        let mut page = chooser();
        page.email_value = "a\"><script>@b.example".into();
        page.email_error = Some("Enter your work e-mail address.".into());
        let html = page.render().unwrap();
        assert!(html.contains("<title>Error: Sign in to Grafana"));
        assert_eq!(html.matches("Enter your work e-mail address.").count(), 2);
        assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"email-help email-error\""));
        assert!(html.contains("a&#34;&#62;&#60;script&#62;@b.example"));
    }

    #[test]
    fn a_chooser_without_choices_says_what_to_do() {
        let mut page = chooser();
        (page.ask_email, page.connections) = (false, vec![]);
        assert!(page.render().unwrap().contains("What you can do"));
    }

    #[test]
    fn monograms_are_one_letter_or_none() {
        let table = [("contoso", "C"), ("«Élan»", "É"), ("3M", "3"), ("…", ""), ("ßeta", "SS")];
        for (name, expected) in table {
            assert_eq!(monogram(name), expected);
        }
    }
}
