//! An operator opens the trace that somebody's error page names: by page and by API, with every role and with none.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::app::{Answer, answer, http};
use crate::harness::{Browser, Page, World};

/// A key for the admin API.
pub async fn key(world: &World, role: &str) -> String {
    let (made, printed) = world.broker.cli(&["operator", "create-key", &format!("{role}-key"), "--role", role]).await;
    assert!(made, "{printed}");
    printed.lines().next().unwrap().to_owned()
}

/// A browser in which an operator of this role is signed in at the desk.
pub async fn operator(world: &World, role: &str) -> Browser {
    let email = format!("{role}@desk.example");
    let (made, printed) = world.broker.cli(&["operator", "create", &email, "--role", role]).await;
    assert!(made, "{printed}");
    let one_time = printed.lines().next().unwrap();
    let mut browser = world.shop.browser();
    let page = browser.open(&world.broker.url("/admin/sign-in")).await;
    let page = browser.submit(&page, "operator-sign-in", &[("email", &email), ("password", one_time)]).await;
    let page = browser.submit(&page, "choose-password", &[("current", one_time), ("new", "four words in a row")]).await;
    assert!(page.has("sign-out"), "{page}");
    browser
}

pub async fn call(world: &World, method: Method, path: &str, key: Option<&str>, body: Option<Value>) -> Answer {
    let mut request = http().request(method, world.broker.url(path));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    answer(request).await
}

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
    let mut auditor = operator(&world, "auditor").await;
    let page = auditor.open(&world.broker.url(&format!("/admin/traces/{trace_id}"))).await;
    assert_eq!((page.status, page.text_of("reason").as_deref()), (200, Some("not_allowed")), "{page}");
    assert_eq!(page.text_of("trace-id").as_deref(), Some(trace_id.as_str()));
    let at = |what: &str| page.body.find(what).unwrap_or_else(|| panic!("no {what} on {page}"));
    assert!(at("your allow rule kept them out") < at("Edit the rule and replay it before you save"));
    assert!(at("id=\"remedy\"") < at("Step by step"));
    assert!(page.body.contains("Sign-in to The Shop, refused") && page.body.contains("Marty McFly"));
    assert!(page.body.contains("&#39;Staff&#39; in claims.groups"), "the rule stands in the evidence");
    assert_eq!(page.body.matches("<details class=\"fold\" open>").count(), 1, "the step that stopped it is unfolded");
    assert!(!page.has("replay"), "an auditor changes nothing");

    let list = auditor.open(&world.broker.url("/admin/traces?outcome=refused&connection=contoso")).await;
    assert!(list.body.contains("marty@contoso.example"), "{list}");
    for (email, there) in [("Marty@Contoso.example", true), ("doc@contoso.example", false)] {
        let query = url::form_urlencoded::byte_serialize(email.as_bytes()).collect::<String>();
        let list = auditor.open(&world.broker.url(&format!("/admin/traces?email={query}"))).await;
        assert_eq!((list.has("traces"), list.has("empty")), (there, !there), "{email}");
    }
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_and_each_sign_in_stands_on_one() {
    let world = World::new().await;
    for _ in 0..5 {
        world.signed_in().await;
    }
    let key = key(&world, "auditor").await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let answer =
            call(&world, Method::GET, &format!("/api/v1/traces?limit=2&after={after}"), Some(&key), None).await;
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
    let path = format!("/api/v1/traces/{trace_id}");
    for role in ["auditor", "editor", "owner"] {
        let key = key(&world, role).await;
        let answer = call(&world, Method::GET, &path, Some(&key), None).await;
        assert_eq!((answer.status, &answer.json["reason"]), (200, &json!("not_allowed")), "{role}: {}", answer.json);
        assert!(answer.json["remedy"]["fix"].as_str().unwrap().contains("replay"));
        let stop = answer.json["steps"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&stop["step"], &stop["state"]), (&json!("allow"), &json!("refused")));
        let test = call(&world, Method::POST, "/api/v1/connections/contoso/test", Some(&key), Some(json!({}))).await;
        let replay =
            call(&world, Method::POST, "/api/v1/connections/contoso/replay", Some(&key), Some(json!({}))).await;
        let wanted = if role == "auditor" { (403, 403) } else { (201, 200) };
        assert_eq!((test.status, replay.status), wanted, "{role}");
    }
    for path in [path.as_str(), "/api/v1/traces"] {
        assert_eq!(call(&world, Method::GET, path, None, None).await.status, 401);
    }
    for path in ["test", "replay"] {
        let path = format!("/api/v1/connections/contoso/{path}");
        assert_eq!(call(&world, Method::POST, &path, None, Some(json!({}))).await.status, 401);
    }
    let mut stranger = world.shop.browser();
    let pages = [format!("/admin/traces/{trace_id}"), "/admin/traces".into(), "/admin/connections/contoso/test".into()];
    for page in pages.iter().map(String::as_str).chain(["/admin/connections/contoso/replay"]) {
        let shown = stranger.open(&world.broker.url(page)).await;
        assert!(shown.has("operator-sign-in") && !shown.body.contains("marty"), "{shown}");
    }
    let mut auditor = operator(&world, "auditor").await;
    for page in ["test", "replay"] {
        let shown = auditor.open(&world.broker.url(&format!("/admin/connections/contoso/{page}"))).await;
        shown.assert_problem(403, "role_too_small");
    }
    let key = key_again(&world).await;
    let unknown = call(&world, Method::GET, "/api/v1/traces/trc_000000000000", Some(&key), None).await;
    assert_eq!((unknown.status, &unknown.json["code"]), (404, &json!("not_found")), "{}", unknown.json);
}

async fn key_again(world: &World) -> String {
    world.broker.cli(&["operator", "create-key", "another", "--role", "auditor"]).await.1.lines().next().unwrap().into()
}
