//! `avouch demo` as a newcomer sees it: the page, the sample application, the company, the verified token.

use std::net::TcpListener;
use std::time::Duration;

use crate::harness::{BrokerProcess, Browser, Chromium};

struct Demo {
    broker: BrokerProcess,
    app: String,
}

impl Demo {
    async fn start() -> Self {
        let mut broker = BrokerProcess::prepare().await;
        let ports = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
        let [idp, app] = ports.map(|listener| listener.local_addr().unwrap().port());
        let arguments = ["demo".into(), format!("--idp-port={idp}"), format!("--app-port={app}")];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        broker.start(&arguments).await;
        let demo = Self { broker, app: format!("http://localhost:{app}") };
        for _ in 0..200 {
            if crate::harness::app::http().get(&demo.app).send().await.is_ok() {
                return demo;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the sample application does not answer");
    }

    /// From the application's button to the page of whoever was chosen.
    async fn sign_in(&self, browser: &mut Browser, person: &str) -> crate::harness::Page {
        let company = browser.open(&format!("{}/sign-in", self.app)).await;
        browser.press(&company, &format!("person-{person}")).await
    }
}

#[tokio::test]
async fn a_newcomer_follows_the_page_and_sees_the_verified_token() {
    let demo = Demo::start().await;
    let mut browser = Browser::new();
    let front = browser.open(&demo.broker.issuer).await;
    assert!(front.has("open-app") && front.body.contains(&demo.app), "{front}");
    assert!(!front.body.contains("password"), "the one-time password is not for the page: {front}");

    let signed_in = demo.sign_in(&mut browser, "demo-1001").await;
    assert!(signed_in.text_of("hello").unwrap().contains("Marty McFly"), "{signed_in}");
    assert!(signed_in.body.contains("usr_") && signed_in.body.contains("Verified"), "{signed_in}");

    let refreshed = browser.press(&signed_in, "refresh").await;
    assert!(refreshed.text_of("hello").unwrap().contains("Marty McFly"), "{refreshed}");

    assert!(browser.session(&demo.broker.issuer).is_some());
    let out = browser.press(&refreshed, "sign-out").await;
    assert!(out.has("signed-out") && browser.session(&demo.broker.issuer).is_none(), "{out}");
}

#[tokio::test]
async fn somebody_outside_the_rule_is_told_so_by_avouch() {
    let demo = Demo::start().await;
    let page = demo.sign_in(&mut Browser::new(), "demo-1003").await;
    page.assert_problem(403, "not_allowed");
}

#[tokio::test]
async fn chromium_lets_the_demo_sign_in_and_out_under_its_content_security_policy() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    chromium.goto(&format!("{}/sign-in", demo.app)).await;
    chromium.wait_for("#person-demo-1001").await;
    chromium.click("#person-demo-1001").await;
    chromium.wait_for("#hello").await;
    chromium.screenshot("demo-token").await;
    chromium.click("#sign-out").await;
    chromium.wait_for("#signed-out").await;
    assert_eq!(chromium.url().await, format!("{}/?signed-out", demo.app));
}
