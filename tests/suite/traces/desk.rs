//! An operator opens the trace that somebody's error page names: by page and by API, with every role and with none.

use serde_json::json;

use crate::admin::{Api, Operator};
use crate::harness::{Page, World};

/// Somebody whom the rule keeps out.
async fn kept_out(world: &World) -> Page {
    world.set_contoso("allow: \"'Staff' in claims.groups\"").await;
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(403, "not_allowed");
    page
}

#[tokio::test]
async fn the_page_says_cause_and_remedy_first_and_folds_the_evidence_below() {
    let world = World::new().await;
    let trace_id = kept_out(&world).await.text_of("trace-id").unwrap();
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let page = auditor.open(&format!("/admin/traces/{trace_id}")).await;
    assert_eq!((page.status, page.text_of("reason").as_deref()), (200, Some("not_allowed")), "{page}");
    assert_eq!(page.text_of("trace-id").as_deref(), Some(trace_id.as_str()));
    let at = |what: &str| page.body.find(what).unwrap_or_else(|| panic!("no {what} on {page}"));
    assert!(
        at("contoso vouched for Marty McFly; your rule kept them out.")
            < at("Edit the rule and replay it before you save")
    );
    assert!(at("id=\"remedy\"") < at("Step by step"));
    assert!(page.body.contains("Sign-in to The Shop, refused") && page.body.contains("Marty McFly"));
    assert!(page.body.contains("&#39;Staff&#39; in claims.groups"), "the rule stands in the evidence");
    assert_eq!(page.body.matches("<details class=\"fold\" open>").count(), 1, "the step that stopped it is unfolded");
    assert!(!page.has("replay"), "an auditor changes nothing");

    let list = auditor.open("/admin/traces?outcome=refused&connection=contoso").await;
    assert!(list.body.contains("marty@contoso.example"), "{list}");
    for (email, there) in [("Marty@Contoso.example", true), ("doc@contoso.example", false)] {
        let query = url::form_urlencoded::byte_serialize(email.as_bytes()).collect::<String>();
        let list = auditor.open(&format!("/admin/traces?email={query}")).await;
        assert_eq!((list.has("traces"), list.has("empty")), (there, !there), "{email}");
    }
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_and_each_sign_in_stands_on_one() {
    let world = World::new().await;
    for _ in 0..5 {
        world.signed_in().await;
    }
    let api = Api::of(&world.broker, "auditor").await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let answer = api.get(&format!("/traces?limit=2&after={after}")).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        seen.extend(answer.json["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match answer.json["next"].as_str() {
            Some(next) => after = next.into(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), 5);
}

#[tokio::test]
async fn the_api_says_the_same_and_only_to_whom_it_may() {
    let world = World::new().await;
    let trace_id = kept_out(&world).await.text_of("trace-id").unwrap();
    let path = format!("/traces/{trace_id}");
    for role in ["auditor", "editor", "owner"] {
        let api = Api::of(&world.broker, role).await;
        let answer = api.get(&path).await;
        assert_eq!((answer.status, &answer.json["reason"]), (200, &json!("not_allowed")), "{role}: {}", answer.json);
        assert!(answer.json["remedy"]["fix"].as_str().unwrap().contains("replay"));
        let stop = answer.json["steps"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&stop["step"], &stop["state"]), (&json!("allow"), &json!("refused")));
        let test = api.post("/connections/contoso/test", &json!({})).await;
        let replay = api.post("/connections/contoso/replay", &json!({})).await;
        let wanted = if role == "auditor" { (403, 403) } else { (201, 200) };
        assert_eq!((test.status, replay.status), wanted, "{role}");
        let unknown = api.get("/traces/trc_000000000000").await;
        assert_eq!((unknown.status, &unknown.json["code"]), (404, &json!("not_found")), "{}", unknown.json);
    }
    let mut nobody = Api::with(&world.broker, "");
    nobody.authorization.clear();
    assert_eq!((nobody.get(&path).await.status, nobody.get("/traces").await.status), (401, 401));
    for path in ["/connections/contoso/test", "/connections/contoso/replay"] {
        assert_eq!(nobody.post(path, &json!({})).await.status, 401);
    }
    let mut stranger = world.shop.browser();
    let pages = [format!("/admin/traces/{trace_id}"), "/admin/traces".into(), "/admin/connections/contoso/test".into()];
    for page in pages.iter().map(String::as_str).chain(["/admin/connections/contoso/replay"]) {
        let shown = stranger.open(&world.broker.url(page)).await;
        assert!(shown.has("operator-sign-in") && !shown.body.contains("marty"), "{shown}");
    }
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    for page in ["test", "replay"] {
        auditor.open(&format!("/admin/connections/contoso/{page}")).await.assert_problem(403, "role_too_small");
    }
}
