//! UserInfo, and which claims come from it: all that scopes bring, so that the ID token stays lean.

use serde_json::Value;

use crate::conformance::op::{Op, id_token};
use crate::harness::app::{Answer, answer, http};

/// The answer to the token of this sign-in; its `sub` is the ID token's.
async fn asked(op: &Op, ask: impl AsyncFnOnce(&str, &str) -> Answer) {
    let tokens = op.tokens(&[("scope", "openid")]).await;
    let said = ask(&op.broker.url("/userinfo"), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((said.status, said.header("content-type")), (200, "application/json"), "{}", said.json);
    assert_eq!(said.json["sub"], id_token(&tokens)["sub"]);
}

pub async fn oidcc_userinfo_get(op: &Op) {
    asked(op, async |url, token| answer(http().get(url).bearer_auth(token)).await).await;
}

pub async fn oidcc_userinfo_post_header(op: &Op) {
    asked(op, async |url, token| answer(http().post(url).bearer_auth(token)).await).await;
}

pub async fn oidcc_userinfo_post_body(op: &Op) {
    asked(op, async |url, token| answer(http().post(url).form(&[("access_token", token)])).await).await;
}

/// What these scopes bring, beside `sub`: to UserInfo all of `names`, to the ID token nothing.
async fn scope_brings(op: &Op, scope: &str, names: &[&str]) {
    op.idp.tell(|script| {
        script.userinfo["given_name"] = "Marty".into();
        script.userinfo["family_name"] = "McFly".into();
        script.userinfo["preferred_username"] = "marty".into();
        script.userinfo["address"] = serde_json::json!({ "locality": "Hill Valley" });
        script.userinfo["phone_number"] = "+1 555 1985".into();
    });
    let tokens = op.tokens(&[("scope", scope)]).await;
    let said = op.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
    let mut brought: Vec<&str> = said.json.as_object().unwrap().keys().map(String::as_str).collect();
    brought.retain(|name| *name != "sub");
    brought.sort_unstable();
    let mut names = names.to_vec();
    names.sort_unstable();
    assert_eq!(brought, names, "{scope}");
    let id_token = id_token(&tokens);
    for name in names {
        assert_eq!(id_token.get(name), None, "{id_token}");
    }
}

const PROFILE: [&str; 4] = ["name", "given_name", "family_name", "preferred_username"];
const EMAIL: [&str; 2] = ["email", "email_verified"];

pub async fn oidcc_scope_profile(op: &Op) {
    scope_brings(op, "openid profile", &PROFILE).await;
}

pub async fn oidcc_scope_email(op: &Op) {
    scope_brings(op, "openid email", &EMAIL).await;
}

/// Not among `scopes_supported`, so it is left out, and no error.
pub async fn oidcc_scope_address(op: &Op) {
    scope_brings(op, "openid address", &[]).await;
}

/// As `address`.
pub async fn oidcc_scope_phone(op: &Op) {
    scope_brings(op, "openid phone", &[]).await;
}

pub async fn oidcc_scope_all(op: &Op) {
    scope_brings(op, "openid profile email address phone", &[&PROFILE[..], &EMAIL[..]].concat()).await;
}

pub async fn oidcc_claims_essential(op: &Op) {
    let wish = r#"{"userinfo":{"name":{"essential":true}}}"#;
    let tokens = op.tokens(&[("scope", "openid"), ("claims", wish)]).await;
    let said = op.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(said.json["name"], "Marty McFly", "{}", said.json);
    assert_eq!(id_token(&tokens).get("name"), None::<&Value>);
}

pub async fn oidcc_claims_locales(op: &Op) {
    op.tokens(&[("claims_locales", "se")]).await;
}
