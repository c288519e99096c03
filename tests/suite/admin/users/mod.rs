//! People at the desk: what the API and the pages show of them and do to them.

mod found;
mod import;
mod shown;
mod withdrawn;

use serde_json::{Value, json};

use super::{Api, Operator};
use crate::harness::World;
use crate::harness::app::claims;

/// Somebody who has signed in to the shop: their `sub`.
fn sub_of(tokens: &Value) -> String {
    claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned()
}

/// Creates somebody ahead at Contoso.
async fn ahead(world: &World, api: &Api, email: &str, name: &str, subject: &str) -> String {
    let body = json!({ "email": email, "name": name, "connection": "contoso", "subject": subject });
    let made = api.post("/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    // lists go by birth, and within one millisecond nobody is older
    world.broker.clock.advance(time::Duration::seconds(1));
    made.text("sub").to_owned()
}

/// The subs of one page of the list, and the cursor of the next.
async fn page(api: &Api, query: &str) -> (Vec<String>, Option<String>) {
    let answer = api.get(&format!("/users?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let subs = answer.json["items"].as_array().unwrap().iter().map(|one| one["sub"].as_str().unwrap().to_owned());
    (subs.collect(), answer.json["next"].as_str().map(Into::into))
}

#[tokio::test]
async fn an_auditor_looks_and_changes_nothing() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let sub = sub_of(&tokens);
    let auditor = Api::of(&world.broker, "auditor").await;
    for path in ["", "/sessions", "/grants", "/consents"] {
        assert_eq!(auditor.get(&format!("/users/{sub}{path}")).await.status, 200, "{path}");
    }
    let body = json!({ "email": "a@x.example", "connection": "contoso", "subject": "a" });
    let answers = [
        auditor.post("/users", &body).await,
        auditor.post("/users/import", &body).await,
        auditor.patch(&format!("/users/{sub}"), &json!({ "name": "x" })).await,
        auditor.delete(&format!("/users/{sub}")).await,
        auditor.post(&format!("/users/{sub}/block"), &json!({})).await,
        auditor.post(&format!("/users/{sub}/unblock"), &json!({})).await,
        auditor.delete(&format!("/users/{sub}/sessions")).await,
        auditor.delete(&format!("/users/{sub}/sessions/ses_1")).await,
        auditor.delete(&format!("/users/{sub}/grants/shop")).await,
        auditor.delete(&format!("/users/{sub}/consents/shop")).await,
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.text("code")), (403, "role_too_small"), "{}", answer.json);
    }
    let mut grace = Operator::signed_in(&world.broker, "auditor").await;
    let shown = grace.open(&format!("/admin/users/{sub}")).await;
    assert!(shown.status == 200 && !shown.has("block") && !shown.has("delete"), "{shown}");
    for step in ["block", "unblock", "sign-out", "delete", "edit", "grants/shop/withdraw", "consents/shop/forget"] {
        let path = format!("/admin/users/{sub}/{step}");
        assert_eq!(grace.open(&path).await.status, 403, "{path}");
        assert_eq!(grace.post(&path, &[]).await.status, 403, "{path}");
    }
    assert_eq!(grace.post("/admin/users/new", &[("email", "a@x.example")]).await.status, 403);
    assert_eq!(grace.open("/admin/users/import").await.status, 403);
    let refreshed = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, 200, "nothing was touched");
}
