//! A company that knows its people, as a browser sees it: the same three pages whichever protocol is behind them.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use url::Url;

use super::part;
use super::person::Person;
use crate::upstream::saml::PostForm;
use crate::urls::Urls;
use crate::web::brand::Brand;
use crate::web::page;
use crate::web::security_headers::FormAction;

pub(super) struct Company {
    pub name: &'static str,
    /// Whose colours the pages wear: a word of demo.css.
    pub party: &'static str,
    /// An SVG path in a square of 28.
    pub mark: &'static str,
    pub protocol: &'static str,
    pub urls: Arc<Urls>,
}

/// Who is to be asked, and where the answer goes: `fields` come back with it as they are.
pub(super) struct Question<'a> {
    /// The host that will be told.
    pub client: &'a str,
    pub action: &'a str,
    pub fields: Vec<(&'a str, &'a str)>,
    pub people: Vec<&'static Person>,
    /// The first of the people is whom the client expects.
    pub hinted: bool,
}

#[derive(Template)]
#[template(path = "demo/company_sign_in.html")]
struct SignInPage<'a> {
    brand: Brand,
    company: &'a Company,
    client: &'a str,
    action: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    people: Vec<&'static Person>,
    hinted: bool,
}

#[derive(Template)]
#[template(path = "demo/company_send.html")]
struct SendPage<'a> {
    brand: Brand,
    company: &'a Company,
    host: &'a str,
    form: &'a PostForm,
}

#[derive(Template)]
#[template(path = "demo/company_message.html")]
struct MessagePage<'a> {
    brand: Brand,
    company: &'a Company,
    heading: &'a str,
    text: &'a str,
}

impl Company {
    /// The sign-in page: choose who you are.
    pub fn ask(&self, question: Question<'_>) -> HttpResponse {
        let Question { client, action, fields, people, hinted } = question;
        let page = SignInPage { brand: self.brand(), company: self, client, action, fields, people, hinted };
        page::render(StatusCode::OK, &page)
    }

    /// A form that leaves for another host by itself, or by its button where no script runs.
    pub fn send(&self, form: &PostForm) -> HttpResponse {
        let Ok(target) = Url::parse(&form.action) else {
            return self.message(StatusCode::BAD_REQUEST, "This link is broken", "The address to return to is none.");
        };
        let page = SendPage { brand: self.brand(), company: self, host: target.authority(), form };
        FormAction::onward(&self.urls, [&target]).on(page::render(StatusCode::OK, &page))
    }

    pub fn message(&self, status: StatusCode, heading: &str, text: &str) -> HttpResponse {
        page::render(status, &MessagePage { brand: self.brand(), company: self, heading, text })
    }

    fn brand(&self) -> Brand {
        part::brand(&self.urls, self.name)
    }
}
