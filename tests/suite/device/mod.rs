//! A device without a browser gets tokens, because a person elsewhere allows it (RFC 8628).

mod approval;
mod code_entry;
mod freshness;
mod polling;
mod request;
mod withdrawn;

use serde_json::Value;

use crate::harness::app::{Answer, post};
use crate::harness::{App, Browser, Page, World};

pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub const API: &str = "https://influx.example";

/// influxctl: public, for one API. `more` is the rest of its entry, one setting a line.
pub async fn influxctl(world: &World, more: &str) -> App {
    let resources = "
resources:
  - { identifier: https://influx.example, scopes: [read, write] }
  - { identifier: https://forbidden.example, scopes: [read] }
";
    world.apply(resources).await;
    let mut usual = "name: InfluxCTL\nkind: native\naudiences: [https://influx.example]".to_owned();
    if !more.contains("grants:") {
        usual.push_str("\ngrants: [device_code, refresh_token]");
    }
    let app = world.app("influxctl", &format!("{usual}\n{more}")).await;
    app.scoped("openid profile email offline_access read")
}

/// One device that waits.
pub struct Device {
    pub app: App,
    pub answer: Value,
}

impl Device {
    pub async fn ask(app: &App) -> Self {
        let answer = ask(app, &[("client_id", &app.client_id), ("scope", &app.scope)]).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        Self { app: app.clone(), answer: answer.json }
    }

    fn member(&self, name: &str) -> &str {
        self.answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.answer))
    }

    pub fn user_code(&self) -> &str {
        self.member("user_code")
    }

    pub fn device_code(&self) -> &str {
        self.member("device_code")
    }

    pub async fn poll(&self) -> Answer {
        self.app.token(&[("grant_type", GRANT), ("device_code", self.device_code())]).await
    }

    /// A person types the code; where they are then.
    pub async fn enter(&self, browser: &mut Browser) -> Page {
        enter(&self.app.issuer, browser, self.user_code()).await
    }

    /// A person types the code, signs in, and allows it.
    pub async fn approve(&self, browser: &mut Browser) -> Page {
        let page = self.enter(browser).await;
        assert!(page.has("approve"), "{page}");
        browser.press(&page, "approve").await
    }

    /// The whole way.
    pub async fn tokens(&self, browser: &mut Browser) -> Value {
        let page = self.approve(browser).await;
        assert!(page.has("device-approved"), "{page}");
        let answer = self.poll().await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }
}

pub async fn ask(app: &App, fields: &[(&str, &str)]) -> Answer {
    post(&format!("{}/oauth/device/code", app.issuer), None, fields).await
}

pub async fn enter(issuer: &str, browser: &mut Browser, code: &str) -> Page {
    let page = browser.open(&format!("{issuer}/device")).await;
    assert_eq!(page.status, 200, "{page}");
    browser.submit(&page, "code-form", &[("user_code", code)]).await
}
