//! The hand-over from one client secret to the next: rehearsed by itself, tried by a sign-in, undone, and over when nothing
//! needs the former one any more.

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Row as _};
use time::Duration;

use super::says_nothing_of;
use crate::admin::{Api, Operator};
use crate::harness::app::basic;
use crate::harness::world::{CONTOSO_SECRET, connection};
use crate::harness::{Answer, World};

const NEXT: &str = "the-next-secret-of-contoso-0123";
const SECRETS: &str = "/connections/contoso/secrets";

/// A next secret beside the one in use; the provider takes these.
async fn next(world: &World, api: &Api, known: &[&str]) -> String {
    takes(world, known);
    let made = api.post(SECRETS, &json!({ "value": NEXT })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    world.broker.catch_up().await;
    made.text("id").to_owned()
}

fn takes(world: &World, known: &[&str]) {
    let known = known.iter().map(|secret| (*secret).to_owned()).collect();
    world.idp.tell(|script| script.client_secrets = Some(known));
}

async fn post(api: &Api, id: &str, what: &str) -> Answer {
    api.post(&format!("{SECRETS}/{id}/{what}"), &json!({})).await
}

async fn secret(api: &Api, state: &str) -> Value {
    let known = api.get(SECRETS).await;
    let found = known.json["items"].as_array().unwrap().iter().find(|one| one["state"] == state).cloned();
    found.unwrap_or_else(|| panic!("none is {state}: {}", known.json))
}

fn last_shown(world: &World) -> String {
    world.idp.received().token.pop().unwrap().authorization.unwrap()
}

#[tokio::test]
async fn a_green_rehearsal_counts_for_an_hour_and_stands_in_the_audit_log() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[CONTOSO_SECRET, NEXT]).await;
    let tried = post(&api, &id, "rehearsal").await;
    assert_eq!((tried.status, tried.text("verdict")), (200, "proven"), "{}", tried.json);
    assert_eq!(tried.text("method"), "authorization_code");
    let said = |status: u16, error: &str| json!({ "status": status, "error": error });
    let evidence = json!([{ "method": "authorization_code", "control": said(401, "invalid_client"), "candidate": said(400, "invalid_grant") }]);
    assert_eq!(tried.json["evidence"], evidence);
    assert_eq!(secret(&api, "next").await["rehearsal"], tried.json);
    let event = world.last_event("connection.secret_rehearsed").await;
    assert_eq!((&event.detail["secret"], &event.detail["evidence"]), (&json!(id), &evidence));

    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.body.contains("Taken") && page.body.contains("by a made-up code"), "{page}");
    says_nothing_of(&page, NEXT);

    // it is too old: asked again
    world.broker.clock.advance(Duration::minutes(61));
    takes(&world, &[CONTOSO_SECRET]);
    let refused = post(&api, &id, "promote").await;
    assert_eq!((refused.status, refused.text("code")), (409, "secret_refused"), "{}", refused.json);
    assert_eq!(secret(&api, "next").await["rehearsal"]["verdict"], "refused");
    takes(&world, &[CONTOSO_SECRET, NEXT]);
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/credentials").await;
    let page = editor.press(&page, "rehearse").await;
    assert!(page.status == 200 && page.body.contains("Taken"), "{page}");

    // it is fresh: nobody is asked
    let asked = world.idp.received().token.len();
    assert_eq!(post(&api, &id, "promote").await.status, 200);
    assert_eq!(world.idp.received().token.len(), asked);
    let event = world.last_event("connection.secret_promoted").await;
    assert_eq!(
        (&event.detail["rehearsal"]["verdict"], &event.detail["rehearsal"]["evidence"]),
        (&json!("proven"), &evidence)
    );
    let again = post(&api, &id, "rehearsal").await;
    assert_eq!((again.status, again.text("code")), (409, "not_next"), "{}", again.json);
    let again = post(&api, &id, "promote").await;
    assert_eq!((again.status, again.text("code")), (409, "not_next"), "{}", again.json);
    assert_eq!(post(&api, "crd_00000000000000000000000000", "rehearsal").await.status, 404);
}

