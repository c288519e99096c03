//! Who may come in, and as whom.

use sqlx::ConnectOptions as _;

use crate::harness::World;
use crate::harness::app::claims;

#[tokio::test]
async fn who_the_rule_does_not_let_in_reads_why() {
    let world = World::new().await;
    world.set_contoso("display_name: Contoso\nallow: \"'admins' in claims.groups\"").await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    page.assert_problem(403, "not_allowed");
    assert!(page.body.contains("Your account may not use The Shop") && page.body.contains("Contoso"), "{page}");
    assert_eq!(browser.session(&world.broker.issuer), None);
    assert_eq!(world.last_event("login").await.reason.as_deref(), Some("not_allowed"));
    world.idp.tell(|script| script.userinfo["groups"] = serde_json::json!(["admins"]));
    world.signed_in().await;
    // a rule that cannot be decided lets nobody in
    world.idp.tell(|script| script.userinfo = serde_json::json!({}));
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(403, "not_allowed");
}

#[tokio::test]
async fn somebody_blocked_is_stopped_everywhere() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    let (request, page) = world.shop.sign_in(&mut browser, &[]).await;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    // by an operator; until there is an address for it, in the database
    let mut conn = world.broker.database().connect().await.unwrap();
    sqlx::query("UPDATE users SET status = 'blocked' WHERE id = $1").bind(&sub).execute(&mut conn).await.unwrap();

    world.shop.redeem(&page.param("code"), &request.verifier).await.assert_error(400, "invalid_grant");
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await.assert_error(401, "invalid_token");
    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
    let mut fresh = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut fresh, &[]).await;
    page.assert_problem(403, "user_blocked");
    assert_eq!(fresh.session(&world.broker.issuer), None);
}

#[tokio::test]
async fn somebody_created_ahead_keeps_the_sub_that_was_told() {
    let world = World::new().await;
    let users = world
        .apply("users:\n  - { email: mcfly@example.com, name: Marty McFly, connection: contoso, subject: marty-ahead }")
        .await;
    let sub = users[0].1.to_string();
    world.idp.tell(|script| script.subject = "marty-ahead".into());
    let (_, tokens) = world.signed_in().await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], sub.as_str());
    world.idp.tell(|script| script.subject = "somebody-else".into());
    let (_, tokens) = world.signed_in().await;
    assert_ne!(claims(tokens["id_token"].as_str().unwrap())["sub"], sub.as_str(), "the address makes nobody somebody");
}

#[tokio::test]
async fn one_address_at_two_providers_is_two_people() {
    let world = World::new().await;
    world.connect("fabrikam", "").await;
    let mut subs = Vec::new();
    for slug in ["contoso", "fabrikam"] {
        let tokens = world.shop.tokens(&mut world.shop.browser(), &[("connection", slug)]).await;
        subs.push(claims(tokens["id_token"].as_str().unwrap())["sub"].clone());
    }
    assert_ne!(subs[0], subs[1]);
}

#[tokio::test]
async fn a_person_without_an_address_can_sign_in() {
    let world = World::new().await;
    world.idp.tell(|script| script.userinfo = serde_json::json!({}));
    let (_, tokens) = world.signed_in().await;
    let userinfo = world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.status, 200);
    assert!(userinfo.json.get("email").is_none() && userinfo.json.get("email_verified").is_none(), "{}", userinfo.json);
}

#[tokio::test]
async fn somebody_created_ahead_keeps_name_and_address_until_the_provider_sends_its_own() {
    let world = World::new().await;
    world.apply("users:\n  - { email: doc@example.com, name: Emmett Brown, connection: contoso, subject: doc }").await;
    world.idp.tell(|script| (script.subject, script.userinfo) = ("doc".into(), serde_json::json!({})));
    let known = async || {
        let (_, tokens) = world.signed_in().await;
        let said = world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await.json;
        [said["name"].clone(), said["email"].clone(), said["email_verified"].clone()]
    };
    let of_the_file = serde_json::json!(["Emmett Brown", "doc@example.com", false]);
    for _ in 0..2 {
        assert_eq!(serde_json::json!(known().await), of_the_file);
    }
    world.idp.tell(|script| script.userinfo = serde_json::json!({ "name": "Doc", "email": "doc@contoso.example" }));
    assert_eq!(known().await[..2], ["Doc", "doc@contoso.example"]);
}
