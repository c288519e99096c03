//! Signing in at the desk.

use super::{Api, Operator};
use crate::harness::{Broker, Options};

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
