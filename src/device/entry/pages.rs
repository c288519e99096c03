//! `/device`: where the code is typed. Element ids are stable: `user-code`, `continue`, `code-error`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{WrongCode, enter, prefilled};
use crate::broker::Broker;
use crate::login::Visitor;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::login::pages::own_form;
use crate::web::brand::Brand;
use crate::web::security_headers::FormAction;
use crate::web::{csrf, page};

const PURPOSE: &str = "device";

#[derive(Clone, Debug, Template)]
#[template(path = "device/entry.html")]
pub struct EntryPage {
    pub brand: Brand,
    pub csrf: String,
    /// Posts `csrf`, `user_code`.
    pub action: String,
    /// What was typed, or what a complete address brought.
    pub user_code: String,
    /// The code came with the address: the person compares instead of typing.
    pub compare: bool,
    pub error: Option<String>,
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/device").route(web::get().to(form)).route(web::post().to(entered)));
}

#[derive(serde::Deserialize)]
struct Complete {
    user_code: Option<String>,
}

async fn form(broker: Data<Broker>, visiting: Visiting, query: Option<Query<Complete>>) -> HttpResponse {
    let asked = query.and_then(|query| query.into_inner().user_code).unwrap_or_default();
    let code = match asked.is_empty() {
        true => Ok(None),
        false => prefilled(&broker, &visiting.visitor, &asked).await,
    };
    match code {
        Ok(code) => {
            let mut page = entry_page(&broker, &visiting.visitor);
            page.compare = code.is_some();
            page.user_code = code.map(|code| code.shown()).unwrap_or_default();
            visiting.welcome(&broker, show(&broker, StatusCode::OK, &page))
        }
        Err(refusal) => respond(&broker, &visiting, Err(refusal), "device.code").await,
    }
}

#[derive(serde::Deserialize)]
struct CodeForm {
    csrf: String,
    #[serde(default)]
    user_code: String,
}

async fn entered(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, form: Form<CodeForm>) -> HttpResponse {
    let visitor = &visiting.visitor;
    let entered = match own_form(&broker, &req, visitor, PURPOSE, &form.csrf) {
        Ok(()) => enter(&broker, visitor, &form.user_code).await,
        Err(refusal) => Err(refusal),
    };
    let wrong = match entered {
        Ok(Ok(next)) => return respond(&broker, &visiting, Ok(next), "device.code").await,
        Err(refusal) => return respond(&broker, &visiting, Err(refusal), "device.code").await,
        Ok(Err(wrong)) => wrong,
    };
    let mut page = entry_page(&broker, visitor);
    page.user_code = form.user_code.trim().chars().take(40).collect();
    page.error = Some(sentence(wrong));
    let response = match wrong {
        WrongCode::TooMany(wait) => {
            let mut response = show(&broker, StatusCode::TOO_MANY_REQUESTS, &page);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.whole_seconds().max(1)));
            response
        }
        _ => show(&broker, StatusCode::UNPROCESSABLE_ENTITY, &page),
    };
    visiting.welcome(&broker, response)
}

/// Cause and remedy.
fn sentence(wrong: WrongCode) -> String {
    match wrong {
        WrongCode::Malformed => "A code has eight letters and no vowels, like WDJB-MJHT. Type it again.".into(),
        WrongCode::Unknown => "We do not know this code. Compare it with your device, letter by letter.".into(),
        WrongCode::Expired => "This code has expired. Start again on your device and type the new one.".into(),
        WrongCode::Decided => {
            "This code was used already. If your device still waits, start again there and type the new one.".into()
        }
        WrongCode::TooMany(wait) => {
            let minutes = (wait.whole_seconds() + 59) / 60;
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            format!("Too many wrong codes came from here. Try again in {minutes} {unit}, with a new code.")
        }
    }
}

fn entry_page(broker: &Broker, visitor: &Visitor) -> EntryPage {
    let urls = &broker.ctx.urls;
    EntryPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, PURPOSE, &visitor.browser),
        action: urls.local("/device"),
        user_code: String::new(),
        compare: false,
        error: None,
    }
}

fn show(broker: &Broker, status: StatusCode, page: &EntryPage) -> HttpResponse {
    // with one provider only, the form leads straight to it
    FormAction::onward(&broker.ctx.urls, []).on(page::render(status, page))
}
