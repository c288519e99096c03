//! People at Camunda's components: the code flow, refresh, UserInfo and signing out, for each audience.

use serde_json::{Value, json};

use super::{URL, VALUES, at, chosen, is_for};
use crate::harness::app::{Answer, claims, get};
use crate::harness::{App, Browser, World};
use crate::integrations::paste::{apply, blocks, secret, yaml};
use crate::validators::Trust;

/// Client, redirect URI, the path in the values to what it is told, and its audiences by their names there.
const PEOPLE_COME: [(&str, &str, &str, &[&str]); 5] = [
    ("camunda-identity", "/identity/auth/login-callback", "/global/identity/auth/identity", &["audience"]),
    (
        "camunda-orchestration",
        "/orchestration/sso-callback",
        "/orchestration/security/authentication/oidc",
        &["audience"],
    ),
    ("camunda-optimize", "/optimize/api/authentication/callback", "/global/identity/auth/optimize", &["audience"]),
    (
        "camunda-web-modeler",
        "/modeler/login-callback",
        "/global/identity/auth/webModeler",
        &["clientApiAudience", "publicApiAudience"],
    ),
    ("camunda-console", "/", "/global/identity/auth/console", &["audience"]),
];

#[tokio::test]
async fn people_sign_in_at_every_component_and_out_again() {
    let world = World::new().await;
    apply(&world, &["camunda", "--set", &format!("url={URL}/")]).await;
    let ada = chosen(&world).await;
    let trust = Trust::of(&world.broker).await;
    let document = get(&world.broker.url("/.well-known/openid-configuration")).await;
    let mut values = json!({});
    for (client, callback, place, audiences) in PEOPLE_COME {
        let printed = blocks(&world, &[client, "camunda", "--user", &ada]).await;
        let part = yaml(&printed[VALUES]);
        merge(&mut values, &part, client);
        let told = part.pointer(place).unwrap_or_else(|| panic!("no {place} in {part}"));
        let auth = &part["global"]["identity"]["auth"];
        assert_eq!((at(told, "/clientId"), at(auth, "/type")), (client, "GENERIC"));
        assert_eq!(at(auth, "/issuer"), world.broker.issuer);
        assert_eq!(at(auth, "/authUrl"), document.text("authorization_endpoint"));
        assert_eq!(
            (at(auth, "/tokenUrl"), at(auth, "/jwksUrl")),
            (document.text("token_endpoint"), document.text("jwks_uri"))
        );

        let public = ["camunda-web-modeler", "camunda-console"].contains(&client);
        let mut app = App::new(&world.broker, client, None);
        app.issuer = at(auth, "/publicIssuerUrl").to_owned();
        app.redirect_uri = format!("{URL}{callback}");
        assert!(app.redirect_uri.starts_with(at(told, "/redirectUrl")));
        // neither Spring Security 6 nor Camunda's SDK send any from a server
        let mut usual = vec![("code_challenge", ""), ("code_challenge_method", "")];
        if public {
            usual.clear();
        } else {
            app.secret = Some(secret(&world, client).await);
        }
        for (place, name) in audiences.iter().enumerate() {
            let audience = at(told, &format!("/{name}"));
            let mut browser = app.browser();
            let mut more = usual.clone();
            if place > 0 {
                more.push(("audience", audience));
            }
            let (request, page) = app.sign_in(&mut browser, &more).await;
            assert!(page.stopped, "{client}: {page}");
            let verifier = if public { request.verifier.as_str() } else { "" };
            let tokens = app.redeem(&page.param("code"), verifier).await;
            assert_eq!(tokens.status, 200, "{client}: {}", tokens.json);
            let refreshed = app.refresh(tokens.text("refresh_token")).await;
            for tokens in [&tokens, &refreshed] {
                person(&trust, &app, tokens, audience, &ada).await;
            }
            sign_out(&world, &app, &mut browser, refreshed.text("id_token")).await;
        }
    }
    // all of them given to Helm
    let identity = &values["global"]["identity"]["auth"]["identity"];
    assert_eq!((&identity["initialClaimName"], &identity["initialClaimValue"]), (&json!("oid"), &json!(ada)));
    assert_eq!(values["orchestration"]["security"]["initialization"]["defaultRoles"]["admin"]["users"], json!([ada]));
    for component in ["identity", "orchestration", "connectors", "optimize", "webModeler", "console"] {
        assert_eq!(values[component]["enabled"], true, "{component}");
    }
}

/// What each component looks for in its tokens and at UserInfo.
async fn person(trust: &Trust, app: &App, tokens: &Answer, audience: &str, sub: &str) {
    let token = is_for(trust, tokens.text("access_token"), audience);
    let id_token = claims(tokens.text("id_token"));
    let userinfo = app.userinfo(tokens.text("access_token")).await;
    assert_eq!(userinfo.status, 200, "UserInfo takes tokens for {audience}: {}", userinfo.json);
    for told in [&token, &id_token, &userinfo.json] {
        assert_eq!((&told["sub"], &told["oid"]), (&json!(sub), &json!(sub)), "{audience}: {told}");
        assert_eq!((&told["groups"], &told["preferred_username"]), (&json!(["staff"]), &json!("ada")), "{audience}");
    }
    assert_eq!(token["client_id"], app.client_id.as_str());
}

async fn sign_out(world: &World, app: &App, browser: &mut Browser, hint: &str) {
    let base = app.redirect_uri.trim_end_matches('/');
    let base = ["/auth/login-callback", "/api/authentication/callback", "/sso-callback", "/login-callback"]
        .iter()
        .find_map(|path| base.strip_suffix(path))
        .unwrap_or(base);
    let bye = format!("{base}{}", if app.client_id == "camunda-orchestration" { "/post-logout" } else { "/" });
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("id_token_hint", hint), ("post_logout_redirect_uri", &bye), ("state", "s1")])
        .finish();
    browser.stop_no_more().stop_at(&bye);
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?{query}"))).await;
    assert!(page.stopped && page.param("state") == "s1", "{}: {page}", app.client_id);
    browser.stop_no_more().stop_at(&world.shop.redirect_uri);
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

/// As Helm does it with several files; no part may contradict another.
fn merge(into: &mut Value, part: &Value, client: &str) {
    match (into, part) {
        (Value::Object(into), Value::Object(part)) => {
            for (name, value) in part {
                merge(into.entry(name.clone()).or_insert(Value::Null), value, client);
            }
        }
        (into @ Value::Null, part) => *into = part.clone(),
        (into, part) => assert_eq!(into, part, "{client} contradicts another"),
    }
}
