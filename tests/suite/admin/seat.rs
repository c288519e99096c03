//! An operator at the desk, and a program at the admin API, as tests have them sit there.

use avouch::audit::Author;
use avouch::operator::{OperatorRole, api_key, manage};
use reqwest::Method;
use serde_json::Value;

use crate::harness::app::{answer, http};
use crate::harness::{Answer, Broker, Browser, Page};

/// The password that [`Operator::signed_in`] chooses.
pub const PASSWORD: &str = "four words in a row";

/// An operator who has chosen a password, in a browser that is signed in.
pub struct Operator {
    pub email: String,
    pub browser: Browser,
    pub issuer: String,
}

impl Operator {
    /// A new operator of that role (`owner`, `editor`, `auditor`); each call makes another one.
    pub async fn signed_in(broker: &Broker, role: &str) -> Self {
        let email = format!("{role}-{}@example.com", avouch::rng::Rng::default().token()[..8].to_lowercase());
        let one_time = Self::made(broker, &email, role).await;
        let mut operator = Self::at(broker, &email);
        let page = operator.sign_in(&one_time).await;
        let fields = [("current", one_time.as_str()), ("new", PASSWORD)];
        let page = operator.browser.submit(&page, "choose-password", &fields).await;
        assert!(page.has("sign-out"), "{page}");
        operator
    }

    /// Makes one and nothing else; answers the one-time password.
    pub async fn made(broker: &Broker, email: &str, role: &str) -> String {
        let role = OperatorRole::parse(role).expect("a role");
        let (_, password) = manage::create(broker.ctx(), &Author::system(), OperatorRole::Owner, email, role)
            .await
            .expect("a new operator");
        password.expose().clone()
    }

    /// Somebody who says that this is their address, and has not signed in.
    pub fn at(broker: &Broker, email: &str) -> Self {
        Self { email: email.into(), browser: Browser::new(), issuer: broker.issuer.clone() }
    }

    /// Fills in the sign-in page; answers where that led.
    pub async fn sign_in(&mut self, password: &str) -> Page {
        let page = self.open("/admin/sign-in").await;
        let fields = [("email", self.email.clone()), ("password", password.into())];
        self.browser.submit(&page, "operator-sign-in", &fields.each_ref().map(|(n, v)| (*n, v.as_str()))).await
    }

    /// A page of the desk; `path` begins with `/admin`.
    pub async fn open(&mut self, path: &str) -> Page {
        self.browser.open(&format!("{}{path}", self.issuer)).await
    }

    /// Submits the form with this id, with `changes` to its fields, and follows where it leads.
    pub async fn submit(&mut self, page: &Page, form: &str, changes: &[(&str, &str)]) -> Page {
        self.browser.submit(page, form, changes).await
    }

    /// Presses the button with this id.
    pub async fn press(&mut self, page: &Page, button: &str) -> Page {
        self.browser.press(page, button).await
    }

    /// Posts these fields with this operator's token for forms, without a page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.browser.post(&format!("{}{path}", self.issuer), &fields).await
    }

    /// What every form of this operator carries.
    pub async fn csrf(&mut self) -> String {
        let page = self.open("/admin").await;
        let fields = page.forms().into_iter().flat_map(|form| form.fields);
        fields.into_iter().find(|(name, _)| name == "csrf").unwrap_or_else(|| panic!("no form on {page}")).1
    }
}

/// A program with an operator key.
#[derive(Clone)]
pub struct Api {
    issuer: String,
    /// What it sends as `Authorization`.
    pub authorization: String,
}

impl Api {
    /// With a new operator key of that role.
    pub async fn of(broker: &Broker, role: &str) -> Self {
        let name = format!("{role} {}", &avouch::rng::Rng::default().token()[..8]);
        let role = OperatorRole::parse(role).expect("a role");
        let (_, value) = api_key::create(broker.ctx(), &Author::system(), OperatorRole::Owner, &name, role, None)
            .await
            .expect("a new key");
        Self::with(broker, value.expose())
    }

    /// With this bearer credential.
    pub fn with(broker: &Broker, credential: &str) -> Self {
        Self { issuer: broker.issuer.clone(), authorization: format!("Bearer {credential}") }
    }

    /// At a replica's own address.
    pub fn at(address: &str, key: &str) -> Self {
        Self { issuer: address.into(), authorization: format!("Bearer {key}") }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await
    }
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await
    }
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, &[], Some(body)).await
    }
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, &[], Some(body)).await
    }
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], None).await
    }

    /// `path` stands below `/api/v1` and begins with a slash.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = http().request(method, format!("{}/api/v1{path}", self.issuer));
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answer(request).await
    }
}
