//! `avouch demo` as a newcomer sees it: the page, the sample application, the company, the verified token.

use crate::harness::broker::listen;
use crate::harness::{BrokerProcess, Browser, Chromium, Page, until};

struct Demo {
    broker: BrokerProcess,
    app: String,
    fabrikam: String,
}

impl Demo {
    async fn start() -> Self {
        let mut broker = BrokerProcess::prepare().await;
        // a port is free again when its listener is dropped, so these must not be the broker's, which was found before
        let taken: Vec<_> = (0..4).map(|_| listen(0)).collect();
        let free = taken.iter().map(|listener| listener.local_addr().unwrap().port());
        let ports: Vec<_> = free.filter(|port| !broker.issuer.ends_with(&format!(":{port}"))).take(3).collect();
        let [idp, saml_idp, app] = ports[..] else { unreachable!("three of four") };
        drop(taken);
        let arguments = [
            "demo".into(),
            format!("--idp-port={idp}"),
            format!("--saml-idp-port={saml_idp}"),
            format!("--app-port={app}"),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        broker.start(&arguments).await;
        let demo =
            Self { broker, app: format!("http://localhost:{app}"), fabrikam: format!("http://localhost:{saml_idp}") };
        let asked = async || crate::harness::app::http().get(&demo.app).send().await.ok();
        until("the sample application answers", asked).await;
        demo
    }

    /// From the application's button to the company's question.
    async fn at(&self, company: &str, browser: &mut Browser) -> Page {
        let chooser = browser.open(&format!("{}/sign-in", self.app)).await;
        browser.press(&chooser, &format!("connection-{company}")).await
    }

    /// From the application's button to the page of whoever was chosen.
    async fn sign_in(&self, company: &str, browser: &mut Browser, person: &str) -> Page {
        let question = self.at(company, browser).await;
        self.answer(browser, &question, &format!("person-{person}")).await
    }

    /// SAML's answer travels in forms, which a script would send: from the company, and once more from Avouch itself, so
    /// that the cookie of the sign-in comes along.
    async fn answer(&self, browser: &mut Browser, question: &Page, button: &str) -> Page {
        let mut page = browser.press(question, button).await;
        while page.has("answer-form") || page.has("form-post") {
            page = browser.press(&page, "continue").await;
        }
        page
    }
}

#[tokio::test]
async fn a_newcomer_follows_the_page_and_sees_the_verified_token() {
    let demo = Demo::start().await;
    let mut browser = Browser::new();
    let front = browser.open(&demo.broker.issuer).await;
    assert!(front.has("open-app") && front.body.contains(&demo.app), "{front}");
    assert!(!front.body.contains("password"), "the one-time password is not for the page: {front}");

    let signed_in = demo.sign_in("demo-idp", &mut browser, "demo-1001").await;
    assert!(signed_in.text_of("hello").unwrap().contains("Marty McFly"), "{signed_in}");
    assert!(signed_in.body.contains("usr_") && signed_in.body.contains("Verified"), "{signed_in}");

    let refreshed = browser.press(&signed_in, "refresh").await;
    assert!(refreshed.text_of("hello").unwrap().contains("Marty McFly"), "{refreshed}");

    assert!(browser.session(&demo.broker.issuer).is_some());
    let out = browser.press(&refreshed, "sign-out").await;
    assert!(out.has("signed-out") && browser.session(&demo.broker.issuer).is_none(), "{out}");
}

#[tokio::test]
async fn a_person_of_the_saml_company_gets_the_same_kind_of_token() {
    let demo = Demo::start().await;
    let mut browser = Browser::new();
    let front = browser.open(&demo.broker.issuer).await;
    assert!(front.has("sp-metadata") && front.body.contains("Ada Weaver"), "{front}");

    let signed_in = demo.sign_in("fabrikam", &mut browser, "fab-7c1e40").await;
    assert!(signed_in.text_of("hello").unwrap().contains("Ada Weaver"), "{signed_in}");
    let said = ["ada.weaver@fabrikam.example", ">employees<", ">platform<", ">on-call<", ">operator<"];
    assert!(said.iter().all(|value| signed_in.body.contains(value)), "{}", signed_in.body);

    // signing out goes on to Fabrikam, with a request that says who and which session, and comes back
    browser.stop_at(&demo.fabrikam);
    let there = browser.press(&signed_in, "sign-out").await;
    assert!(there.stopped && there.url.path() == "/slo" && there.params().contains_key("Signature"), "{there}");
    assert!(browser.session(&demo.broker.issuer).is_none(), "whatever happens there");
    let out = browser.stop_no_more().open(there.url.as_str()).await;
    assert!(out.has("signed-out") && out.url.as_str() == format!("{}/?signed-out", demo.app), "{out}");
    let again = demo.at("fabrikam", &mut browser).await;
    assert!(again.has("people-form"), "nobody is signed in at either: {again}");
}

#[tokio::test]
async fn somebody_outside_the_rule_is_told_so_by_avouch() {
    let demo = Demo::start().await;
    for (company, person) in [("demo-idp", "demo-1003"), ("fabrikam", "fab-e03a17")] {
        let page = demo.sign_in(company, &mut Browser::new(), person).await;
        page.assert_problem(403, "not_allowed");
    }
}

#[tokio::test]
async fn the_saml_company_answers_nobody_but_avouch() {
    let demo = Demo::start().await;
    let mut browser = Browser::new();
    let question = demo.at("fabrikam", &mut browser).await;
    let form = question.form("people-form");
    let (_, mut query) = form.fields.into_iter().find(|(name, _)| name == "request").unwrap();
    let sso = format!("{}/sso", demo.fabrikam);
    let genuine = browser.open(&format!("{sso}?{query}")).await;
    assert!(genuine.has("person-fab-7c1e40"), "{genuine}");
    query = query.replace("RelayState=", "RelayState=x");
    let forged = browser.open(&format!("{sso}?{query}")).await;
    assert!(forged.status == 400 && forged.body.contains("signature does not hold"), "{forged}");
    let fields = [("request", query.as_str()), ("person", "fab-7c1e40")];
    let answered = browser.post(&sso, &fields).await;
    assert!(answered.status == 400 && !answered.body.contains("SAMLResponse"), "{answered}");
    // and whoever does not say who they are comes back to Avouch without having signed in
    let back = demo.answer(&mut browser, &question, "person-none").await;
    back.assert_problem(403, "status");
    assert!(browser.session(&demo.broker.issuer).is_none());
}

#[tokio::test]
async fn chromium_lets_the_demo_sign_in_and_out_under_its_content_security_policy() {
    let demo = Demo::start().await;
    let chromium = Chromium::start().await;
    for (company, person) in [("demo-idp", "demo-1001"), ("fabrikam", "fab-7c1e40")] {
        chromium.goto(&format!("{}/sign-in?again", demo.app)).await;
        chromium.click(&format!("#connection-{company}")).await;
        chromium.click(&format!("#person-{person}")).await;
        chromium.wait_for("#hello").await;
        chromium.screenshot(&format!("{company}-token")).await;
        chromium.click("#sign-out").await;
        chromium.wait_for("#signed-out").await;
        assert_eq!(chromium.url().await, format!("{}/?signed-out", demo.app));
    }
}
