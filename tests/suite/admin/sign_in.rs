//! Signing in at the desk.

use super::seat::PASSWORD;
use super::{Api, Operator};
use crate::harness::{Broker, Options, Page};

#[tokio::test]
async fn a_one_time_password_opens_one_page_only_until_another_is_chosen() {
    let broker = Broker::start(Options::default()).await;
    let one_time = Operator::made(&broker, "ada@example.com", "owner").await;
    let mut ada = Operator::at(&broker, "ada@example.com");
    let page = ada.open("/admin").await;
    assert!(page.url.path().ends_with("/admin/sign-in") && page.url.query() == Some("then=%2Fadmin"), "{page}");
    let page = ada.sign_in(&one_time).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin/password"), "{page}");
    let page = ada.open("/admin").await;
    assert_eq!(page.url.path(), "/admin/password", "nothing else before that: {page}");
    let fields = [("current", one_time.as_str()), ("new", "four words in a row")];
    let page = ada.submit(&page, "choose-password", &fields).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin"), "{page}");
    let page = ada.press(&page, "sign-out").await;
    assert_eq!(page.url.path(), "/admin/sign-in", "{page}");
    let page = ada.sign_in(&one_time).await;
    assert_eq!(page.status, 422, "it was for once: {page}");
    let page = ada.sign_in("four words in a row").await;
    assert_eq!((page.status, page.url.path()), (200, "/admin"), "{page}");
}

#[tokio::test]
async fn a_key_opens_the_api_and_a_role_is_what_it_says() {
    let broker = Broker::start(Options::default()).await;
    let owner = Operator::signed_in(&broker, "owner").await;
    assert!(!owner.browser.cookie_values().is_empty());
    let api = Api::of(&broker, "auditor").await;
    assert_eq!(api.get("/resources").await.status, 200);
    let made = api.post("/resources", &serde_json::json!({ "identifier": "https://a.example" })).await;
    assert_eq!((made.status, made.text("code")), (403, "role_too_small"), "{}", made.json);
}

/// The answer to a wrong guess at this name, by somebody in a new browser.
async fn guess(broker: &Broker, email: &str) -> Page {
    Operator::at(broker, email).sign_in("not this one").await
}

#[tokio::test]
async fn guessing_is_slowed_down_alike_for_names_that_exist_and_for_others() {
    let broker = Broker::start(Options::default()).await;
    let ada = Operator::signed_in(&broker, "owner").await;
    let mut told = Vec::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut statuses = Vec::new();
        for _ in 0..7 {
            let page = guess(&broker, email).await;
            statuses.push((
                page.status,
                page.header("retry-after").to_owned(),
                page.text_of("password-error").is_some(),
            ));
            assert!(!page.body.contains("operator is"), "{page}");
        }
        told.push(statuses);
    }
    assert_eq!(told[0], told[1], "what is said does not tell who exists");
    let statuses: Vec<_> = told[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429], "the fifth begins the wait");
    assert!(told[0][5].1.parse::<u32>().is_ok_and(|seconds| (1..=31).contains(&seconds)), "{:?}", told[0]);

    let mut elsewhere = Operator::at(&broker, &ada.email);
    assert_eq!(elsewhere.sign_in(PASSWORD).await.status, 429, "not even with the right one");
    broker.clock.advance(time::Duration::seconds(31));
    assert_eq!(elsewhere.sign_in(PASSWORD).await.status, 200, "the wait is over");
    assert_eq!(guess(&broker, &ada.email).await.status, 422, "and what was counted is forgotten");
}

#[tokio::test]
async fn nobody_elsewhere_keeps_an_operator_out_of_a_browser_that_they_signed_in_with() {
    let broker = Broker::start(Options::default()).await;
    let mut ada = Operator::signed_in(&broker, "owner").await;
    let page = ada.open("/admin").await;
    ada.press(&page, "sign-out").await;
    for _ in 0..9 {
        guess(&broker, &ada.email).await;
    }
    assert_eq!(Operator::at(&broker, &ada.email).sign_in(PASSWORD).await.status, 429, "elsewhere one waits");
    let page = ada.sign_in(PASSWORD).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin"), "{page}");
    // the device has a count of its own, and is worth nothing for another name
    let mut grace = Operator::signed_in(&broker, "owner").await;
    let page = ada.open("/admin").await;
    ada.press(&page, "sign-out").await;
    std::mem::swap(&mut ada.email, &mut grace.email);
    for _ in 0..5 {
        ada.sign_in("not this one").await;
    }
    assert_eq!(ada.sign_in(PASSWORD).await.status, 429);
    assert_eq!(Operator::at(&broker, &ada.email).sign_in(PASSWORD).await.status, 429, "it counted for the name");
}

#[tokio::test]
async fn an_office_that_signs_in_all_day_is_not_taken_for_a_guesser() {
    let broker = Broker::start(Options::default()).await;
    let ada = Operator::signed_in(&broker, "owner").await;
    for nth in 1..=25 {
        let page = Operator::at(&broker, &ada.email).sign_in(PASSWORD).await;
        assert_eq!(page.status, 200, "sign-in {nth}: {page}");
    }
}

#[tokio::test]
async fn a_sign_in_makes_a_new_session_whatever_cookie_was_there() {
    let broker = Broker::start(Options::default()).await;
    let mut ada = Operator::signed_in(&broker, "owner").await;
    let value = |ada: &Operator| ada.browser.cookie(&broker.issuer, "avouch-operator").unwrap().value.clone();
    let first = value(&ada);
    assert_eq!(ada.sign_in(PASSWORD).await.status, 200);
    assert_ne!(value(&ada), first);
    // what a password change leaves behind is worth nothing
    let before = ada.browser.clone();
    let page = ada.open("/admin/password").await;
    let page = ada.submit(&page, "choose-password", &[("current", PASSWORD), ("new", "another four words here")]).await;
    assert_eq!(page.url.path(), "/admin", "{page}");
    let mut stolen = Operator { browser: before, ..Operator::at(&broker, &ada.email) };
    assert_eq!(stolen.open("/admin").await.url.path(), "/admin/sign-in");
}

#[tokio::test]
async fn where_there_is_no_operator_the_page_says_how_to_make_the_first_one() {
    let broker = Broker::start(Options::default()).await;
    let mut nobody = Operator::at(&broker, "ada@example.com");
    let page = nobody.open("/admin/sign-in").await;
    assert!(page.has("first-run") && page.body.contains("avouch operator create"), "{page}");
    let (made, printed) = broker.cli(&["operator", "create", "ada@example.com"]).await;
    assert!(made, "{printed}");
    let one_time = printed.lines().find(|line| line.len() == 23).expect("a password").to_owned();
    assert!(!nobody.open("/admin/sign-in").await.has("first-run"));
    assert_eq!(nobody.sign_in(&one_time).await.url.path(), "/admin/password");
}
