//! Our own TLS certificate, renewed while we serve: which one is shown, since when, and which one was before.

use serde_json::Value;

use crate::harness::{BrokerProcess, until};

/// PEM of a certificate for localhost that stands for itself, and of its key.
fn made(process: &BrokerProcess) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    std::fs::write(process.files().join("tls.pem"), &pem).unwrap();
    std::fs::write(process.files().join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_tells_since_when_it_is_served_and_which_one_was_before() {
    let mut process = BrokerProcess::prepare().await;
    let old = made(&process);
    for (variable, file) in [("AVOUCH_TLS_CERT_FILE", "tls.pem"), ("AVOUCH_TLS_KEY_FILE", "tls.key")] {
        let file = process.files().join(file).display().to_string();
        process.set(variable, file);
    }
    let key = process.run(&["operator", "create-key", "looks", "--role", "auditor"]);
    let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
    process.spawn(&["serve"]);
    let url = format!("https://localhost:{}/api/v1/tls-certificates", process.socket().port());
    let told = async |trusted: &reqwest::Certificate| -> Option<Value> {
        let only = reqwest::Client::builder().tls_certs_only([trusted.clone()]).build().unwrap();
        let answer = only.get(&url).bearer_auth(&key).send().await.ok()?;
        let said: Value = answer.json().await.unwrap();
        said["items"].as_array().unwrap().first().cloned()
    };
    let first = until("it speaks TLS", async || told(&old).await).await;
    assert!(first["previous"].is_null() && first["served_since"].is_string(), "{first}");
    let new = made(&process);
    process.signal("-HUP");
    let of_both = async || told(&new).await.filter(|one| one["sha256"] != first["sha256"]);
    let second = until("the new one is served", of_both).await;
    assert_eq!(second["previous"]["sha256"], first["sha256"], "{second}");
    assert_eq!(second["previous"]["served_until"], second["served_since"], "{second}");
}
