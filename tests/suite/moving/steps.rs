//! A first group, the way back, and the completion.

use serde_json::json;

use super::Move;
use crate::admin::Api;

#[tokio::test]
async fn whoever_is_moved_signs_in_at_both_as_the_same_person_and_the_others_do_not() {
    let (mut this, subs) = Move::of(4).await;
    // a fifth line is of somebody who never came
    let planned = this.plan(5).await;
    assert_eq!(
        (&planned["people"], &planned["counts"]["ready"], &planned["counts"]["unknown"]),
        (&json!(5), &json!(4), &json!(1))
    );
    let before = this.world.broker.audit_events().await.len();
    assert_eq!(this.shown().await["counts"], planned["counts"]);
    assert_eq!(this.world.broker.audit_events().await.len(), before, "looking does nothing");

    this.step("forward", json!({ "first": 2 }), 2).await;
    assert_eq!(this.counts(["moved", "ready", "unknown", "came"]).await, [2, 2, 1, 0]);
    for number in [1, 2] {
        for (connection, word) in [("contoso", "old"), ("fabrikam", "new"), ("contoso", "old")] {
            let sub = this.sub_at(connection, &format!("{word}-{number}")).await.unwrap();
            assert_eq!(sub, subs[number - 1], "{connection}");
        }
    }
    assert_eq!(this.counts(["came"]).await, [2]);
    // who is not moved yet is somebody new there, which the move says from then on and does not touch
    let stranger = this.sub_at("fabrikam", "new-3").await.unwrap();
    assert!(!subs.contains(&stranger));
    assert_eq!(this.counts(["moved", "ready", "conflict", "unknown"]).await, [2, 1, 1, 1]);
    let people = this.people().await;
    assert_eq!(
        (&people[2]["standing"], &people[2]["other_sub"], &people[2]["sub"]),
        (&json!("conflict"), &json!(stranger), &json!(subs[2]))
    );
    this.step("forward", json!({}), 1).await;
    assert_eq!(this.counts(["moved", "conflict"]).await, [3, 1]);
    assert_eq!(this.sub_at("fabrikam", "new-3").await.unwrap(), stranger);
    assert_eq!(this.sub_at("fabrikam", "new-4").await.unwrap(), subs[3]);
    assert_eq!(this.sub_at("contoso", "old-3").await.unwrap(), subs[2]);
}

#[tokio::test]
async fn a_group_is_chosen_by_domain_or_by_sub_and_an_address_is_no_proof() {
    let (mut this, subs) = Move::of(3).await;
    this.plan(4).await;
    this.step("forward", json!({ "domain": "elsewhere.example" }), 0).await;
    this.step("forward", json!({ "subs": [subs[1]] }), 1).await;
    assert_eq!(this.counts(["moved"]).await, [1]);
    // the fourth signs in after the move was planned
    let fourth = this.sub_at("contoso", "old-4").await.unwrap();
    this.step("forward", json!({ "subs": [fourth] }), 1).await;
    this.step("forward", json!({ "domain": "CONTOSO.example" }), 2).await;
    assert_eq!(this.sub_at("fabrikam", "new-4").await.unwrap(), fourth);
    // the address of somebody who is known, and a subject that stands in no table
    this.fabrikam.tell(|script| script.subject = "mallory".into());
    this.fabrikam.lie(|claims| claims["email"] = json!("old-1@contoso.example"));
    let (_, page) = this.world.shop.sign_in(&mut this.world.shop.browser(), &[("connection", "fabrikam")]).await;
    let event = this.world.last_event("login").await;
    assert!(page.stopped && !subs.contains(event.sub.as_ref().unwrap()), "{event:?}");
}

