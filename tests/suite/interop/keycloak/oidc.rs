//! OpenID Connect: sign-in, refresh, sign-out from either end, its keys changing, and our keys in place of a secret.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use super::{SECRET, Stage, is_alice};
use crate::admin::Api;
use crate::harness::{Broker, until};

/// As the page of a new Keycloak connection tells.
pub fn client(broker: &Broker, more: Value) -> Value {
    let mut client = json!({
        "clientId": "avouch",
        "protocol": "openid-connect",
        "publicClient": false,
        "secret": SECRET,
        "standardFlowEnabled": true,
        "directAccessGrantsEnabled": false,
        "redirectUris": [broker.url("/connections/corp/callback")],
        "frontchannelLogout": false,
        "attributes": {
            "post.logout.redirect.uris": broker.url("/oidc/logout/done"),
            "backchannel.logout.url": broker.url("/connections/corp/backchannel-logout"),
            "backchannel.logout.session.required": "true",
        },
        "protocolMappers": [{
            "name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
            "config": { "claim.name": "groups", "full.path": "false", "id.token.claim": "true", "access.token.claim": "true", "userinfo.token.claim": "true" },
        }],
    });
    client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client
}

pub async fn connect(stage: &Stage, more: Value) {
    let mut connection = json!({
        "slug": "corp", "protocol": "oidc", "preset": "keycloak", "issuer": stage.keycloak.realm(), "client_id": "avouch",
        "email_domains": ["corp.example"], "upstream_logout": true,
    });
    connection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.broker.apply(&json!({ "connections": [connection] }).to_string()).await;
}

pub fn by_secret() -> Value {
    json!({ "client_secret": { "file": "secret" } })
}

#[tokio::test]
#[ignore = "make interop"]
async fn people_sign_in_and_out_at_either_end_and_its_keys_may_change() {
    let stage = Stage::set(|broker| client(broker, json!({}))).await;
    connect(&stage, by_secret()).await;
    let mut browser = stage.wiki.browser();
    let (request, page) = stage.log_in(&mut browser).await;
    let claims = stage.welcome(&request, &page).await;
    is_alice(&claims);
    assert_eq!(claims["email_verified"], true);

    // its session answers, by a new key that is published beside the old one
    stage.keycloak.signs_with_a_new_key(200).await;
    let (request, page) = stage.wiki.sign_in(&mut browser, &[("connection", "corp"), ("prompt", "login")]).await;
    let page = if page.stopped {
        page
    } else {
        browser.submit(&page, "kc-form-login", &[("password", super::PASSWORD)]).await
    };
    assert_eq!(stage.welcome(&request, &page).await["sub"], claims["sub"]);

    // who is signed out there is signed out here
    assert!(browser.session(&stage.broker.issuer).is_some());
    let signed_in = async || {
        let (_, page) = stage.wiki.sign_in(&mut browser.clone(), &[("prompt", "none")]).await;
        page.stopped && page.params().contains_key("code")
    };
    assert!(signed_in().await);
    let users = stage.keycloak.admin(Method::GET, "/corp/users?username=alice", None).await.json;
    let path = format!("/corp/users/{}/logout", users[0]["id"].as_str().unwrap());
    stage.keycloak.admin(Method::POST, &path, None).await;
    until("Keycloak to tell us", async || (!signed_in().await).then_some(())).await;

    // who signs out here is taken there and back
    let mut browser = stage.wiki.browser();
    let (request, page) = stage.log_in(&mut browser).await;
    let tokens = stage.wiki.redeem(&page.param("code"), &request.verifier).await;
    browser.stop_at("https://wiki.example/");
    let end = format!(
        "{}?id_token_hint={}&post_logout_redirect_uri=https%3A%2F%2Fwiki.example%2F",
        stage.broker.url("/oidc/logout"),
        tokens.text("id_token")
    );
    let page = browser.open(&end).await;
    assert!(page.stopped, "{page}");
    browser.stop_no_more();
    browser.stop_at(&stage.wiki.redirect_uri);
    let (_, page) = stage.wiki.sign_in(&mut browser, &[("connection", "corp")]).await;
    assert!(page.has("kc-form-login"), "nobody is signed in there any more: {page}");
}

#[tokio::test]
#[ignore = "make interop"]
async fn our_keys_take_the_place_of_a_secret_and_change_by_themselves() {
    let by_key = |broker: &Broker| {
        let jwks = broker.url("/connections/corp/jwks.json");
        let more = json!({ "clientAuthenticatorType": "client-jwt" });
        let mut client = client(broker, more);
        client["attributes"]["use.jwks.url"] = json!("true");
        client["attributes"]["jwks.url"] = json!(jwks);
        client
    };
    let stage = Stage::set(by_key).await;
    let rotation = json!({ "delivery": "jwks_uri", "days": 90, "publish_ahead_hours": 24 });
    connect(&stage, json!({ "client_authentication": "private_key_jwt", "key_rotation": rotation })).await;
    let api = Api::of(&stage.broker, "editor").await;
    let active = async || {
        let keys = api.get("/connections/corp/keys").await.json["items"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["state"] == "active").unwrap()["kid"].clone()
    };
    let sign_in = async || {
        let (request, page) = stage.log_in(&mut stage.wiki.browser()).await;
        is_alice(&stage.welcome(&request, &page).await);
    };
    sign_in().await;
    let first = active().await;
    // Keycloak goes by the machine's clock: our keys are made older instead
    let mut conn = stage.broker.database().connect().await.unwrap();
    for hours in [89 * 24 + 1, 25] {
        for age in [
            "UPDATE connection_credentials SET created_at = created_at - make_interval(hours => $1),
                 active_since = active_since - make_interval(hours => $1)",
            "UPDATE connection_key_lives SET promote_at = promote_at - make_interval(hours => $1),
                 retire_at = retire_at - make_interval(hours => $1)",
        ] {
            sqlx::query(age).bind(hours).execute(&mut conn).await.unwrap();
        }
        assert_eq!(avouch::connection::key_rotation::keep_schedule(stage.broker.ctx()).await.unwrap(), 1);
        stage.broker.catch_up().await;
        // no JWKS is read twice within ten seconds there (minTimeBetweenJwksRequests)
        tokio::time::sleep(Duration::from_secs(11)).await;
        sign_in().await;
    }
    assert_ne!(active().await, first);
    let events = stage.broker.audit_events().await;
    assert!(!events.iter().any(|event| event.action == "connection.secret_fallback"));
}
