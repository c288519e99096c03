//! Webhooks: who subscribed is told, signed and in the end once; who cannot be reached is tried again and then left alone.

use avouch::clock::Clock as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Api, Operator};
use crate::harness::logout_endpoint::Received;
use crate::harness::{Broker, Habit, LogoutEndpoint as Receiver, Options, until};

/// A broker, a program that owns it, and where messages go.
async fn stage() -> (Broker, Api, Receiver) {
    let broker = Broker::start(Options::default()).await;
    let owner = Api::of(&broker, "owner").await;
    (broker, owner, Receiver::start().await)
}

/// A webhook, and its secret.
async fn subscribe(owner: &Api, url: &str, events: &[&str]) -> (String, String) {
    let answer = owner.post("/webhooks", &json!({ "url": url, "events": events })).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    (answer.text("id").to_owned(), answer.text("secret").to_owned())
}

/// The signatures that this message carries and that hold by this secret, computed anew by another library.
fn verified(message: &Received, secret: &str) -> usize {
    let key = PKey::hmac(&STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let (id, timestamp) = (message.header("webhook-id"), message.header("webhook-timestamp"));
    signer.update(format!("{id}.{timestamp}.").as_bytes()).unwrap();
    signer.update(&message.body).unwrap();
    let expected = format!("v1,{}", STANDARD.encode(signer.sign_to_vec().unwrap()));
    message.header("webhook-signature").split(' ').filter(|signature| *signature == expected).count()
}

fn body(message: &Received) -> Value {
    serde_json::from_slice(&message.body).unwrap()
}

/// The deliveries of a webhook, once `settled` says so.
async fn deliveries(owner: &Api, id: &str, settled: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    until("the deliveries", async || {
        let list = owner.get(&format!("/webhooks/{id}/deliveries")).await.json;
        Some(list["items"].as_array().unwrap().clone()).filter(|items| settled(items))
    })
    .await
}

fn all_are(state: &'static str) -> impl Fn(&[Value]) -> bool {
    move |items| !items.is_empty() && items.iter().all(|one| one["state"] == state)
}

const ROBOT: &str = "clients: [{ client_id: robot, kind: machine }]";

#[tokio::test]
async fn who_subscribed_is_told_and_can_verify_it() {
    let (broker, owner, receiver) = stage().await;
    let (id, secret) = subscribe(&owner, &receiver.url("all"), &["resources.applied"]).await;
    subscribe(&owner, &receiver.url("other"), &["operator.locked"]).await;
    broker.apply(ROBOT).await;
    let message = receiver.wait(1).await.remove(0);
    assert_eq!((message.method.as_str(), message.path.as_str()), ("POST", "/all"));
    assert_eq!(message.content_type, "application/json");
    assert_eq!(verified(&message, &secret), 1);
    let now = avouch::clock::Clock::now(broker.clock.as_ref()).unix_timestamp();
    assert!((now - message.header("webhook-timestamp").parse::<i64>().unwrap()).abs() < 120);
    let told = body(&message);
    assert_eq!((&told["type"], &told["data"]["action"]), (&json!("resources.applied"), &json!("resources.applied")));
    assert_eq!(told["data"]["issuer"], broker.issuer);
    assert_eq!(told["data"]["id"], message.header("webhook-id"));
    let logged = owner.get(&format!("/audit-events/{}", message.header("webhook-id"))).await.json;
    assert_eq!((&logged["at"], &logged["detail"]), (&told["timestamp"], &told["data"]["detail"]));
    let [one] = &deliveries(&owner, &id, all_are("delivered")).await[..] else { panic!("one delivery") };
    assert_eq!((&one["status"], &one["attempts"]), (&json!(200), &json!(1)));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.received().len(), 1, "once, and to nobody who did not ask");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_a_new_one_overlaps_with_it_for_a_day() {
    let (broker, owner, receiver) = stage().await;
    let (id, first) = subscribe(&owner, &receiver.url("x"), &["resources.applied"]).await;
    let second = owner.post(&format!("/webhooks/{id}/rotate-secret"), &json!({})).await.text("secret").to_owned();
    assert_ne!(first, second);
    let seen = [
        owner.get("/webhooks").await.json.to_string(),
        owner.get(&format!("/webhooks/{id}")).await.json.to_string(),
        owner.get("/audit-events?action=webhook").await.json.to_string(),
        Operator::signed_in(&broker, "owner").await.open(&format!("/admin/webhooks/{id}")).await.body,
    ];
    assert!(seen.iter().all(|text| text.contains(&id) && !text.contains("whsec_")), "{seen:#?}");
    let test = format!("/webhooks/{id}/test");
    assert_eq!(owner.post(&test, &json!({})).await.status, 202);
    let message = receiver.wait(1).await.remove(0);
    assert_eq!(body(&message)["type"], "webhook.test");
    assert_eq!((verified(&message, &first), verified(&message, &second)), (1, 1));
    broker.clock.advance(Duration::hours(25));
    owner.post(&test, &json!({})).await;
    let message = receiver.wait(2).await.remove(1);
    assert_eq!((verified(&message, &first), verified(&message, &second)), (0, 1));
    assert_eq!(message.header("webhook-signature").split(' ').count(), 1);
}

#[tokio::test]
async fn what_fails_is_sent_again_with_the_same_id_and_a_fresh_time() {
    let (broker, owner, mut receiver) = stage().await;
    let (id, secret) = subscribe(&owner, &receiver.url("x"), &["resources.applied"]).await;
    receiver.behave(Habit::Say(500));
    broker.apply(ROBOT).await;
    let first = receiver.wait(1).await.remove(0);
    let [one] = &deliveries(&owner, &id, |items| items[0]["status"] == 500).await[..] else { panic!("one delivery") };
    assert_eq!((&one["state"], &one["problem"]), (&json!("owed"), &json!("it answered with status 500")));
    assert!(owner.get(&format!("/webhooks/{id}")).await.json["failing_since"].is_string());
    receiver.sleep().await;
    broker.clock.advance(Duration::seconds(6));
    deliveries(&owner, &id, |items| items[0]["attempts"] == 2 && items[0]["status"].is_null()).await;
    receiver.wake();
    receiver.behave(Habit::RedirectTo("https://elsewhere.example/".into()));
    broker.clock.advance(Duration::minutes(16));
    deliveries(&owner, &id, |items| {
        items[0]["problem"].as_str().is_some_and(|why| why.contains("redirects to elsewhere"))
    })
    .await;
    receiver.behave(Habit::Say(204));
    broker.clock.advance(Duration::minutes(31));
    let [one] = &deliveries(&owner, &id, all_are("delivered")).await[..] else { panic!("one delivery") };
    assert_eq!((&one["attempts"], &one["problem"]), (&json!(4), &Value::Null));
    let last = receiver.received().pop().unwrap();
    assert_eq!(last.header("webhook-id"), first.header("webhook-id"));
    assert_ne!(last.header("webhook-timestamp"), first.header("webhook-timestamp"));
    assert_eq!((verified(&last, &secret), &last.body), (1, &first.body));
    assert!(owner.get(&format!("/webhooks/{id}")).await.json["failing_since"].is_null());
}

#[tokio::test]
async fn who_is_gone_or_down_for_days_is_switched_off_and_the_log_says_so() {
    let (broker, owner, receiver) = stage().await;
    let (gone, _) = subscribe(&owner, &receiver.url("gone"), &["resources.applied"]).await;
    receiver.behave(Habit::Say(410));
    broker.apply(ROBOT).await;
    deliveries(&owner, &gone, all_are("given_up")).await;
    let webhook = owner.get(&format!("/webhooks/{gone}")).await.json;
    assert_eq!((&webhook["enabled"], &webhook["disabled_because"]), (&json!(false), &json!("gone")));

    let (down, _) = subscribe(&owner, &receiver.url("down"), &["resources.applied"]).await;
    receiver.behave(Habit::Say(503));
    for (n, name) in ["robot2", "robot3"].into_iter().enumerate() {
        let mut since = broker.clock.now();
        broker.apply(&ROBOT.replace("robot", name)).await;
        // a day and a half for each; three days are over with the second
        for (done, minutes) in [1, 6, 31, 121, 301, 601, 1201, 1].into_iter().enumerate() {
            // settled, and not only begun: the next attempt is counted from there
            deliveries(&owner, &down, |items| {
                let tried =
                    items[0]["last_attempt_at"].as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
                items.len() == n + 1 && items[0]["attempts"] == done + 1 && tried.is_some_and(|at| at >= since)
            })
            .await;
            let stays = n == 0 || done < 7;
            until("it is as it has to be", async || {
                let webhook = owner.get(&format!("/webhooks/{down}")).await.json;
                (webhook["enabled"] == stays).then_some(())
            })
            .await;
            broker.clock.advance(Duration::minutes(minutes));
            since = broker.clock.now();
        }
    }
    let webhook = owner.get(&format!("/webhooks/{down}")).await.json;
    assert_eq!((&webhook["enabled"], &webhook["disabled_because"]), (&json!(false), &json!("failing")));
    let events = broker.audit_events().await;
    let told: Vec<_> = events.iter().filter(|event| event.action == "webhook.disabled").collect();
    let reasons: Vec<_> = told.iter().map(|event| (event.outcome.as_str(), event.reason.as_deref().unwrap())).collect();
    assert_eq!(reasons, [("failed", "gone"), ("failed", "failing")], "{told:#?}");
    let before = receiver.received().len();
    broker.apply(&ROBOT.replace("robot", "robot4")).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.received().len(), before, "it is off");

    // switched on again it begins anew
    receiver.behave(Habit::Say(200));
    let again = json!({ "url": receiver.url("down"), "events": ["resources.applied"], "enabled": true });
    let webhook = owner.put(&format!("/webhooks/{down}"), &again).await;
    assert_eq!((&webhook.json["enabled"], &webhook.json["disabled_because"]), (&json!(true), &Value::Null));
    broker.apply(&ROBOT.replace("robot", "robot5")).await;
    receiver.wait(before + 1).await;
}

