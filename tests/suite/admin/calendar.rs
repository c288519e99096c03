//! What ends: the same list on the page, in the API, in the metric, in the feed and in the reminders, each of them once.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Api, Operator};
use crate::harness::app::http;
use crate::harness::{AuditEvent, Broker, Options, Peer};

const ROBOT: &str = "clients: [{ client_id: robot, kind: machine, name: 'Röbot; the <b>first</b>, \\ a long name that has to be folded in the feed' }]";

fn now(broker: &Broker) -> OffsetDateTime {
    avouch::clock::Clock::now(broker.clock.as_ref()).replace_nanosecond(0).unwrap()
}

fn words(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

/// A broker with a secret that ends in `secret` days, and an operator key that ends in `key` days.
async fn stage(secret: i64, key: i64) -> (Broker, Api, OffsetDateTime) {
    let broker = Broker::start(Options::default()).await;
    let (owner, now) = (Api::of(&broker, "owner").await, now(&broker));
    broker.apply(ROBOT).await;
    let ends = now + Duration::days(secret);
    let made = owner.post("/clients/robot/secrets", &json!({ "expires_at": words(ends) })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let key = json!({ "name": "terraform", "role": "editor", "expires_at": words(now + Duration::days(key)) });
    assert_eq!(owner.post("/operator-keys", &key).await.status, 201);
    broker.catch_up().await;
    broker.live().reload().await.unwrap();
    (broker, owner, ends)
}

async fn feed(address: &str) -> (u16, String) {
    let answer = http().get(address).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn reminders(broker: &Broker) -> Vec<AuditEvent> {
    broker.audit_events().await.into_iter().filter(|event| event.action.starts_with("credential.")).collect()
}

#[tokio::test]
async fn what_ends_is_the_same_list_everywhere_and_says_what_follows() {
    let (broker, owner, ends) = stage(20, 90).await;
    let items = owner.get("/calendar").await.json["items"].clone();
    let [secret, key] = &items.as_array().unwrap()[..] else { panic!("{items}") };
    assert_eq!((&secret["kind"], &secret["owner"]), (&json!("client_secret"), &json!("robot")));
    assert_eq!((&secret["ends_at"], &secret["successor"]), (&json!(words(ends)), &json!("missing")));
    assert!(secret["consequence"].as_str().unwrap().contains("gets no tokens"), "{secret}");
    assert_eq!((&key["kind"], &key["owner"]), (&json!("operator_key"), &json!("terraform")));
    assert_eq!(key["consequence"], "Whatever administers with the key terraform is refused.");

    let metrics = http().get(broker.ops_url("/metrics")).send().await.unwrap().text().await.unwrap();
    let line = format!(
        r#"avouch_credential_expires_timestamp_seconds{{kind="client_secret",owner="robot",id="{}"}} {}"#,
        secret["id"].as_str().unwrap(),
        ends.unix_timestamp()
    );
    assert!(metrics.lines().any(|have| have == line), "{line}\n{metrics}");

    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    let page = auditor.open("/admin/calendar").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("gets no tokens") && page.body.contains("/admin/clients/robot"), "{page}");
    assert!(!page.body.contains("<b>first</b>") && !page.has("open-feed") && !page.has("nothing-ends"), "{page}");

    // another secret that stays is a successor, and one that is over leaves the list
    owner.post("/clients/robot/secrets", &json!({})).await;
    broker.live().reload().await.unwrap();
    let items = owner.get("/calendar").await.json["items"].clone();
    assert_eq!(items[0]["successor"], "working", "{items}");
    broker.clock.advance(Duration::days(21));
    let items = owner.get("/calendar").await.json["items"].clone();
    assert_eq!((items.as_array().unwrap().len(), &items[0]["kind"]), (1, &json!("operator_key")), "{items}");
}

#[tokio::test]
async fn the_feed_is_read_by_calendar_programs_and_by_nobody_without_its_address() {
    let (broker, owner, ends) = stage(20, 90).await;
    assert_eq!(owner.delete("/calendar/feed").await.status, 404);
    let made = owner.post("/calendar/feed", &json!({})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let address = made.text("url").to_owned();
    let (status, text) = feed(&address).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.split_terminator("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    assert!(!text.contains("avo_"), "{text}");
    let read = Peer::icalendar().tell(json!({ "cmd": "read", "text": text })).await;
    let [secret, key] = &read["events"].as_array().unwrap()[..] else { panic!("{read}") };
    let summary = "Röbot; the <b>first</b>, \\ a long name that has to be folded in the feed: client secret ends";
    assert_eq!((&secret["summary"], &secret["start"]), (&json!(summary), &json!(ends.unix_timestamp())));
    assert_eq!(secret["url"], broker.url("/admin/clients/robot"));
    assert_eq!((&secret["alarms"], &key["alarms"]), (&json!([-14.0 * 86_400.0]), &json!([-14.0 * 86_400.0])));
    broker.clock.advance(Duration::hours(1));
    let again = Peer::icalendar().tell(json!({ "cmd": "read", "text": feed(&address).await.1 })).await;
    assert_eq!(again["events"][0]["uid"], secret["uid"]);
    assert_ne!(secret["uid"], key["uid"]);

    let shown = owner.get("/audit-events?action=calendar_feed").await.json.to_string();
    assert!(shown.contains("calendar_feed.opened") && !shown.contains("avo_cf_"), "{shown}");
    let wrong = feed(&broker.url("/calendar/nobody.ics")).await;
    let close = feed(&address.replace("avo_cf_", "avo_cf_0")).await;
    assert_eq!((wrong.0, &wrong), (404, &close));

    // at the page an editor gives it another address, and the one before is like one that never was
    let mut editor = Operator::signed_in(&broker, "editor").await;
    let page = editor.open("/admin/calendar/feed").await;
    let page = editor.press(&page, "go").await;
    let second = page.text_of("address").unwrap();
    assert_eq!((feed(&address).await, feed(&second).await.0), (wrong.clone(), 200));
    assert!(!editor.open("/admin/calendar").await.body.contains("avo_cf_"));
    let page = editor.open("/admin/calendar/feed/withdraw").await;
    editor.press(&page, "go").await;
    assert_eq!(feed(&second).await, wrong);
    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    assert_eq!(auditor.post("/admin/calendar/feed", &[]).await.status, 403);
}

/// Two replicas that look at the same moment, at every mark; and one that starts anew.
#[tokio::test]
async fn each_mark_is_told_once_and_a_successor_ends_the_matter() {
    let (mut here, owner, ends) = stage(61, 500).await;
    let there = Broker::start(Options {
        database: Some(here.database().clone()),
        clock: here.clock.clone(),
        ..Options::default()
    })
    .await;
    let look = async |here: &Broker, there: &Broker| {
        for _ in 0..2 {
            let both = tokio::join!(avouch::alert::look(here.live()), avouch::alert::look(there.live()));
            both.0.unwrap();
            both.1.unwrap();
        }
    };
    look(&here, &there).await;
    assert!(reminders(&here).await.is_empty());
    let mut expected: Vec<i64> = Vec::new();
    for (mark, left) in [(60, 60), (30, 30), (14, 10), (7, 7), (3, 3)] {
        let left = Duration::days(left);
        here.clock.advance(ends - left - now(&here) + Duration::seconds(1));
        look(&here, &there).await;
        expected.push(mark);
        let told = reminders(&here).await;
        let mut days: Vec<_> = told.iter().map(|event| event.detail["days"].as_i64().unwrap()).collect();
        days.sort_unstable_by_key(|days| -days);
        assert_eq!(days, expected);
    }
    here.restart().await;
    look(&here, &there).await;
    let told = reminders(&here).await;
    assert_eq!(told.len(), expected.len(), "{told:?}");
    let last = &told[0];
    assert_eq!((last.client_id.as_deref(), &last.detail["owner"]), (Some("robot"), &json!("robot")));
    assert_eq!(last.detail["ends"], json!(ends.unix_timestamp()));
    assert!(last.detail["consequence"].as_str().unwrap().contains("gets no tokens"), "{last:?}");

    owner.post("/clients/robot/secrets", &json!({})).await;
    for replica in [&here, &there] {
        replica.live().reload().await.unwrap();
    }
    look(&here, &there).await;
    here.clock.advance(Duration::days(5));
    look(&here, &there).await;
    let told = reminders(&here).await;
    let renewed: Vec<&Value> =
        told.iter().filter(|event| event.action == "credential.renewed").map(|event| &event.detail["owner"]).collect();
    assert_eq!((renewed, told.len()), (vec![&json!("robot")], expected.len() + 1), "{told:?}");
}
