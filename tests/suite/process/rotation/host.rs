//! What belongs to the machines: the master key that everything is sealed under, and the certificate of our own TLS.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::visitors::CLIENTS;
use super::{ROUNDS, Stage};
use crate::harness::postgres::MASTER_KEY;
use crate::harness::{FakeIdp, until};

const NEW_KEY: &str = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n";

#[tokio::test]
async fn no_login_and_no_token_is_lost_while_the_master_key_and_our_certificate_change_and_replicas_die() {
    let idp = FakeIdp::start(&Arc::default()).await;
    idp.tell(|script| script.client_secrets = Some(vec!["first-at-contoso".into()]));
    let contoso = format!(
        "connections: [{{ slug: contoso, issuer: \"{}\", client_id: avouch-at-contoso, client_authentication: client_secret_basic }}]\n",
        idp.issuer
    );
    let mut stage = Stage::set(&(contoso + CLIENTS)).await;
    stage.made("/connections/contoso/secrets", &json!({ "value": "first-at-contoso" })).await;
    stage.people_come("contoso");
    stage.programs_come().await;
    stage.load.carries_on(2 * ROUNDS, "nothing").await;
    master_key(&mut stage).await;
    certificate(&mut stage).await;
    stage.end().await;
}

/// As docs/OPERATIONS.md says.
async fn master_key(stage: &mut Stage) {
    let file = stage.replicas[0].files().join("master.key");
    let holds = |text: String| std::fs::write(&file, text).unwrap();
    holds(format!("{MASTER_KEY}{NEW_KEY}"));
    stage.restart("everybody knows the new master key").await;
    holds(format!("{NEW_KEY}{MASTER_KEY}"));
    stage.restart("the new master key seals").await;
    // killed at once, and run again
    for wait in [0, 20, 60] {
        let mut rewrap = stage.replicas[0].command(&["keys", "rewrap"]).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let _ = rewrap.kill();
        rewrap.wait().unwrap();
    }
    let done = stage.replicas[1].run(&["keys", "rewrap"]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("no value needs the master key k1"), "{said}");
    stage.load.carries_on(ROUNDS, "everything is sealed under the new master key").await;
    holds(NEW_KEY.into());
    stage.restart("nobody knows the former master key").await;
    holds(MASTER_KEY.into());
    let refused = stage.replicas[0].run(&["keys", "list"]);
    assert!(!refused.status.success(), "the former master key opens nothing any more");
    holds(NEW_KEY.into());
}

/// PEM of a certificate for localhost that stands for itself, and of its key.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn put(there: &Path, (certificate, key): &(String, String)) {
    std::fs::write(there.join("tls.pem"), certificate).unwrap();
    std::fs::write(there.join("tls.key"), key).unwrap();
}

/// A connection of its own for each request, and no other certificate than this is trusted.
fn trusting((certificate, _): &(String, String)) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let only = reqwest::Client::builder().tls_certs_only([root]).pool_max_idle_per_host(0);
    only.build().unwrap()
}

/// A third replica speaks TLS itself.
async fn certificate(stage: &mut Stage) {
    let (old, new) = (made(), made());
    let mut third = stage.replicas[0].replica();
    third.set("AVOUCH_TLS_CERT_FILE", third.files().join("tls.pem").display().to_string());
    third.set("AVOUCH_TLS_KEY_FILE", third.files().join("tls.key").display().to_string());
    put(third.files(), &old);
    third.spawn(&["serve"]);
    let url = format!("https://localhost:{}/.well-known/jwks.json", third.socket().port());
    let answers = async |trusted: &(String, String)| trusting(trusted).get(&url).send().await.is_ok();
    until("it speaks TLS", async || answers(&old).await.then_some(())).await;
    assert!(!answers(&new).await, "nobody has this one yet");

    // who trusts both: those who were told before
    let both = [&old, &new].map(|pair| reqwest::Certificate::from_pem(pair.0.as_bytes()).unwrap());
    let told = reqwest::Client::builder().tls_certs_only(both).pool_max_idle_per_host(0).build().unwrap();
    let at = url.clone();
    let seen = Arc::new(Mutex::new(0));
    let counted = seen.clone();
    stage.load.add("a visitor over TLS", move || {
        let (told, at, counted) = (told.clone(), at.clone(), counted.clone());
        async move {
            let answer = told.get(&at).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            *counted.lock().unwrap() += 1;
        }
    });
    for (pair, other, what) in
        [(&new, &old, "a new certificate"), (&old, &new, "the former certificate again"), (&new, &old, "the new one")]
    {
        println!("{what}");
        put(third.files(), pair);
        third.signal("-HUP");
        until(what, async || answers(pair).await.then_some(())).await;
        assert!(!answers(other).await, "{what}: connections still see the other one");
        stage.load.carries_on(ROUNDS, what).await;
        third.kill();
        stage.turn += 1;
        third.spawn(&["serve"]);
        until("it is back", async || answers(pair).await.then_some(())).await;
    }
    stage.load.carries_on(ROUNDS, "our certificate changed").await;
    let seen = *seen.lock().unwrap();
    assert!(seen > 0, "somebody was there meanwhile");
    println!("{seen} connections over TLS");
}