#[tokio::test]
async fn nothing_is_sent_to_private_addresses() {
    let mut broker = Broker::start(Options::default()).await;
    let owner = Api::of(&broker, "owner").await;
    let receiver = Receiver::start().await;
    let by_name = receiver.url("x").replace("http:", "https:");
    let (id, _) = subscribe(&owner, &by_name, &["resources.applied"]).await;
    broker.forbid_private_upstreams().await;
    for url in [
        receiver.url("x"),
        "https://127.0.0.1/x".into(),
        "https://169.254.169.254/latest".into(),
        "https://[::1]/".into(),
    ] {
        let answer = owner.post("/webhooks", &json!({ "url": url, "events": ["resources.applied"] })).await;
        assert_eq!((answer.status, &answer.json["errors"][0]["path"]), (422, &json!("url")), "{url}: {}", answer.json);
    }
    // a name that leads there is found out when it is asked for
    assert_eq!(owner.post(&format!("/webhooks/{id}/test"), &json!({})).await.status, 202);
    let [one] = &deliveries(&owner, &id, all_are("given_up")).await[..] else { panic!("one delivery") };
    assert!(one["problem"].as_str().unwrap().contains("private address"), "{one}");
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_and_a_change_knows_its_version() {
    let (broker, owner, receiver) = stage().await;
    for (field, body) in [
        ("url", json!({ "url": "mailto:x@example.com", "events": ["operator.locked"] })),
        ("url", json!({ "url": "https://user:pass@hooks.example/", "events": ["operator.locked"] })),
        ("url", json!({ "url": "", "events": ["operator.locked"] })),
        ("events", json!({ "url": "https://hooks.example/", "events": [] })),
        ("events", json!({ "url": "https://hooks.example/", "events": ["token.issued"] })),
        ("events", json!({ "url": "https://hooks.example/", "events": ["webhook.test"] })),
    ] {
        let answer = owner.post("/webhooks", &body).await;
        assert_eq!((answer.status, &answer.json["errors"][0]["path"]), (422, &json!(field)), "{body}: {}", answer.json);
    }
    let (id, _) = subscribe(&owner, &receiver.url("x"), &["operator.locked"]).await;
    let path = format!("/webhooks/{id}");
    let read = owner.get(&path).await;
    let etag = read.header("etag").to_owned();
    let put = async |body: &Value| owner.call(reqwest::Method::PUT, &path, &[("if-match", &etag)], Some(body)).await;
    assert_eq!(put(&read.json).await.status, 200, "what was read may be sent back");
    let mut other = read.json.clone();
    other["events"] = json!(["client.changed", "connection.changed"]);
    assert_eq!(put(&other).await.json["events"], json!(["connection.changed", "client.changed"]));
    assert_eq!(put(&other).await.status, 412);
    let editor = Api::of(&broker, "editor").await;
    assert_eq!(editor.get("/webhooks").await.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(editor.delete(&path).await.status, 403);
    assert_eq!(owner.delete(&path).await.status, 204);
    for path in [path.as_str(), "/webhooks/whk_nonsense", "/webhooks/whk_%00"] {
        assert_eq!(owner.get(path).await.status, 404, "{path}");
    }
    assert_eq!(owner.post(&format!("/webhooks/{id}/test"), &json!({})).await.status, 404);
}

#[tokio::test]
async fn an_operator_makes_one_tests_it_and_deletes_it_on_the_pages() {
    let (broker, _, receiver) = stage().await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin/webhooks").await;
    assert!(page.has("no-webhooks") && page.has("new"), "{page}");
    let page = owner.open("/admin/webhooks/new").await;
    let wrong = owner.submit(&page, "webhook", &[("url", "nowhere")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("url-error") && wrong.body.contains("value=\"nowhere\""), "{wrong}");
    let none = owner.post("/admin/webhooks/new", &[("url", "https://hooks.example/"), ("enabled", "on")]).await;
    assert!(none.status == 422 && none.has("events-error"), "{none}");

    let made = owner.submit(&page, "webhook", &[("url", &receiver.url("hook"))]).await;
    let secret = made.text_of("secret").expect("the secret, once");
    assert_eq!(made.header("cache-control"), "no-store");
    let list = owner.open("/admin/webhooks").await;
    let href =
        list.body.split("href=\"").find_map(|part| part.split('"').next().filter(|h| h.contains("/webhooks/whk_")));
    let path = href.expect("a webhook").to_owned();
    let page = owner.open(&path).await;
    assert!(page.has("no-deliveries") && !page.body.contains("whsec_"), "{page}");
    let page = owner.press(&page, "test").await;
    assert!(page.has("deliveries"), "{page}");
    assert_eq!(verified(&receiver.wait(1).await[0], &secret), 1);

    let ask = owner.open(&format!("{path}/rotate-secret")).await;
    let rotated = owner.press(&ask, "go").await;
    assert_ne!(rotated.text_of("secret").expect("a new secret"), secret);
    let ask = owner.open(&format!("{path}/delete")).await;
    assert!(ask.body.contains(&receiver.url("hook")), "{ask}");
    let list = owner.press(&ask, "go").await;
    assert!(list.has("no-webhooks"), "{list}");

    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    assert!(!auditor.open("/admin/webhooks").await.has("new"));
    assert_eq!(auditor.open("/admin/webhooks/new").await.status, 403);
    assert_eq!(auditor.post("/admin/webhooks/new", &[]).await.status, 403);
}

/// Written by the janitor, once however often and on however many replicas it looks.
#[tokio::test]
async fn operators_hear_of_ends_that_come_and_of_refusals_that_rise() {
    let (broker, owner, receiver) = stage().await;
    subscribe(&owner, &receiver.url("x"), &["credential.expiring", "logins.refused_rising"]).await;
    let now = avouch::clock::Clock::now(broker.clock.as_ref());
    let mut params = rcgen::CertificateParams::new(vec!["idp.fabrikam.example".into()]).unwrap();
    (params.not_before, params.not_after) = (now - Duration::days(300), now + Duration::days(10));
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = STANDARD.encode(params.self_signed(&key).unwrap().der());
    broker
        .apply(&format!(
            "connections: [{{ slug: fabrikam, protocol: saml, entity_id: https://idp.fabrikam.example, \
             sso_url: https://idp.fabrikam.example/sso, certificates: [{certificate}] }}]"
        ))
        .await;
    let look = async || avouch::alert::look(broker.live()).await.unwrap();
    look().await;
    look().await;
    let message = body(&receiver.wait(1).await[0]);
    assert_eq!((&message["type"], &message["data"]["connection"]), (&json!("credential.expiring"), &json!("fabrikam")));
    let detail = &message["data"]["detail"];
    assert_eq!(
        (&detail["days"], &detail["kind"], &detail["owner"]),
        (&json!(14), &json!("saml_idp_certificate"), &json!("fabrikam"))
    );
    assert!(detail["consequence"].as_str().unwrap().ends_with("nobody can sign in through fabrikam."), "{detail}");
    broker.clock.advance(Duration::days(4));
    look().await;
    assert_eq!(body(&receiver.wait(2).await[1])["data"]["detail"]["days"], 7);

    let refuse = async |count: usize| {
        let now = avouch::clock::Clock::now(broker.clock.as_ref());
        for _ in 0..count {
            let event = avouch::audit::Event::refused("login", "not_allowed", "anonymous").connection("fabrikam");
            avouch::audit::record(broker.ctx(), &mut broker.ctx().db.acquire().await.unwrap(), event).await.unwrap();
        }
        now
    };
    refuse(9).await;
    look().await;
    refuse(1).await;
    look().await;
    look().await;
    let message = body(&receiver.wait(3).await[2]);
    assert_eq!(
        (&message["type"], &message["data"]["connection"]),
        (&json!("logins.refused_rising"), &json!("fabrikam"))
    );
    assert_eq!(message["data"]["detail"], json!({ "refused_last_hour": 10, "refused_week_before": 0 }));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.received().len(), 3);
}