#[tokio::test]
async fn each_providers_answers_are_understood_and_what_proves_nothing_is_never_green() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[CONTOSO_SECRET, NEXT]).await;
    let verdict = async || {
        world.broker.clock.advance(Duration::seconds(61));
        let tried = post(&api, &id, "rehearsal").await;
        assert_eq!(tried.status, 200, "{}", tried.json);
        (tried.text("verdict").to_owned(), tried.text("method").to_owned())
    };
    let code = |verdict: &str| (verdict.to_owned(), "authorization_code".to_owned());
    for how in [(401, "access_denied"), (401, "unauthorized_client"), (200, "invalid_client")] {
        world.idp.tell(|script| script.refuses_clients = how);
        takes(&world, &[NEXT]);
        assert_eq!(verdict().await, code("proven"), "{how:?}");
        takes(&world, &[CONTOSO_SECRET]);
        assert_eq!(verdict().await, code("refused"), "{how:?}");
    }
    world.idp.tell(|script| script.refuses_clients = (503, "invalid_client"));
    assert_eq!(verdict().await, code("unreachable"));
    // it looks at the code first
    world.idp.tell(|script| script.client_secrets = None);
    assert_eq!(verdict().await, code("unclear"));
    assert_eq!(post(&api, &id, "promote").await.text("code"), "not_rehearsed");
    // but it has an endpoint where there is no code
    world.broker.clock.advance(Duration::hours(3));
    world.idp.tell(|script| script.introspecting_secrets = vec![NEXT.into()]);
    assert_eq!(verdict().await, ("proven".into(), "introspection".into()));
    world.idp.tell(|script| script.introspecting_secrets = vec![CONTOSO_SECRET.into()]);
    assert_eq!(verdict().await, code("unclear"), "not every client may ask there");
}

#[tokio::test]
async fn entra_is_asked_for_a_token_of_our_own() {
    let world = World::new().await;
    let base = world.idp.issuer.clone();
    world.idp.tell(|script| {
        script.discovery = Some(Box::new(move |document| {
            document["issuer"] = format!("{base}/{{tenantid}}/v2.0").into();
            document["token_endpoint"] = format!("{base}/organizations/oauth2/v2.0/token").into();
        }));
    });
    let settings = format!("preset: entra\nissuer: {}/organizations/v2.0\ntenants: [tenant-1]", world.idp.issuer);
    world.apply(&connection("contoso", &world.idp, &settings)).await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[NEXT]).await;
    let tried = post(&api, &id, "rehearsal").await;
    assert_eq!((tried.text("verdict"), tried.text("method")), ("proven", "client_credentials"), "{}", tried.json);
    let asked = world.idp.received().token;
    assert_eq!(asked.len(), 2, "a wrong one and this one");
    assert_eq!(asked[1].params["scope"], "https://graph.microsoft.com/.default");
    takes(&world, &[CONTOSO_SECRET]);
    assert_eq!(post(&api, &id, "rehearsal").await.text("verdict"), "refused");
}

#[tokio::test]
async fn the_former_secret_is_put_back_in_one_step() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[CONTOSO_SECRET, NEXT]).await;
    let early = post(&api, &id, "restore").await;
    assert_eq!((early.status, early.text("code")), (409, "not_retiring"), "{}", early.json);
    assert_eq!(post(&api, &id, "promote").await.status, 200);
    let former = secret(&api, "retiring").await["id"].as_str().unwrap().to_owned();
    let restored = post(&api, &former, "restore").await;
    assert_eq!((restored.status, restored.text("active")), (200, former.as_str()), "{}", restored.json);
    let event = world.last_event("connection.secret_restored").await;
    assert_eq!((&event.detail["secret"], &event.detail["next"]), (&json!(former), &json!(id)));
    world.broker.catch_up().await;
    world.signed_in().await;
    assert_eq!(last_shown(&world), basic("avouch-at-contoso", CONTOSO_SECRET));
    assert_eq!(secret(&api, "next").await["id"], id);

    // forth again, and back by the page; not over a secret that waits
    assert_eq!(post(&api, &id, "promote").await.status, 200);
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let waiting = api.post(SECRETS, &json!({ "value": "a-third-secret-0123456789" })).await;
    let over = post(&api, &former, "restore").await;
    assert_eq!((over.status, over.text("code")), (409, "next_exists"), "{}", over.json);
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(!page.body.contains("Put it back"), "{page}");
    assert_eq!(api.delete(&format!("{SECRETS}/{}", waiting.text("id"))).await.status, 204);
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.body.contains("Put it back"), "{page}");
    let page = editor.open(&format!("/admin/connections/contoso/credentials/secrets/{former}/restore")).await;
    let page = editor.press(&page, "go").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(secret(&api, "active").await["id"], former);
}

