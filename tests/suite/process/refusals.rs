//! What keeps the broker from starting is told in one line, and the exit code says so.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::BrokerProcess;

/// Exactly one line on stderr, nothing on stdout, exit code 1.
fn one_line(broker: &BrokerProcess, arguments: &[&str]) -> String {
    let output = broker.run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    stderr
}

async fn refusal(variable: &'static str, value: &str) -> String {
    let mut broker = BrokerProcess::prepare().await;
    broker.set(variable, value);
    one_line(&broker, &["serve"])
}

#[tokio::test]
async fn an_unknown_setting() {
    let line = refusal("AVOUCH_ISUER", "http://localhost:1").await;
    assert!(line.contains("AVOUCH_ISUER is not a setting") && line.contains("AVOUCH_ISSUER"), "{line}");
}

#[tokio::test]
async fn a_wrong_master_key() {
    let mut broker = BrokerProcess::prepare().await;
    let path = broker.files().join("other.key");
    std::fs::write(&path, "k1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    broker.set("AVOUCH_MASTER_KEY_FILE", path.display().to_string());
    let line = one_line(&broker, &["serve"]);
    assert!(line.contains("master key") && line.contains("other.key") && !line.contains("ZmVkY2"), "{line}");
}

#[tokio::test]
async fn an_unwritable_data_directory() {
    let mut broker = BrokerProcess::prepare().await;
    // no directory can be made below a file, not even by root
    std::fs::write(broker.files().join("occupied"), "").unwrap();
    let data = broker.files().join("occupied/data").display().to_string();
    broker.set("AVOUCH_DATA_DIR", data);
    broker.set("AVOUCH_DATABASE_URL", "");
    broker.set("AVOUCH_MASTER_KEY_FILE", "");
    let line = one_line(&broker, &["serve"]);
    assert!(line.contains("occupied/data"), "{line}");
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refusal("AVOUCH_LISTEN", &address).await;
    assert!(line.contains(&address) && line.contains("AVOUCH_LISTEN"), "{line}");
    let line = refusal("AVOUCH_OPS_LISTEN", &address).await;
    assert!(line.contains(&address) && line.contains("AVOUCH_OPS_LISTEN"), "{line}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let line = refusal("AVOUCH_DATABASE_URL", &format!("postgres://avouch:hush@{closed}/avouch")).await;
    assert!(line.contains(&closed.to_string()) && line.contains("AVOUCH_DATABASE_URL") && !line.contains("hush"), "{line}");
}

#[tokio::test]
async fn a_resource_file_that_is_no_yaml_or_has_an_unknown_key() {
    let broker = BrokerProcess::prepare().await;
    for (yaml, expected) in [
        ("clients: [", "resources.yaml"),
        ("clients:\n  - client_id: x\n    kind: spa\n    redirect_urls: []\n", "redirect_urls"),
        ("clients: 7\n", "resources.yaml"),
    ] {
        std::fs::write(broker.files().join("resources.yaml"), yaml).unwrap();
        let line = one_line(&broker, &["apply", "-f", "resources.yaml"]);
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test]
async fn a_settings_file_that_is_no_toml() {
    let broker = BrokerProcess::prepare().await;
    std::fs::write(broker.files().join("avouch.toml"), "listen = \n").unwrap();
    let line = one_line(&broker, &["serve", "--config", "avouch.toml"]);
    assert!(line.contains("avouch.toml:1:"), "{line}");
}
