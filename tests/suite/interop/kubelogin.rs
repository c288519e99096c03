//! kubelogin with the arguments of the printed kubeconfig: a browser the first time, none the second.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::{Stage, built};
use crate::harness::app::claims;
use crate::harness::{broker, until};
use crate::integrations::paste::yaml;

#[tokio::test]
#[ignore = "make interop"]
async fn kubelogin_signs_in_once_and_refreshes_from_then_on() {
    let mut stage = Stage::prepare().await;
    stage.preset(&["kubernetes", "--set", "client_id=k8s-prod"]);
    let config = yaml(&stage.snippet("k8s-prod", "kubernetes")["kubeconfig, to merge with yours"]);
    let arguments: Vec<&str> =
        config["users"][0]["user"]["exec"]["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(arguments[0], "oidc-login", "kubectl takes this one away");
    stage.serve().await;

    // Any port will do on the loopback address (RFC 8252 §7.3): 8000 may be somebody else's here.
    let port = broker::listen(0).local_addr().unwrap().port();
    let mut command = Command::new(built("kubelogin").join("kubelogin"));
    command.args(&arguments[1..]).arg("--skip-open-browser").arg(format!("--listen-address=127.0.0.1:{port}"));
    command.arg(format!("--certificate-authority={}", stage.certificate.display()));
    command.arg(format!("--token-cache-dir={}", stage.broker.files().join("cache").display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let waiting = command.spawn().unwrap();
    let at = format!("http://localhost:{port}/");
    until("it listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
    let page = stage.browser().open(&at).await;
    assert_eq!(page.status, 200, "{page}");
    let first = token(&waiting.wait_with_output().await.unwrap());
    assert_eq!(claims(&first)["email"], "marty@contoso.example");
    assert_eq!(claims(&first)["groups"], serde_json::json!(["staff"]));

    let second = token(&command.arg("--force-refresh").output().await.unwrap());
    assert_ne!(first, second);
    assert_eq!(claims(&second)["groups"], claims(&first)["groups"]);
}

/// Of the `ExecCredential` that kubectl reads.
fn token(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{output:?}");
    let credential: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(credential["kind"], "ExecCredential");
    credential["status"]["token"].as_str().unwrap().to_owned()
}
