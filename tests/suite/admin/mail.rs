//! What operators are told of by e-mail, as a mail server that we did not write has it.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{Api, Operator};
use crate::harness::{Broker, Options, Peer, until};

const ROBOT: &str = "clients: [{ client_id: robot, kind: machine, name: Robot }]";

fn settings(port: u64) -> Vec<(&'static str, String)> {
    vec![
        ("AVOUCH_SMTP_URL", format!("smtp://localhost:{port}")),
        ("AVOUCH_SMTP_FROM", "Avouch <avouch@tidewater.example>".into()),
    ]
}

async fn tell(owner: &Api, emails: &[&str]) {
    let settings = json!({ "name": "Tidewater", "audit_retention_days": 400, "trace_retention_days": 30, "reminder_emails": emails });
    let answer = owner.put("/settings", &settings).await;
    assert_eq!((answer.status, &answer.json["reminder_emails"]), (200, &json!(emails)), "{}", answer.json);
}

fn now(broker: &Broker) -> OffsetDateTime {
    avouch::clock::Clock::now(broker.clock.as_ref())
}

async fn secret_ends(broker: &Broker, owner: &Api, client: &str, days: i64) {
    let ends = (now(broker) + Duration::days(days)).format(&time::format_description::well_known::Rfc3339).unwrap();
    let made = owner.post(&format!("/clients/{client}/secrets"), &json!({ "expires_at": ends })).await;
    assert_eq!(made.status, 201, "{}", made.json);
}

/// At least `count` letters, once they are there.
async fn letters(server: &mut Peer, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for _ in 0..200 {
        all.extend(server.tell(json!({ "cmd": "letters" })).await["letters"].as_array().unwrap().clone());
        if all.len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(all.len(), count, "{all:#?}");
    all
}

#[tokio::test]
async fn whoever_is_to_be_told_gets_one_letter_with_everything_that_ends() {
    let (mut server, port) = Peer::mail_server(json!({ "certificate": null })).await;
    let here = Broker::start(Options { settings: settings(port), ..Options::default() }).await;
    let there = Broker::start(Options {
        database: Some(here.database().clone()),
        clock: here.clock.clone(),
        settings: settings(port),
        ..Options::default()
    })
    .await;
    let owner = Api::of(&here, "owner").await;
    tell(&owner, &["anna@tidewater.example", "ops@tidewater.example"]).await;
    here.apply(ROBOT).await;
    here.apply(
        "clients: [{ client_id: robot, kind: machine, name: Robot }, { client_id: drone, kind: machine, name: Drone }]",
    )
    .await;
    secret_ends(&here, &owner, "robot", 6).await;
    here.catch_up().await;
    for replica in [&here, &there] {
        replica.live().reload().await.unwrap();
    }
    for replica in [&here, &there] {
        avouch::alert::look(replica.live()).await.unwrap();
    }
    let mut got = letters(&mut server, 2).await;
    got.sort_by_key(|letter| letter["to"].to_string());
    let [anna, ops] = &got[..] else { unreachable!() };
    assert_eq!((&anna["to"], &ops["to"]), (&json!(["anna@tidewater.example"]), &json!(["ops@tidewater.example"])));
    assert_eq!(anna["from"], "Avouch <avouch@tidewater.example>");
    assert_eq!(anna["subject"], "[Avouch localhost] robot: client secret ends within 7 days");
    assert_eq!(anna["headers"]["Auto-Submitted"], "auto-generated");
    assert_ne!(anna["headers"]["Message-ID"], ops["headers"]["Message-ID"]);
    let text = anna["text"].as_str().unwrap();
    for part in ["gets no tokens", "To do:", &here.url("/admin/clients/robot"), &here.url("/admin/calendar")] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("avo_cs_"), "{text}");

    // what comes up together is one letter
    secret_ends(&here, &owner, "drone", 2).await;
    here.clock.advance(Duration::days(4));
    here.live().reload().await.unwrap();
    avouch::alert::look(here.live()).await.unwrap();
    let got = letters(&mut server, 2).await;
    for letter in got {
        assert!(letter["subject"].as_str().unwrap().starts_with("[Avouch localhost] 2 things need you: "), "{letter}");
        let text = letter["text"].as_str().unwrap();
        assert!(text.contains("* robot: client secret ends within 3 days"), "{text}");
        assert!(text.contains("* drone: client secret has ended"), "{text}");
    }
}

/// As many as the settings take, which is more than are written to at a time.
#[tokio::test]
async fn everybody_in_the_settings_is_written_to_at_once() {
    let (mut server, port) = Peer::mail_server(json!({ "certificate": null })).await;
    let broker = Broker::start(Options { settings: settings(port), ..Options::default() }).await;
    let owner = Api::of(&broker, "owner").await;
    let everybody: Vec<String> = (0..20).map(|number| format!("person{number}@tidewater.example")).collect();
    tell(&owner, &everybody.iter().map(String::as_str).collect::<Vec<_>>()).await;
    broker.apply(ROBOT).await;
    secret_ends(&broker, &owner, "robot", 6).await;
    broker.catch_up().await;
    broker.live().reload().await.unwrap();
    avouch::alert::look(broker.live()).await.unwrap();
    letters(&mut server, 20).await;
}

