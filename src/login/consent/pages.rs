//! The page on which a person allows a client what it asks for. Element ids are stable: `allow`, `deny`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::Decision;
use crate::authorization::Authorization;
use crate::broker::Broker;
use crate::connection::Profile;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::{named, own_form, person};
use crate::login::{Refusal, Visitor, told};
use crate::oauth::scope::OIDC_SCOPES;
use crate::trace::Word;
use crate::web::brand::Brand;
use crate::web::security_headers::FormAction;
use crate::web::{csrf, page};

#[derive(Clone, Debug, Template)]
#[template(path = "consent/consent.html")]
pub struct ConsentPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf` and `decision` (`allow` or `deny`).
    pub action: String,
    pub app_name: String,
    /// Who runs the application, where we know.
    pub asked_by: Option<String>,
    pub person: PersonView,
    pub grants: Vec<GrantView>,
    /// Scheme and host of the redirect URI.
    pub return_to: String,
    /// A link that begins the request again with another account.
    pub switch_account: Option<String>,
    /// Whether we will remember the answer.
    pub remembered: bool,
}

#[derive(Clone, Debug)]
pub struct PersonView {
    pub name: String,
    /// The e-mail address, where the name is something else.
    pub detail: Option<String>,
}

/// One thing asked for: "See your name and e-mail address", and what that is today.
#[derive(Clone, Debug)]
pub struct GrantView {
    pub title: String,
    pub detail: Option<String>,
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/consent/{id}").route(web::get().to(consent)).route(web::post().to(decide)));
}

async fn consent(broker: Data<Broker>, visiting: Visiting, id: Path<String>) -> HttpResponse {
    let visitor = &visiting.visitor;
    match consent_page(&broker, visitor, &id).await {
        Ok((page, target, authorization)) => {
            told::shown(&broker, visitor, &authorization, Word::ConsentShown);
            let response = page::render(StatusCode::OK, &page);
            let response = FormAction::onward(&broker.ctx.urls, target.as_ref()).on(response);
            visiting.welcome(&broker, response)
        }
        Err(refusal) => respond(&broker, &visiting, Err(refusal), "consent").await,
    }
}

#[derive(serde::Deserialize)]
struct ConsentForm {
    csrf: String,
    decision: String,
}

async fn decide(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<ConsentForm>,
) -> HttpResponse {
    let visitor = &visiting.visitor;
    let decision = if form.decision == "allow" { Decision::Allow } else { Decision::Deny };
    let next = match own_form(&broker, &req, visitor, &purpose(&id), &form.csrf) {
        Ok(()) => super::decide(&broker, visitor, &id, decision).await,
        Err(refusal) => Err(refusal),
    };
    respond(&broker, &visiting, next, "consent").await
}

async fn consent_page(
    broker: &Broker,
    visitor: &Visitor,
    id: &str,
) -> Result<(ConsentPage, Option<url::Url>, Authorization), Refusal> {
    let urls = &broker.ctx.urls;
    let (authorization, client, session) = super::asked(broker, visitor, id).await?;
    let profile = person(broker, &session).await?.unwrap_or_default();
    let (name, detail) = named(&profile);
    let page = ConsentPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, &purpose(id), &visitor.browser),
        action: urls.local(&format!("/consent/{id}")),
        app_name: client.name.clone(),
        asked_by: None,
        person: PersonView { name, detail },
        grants: grants(&authorization, &profile),
        return_to: origin(&authorization),
        switch_account: None,
        remembered: true,
    };
    let target = url::Url::parse(authorization.request.redirect_uri.as_str()).ok();
    Ok((page, target, authorization))
}

/// What the client asks for, in words.
pub fn grants(authorization: &Authorization, profile: &Profile) -> Vec<GrantView> {
    let scope = &authorization.request.scope;
    let mut out = Vec::new();
    let mut add = |title: &str, detail: Option<String>| out.push(GrantView { title: title.into(), detail });
    if scope.contains("profile") || scope.contains("email") {
        let known = [profile.name.as_deref(), profile.email.as_deref()];
        let known: Vec<_> = known.into_iter().flatten().collect();
        add("See your name and e-mail address", (!known.is_empty()).then(|| known.join(", ")));
    } else {
        add("Know that it is you", None);
    }
    if scope.contains("groups") {
        let groups = (!profile.groups.is_empty())
            .then(|| profile.groups.iter().take(20).cloned().collect::<Vec<_>>().join(", "));
        add("See the groups you belong to", groups);
    }
    let own: Vec<_> = scope.iter().filter(|s| !OIDC_SCOPES.contains(s)).collect();
    for audience in &authorization.request.audiences {
        add(&format!("Use {audience} for you"), (!own.is_empty()).then(|| own.join(", ")));
    }
    if scope.contains("offline_access") {
        add("Stay signed in when you are away", Some("For up to 30 days, or until you sign it out".into()));
    }
    out
}

fn origin(authorization: &Authorization) -> String {
    let url = url::Url::parse(authorization.request.redirect_uri.as_str());
    let origin = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if origin == "null" { authorization.request.redirect_uri.as_str().into() } else { origin }
}

fn purpose(id: &str) -> String {
    format!("consent/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urls::Urls;

    #[test]
    fn both_answers_stand_in_one_form_and_nothing_the_client_chose_is_markup() {
        let page = ConsentPage {
            brand: Brand::avouch(&Urls::new("https://id.example").unwrap()),
            csrf: "token".into(),
            action: "/consent/atz_1".into(),
            app_name: "<img src=x>".into(),
            asked_by: None,
            person: PersonView { name: "Mateo Álvarez".into(), detail: Some("mateo@contoso.com".into()) },
            grants: vec![GrantView { title: "See your name".into(), detail: None }],
            return_to: "https://grafana.example".into(),
            switch_account: None,
            remembered: true,
        };
        let html = page.render().unwrap();
        assert!(html.contains("id=\"allow\" name=\"decision\" value=\"allow\""));
        assert!(html.contains("id=\"deny\" name=\"decision\" value=\"deny\""));
        assert!(!html.contains("<img") && !html.contains("switch-account") && !html.contains("Asked by"));
    }
}
