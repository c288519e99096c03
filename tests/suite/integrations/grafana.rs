//! Grafana: signed in as its generic OAuth does, with the ini that is printed.

use serde_json::{Value, json};

use super::paste::{apply, blocks, ini, secret};
use crate::harness::app::{basic, claims};
use crate::harness::wire::{get, token};
use crate::harness::{App, World};

fn text<'a>(settings: &'a Value, name: &str) -> &'a str {
    settings[name].as_str().unwrap_or_else(|| panic!("{name}: {settings}"))
}

#[tokio::test]
async fn people_sign_in_with_the_ini_that_is_printed_and_stay_signed_in() {
    let world = World::new().await;
    world.set_contoso("email_domains: [contoso.example]").await;
    apply(&world, &["grafana", "--set", "url=https://grafana.example/sub/"]).await;
    let value = secret(&world, "grafana").await;
    let printed = blocks(&world, &["grafana", "grafana"]).await;
    let settings = ini(&printed["Grafana's settings"]);
    let helm: Value = serde_saphyr::from_str(&printed["Helm values, to merge with yours"]).unwrap();
    let oauth = &settings["auth.generic_oauth"];
    for (name, value) in helm["grafana.ini"]["auth.generic_oauth"].as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(oauth[name], value, "{name}");
    }
    // the secret is the reader's
    assert_eq!(text(oauth, "client_secret"), "$__env{GRAFANA_SECRET}");
    let root = text(&settings["server"], "root_url");
    assert_eq!((root, text(oauth, "use_pkce")), ("https://grafana.example/sub", "true"));

    let app = App {
        issuer: text(oauth, "auth_url").strip_suffix("/authorize").unwrap().to_owned(),
        client_id: text(oauth, "client_id").to_owned(),
        secret: Some(value.clone()),
        redirect_uri: format!("{root}/login/generic_oauth"),
        scope: text(oauth, "scopes").to_owned(),
    };
    let (request, page) = app.sign_in(&mut app.browser(), &[("nonce", "")]).await;
    assert!(page.stopped, "{page}");
    let path = text(oauth, "token_url").strip_prefix(&world.broker.issuer).unwrap();
    assert_eq!((path, text(oauth, "auth_style")), ("/oauth/token", "InHeader"));
    let redirect = url::form_urlencoded::byte_serialize(app.redirect_uri.as_bytes()).collect::<String>();
    let body = format!(
        "code={}&code_verifier={}&grant_type=authorization_code&redirect_uri={redirect}",
        page.param("code"),
        request.verifier
    );
    let authorization = basic("grafana", &value);
    let first = token(&world.broker.issuer, Some(&authorization), &body).await;
    assert_eq!(first.status, 200, "{}", first.json);
    // what it looks for in the ID token, it finds there
    let said = claims(first.text("id_token"));
    assert_eq!(said["groups"], json!(["staff"]));
    for name in ["email_attribute_path", "name_attribute_path", "groups_attribute_path"] {
        assert!(!said[text(oauth, name)].is_null(), "{name}: {said}");
    }
    let bearer = format!("Authorization: Bearer {}", first.text("access_token"));
    let api = text(oauth, "api_url").strip_prefix(&world.broker.issuer).unwrap();
    let info = get(&world.broker.issuer, api, &[&bearer]).await;
    assert_eq!((info.status, info.text("email")), (200, "marty@contoso.example"));

    let again = format!("grant_type=refresh_token&refresh_token={}", first.text("refresh_token"));
    let second = token(&world.broker.issuer, Some(&authorization), &again).await;
    assert_eq!(
        (second.status, &claims(second.text("id_token"))["groups"]),
        (200, &json!(["staff"])),
        "{}",
        second.json
    );

    // and out again, to where Grafana's own page is
    let mut browser = app.browser();
    browser.stop_at("https://grafana.example/sub/login");
    let out = browser.open(text(oauth, "signout_redirect_url")).await;
    assert!(out.stopped, "{out}");
}

#[tokio::test]
async fn a_client_without_its_redirect_uri_is_told_so() {
    let world = World::new().await;
    let (well, said) = world.broker.cli(&["snippet", "shop", "grafana"]).await;
    assert!(!well && said.contains("/login/generic_oauth"), "{said}");
}
