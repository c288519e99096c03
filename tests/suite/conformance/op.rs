//! The provider under test, and what holds of each of its authorization responses, whatever the module.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::Value;

use crate::harness::app::{Request, claims};
use crate::harness::{Browser, Page, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Query,
    FormPost,
}

pub type Params = BTreeMap<String, String>;

pub struct Op {
    world: World,
    mode: Mode,
}

impl Deref for Op {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Op {
    pub async fn new(mode: Mode) -> Self {
        Self { world: World::new().await, mode }
    }

    /// The parameters of a request with `more`, the plan's response mode among them.
    pub fn request(&self, more: &[(&str, &str)]) -> Request {
        let mode = match self.mode {
            Mode::Query => "",
            Mode::FormPost => "form_post",
        };
        self.shop.request(&[more, &[("response_mode", mode)]].concat())
    }

    /// What the application receives to a request with `more`, good or bad.
    pub async fn ask(&self, browser: &mut Browser, more: &[(&str, &str)]) -> (Request, Params) {
        let request = self.request(more);
        let page = browser.open(&request.url).await;
        let answer = self.answer(&page, &request);
        (request, answer)
    }

    /// The authorization response that the browser carries.
    pub fn answer(&self, page: &Page, request: &Request) -> Params {
        let answer = match self.mode {
            Mode::Query => {
                assert!(page.stopped && page.url.as_str().starts_with(&self.shop.redirect_uri), "{page}");
                assert_eq!(page.url.query_pairs().count(), page.params().len(), "{page}");
                page.params()
            }
            Mode::FormPost => {
                assert_eq!(page.status, 200, "{page}");
                let form = page.form("form-post");
                assert_eq!((&*form.action, &*form.method), (&*self.shop.redirect_uri, "post"), "{page}");
                assert_eq!(page.header("cache-control"), "no-store");
                let sent = form.fields.len();
                let answer: Params = form.fields.into_iter().collect();
                assert_eq!(answer.len(), sent, "{page}");
                answer
            }
        };
        assert_eq!(answer.get("iss"), Some(&self.broker.issuer), "RFC 9207: {answer:?}");
        assert_eq!(answer.get("state"), Some(&request.state), "{answer:?}");
        let allowed: &[&str] = match answer.get("error_description") {
            None => &["code", "iss", "state"],
            Some(description) => {
                let plain = |c| matches!(c, ' '..='~') && c != '"' && c != '\\';
                assert!(description.chars().all(plain), "RFC 6749 §4.1.2.1: {description}");
                &["error", "error_description", "error_uri", "iss", "state"]
            }
        };
        assert!(answer.keys().all(|name| allowed.contains(&name.as_str())), "{answer:?}");
        answer
    }

    /// The whole way to tokens.
    pub async fn tokens_in(&self, browser: &mut Browser, more: &[(&str, &str)]) -> Value {
        let (request, answer) = self.ask(browser, more).await;
        let code = answer.get("code").unwrap_or_else(|| panic!("no code in {answer:?}"));
        let tokens = self.shop.redeem(code, &request.verifier).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        tokens.json
    }

    /// The same in a new browser.
    pub async fn tokens(&self, more: &[(&str, &str)]) -> Value {
        self.tokens_in(&mut self.shop.browser(), more).await
    }

    /// The application is told this error.
    pub async fn refuses(&self, more: &[(&str, &str)], errors: &[&str]) {
        let (_, answer) = self.ask(&mut self.shop.browser(), more).await;
        let error = answer.get("error").unwrap_or_else(|| panic!("no error in {answer:?}"));
        assert!(errors.contains(&error.as_str()) && answer.contains_key("error_description"), "{answer:?}");
    }
}

/// The claims of the ID token among these tokens.
pub fn id_token(tokens: &Value) -> Value {
    claims(tokens["id_token"].as_str().unwrap())
}
