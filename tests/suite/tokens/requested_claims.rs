//! Claims asked for one by one (OIDC Core §5.5).

use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::app::claims;

fn said(tokens: &Value) -> Value {
    claims(tokens["id_token"].as_str().unwrap())
}

/// As Argo CD sends it.
const GROUPS: &str = r#"{"id_token":{"groups":{"essential":true}}}"#;

#[tokio::test]
async fn argo_cd_gets_groups_as_an_array_in_the_id_token_and_after_a_refresh() {
    let world = World::new().await;
    for scope in ["openid profile email groups offline_access", "openid profile email offline_access"] {
        let more = [("scope", scope), ("claims", GROUPS)];
        let tokens = world.shop.tokens(&mut world.shop.browser(), &more).await;
        assert_eq!(said(&tokens)["groups"], json!(["staff"]), "{scope}");
        assert!(tokens["scope"].as_str().unwrap().contains("groups"), "what was granted is said: {tokens}");
        let fresh = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(said(&fresh.json)["groups"], json!(["staff"]), "{scope}");
    }
}

#[tokio::test]
async fn a_claim_comes_where_it_was_asked_for_and_nowhere_else() {
    let world = World::new().await;
    let wish = r#"{"id_token":{"email":null,"nickname":null},"userinfo":{"name":{"essential":true}}}"#;
    let tokens = world.shop.tokens(&mut world.shop.browser(), &[("scope", "openid"), ("claims", wish)]).await;
    let id_token = said(&tokens);
    assert_eq!((&id_token["email"], &id_token["email_verified"]), (&json!("marty@contoso.example"), &json!(false)));
    assert!(id_token.get("name").is_none() && id_token.get("nickname").is_none(), "{id_token}");
    assert_eq!(world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await.json["name"], "Marty McFly");
    // without openid there is no ID token and no UserInfo to put it in
    let plain = world.shop.tokens(&mut world.shop.browser(), &[("scope", "profile"), ("claims", wish)]).await;
    assert_eq!(plain["scope"], "profile");
}

#[tokio::test]
async fn it_is_no_way_around_registration_or_consent() {
    let world = World::new().await;
    let narrow = world.app("narrow", "kind: spa\nscopes: [openid]").await.scoped("openid");
    let wish = r#"{"id_token":{"email":null,"groups":null,"roles":null},"userinfo":{"email":null}}"#;
    let tokens = narrow.tokens(&mut narrow.browser(), &[("claims", wish)]).await;
    assert_eq!(tokens["scope"], "openid");
    let userinfo = narrow.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.json.as_object().unwrap().len(), 1, "{}", userinfo.json);
    for name in ["email", "groups", "roles"] {
        assert_eq!(said(&tokens).get(name), None);
    }
    let partner = world.app("partner", "kind: spa\nfirst_party: false").await.scoped("openid");
    let mut browser = partner.browser();
    let (_, page) = partner.sign_in(&mut browser, &[]).await;
    assert!(browser.press(&page, "allow").await.stopped);
    partner.tokens(&mut browser, &[("prompt", "none")]).await;
    let (_, page) = partner.sign_in(&mut browser, &[("prompt", "none"), ("claims", GROUPS)]).await;
    page.assert_error("consent_required");
}

#[tokio::test]
async fn the_person_named_signs_in_or_nobody_does() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    let sub = said(&tokens)["sub"].clone();
    let wish = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    world.shop.tokens(&mut browser, &[("claims", &wish), ("prompt", "none")]).await;
    world.idp.tell(|script| script.subject = "doc".into());
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("claims", &wish)]).await;
    page.assert_error("login_required");
}

#[tokio::test]
async fn an_essential_acr_is_reached_or_the_sign_in_has_failed() {
    let world = World::new().await;
    let wish = r#"{"id_token":{"acr":{"essential":true,"values":["urn:gold","urn:silver"]}}}"#;
    let (mut browser, _) = world.signed_in().await;
    let (_, page) = world.shop.sign_in(&mut browser, &[("claims", wish), ("prompt", "none")]).await;
    page.assert_error("login_required");
    let (_, page) = world.shop.sign_in(&mut browser, &[("claims", wish)]).await;
    page.assert_error("unmet_authentication_requirements");
    assert_eq!(world.idp.received().authorize.last().unwrap()["acr_values"], "urn:gold urn:silver");
    world.idp.lie(|claims| claims["acr"] = "urn:silver".into());
    let tokens = world.shop.tokens(&mut browser, &[("claims", wish)]).await;
    assert_eq!(said(&tokens)["acr"], "urn:silver");
    world.shop.tokens(&mut browser, &[("claims", wish), ("prompt", "none")]).await;
    // a voluntary one asks and does not insist
    let wish = r#"{"id_token":{"acr":{"values":["urn:gold"]}}}"#;
    world.shop.tokens(&mut browser, &[("claims", wish)]).await;
}

#[tokio::test]
async fn what_is_no_such_object_is_refused_by_name() {
    let world = World::new().await;
    for wish in ["groups", "[]", r#"{"id_token":["groups"]}"#] {
        let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("claims", wish)]).await;
        page.assert_error("invalid_request");
        assert!(page.param("error_description").contains("claims"), "{page}");
    }
}
