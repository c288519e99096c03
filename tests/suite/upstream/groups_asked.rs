//! An operator asks the directory for one person's groups: what it says, how old what is kept was, what tokens will hold; and
//! where the groups of the last sign-in came from.

use serde_json::{Value, json};
use time::Duration;

use super::overage::{directory_says, entra, groups_in_the_token, ids, token_says};
use crate::admin::{Api, Operator};
use crate::harness::World;
use crate::harness::app::claims;

/// Of the person who signed in last.
async fn sub(world: &World) -> String {
    world.last_event("login").await.sub.expect("somebody signed in")
}

#[tokio::test]
async fn what_the_directory_says_now_is_told_beside_what_was_kept_and_counts_from_then_on() {
    let world = entra("").await;
    directory_says(&world, 200, json!({ "value": ids(350) }));
    groups_in_the_token(&world).await;
    let path = format!("/users/{}/groups", sub(&world).await);
    world.broker.clock.advance(Duration::minutes(5));
    let editor = Api::of(&world.broker, "editor").await;
    let before = editor.get(&path).await.json["items"][0].clone();
    assert_eq!((&before["connection"], &before["source"]), (&json!("contoso"), &json!("directory")));
    assert_eq!((&before["kept"]["count"], &before["kept"]["problem"]), (&json!(350), &Value::Null));

    // one came, one went
    let now: Vec<String> = ids(351).split_off(1);
    directory_says(&world, 200, json!({ "value": now }));
    let auditor = Api::of(&world.broker, "auditor").await;
    assert_eq!(auditor.post(&format!("{path}/ask"), &json!({})).await.status, 403);
    let told = editor.post(&format!("{path}/ask"), &json!({})).await;
    let (told, answer) = (&told.json["items"][0], &told.json["items"][0]["answer"]);
    assert_eq!(told["kept"], before["kept"], "how it was");
    assert_eq!((&answer["ok"], &answer["count"], &answer["groups"]), (&json!(true), &json!(350), &json!(now)));
    assert_eq!((&answer["new"], &answer["gone"]), (&json!([now[349]]), &json!([ids(1)[0]])));
    let event = world.last_event("user.groups_asked").await;
    assert_eq!((event.outcome.as_str(), event.connection.as_deref()), ("success", Some("contoso")));
    assert_eq!((event.sub.as_deref(), &event.detail["count"]), (path.split('/').nth(2), &json!(350)));

    let asked = world.idp.received().directory.len();
    assert_eq!(groups_in_the_token(&world).await, json!(now), "and the next sign-in goes by it");
    assert_eq!(world.idp.received().directory.len(), asked, "without asking anew");
}

#[tokio::test]
async fn whose_token_has_room_is_asked_about_too_and_nothing_is_kept() {
    let world = entra("").await;
    directory_says(&world, 200, json!({ "value": ids(250) }));
    groups_in_the_token(&world).await;
    let path = format!("/users/{}/groups", sub(&world).await);
    token_says(&world, json!({ "groups": ids(3) }));
    groups_in_the_token(&world).await;
    let editor = Api::of(&world.broker, "editor").await;
    let standing = async || {
        let one = editor.get(&path).await.json["items"][0].clone();
        (one["source"].clone(), one["kept"].clone())
    };
    assert_eq!(standing().await, (json!("token"), Value::Null), "what was looked up before is forgotten");
    directory_says(&world, 200, json!({ "value": ids(4) }));
    let told = editor.post(&format!("{path}/ask"), &json!({})).await.json;
    let answer = &told["items"][0]["answer"];
    assert_eq!((&answer["count"], &answer["new"], &answer["gone"]), (&json!(4), &json!([ids(4)[3]]), &json!([])));
    assert_eq!(standing().await, (json!("token"), Value::Null));
}

#[tokio::test]
async fn tokens_will_hold_what_the_mapping_makes_of_it() {
    let world = entra("mapping: { groups: \"claims.groups.filter(g, g.endsWith('1'))\" }").await;
    token_says(&world, json!({ "groups": [] }));
    groups_in_the_token(&world).await;
    directory_says(&world, 200, json!({ "value": ids(12) }));
    let editor = Api::of(&world.broker, "editor").await;
    let told = editor.post(&format!("/users/{}/groups/ask", sub(&world).await), &json!({})).await.json;
    let answer = &told["items"][0]["answer"];
    assert_eq!((&answer["count"], &answer["groups"]), (&json!(12), &json!([ids(2)[1], ids(12)[11]])));
}

#[tokio::test]
async fn a_directory_that_refuses_is_told_with_what_helps_and_what_is_kept_stays() {
    let world = entra("").await;
    directory_says(&world, 200, json!({ "value": ids(300) }));
    groups_in_the_token(&world).await;
    let sub = sub(&world).await;
    directory_says(&world, 403, json!({ "error": { "code": "Authorization_RequestDenied" } }));
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open(&format!("/admin/users/{sub}")).await;
    assert!(page.body.contains("300 from Microsoft Graph: the token of"), "{page}");
    assert!(page.body.contains("and 290 more") && page.has("all-groups"), "{page}");
    let page = editor.open(&format!("/admin/users/{sub}/groups")).await;
    let page = editor.submit(&page, "ask", &[]).await;
    assert!(page.body.contains("groups_forbidden") && page.body.contains("GroupMember.Read.All"), "{page}");
    let (well, said) = world.broker.cli(&["user", "groups", &sub]).await;
    assert!(!well && said.contains("GroupMember.Read.All"), "{said}");
    let event = world.last_event("user.groups_asked").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("failed", Some("groups_forbidden")));
    let api = Api::of(&world.broker, "editor").await;
    let kept = api.get(&format!("/users/{sub}/groups")).await.json["items"][0]["kept"].clone();
    assert_eq!(kept["count"], 300);
    assert!(kept["problem"].as_str().unwrap().contains("GroupMember.Read.All"), "{kept}");

    directory_says(&world, 200, json!({ "value": ids(301) }));
    let page = editor.open(&format!("/admin/users/{sub}/groups")).await;
    assert!(page.body.contains("Asked again in vain"), "{page}");
    let page = editor.submit(&page, "ask", &[]).await;
    assert!(
        page.body.contains("Microsoft Graph says 301 groups now") && page.body.contains("New since then: 1"),
        "{page}"
    );
    let (well, said) = world.broker.cli(&["user", "groups", &sub]).await;
    assert!(well && said.contains("301 groups"), "{said}");
}

/// Only Entra has a directory that is asked.
#[tokio::test]
async fn at_other_providers_there_is_nothing_to_ask() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let sub = claims(tokens["access_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let editor = Api::of(&world.broker, "editor").await;
    for answer in [
        editor.get(&format!("/users/{sub}/groups")).await,
        editor.post(&format!("/users/{sub}/groups/ask"), &json!({})).await,
    ] {
        assert_eq!((answer.status, &answer.json["items"]), (200, &json!([])));
    }
    let stranger = "usr_01HZX3V9K2J8M4Q7R5T6W0YBCD";
    assert_eq!(editor.get(&format!("/users/{stranger}/groups")).await.status, 404);
    let mut operator = Operator::signed_in(&world.broker, "editor").await;
    let page = operator.open(&format!("/admin/users/{sub}/groups")).await;
    assert!(page.body.contains("There is no directory to ask") && !page.has("ask"), "{page}");
}
