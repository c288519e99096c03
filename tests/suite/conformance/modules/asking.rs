//! `prompt`, `max_age` and the hints: when the person is asked again, and what must never be an error.

use serde_json::Value;
use time::Duration;

use crate::conformance::op::{Op, id_token};
use crate::harness::Browser;

/// A browser in which somebody signed in a while ago, and what the ID token said.
async fn signed_in(op: &Op) -> (Browser, Value, Value) {
    let mut browser = op.shop.browser();
    let tokens = op.tokens_in(&mut browser, &[]).await;
    op.broker.clock.advance(Duration::seconds(5));
    let said = id_token(&tokens);
    (browser, tokens, said)
}

/// A second request of the same person: whether the provider was asked again, which `auth_time` must tell.
async fn second(op: &Op, more: &[(&str, &str)], asked_again: bool) {
    let (mut browser, _, first) = signed_in(op).await;
    let said = id_token(&op.tokens_in(&mut browser, more).await);
    assert_eq!(said["sub"], first["sub"]);
    let auth_time = |said: &Value| said["auth_time"].as_i64().expect("auth_time");
    if asked_again {
        assert!(auth_time(&said) > auth_time(&first), "{said}");
    } else {
        assert_eq!(auth_time(&said), auth_time(&first));
    }
    assert_eq!(op.idp.received().authorize.len(), 1 + usize::from(asked_again));
}

pub async fn oidcc_prompt_login(op: &Op) {
    second(op, &[("prompt", "login")], true).await;
}

pub async fn oidcc_prompt_none_not_logged_in(op: &Op) {
    op.refuses(&[("prompt", "none")], &["login_required", "interaction_required"]).await;
}

pub async fn oidcc_prompt_none_logged_in(op: &Op) {
    second(op, &[("prompt", "none")], false).await;
}

pub async fn oidcc_max_age_1(op: &Op) {
    second(op, &[("max_age", "1")], true).await;
}

pub async fn oidcc_max_age_10000(op: &Op) {
    second(op, &[("max_age", "10000")], false).await;
}

pub async fn oidcc_id_token_hint(op: &Op) {
    let (mut browser, tokens, first) = signed_in(op).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let silent = op.tokens_in(&mut browser, &[("id_token_hint", hint), ("prompt", "none")]).await;
    assert_eq!(id_token(&silent)["sub"], first["sub"]);
}

pub async fn oidcc_login_hint(op: &Op) {
    op.tokens(&[("login_hint", "buffy@contoso.example")]).await;
}

pub async fn oidcc_ui_locales(op: &Op) {
    op.tokens(&[("ui_locales", "se")]).await;
}

pub async fn oidcc_display_page(op: &Op) {
    op.tokens(&[("display", "page")]).await;
}

pub async fn oidcc_display_popup(op: &Op) {
    op.tokens(&[("display", "popup")]).await;
}

pub async fn oidcc_ensure_request_with_unknown_parameter_succeeds(op: &Op) {
    op.tokens(&[("extra", "foobar")]).await;
}

/// We say which way the person came in, if the provider says so.
pub async fn oidcc_ensure_request_with_acr_values_succeeds(op: &Op) {
    let said = id_token(&op.tokens(&[("acr_values", "urn:silver urn:bronze")]).await);
    assert_eq!(said.get("acr"), None, "nobody claims what nobody said");
    assert_eq!(op.idp.received().authorize[0]["acr_values"], "urn:silver urn:bronze");
    op.idp.lie(|claims| claims["acr"] = "urn:silver".into());
    let said = id_token(&op.tokens(&[("acr_values", "urn:silver urn:bronze")]).await);
    assert_eq!(said["acr"], "urn:silver");
}
