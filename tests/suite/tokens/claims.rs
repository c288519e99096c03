//! What stands in tokens, as the public contract says.

use serde_json::json;

use super::{API, machine};
use crate::harness::World;
use crate::harness::app::{claims, header};

#[tokio::test]
async fn every_algorithm_verifies_by_the_published_keys_and_types_are_as_the_resource_says() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let table = [
        (API, "RS256", "at+jwt", 3600),
        ("https://es256.example", "ES256", "JWT", 120),
        ("https://ps256.example", "PS256", "at+jwt", 3600),
        ("https://eddsa.example", "EdDSA", "at+jwt", 3600),
    ];
    for (audience, alg, typ, ttl) in table {
        let answer = robot.token(&[("grant_type", "client_credentials"), ("audience", audience)]).await;
        let jwt = answer.text("access_token");
        let head = header(jwt);
        assert_eq!((&head["alg"], &head["typ"]), (&json!(alg), &json!(typ)));
        let token = robot.verified(jwt, audience).await.claims;
        assert_eq!(token["aud"], json!(audience), "a string when there is one");
        assert_eq!(token["iss"], json!(world.broker.issuer));
        assert_eq!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap(), ttl);
        assert_eq!(answer.json["expires_in"], json!(ttl));
        assert_eq!(
            (&token["sub"], &token["client_id"], &token["azp"]),
            (&json!("robot"), &json!("robot"), &json!("robot"))
        );
        assert!(token["scope"].is_string() && token["jti"].is_string(), "{token}");
    }
}

#[tokio::test]
async fn id_tokens_are_signed_as_the_application_wants_them() {
    let world = World::new().await;
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        let app = world.app(&format!("app-{alg}").to_lowercase(), &format!("kind: spa\nid_token_alg: {alg}")).await;
        let tokens = app.tokens(&mut app.browser(), &[]).await;
        let jwt = tokens["id_token"].as_str().unwrap();
        assert_eq!(header(jwt)["alg"], alg);
        let said = app.verified(jwt, &app.client_id).await.claims;
        assert_eq!(said["at_hash"].is_string(), alg != "EdDSA");
    }
}

#[tokio::test]
async fn several_audiences_are_an_array() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let fields = [("grant_type", "client_credentials"), ("resource", API), ("resource", "https://brief.example")];
    let token = claims(robot.token(&fields).await.text("access_token"));
    assert_eq!(token["aud"], json!([API, "https://brief.example"]));
    let lives = token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap();
    assert_eq!(lives, 60, "as long as the strictest of them allows");

    let fields = [("grant_type", "client_credentials"), ("resource", API), ("resource", "https://ps256.example")];
    let refused = robot.token(&fields).await;
    assert_eq!((refused.status, refused.text("error")), (400, "invalid_target"), "they are signed differently");
}

#[tokio::test]
async fn claims_go_where_scope_and_registration_send_them() {
    let world = World::new().await;
    let lean = world.shop.tokens(&mut world.shop.browser(), &[]).await;
    let id_token = claims(lean["id_token"].as_str().unwrap());
    for name in ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "azp"] {
        assert!(!id_token[name].is_null(), "{name}: {id_token}");
    }
    for name in ["name", "email", "groups"] {
        assert!(id_token[name].is_null(), "{name} comes from UserInfo: {id_token}");
    }
    assert_eq!(id_token["aud"], json!("shop"));
    let access = claims(lean["access_token"].as_str().unwrap());
    assert_eq!(access["scope"], json!("openid profile email offline_access"));
    assert_eq!(access["aud"], json!(world.broker.url("/userinfo")));
    assert_eq!(
        (&access["client_id"], &access["azp"], &access["sub"]),
        (&json!("shop"), &json!("shop"), &id_token["sub"])
    );

    let app = world.app("rich", "kind: spa\nclaims: { id_token: [email, name, groups], access_token: [email] }").await;
    let rich = app.tokens(&mut app.browser(), &[]).await;
    let id_token = claims(rich["id_token"].as_str().unwrap());
    assert_eq!((&id_token["email"], &id_token["name"]), (&json!("marty@contoso.example"), &json!("Marty McFly")));
    assert_eq!(id_token["groups"], json!(["staff"]), "an array also when it holds one");
    assert_eq!(claims(rich["access_token"].as_str().unwrap())["email"], json!("marty@contoso.example"));
}

#[tokio::test]
async fn claims_that_were_asked_for_by_name_are_in_the_id_tokens_of_a_refresh_too() {
    let world = World::new().await;
    let wish = r#"{"id_token":{"email":{"essential":true},"given_name":null}}"#;
    let first = world.shop.tokens(&mut world.shop.browser(), &[("claims", wish)]).await;
    let second = world.shop.refresh(first["refresh_token"].as_str().unwrap()).await.json;
    let third = world.shop.refresh(second["refresh_token"].as_str().unwrap()).await.json;
    for tokens in [&first, &second, &third] {
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["email"], json!("marty@contoso.example"));
        assert!(id_token["name"].is_null(), "nobody asked for it here: {id_token}");
    }
    // as far as the scope goes that this refresh asks for
    let token = third["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid")];
    let narrow = world.shop.token(&fields).await;
    assert!(claims(narrow.text("id_token"))["email"].is_null(), "{}", narrow.json);
}

#[tokio::test]
async fn roles_are_decided_by_rules_when_a_token_is_made() {
    let world = World::new().await;
    let yaml = "
resources: [{ identifier: https://api.example, scopes: [read] }]
clients: [{ client_id: wiki, kind: spa, redirect_uris: [https://wiki.example/callback], audiences: [https://api.example] }]
roles:
  - { name: employee, when: \"'staff' in user.groups\", resource: https://api.example }
  - { name: boss, when: \"'bosses' in user.groups\", resource: https://api.example }
";
    world.apply(yaml).await;
    let wiki = crate::harness::App::new(&world.broker, "wiki", None).scoped("openid groups read write offline_access");
    let mut browser = wiki.browser();
    let tokens = wiki.tokens(&mut browser, &[]).await;
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&access["roles"], &access["groups"]), (&json!(["employee"]), &json!(["staff"])));
    assert_eq!(access["scope"], json!("openid groups read offline_access"), "what does not exist is not granted");
    assert_eq!(tokens["scope"], access["scope"]);
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["groups"], json!(["staff"]));
    // the next sign-in brings other groups; a refresh follows them
    world.idp.tell(|script| script.userinfo["groups"] = json!(["staff", "bosses"]));
    wiki.tokens(&mut browser, &[("prompt", "login")]).await;
    let fresh = wiki.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(claims(fresh.text("access_token"))["roles"], json!(["boss", "employee"]));
}

#[tokio::test]
async fn a_request_without_nonce_has_an_id_token_without_one() {
    let world = World::new().await;
    let tokens = world.shop.tokens(&mut world.shop.browser(), &[("nonce", "")]).await;
    assert!(claims(tokens["id_token"].as_str().unwrap()).get("nonce").is_none());
    let bare = world.shop.scoped("email").tokens(&mut world.shop.browser(), &[]).await;
    assert!(bare.get("id_token").is_none(), "without openid it is plain OAuth: {bare}");
    assert!(bare.get("refresh_token").is_none(), "offline_access was not asked for: {bare}");
}