#[tokio::test]
async fn uses_are_counted_and_say_when_the_former_secret_may_go() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[CONTOSO_SECRET, NEXT]).await;
    let written = async || world.broker.live().write_used_secrets().await.unwrap();
    world.signed_in().await;
    world.signed_in().await;
    written().await;
    let active = secret(&api, "active").await;
    assert!(
        active["uses"] == 2 && active["last_used_at"].is_string() && active["safe_to_retire"].is_null(),
        "{active}"
    );
    assert_eq!(secret(&api, "next").await["uses"], 0, "a rehearsal is none");

    assert_eq!(post(&api, &id, "promote").await.status, 200);
    world.broker.catch_up().await;
    let verdict = async || secret(&api, "retiring").await["safe_to_retire"].clone();
    let early = verdict().await;
    assert!(early["safe"] == false && early["not_before"].is_string(), "{early}");
    world.broker.clock.advance(Duration::hours(25));
    let unused = verdict().await;
    assert!(unused["safe"] == false && unused["not_before"].is_null(), "{unused}");
    world.signed_in().await;
    written().await;
    assert_eq!(verdict().await["safe"], true);
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.body.contains("Safe to remove") && page.body.contains("2 times in all"), "{page}");

    // the provider refuses the one in use, so the former one stays
    takes(&world, &[CONTOSO_SECRET]);
    world.broker.clock.advance(Duration::seconds(1));
    world.signed_in().await;
    written().await;
    assert_eq!(verdict().await["safe"], false);
    assert_eq!(secret(&api, "retiring").await["uses"], 3);
    assert!(secret(&api, "active").await["refused_at"].is_string());
}

/// Users and sessions there are.
async fn people(world: &World) -> (i64, i64) {
    let mut conn = world.broker.database().connect().await.unwrap();
    let row = sqlx::query("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)");
    let row = row.fetch_one(&mut conn).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_test_sign_in_with_the_next_secret_leaves_nobody_behind_and_is_a_rehearsal() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let id = next(&world, &api, &[NEXT]).await;
    let test = async || {
        let invited = api.post("/connections/contoso/test", &json!({ "credential_id": id })).await;
        assert_eq!(invited.status, 201, "{}", invited.json);
        world.shop.browser().open(invited.text("url")).await;
        let trace = api.get(&format!("/traces/{}", invited.text("trace_id"))).await.json;
        (trace["outcome"].as_str().unwrap().to_owned(), secret(&api, "next").await["rehearsal"].clone())
    };
    let (outcome, rehearsal) = test().await;
    assert_eq!(
        (outcome.as_str(), &rehearsal["verdict"], &rehearsal["method"]),
        ("success", &json!("proven"), &json!("test_login"))
    );
    assert_eq!(world.idp.received().token.len(), 1);
    assert_eq!(last_shown(&world), basic("avouch-at-contoso", NEXT));
    assert_eq!(people(&world).await, (0, 0));
    assert_eq!(world.last_event("connection.tested").await.detail["secret"], id);

    // none stands in for it in a test
    takes(&world, &[CONTOSO_SECRET]);
    let (outcome, rehearsal) = test().await;
    assert_eq!((outcome.as_str(), &rehearsal["verdict"]), ("failed", &json!("refused")));
    assert_eq!(world.idp.received().token.len(), 2);
    // by the pages
    takes(&world, &[NEXT]);
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open(&format!("/admin/connections/contoso/test?credential_id={id}")).await;
    let page = editor.submit(&page, "test", &[("client_id", "")]).await;
    assert!(page.url.path().starts_with("/admin/traces/trc_"), "{page}");
    assert_eq!(page.text_of("outcome").as_deref(), Some("Passed"), "{page}");
    assert_eq!(people(&world).await, (0, 0));
    assert_eq!(post(&api, &id, "promote").await.status, 200, "it counts as a rehearsal");
    let unknown = api.post("/connections/contoso/test", &json!({ "credential_id": "crd_0" })).await;
    assert_eq!(unknown.status, 404, "{}", unknown.json);
}
