//! `/device/{id}`: the question and, once it is answered, the answer. Element ids are stable: `approve`, `deny`,
//! `code-shown`, `device-approved`, `device-denied`, `device-expired`.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::{Duration, OffsetDateTime};

use super::{Asked, Decision, Outcome, Standing, decide, standing};
use crate::broker::Broker;
use crate::login::consent::pages::{GrantView, PersonView, grants};
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::{named, own_form, person};
use crate::login::{Refusal, Visitor, told};
use crate::trace::Word;
use crate::web::brand::Brand;
use crate::web::security_headers::FormAction;
use crate::web::{csrf, page, redirect};

#[derive(Clone, Debug, Template)]
#[template(path = "device/approval.html")]
pub struct ApprovalPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf` and `decision` (`approve` or `deny`).
    pub action: String,
    pub app_name: String,
    pub person: PersonView,
    pub switch_account: String,
    pub user_code: String,
    /// The address of the device.
    pub requested_from: Option<String>,
    /// The address of this browser.
    pub here: Option<String>,
    /// Device and browser are in different networks.
    pub elsewhere: bool,
    /// "2 minutes ago".
    pub asked: String,
    pub asked_at: String,
    /// "8 minutes".
    pub left: String,
    pub grants: Vec<GrantView>,
}

#[derive(Clone, Debug, Template)]
#[template(path = "device/outcome.html")]
pub struct OutcomePage {
    pub brand: Brand,
    pub app_name: String,
    pub outcome: Outcome,
    /// The page where codes are typed.
    pub again: String,
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/device/{id}").route(web::get().to(question)).route(web::post().to(answer)));
}

async fn question(broker: Data<Broker>, visiting: Visiting, id: Path<String>) -> HttpResponse {
    let visitor = &visiting.visitor;
    let urls = &broker.ctx.urls;
    match standing(&broker, visitor, &id).await {
        Ok(Standing::Asked(asked)) => match approval_page(&broker, visitor, &asked).await {
            // where the sign-in is too old by the time of the answer, the form leads to the provider
            Ok(page) => {
                told::shown(&broker, visitor, &asked.authorization, Word::DeviceShown);
                FormAction::onward(urls, []).on(page::render(StatusCode::OK, &page))
            }
            Err(error) => respond(&broker, &visiting, Err(error.into()), "device.approval").await,
        },
        Ok(Standing::SignIn) => redirect::see_other(&urls.local(&format!("/authorize/{id}"))),
        Ok(Standing::Over { outcome, app }) => {
            let page = OutcomePage { brand: broker.brand(), app_name: app, outcome, again: urls.local("/device") };
            page::render(StatusCode::OK, &page)
        }
        Err(refusal) => respond(&broker, &visiting, Err(refusal), "device.approval").await,
    }
}

#[derive(serde::Deserialize)]
struct DecisionForm {
    csrf: String,
    decision: String,
}

async fn answer(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    id: Path<String>,
    form: Form<DecisionForm>,
) -> HttpResponse {
    let visitor = &visiting.visitor;
    let decision = if form.decision == "approve" { Decision::Approve } else { Decision::Deny };
    let done = async {
        own_form(&broker, &req, visitor, &purpose(&id), &form.csrf)?;
        decide(&broker, visitor, &id, decision).await
    };
    let refusal: Refusal = match done.await {
        Ok(Standing::SignIn) => return redirect::see_other(&broker.ctx.urls.local(&format!("/authorize/{id}"))),
        // the page itself says what became of it, and may be reloaded
        Ok(_) => {
            told::hand_over(&broker, visitor);
            return redirect::see_other(&broker.ctx.urls.local(&format!("/device/{id}")));
        }
        Err(refusal) => refusal,
    };
    respond(&broker, &visiting, Err(refusal), "device.approval").await
}

async fn approval_page(broker: &Broker, visitor: &Visitor, asked: &Asked) -> Result<ApprovalPage, sqlx::Error> {
    let urls = &broker.ctx.urls;
    let now = broker.ctx.now();
    let Asked { authorization, client, session, device, user_code } = asked;
    let id = authorization.id.as_str();
    let profile = person(broker, session).await?.unwrap_or_default();
    let (name, detail) = named(&profile);
    Ok(ApprovalPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, &purpose(id), &visitor.browser),
        action: urls.local(&format!("/device/{id}")),
        app_name: client.name.clone(),
        person: PersonView { name, detail },
        switch_account: urls.local(&format!("/login/{id}")),
        user_code: user_code.shown(),
        elsewhere: is_elsewhere(device.requested_from.as_deref(), visitor.addr),
        requested_from: device.requested_from.clone(),
        here: visitor.addr.map(|addr| addr.to_string()),
        asked: ago(now - device.created_at),
        asked_at: machine_time(device.created_at),
        left: minutes(((device.expires_at - now).whole_seconds().max(0) + 30) / 60),
        grants: grants(authorization, &profile),
    })
}

fn purpose(id: &str) -> String {
    format!("device/{id}")
}

fn machine_time(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn ago(past: Duration) -> String {
    match past.whole_seconds().max(0) {
        0..2 => "just now".into(),
        seconds @ 2..60 => format!("{seconds} seconds ago"),
        seconds => format!("{} ago", minutes(seconds / 60)),
    }
}

fn minutes(count: i64) -> String {
    match count {
        0 => "less than a minute".into(),
        1 => "1 minute".into(),
        more => format!("{more} minutes"),
    }
}

/// Whether the two are in different networks: another /24, or another /48 of IPv6. Loopback is one network.
fn is_elsewhere(device: Option<&str>, browser: Option<IpAddr>) -> bool {
    let device: Option<IpAddr> = device.and_then(|text| text.parse().ok());
    match (device, browser) {
        (Some(a), Some(b)) if a.is_loopback() && b.is_loopback() => false,
        (Some(IpAddr::V4(a)), Some(IpAddr::V4(b))) => a.octets()[..3] != b.octets()[..3],
        (Some(IpAddr::V6(a)), Some(IpAddr::V6(b))) => a.segments()[..3] != b.segments()[..3],
        (Some(_), Some(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_words() {
        let table = [(0, "just now"), (40, "40 seconds ago"), (60, "1 minute ago"), (150, "2 minutes ago")];
        for (seconds, expected) in table {
            assert_eq!(ago(Duration::seconds(seconds)), expected);
        }
    }

    #[test]
    fn networks_are_compared_and_not_addresses() {
        let table = [
            ("203.0.113.7", "203.0.113.9", false),
            ("203.0.113.7", "203.0.114.7", true),
            ("2001:db8:1::1", "2001:db8:1:ff::2", false),
            ("2001:db8:1::1", "2001:db8:2::1", true),
            ("203.0.113.7", "2001:db8::1", true),
            ("127.0.0.1", "::1", false),
        ];
        for (device, browser, expected) in table {
            assert_eq!(is_elsewhere(Some(device), browser.parse().ok()), expected, "{device} {browser}");
        }
        assert!(!is_elsewhere(None, None));
    }
}