#[tokio::test]
async fn a_mail_server_that_is_down_is_asked_again_and_one_that_refuses_is_told_of() {
    let (mut server, port) = Peer::mail_server(json!({ "certificate": null })).await;
    let broker = Broker::start(Options { settings: settings(port), ..Options::default() }).await;
    let owner = Api::of(&broker, "owner").await;
    tell(&owner, &["anna@tidewater.example"]).await;
    broker.apply(ROBOT).await;
    server.tell(json!({ "cmd": "refuse", "with": "451 <b>come</b> back later" })).await;
    secret_ends(&broker, &owner, "robot", 6).await;
    broker.catch_up().await;
    broker.live().reload().await.unwrap();
    avouch::alert::look(broker.live()).await.unwrap();
    let mut operator = Operator::signed_in(&broker, "owner").await;
    let page = until("the problem", async || {
        Some(operator.open("/admin/settings").await).filter(|page| page.has("mail-problem"))
    })
    .await;
    assert!(page.body.contains("back later") && page.body.contains("tried again"), "{page}");
    assert!(!page.body.contains("<b>come"), "{page}");

    server.tell(json!({ "cmd": "refuse", "with": null })).await;
    broker.clock.advance(Duration::minutes(2));
    assert_eq!(letters(&mut server, 1).await[0]["to"], json!(["anna@tidewater.example"]));

    // what is refused for good is not tried again
    server.tell(json!({ "cmd": "refuse", "with": "550 no such mailbox" })).await;
    broker.clock.advance(Duration::days(4));
    avouch::alert::look(broker.live()).await.unwrap();
    let mut operator = Operator::signed_in(&broker, "owner").await;
    until("the refusal", async || {
        Some(operator.open("/admin/settings").await).filter(|page| page.body.contains("no such mailbox"))
    })
    .await;
    server.tell(json!({ "cmd": "refuse", "with": null })).await;
    broker.clock.advance(Duration::hours(40));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    letters(&mut server, 0).await;
    let page = Operator::signed_in(&broker, "owner").await.open("/admin/settings").await;
    assert!(page.has("mail-problem") && !page.body.contains("tried again"), "{page}");
}

#[tokio::test]
async fn a_password_goes_through_tls_only_and_a_test_says_what_is_wrong() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (files.path().join("tls.crt"), files.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let account = json!({ "certificate": certificate, "key": key, "user": "avouch", "password": "hush-hush" });
    let (mut server, port) = Peer::mail_server(account).await;
    let broker = async |password: &str, trusted: bool| {
        let mut settings = settings(port);
        settings[0].1 = format!("smtp://avouch:{password}@localhost:{port}?tls=required");
        if trusted {
            settings.push(("AVOUCH_UPSTREAM_CA_FILE", certificate.display().to_string()));
        }
        Broker::start(Options { settings, ..Options::default() }).await
    };
    let test = async |broker: &Broker| {
        let owner = Api::of(broker, "owner").await;
        tell(&owner, &["anna@tidewater.example"]).await;
        owner.post("/settings/reminder-emails/test", &json!({})).await
    };
    let right = broker("hush-hush", true).await;
    assert_eq!(test(&right).await.status, 204);
    let letter = letters(&mut server, 1).await.remove(0);
    assert_eq!((&letter["subject"], &letter["tls"]), (&json!("[Avouch localhost] a test"), &json!(true)));

    let wrong = test(&broker("other-word", true).await).await;
    assert_eq!((wrong.status, wrong.text("code")), (409, "mail_not_sent"), "{}", wrong.json);
    assert!(wrong.json.to_string().contains("535") && !wrong.json.to_string().contains("other-word"), "{}", wrong.json);
    let unknown = test(&broker("hush-hush", false).await).await;
    assert!(unknown.json.to_string().contains("certificate"), "{}", unknown.json);
    letters(&mut server, 0).await;

    let none = Broker::start(Options::default()).await;
    let answer = test(&none).await;
    assert_eq!((answer.status, answer.text("code")), (409, "no_mail_server"), "{}", answer.json);
    let mut operator = Operator::signed_in(&right, "owner").await;
    let page = operator.open("/admin/settings").await;
    let page = operator.press(&page, "test-mail").await;
    assert!(page.body.contains("Sent."), "{page}");
    letters(&mut server, 1).await;
    let mut editor = Operator::signed_in(&right, "editor").await;
    assert_eq!(editor.post("/admin/settings/reminder-emails/test", &[]).await.status, 403);
}
