//! Kubernetes: kubelogin's requests with the arguments of the kubeconfig, held against the API server's configuration.

use serde_json::{Value, json};

use super::paste::{apply, blocks};
use crate::harness::app::{challenge_of, claims, get};
use crate::harness::wire::token;
use crate::harness::{Browser, World};
use crate::validators::{Kube, Trust};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[tokio::test]
async fn kubelogin_gets_in_with_what_is_printed_and_again_without_a_browser() {
    let world = World::new().await;
    world.set_contoso("email_domains: [contoso.example]").await;
    apply(&world, &["kubernetes", "--set", "client_id=k8s-prod"]).await;
    let printed = blocks(&world, &["k8s-prod", "kubernetes"]).await;
    let server: Value = serde_saphyr::from_str(&printed["The API server's authentication"]).unwrap();
    let config: Value = serde_saphyr::from_str(&printed["kubeconfig, to merge with yours"]).unwrap();
    let binding: Value = serde_saphyr::from_str(&printed["A role for a group"]).unwrap();

    let exec = &config["users"][0]["user"]["exec"];
    let arguments: Vec<&str> = exec["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((exec["command"].as_str(), &arguments[..2]), (Some("kubectl"), &["oidc-login", "get-token"][..]));
    let values = |name: &str| -> Vec<String> {
        let name = format!("--{name}=");
        arguments.iter().filter_map(|one| one.strip_prefix(&name)).map(str::to_owned).collect()
    };
    let (issuer, client) = (values("oidc-issuer-url").remove(0), values("oidc-client-id").remove(0));
    assert_eq!(issuer, server["jwt"][0]["issuer"]["url"]);
    let discovery = get(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(discovery.text("issuer"), issuer, "byte for byte");

    let mut scopes = values("oidc-extra-scope");
    scopes.push("openid".into());
    let challenge = challenge_of(VERIFIER);
    let query = format!(
        "access_type=offline&client_id={client}&code_challenge={challenge}&code_challenge_method=S256&nonce=n-0S6_WzA2Mj&redirect_uri=http%3A%2F%2Flocalhost%3A8000&response_type=code&scope={}&state=xyz",
        scopes.join("+")
    );
    let mut browser = Browser::new();
    browser.stop_at("http://localhost:8000");
    let page = browser.open(&format!("{}?{query}", discovery.text("authorization_endpoint"))).await;
    assert!(page.stopped, "{page}");
    let body = format!(
        "client_id={client}&code={}&code_verifier={VERIFIER}&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A8000",
        page.param("code")
    );
    let first = token(&world.broker.issuer, None, &body).await;
    assert_eq!(first.status, 200, "{}", first.json);
    let again = format!("client_id={client}&grant_type=refresh_token&refresh_token={}", first.text("refresh_token"));
    let second = token(&world.broker.issuer, None, &again).await;
    assert_eq!(second.status, 200, "{}", second.json);

    let trust = Trust::of(&world.broker).await;
    let rules = &server["jwt"][0];
    let audience = rules["issuer"]["audiences"][0].as_str().unwrap();
    let mappings = &rules["claimMappings"];
    assert_eq!((&mappings["username"]["claim"], &mappings["groups"]["claim"]), (&json!("email"), &json!("groups")));
    for answer in [&first, &second] {
        let person = Kube::expecting(&trust, audience).authenticate(answer.text("id_token")).unwrap();
        assert_eq!(
            (person.username.as_str(), &person.groups[..]),
            ("marty@contoso.example", &["staff".to_owned()][..])
        );
        assert_eq!(claims(answer.text("id_token"))["email_verified"], true);
    }
    let prefix = mappings["groups"]["prefix"].as_str().unwrap();
    assert!(binding["subjects"][0]["name"].as_str().unwrap().starts_with(prefix), "{binding}");
    // another cluster takes no token of this one
    assert!(Kube::expecting(&trust, "k8s-test").authenticate(first.text("id_token")).is_err());
}

#[tokio::test]
async fn a_client_with_a_secret_is_none_for_kubectl() {
    let world = World::new().await;
    let (well, said) = world.broker.cli(&["snippet", "shop", "kubernetes"]).await;
    assert!(!well && said.contains("kind native"), "{said}");
}
