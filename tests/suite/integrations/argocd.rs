//! Argo CD: its server and its command line, with the ConfigMap that is printed.

use serde_json::{Value, json};

use super::paste::{apply, blocks, secret};
use crate::harness::app::claims;
use crate::harness::{App, World};

fn list(value: &Value) -> String {
    value.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn server_and_command_line_sign_people_in_with_what_is_printed() {
    let world = World::new().await;
    world.set_contoso("email_domains: [contoso.example]").await;
    apply(&world, &["argocd", "--set", "url=https://argocd.example"]).await;
    let value = secret(&world, "argocd").await;
    let printed = blocks(&world, &["argocd", "argocd"]).await;
    let map: Value = serde_saphyr::from_str(&printed["ConfigMap argocd-cm, to merge with yours"]).unwrap();
    assert_eq!((&map["kind"], &map["metadata"]["name"]), (&json!("ConfigMap"), &json!("argocd-cm")));
    let oidc: Value = serde_saphyr::from_str(map["data"]["oidc.config"].as_str().unwrap()).unwrap();
    let text = |name: &str| oidc[name].as_str().unwrap_or_else(|| panic!("{name}: {oidc}")).to_owned();
    // it looks the secret up by this name in argocd-secret, where the command puts it
    assert_eq!(text("clientSecret"), "$oidc.avouch.clientSecret");
    let patch = super::paste::commands(&printed["The client's secret"], &[("ARGOCD_SECRET", &value)]);
    let patch: Value = serde_json::from_str(patch[0].last().unwrap()).unwrap();
    assert_eq!(patch["stringData"]["oidc.avouch.clientSecret"], value);
    assert_eq!(text("issuer"), world.broker.issuer);

    let wanted = json!({ "id_token": oidc["requestedIDTokenClaims"] }).to_string();
    let server = App {
        issuer: text("issuer"),
        client_id: text("clientID"),
        secret: Some(value),
        redirect_uri: format!("{}/auth/callback", map["data"]["url"].as_str().unwrap()),
        scope: list(&oidc["requestedScopes"]),
    };
    let line = App {
        client_id: text("cliClientID"),
        secret: None,
        redirect_uri: "http://localhost:8085/auth/callback".into(),
        ..server.clone()
    };
    for app in [&server, &line] {
        let tokens = app.tokens(&mut app.browser(), &[("claims", &wanted)]).await;
        let said = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&said["aud"], &said["groups"]), (&json!(app.client_id), &json!(["staff"])), "one group is a list");
        assert_eq!(said["email"], "marty@contoso.example");
    }
    let rights: Value = serde_saphyr::from_str(&printed["ConfigMap argocd-rbac-cm, to merge with yours"]).unwrap();
    assert_eq!(rights["data"]["scopes"], "[groups]");

    // it puts the person's token and its own address in there
    let mut browser = server.browser();
    let tokens = server.tokens(&mut browser, &[]).await;
    let out = text("logoutURL")
        .replace("{{token}}", tokens["id_token"].as_str().unwrap())
        .replace("{{logoutRedirectURL}}", "https%3A%2F%2Fargocd.example");
    browser.stop_at("https://argocd.example");
    let page = browser.open(&out).await;
    assert!(page.stopped || page.status == 200, "{page}");

    let (well, said) = world.broker.cli(&["snippet", "argocd-cli", "argocd"]).await;
    assert!(!well && said.contains("choose that one"), "{said}");
}
