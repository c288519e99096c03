//! Claims that the operator makes: attributes from the upstream, claims of an application's own, filtered groups, and the
//! warning before a token outgrows a header.

use serde_json::json;

use super::{API, machine};
use crate::harness::World;
use crate::harness::app::{claims, http};

#[tokio::test]
async fn an_application_gets_claims_of_its_own_in_the_tokens_it_names() {
    let world = World::new().await;
    world.idp.tell(|script| {
        script.userinfo["department"] = json!("Hill Valley");
        script.userinfo["badge"] = json!(1985);
        script.userinfo["sites"] = json!(["clock tower", "mall"]);
        script.userinfo["nested"] = json!({"not": "kept"});
    });
    world
        .set_contoso(
            "mapping: { attributes: { department: claims.department, badge: claims.badge, sites: claims.sites, \
             nested: claims.nested, absent: claims.absent } }",
        )
        .await;
    let app = world
        .app(
            "camunda",
            "kind: spa\n\
             claims:\n\
             \x20 access_token: [oid, env, sites, preferred_username, missing]\n\
             \x20 id_token: [oid, badge]\n\
             \x20 userinfo: ['https://acme.example/department']\n\
             \x20 custom:\n\
             \x20   oid: user.sub\n\
             \x20   env: \"'production'\"\n\
             \x20   badge: user.attributes.badge\n\
             \x20   sites: user.attributes.sites\n\
             \x20   missing: user.attributes.nested\n\
             \x20   'https://acme.example/department': user.attributes.department",
        )
        .await;
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&access["oid"], &access["env"]), (&access["sub"], &json!("production")));
    assert_eq!(access["sites"], json!(["clock tower", "mall"]));
    assert!(access.get("missing").is_none() && access.get("badge").is_none(), "{access}");
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id_token["oid"], &id_token["badge"]), (&access["sub"], &json!(1985)));
    assert!(id_token.get("env").is_none(), "{id_token}");
    let userinfo = app.userinfo(tokens["access_token"].as_str().unwrap()).await.json;
    assert_eq!(userinfo["https://acme.example/department"], json!("Hill Valley"));
    let fresh = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    for (token, before) in [("access_token", &access), ("id_token", &id_token)] {
        let after = claims(fresh.text(token));
        for name in ["oid", "env", "badge", "sites"] {
            assert_eq!(after.get(name), before.get(name), "{token} has the same {name} after a refresh");
        }
    }
}

#[tokio::test]
async fn a_machine_gets_those_that_need_no_person() {
    let world = World::new().await;
    machine(&world).await;
    let claims_of = "claims: { access_token: [pool, who, mail], custom: { pool: \"'orders'\", who: client.client_id, mail: user.email } }";
    world.broker.secret("bot", "bot-secret-0123456789");
    let yaml = format!(
        "clients:\n  - {{ client_id: bot, kind: machine, audiences: [{API}], client_secret: {{ file: bot }}, {claims_of} }}\n"
    );
    world.apply(&yaml).await;
    let bot = crate::harness::App::new(&world.broker, "bot", Some("bot-secret-0123456789"));
    let token = claims(bot.token(&[("grant_type", "client_credentials")]).await.text("access_token"));
    assert_eq!((&token["pool"], &token["who"]), (&json!("orders"), &json!("bot")));
    assert!(token.get("mail").is_none(), "{token}");
}

#[tokio::test]
async fn groups_are_filtered_for_the_application_that_wants_few() {
    let world = World::new().await;
    world.idp.tell(|script| script.userinfo["groups"] = json!(["camunda-admin", "staff", "camunda-user"]));
    let app = world
        .app(
            "camunda",
            "kind: spa\nclaims: { id_token: [groups], userinfo: [groups], groups_filter: \"group.startsWith('camunda-')\" }",
        )
        .await
        .scoped("openid groups");
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    let expected = json!(["camunda-admin", "camunda-user"]);
    for token in ["access_token", "id_token"] {
        assert_eq!(claims(tokens[token].as_str().unwrap())["groups"], expected, "{token}");
    }
    assert_eq!(app.userinfo(tokens["access_token"].as_str().unwrap()).await.json["groups"], expected);
}

#[tokio::test]
async fn a_token_over_its_budget_is_given_and_the_operator_is_told() {
    let world = World::new().await;
    let many: Vec<String> = (0..300).map(|n| format!("a-group-with-a-long-name-{n:04}")).collect();
    world.idp.tell(|script| script.userinfo["groups"] = json!(many));
    let app = world.app("wide", "kind: spa").await.scoped("openid groups");
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    let bytes = tokens["access_token"].as_str().unwrap().len();
    let event = world.last_event("token.issued").await;
    assert_eq!(event.detail["access_token_bytes_over_budget"], json!(bytes), "{event:?}");
    let metrics = http().get(world.broker.ops_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("avouch_access_tokens_over_budget_total{client_id=\"wide\"} 1"), "{metrics}");
    let roomy = world.app("roomy", "kind: spa\nclaims: { token_budget: 60000 }").await.scoped("openid groups");
    roomy.tokens(&mut roomy.browser(), &[]).await;
    assert!(world.last_event("token.issued").await.detail.get("access_token_bytes_over_budget").is_none());
}

#[tokio::test]
async fn a_file_with_claims_that_mean_nothing_is_refused() {
    let world = World::new().await;
    let base = "clients: [{ client_id: x, kind: spa, redirect_uris: ['https://x.example/cb'], claims: ";
    for (policy, cause) in [
        ("{ id_token: [emial] }", "emial"),
        ("{ custom: { oid: user.sub } }", "no list sends it anywhere"),
        ("{ id_token: [sub], custom: { sub: user.email } }", "has a meaning of its own"),
        ("{ id_token: [a], custom: { a: 'user.(' } }", "not valid CEL"),
    ] {
        let error = world.broker.try_apply(&format!("{base}{policy} }}]")).await.unwrap_err();
        assert!(error.contains(cause), "{policy}: {error}");
    }
}