#[tokio::test]
async fn taken_back_the_new_identity_is_gone_with_what_came_by_it_and_all_else_is_as_before() {
    let (mut this, subs) = Move::of(2).await;
    let (_, mut old) = this.tokens("contoso", "old-1").await;
    this.plan(2).await;
    this.step("forward", json!({}), 2).await;
    let (_, mut new) = this.tokens("fabrikam", "new-1").await;
    assert_eq!((this.refreshes(&mut old).await, this.refreshes(&mut new).await), (200, 200));

    this.step("back", json!({ "subs": [subs[0]] }), 1).await;
    assert_eq!(this.counts(["moved", "ready"]).await, [1, 1]);
    assert_eq!((this.refreshes(&mut old).await, this.refreshes(&mut new).await), (200, 400));
    assert_eq!(this.sub_at("contoso", "old-1").await.unwrap(), subs[0]);
    assert_eq!(this.sub_at("fabrikam", "new-2").await.unwrap(), subs[1]);
    let events = this.world.broker.audit_events().await;
    let of = |action: &str| {
        events.iter().filter(|event| event.action == action).map(|event| event.sub.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("identity.unlinked"), [Some(subs[0].clone())]);
    assert_eq!(of("identity.linked").len(), 2);
    assert!(
        events.iter().any(|event| event.action == "move.taken_back" && event.actor.starts_with("operator_key:editor"))
    );
    // and once more
    this.step("forward", json!({}), 1).await;
    assert_eq!(this.sub_at("fabrikam", "new-1").await.unwrap(), subs[0]);
}

#[tokio::test]
async fn completed_the_old_identity_is_gone_and_nobody_is_signed_out() {
    let (mut this, subs) = Move::of(3).await;
    let (mut browser, mut old) = this.tokens("contoso", "old-1").await;
    this.plan(3).await;
    assert_eq!(this.ask("complete", &json!({})).await.json["people"], 0, "nobody was moved");
    let refused = this.ask("forward", &json!({})).await;
    assert_eq!((refused.status, refused.text("code")), (409, "move_completed"), "{}", refused.json);
    this.plan(3).await;
    this.step("forward", json!({ "first": 2 }), 2).await;
    let open = this.api.delete(&format!("/moves/{}", this.id)).await;
    assert_eq!((open.status, open.text("code")), (409, "move_open"), "{}", open.json);

    this.step("complete", json!({}), 2).await;
    assert_eq!(this.counts(["completed", "ready", "moved"]).await, [2, 1, 0]);
    assert_eq!(this.refreshes(&mut old).await, 200, "what was issued before goes on");
    let (request, page) = this.world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    let again = this.world.shop.redeem(&page.param("code"), &request.verifier).await;
    assert_eq!(crate::harness::app::claims(again.text("id_token"))["sub"], subs[0], "and so does the session");
    assert_eq!(this.sub_at("fabrikam", "new-1").await.unwrap(), subs[0]);
    assert_ne!(this.sub_at("contoso", "old-2").await, Some(subs[1].clone()), "the old way leads to them no more");
    assert_eq!(this.sub_at("contoso", "old-3").await.unwrap(), subs[2], "who was not moved stays");
    let refused = this.ask("back", &json!({})).await;
    assert_eq!((refused.status, refused.text("code")), (409, "move_completed"));
    assert_eq!(this.api.delete(&format!("/moves/{}", this.id)).await.status, 204);
    assert_eq!(this.sub_at("fabrikam", "new-2").await.unwrap(), subs[1]);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_planned() {
    let (mut this, _) = Move::of(1).await;
    let table = "old_subject,new_subject\nold-1,new-1\n";
    for (from, to, table, says) in [
        ("contoso", "contoso", table, "another connection"),
        ("contoso", "nowhere", table, "a connection that there is"),
        ("contoso", "fabrikam", "old_subject,new_subject\nold-1,new-1\nold-1,new-2\n", "twice"),
        ("contoso", "fabrikam", "a,b\n1,2\n", "unknown"),
        ("contoso", "fabrikam", "", "names old_subject"),
    ] {
        let refused = this.send_between(from, to, table).await;
        assert!(
            refused.status == 422 && refused.json.to_string().contains(says),
            "{says}: {} {}",
            refused.status,
            refused.json
        );
    }
    assert_eq!(this.api.get("/moves").await.json["items"], json!([]));
    let viewer = Api::of(&this.world.broker, "auditor").await;
    this.plan(1).await;
    assert_eq!(viewer.get(&format!("/moves/{}", this.id)).await.status, 200);
    assert_eq!(viewer.post(&format!("/moves/{}/forward", this.id), &json!({})).await.status, 403);
    for group in [json!({ "first": 0 }), json!({ "domain": "a@b" }), json!({ "who": 1 })] {
        let refused = this.ask("forward", &group).await;
        assert_eq!(refused.status, 400, "{group}: {}", refused.json);
    }
    assert_eq!(this.api.post("/moves/mov_unknown/forward", &json!({})).await.status, 404);
    assert_eq!(this.counts(["ready", "moved"]).await, [1, 0]);
}
