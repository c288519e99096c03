//! The second factor: enrolment, codes that count once, recovery codes, and how it goes away.

use super::Operator;
use super::seat::PASSWORD;
use crate::harness::{Broker, Options, Page};

/// The code of now, as an app makes it.
fn code(broker: &Broker, secret: &str) -> String {
    let secret = totp_rs::Secret::Encoded(secret.replace(' ', "")).to_bytes().unwrap();
    let app = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret).unwrap();
    let now = avouch::clock::Clock::now(&*broker.clock).unix_timestamp();
    app.generate(now.unsigned_abs())
}

/// An operator with a second factor, its secret, and the recovery codes.
async fn enrolled(broker: &Broker) -> (Operator, String, Vec<String>) {
    let mut ada = Operator::signed_in(broker, "owner").await;
    let page = ada.open("/admin/account/second-factor").await;
    let secret = page.text_of("secret").unwrap_or_else(|| panic!("{page}"));
    assert!(page.body.contains("<svg") && !page.body.contains("<?xml"), "{page}");
    let wrong = ada.submit(&page, "enrol", &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert_eq!(wrong.text_of("secret").as_ref(), Some(&secret), "the same secret stands there again");
    let made = ada.submit(&wrong, "enrol", &[("code", &code(broker, &secret))]).await;
    assert_eq!(made.status, 200, "{made}");
    let codes = made.body.split("class=\"recovery\"").skip(1);
    let codes: Vec<_> =
        codes.map(|rest| rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10, "{made}");
    let page = ada.open("/admin").await;
    ada.press(&page, "sign-out").await;
    (ada, secret, codes)
}

async fn with_code(ada: &mut Operator, code: &str) -> Page {
    let page = ada.sign_in(PASSWORD).await;
    if page.status != 200 {
        return page;
    }
    assert_eq!(page.url.path(), "/admin/sign-in/code", "{page}");
    ada.submit(&page, "operator-code", &[("code", code)]).await
}

#[tokio::test]
async fn after_enrolment_the_password_alone_opens_nothing_and_a_code_counts_once() {
    let broker = Broker::start(Options::default()).await;
    let (mut ada, secret, _) = enrolled(&broker).await;
    let page = ada.sign_in(PASSWORD).await;
    assert_eq!(page.url.path(), "/admin/sign-in/code", "{page}");
    let half = ada.browser.cookie(&broker.issuer, "avouch-operator").unwrap().value.clone();
    for path in ["/admin", "/admin/password", "/admin/account", "/admin/operators"] {
        assert_eq!(ada.open(path).await.url.path(), "/admin/sign-in", "half way in opens nothing: {path}");
    }
    let page = with_code(&mut ada, &code(&broker, &secret)).await;
    assert_eq!(page.status, 422, "the code of the enrolment counted already: {page}");
    broker.clock.advance(time::Duration::seconds(30));
    let now = code(&broker, &secret);
    let page = with_code(&mut ada, &now).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin"), "{page}");
    assert_ne!(ada.browser.cookie(&broker.issuer, "avouch-operator").unwrap().value, half);
    let mut elsewhere = Operator::at(&broker, &ada.email);
    assert_eq!(with_code(&mut elsewhere, &now).await.status, 422, "looked at over a shoulder, it is worth nothing");
}

#[tokio::test]
async fn a_recovery_code_does_once_and_wrong_ones_are_slowed_down_with_the_password() {
    let broker = Broker::start(Options::default()).await;
    let (mut ada, _, codes) = enrolled(&broker).await;
    let typed = format!(" {} ", codes[0].replace('-', " ").to_uppercase());
    let page = with_code(&mut ada, &typed).await;
    assert_eq!(page.url.path(), "/admin", "{page}");
    let page = ada.open("/admin/account").await;
    assert!(page.body.contains("9 recovery codes left"), "{page}");
    let mut elsewhere = Operator::at(&broker, &ada.email);
    assert_eq!(with_code(&mut elsewhere, &codes[0]).await.status, 422, "it is used up");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(with_code(&mut elsewhere, "123456").await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "the right password does not make guesses at the code free: {statuses:?}");
}

#[tokio::test]
async fn it_goes_away_with_password_and_code_or_by_an_owner_or_at_the_machine() {
    let broker = Broker::start(Options::default()).await;
    let (mut ada, secret, codes) = enrolled(&broker).await;
    with_code(&mut ada, &codes[1]).await;
    let page = ada.open("/admin/account/second-factor/remove").await;
    broker.clock.advance(time::Duration::seconds(60));
    let now = code(&broker, &secret);
    for (password, code) in [("not this one", now.as_str()), (PASSWORD, "000000")] {
        let page = ada.submit(&page, "remove", &[("password", password), ("code", code)]).await;
        assert_eq!(page.status, 422, "{page}");
    }
    let gone = ada.submit(&page, "remove", &[("password", PASSWORD), ("code", &now)]).await;
    assert_eq!(gone.url.path(), "/admin/account", "{gone}");
    assert_eq!(gone.text_of("second-factor").as_deref(), Some(""), "{gone}");

    let (mut grace, ..) = enrolled(&broker).await;
    let id = ada.open(&format!("/admin/operators?q={}", grace.email)).await;
    let path = id.body.split("/admin/operators/opr_").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = ada.open(&format!("/admin/operators/opr_{path}/reset-second-factor")).await;
    let page = ada.press(&page, "go").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(grace.sign_in(PASSWORD).await.url.path(), "/admin");

    let (mut joan, ..) = enrolled(&broker).await;
    let (done, printed) = broker.cli(&["operator", "reset-second-factor", &joan.email]).await;
    assert!(done, "{printed}");
    assert_eq!(joan.sign_in(PASSWORD).await.url.path(), "/admin");
}
