//! `k8s.io/apiserver`'s OpenID Connect authenticator, which is the API server's, with the file as it is printed.

use serde_json::json;
use tokio::process::Command;

use super::{Stage, built, forged};
use crate::harness::Peer;

const SCOPE: &str = "openid email groups offline_access";
const REDIRECT: &str = "http://localhost:8000";

#[tokio::test]
#[ignore = "make interop"]
async fn the_api_server_knows_who_comes_and_their_groups() {
    let mut stage = Stage::prepare().await;
    for cluster in ["k8s-prod", "k8s-test"] {
        stage.preset(&["kubernetes", "--set", &format!("client_id={cluster}")]);
    }
    let printed = stage.snippet("k8s-prod", "kubernetes");
    let file = stage.file("authentication.yaml", &printed["The API server's authentication"]);
    stage.serve().await;
    let mut command = Command::new(built("kubernetes").join("validate"));
    command.arg(file).arg(&stage.certificate);
    let mut server = Peer::of("the API server", command);

    let app = stage.app("k8s-prod", REDIRECT, SCOPE);
    let first = stage.tokens(&app).await;
    let again = [
        ("grant_type", "refresh_token"),
        ("client_id", "k8s-prod"),
        ("refresh_token", first["refresh_token"].as_str().unwrap()),
    ];
    let second = stage.token(None, &again).await.json;
    for tokens in [&first, &second] {
        let person = server.tell(json!({ "token": tokens["id_token"] })).await;
        assert_eq!(person["username"], "avouch:marty@contoso.example");
        assert_eq!(person["groups"], json!(["avouch:staff"]));
    }

    let token = first["id_token"].as_str().unwrap();
    let other = stage.tokens(&stage.app("k8s-test", REDIRECT, SCOPE)).await;
    let unverified = {
        stage.idp.tell(|script| script.userinfo["email_verified"] = json!(false));
        stage.tokens(&app).await
    };
    let table = [
        ("signature", json!(forged(token))),
        ("audience", other["id_token"].clone()),
        ("email not verified", unverified["id_token"].clone()),
    ];
    for (expected, token) in table {
        let refusal = server.refused(json!({ "token": token })).await;
        assert!(refusal["error"].as_str().unwrap().contains(expected), "{expected}: {refusal}");
    }
}
