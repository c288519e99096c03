//! How we prove ourselves to a provider's token endpoint, and what we pass on to it.

use avouch::jose::PublicJwk;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::refused;
use crate::harness::app::{claims, get, header};
use crate::harness::world::CONTOSO_SECRET;
use crate::harness::{Misbehaviour, Place, World};

#[tokio::test]
async fn client_secret_basic_is_percent_encoded_and_stays_out_of_the_body() {
    let world = World::new().await;
    world.broker.secret("contoso", "s+ :%é");
    world.set_contoso("client_authentication: client_secret_basic").await;
    world.signed_in().await;
    let call = world.idp.received().token.remove(0);
    let decoded = STANDARD.decode(call.authorization.unwrap().strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(String::from_utf8(decoded).unwrap(), "avouch-at-contoso:s%2B+%3A%25%C3%A9");
    assert!(!call.params.contains_key("client_secret") && call.params.contains_key("code_verifier"));
}

/// Entra's secrets have `~`, `.`, `_` and `-`. RFC 6749 appendix B encodes the first of them; whoever reads the header
/// decodes it again (§2.3.1).
#[tokio::test]
async fn a_secret_as_entra_makes_them_arrives_as_it_was_made_either_way() {
    const SECRET: &str = "Xyz8Q~.a_B-c~~D.Ef_GhIjKlMnOpQrStUvWxYz-0~";
    let world = World::new().await;
    world.broker.secret("contoso", SECRET);
    for method in ["client_secret_basic", "client_secret_post"] {
        world.set_contoso(&format!("client_authentication: {method}")).await;
        world.signed_in().await;
    }
    let calls = world.idp.received().token;
    let header = calls[0].authorization.as_ref().unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(header).unwrap()).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    assert_eq!((id, secret), ("avouch-at-contoso", SECRET.replace('~', "%7E").as_str()));
    assert_eq!((calls[1].authorization.as_ref(), calls[1].params["client_secret"].as_str()), (None, SECRET));
}

#[tokio::test]
async fn client_secret_post_stands_in_the_body_and_in_no_header() {
    let world = World::new().await;
    world.set_contoso("client_authentication: client_secret_post").await;
    world.signed_in().await;
    let call = world.idp.received().token.remove(0);
    assert_eq!(call.authorization, None);
    assert_eq!(
        (call.params["client_id"].as_str(), call.params["client_secret"].as_str()),
        ("avouch-at-contoso", CONTOSO_SECRET)
    );
    assert_eq!(call.params["redirect_uri"], world.broker.url("/connections/contoso/callback"));
}

#[tokio::test]
async fn private_key_jwt_is_signed_by_the_key_that_the_connection_publishes() {
    let world = World::new().await;
    world.set_contoso("client_authentication: private_key_jwt").await;
    world.signed_in().await;
    world.signed_in().await;
    let calls = world.idp.received().token;
    let assertion = &calls[0].params["client_assertion"];
    assert_eq!(calls[0].params["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert!(calls[0].authorization.is_none() && !calls[0].params.contains_key("client_secret"));

    let jwks = get(&world.broker.url("/connections/contoso/jwks.json")).await;
    assert_eq!(jwks.status, 200);
    let jwk = &jwks.json["keys"][0];
    assert!(jwk.get("d").is_none() && jwk.get("p").is_none(), "{jwk}");
    let head = header(assertion);
    for (in_header, in_jwk) in [("kid", "kid"), ("x5t", "x5t"), ("x5t#S256", "x5t#S256"), ("alg", "alg")] {
        assert!(head[in_header].is_string() && head[in_header] == jwk[in_jwk], "{in_header}: {head} {jwk}");
    }
    let key: PublicJwk = serde_json::from_value(jwk.clone()).unwrap();
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    assert!(key.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));

    let said = claims(assertion);
    assert_eq!((&said["iss"], &said["sub"]), (&"avouch-at-contoso".into(), &"avouch-at-contoso".into()));
    assert_eq!(said["aud"], Value::String(world.idp.issuer.clone()), "the issuer, as a sole string");
    assert!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap() <= 300);
    assert_ne!(said["jti"], claims(&calls[1].params["client_assertion"])["jti"]);
}

#[tokio::test]
async fn a_credential_that_is_missing_or_refused_is_our_fault_and_not_the_persons() {
    let world = World::new().await;
    for status in [400, 401] {
        world.idp.misbehave(Place::Token, Misbehaviour::Say(status, r#"{"error":"invalid_client"}"#.into()));
        refused(&world, 500, "invalid_client").await;
    }
    world.idp.misbehave(Place::Token, Misbehaviour::Say(400, r#"{"error":"invalid_grant"}"#.into()));
    refused(&world, 403, "upstream_refused").await;
    world.idp.misbehave(Place::Token, Misbehaviour::Say(500, r#"{"error":"invalid_grant"}"#.into()));
    refused(&world, 502, "upstream_unavailable").await;
    world.idp.tell_the_truth();
    let without = "connections:\n  - { slug: bare, issuer: \"".to_owned() + &world.idp.issuer + "\", client_id: x }";
    world.apply(&without).await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[("connection", "bare")]).await;
    super::assert_refusal(&world, &browser, &page, 500, "credential_missing").await;
}

#[tokio::test]
async fn hints_are_passed_on_and_consent_stays_between_us_and_the_person() {
    let world = World::new().await;
    world.set_contoso("scopes: [openid, groups]\nacr_values: usual\nmax_age: 600").await;
    let hints = [
        ("login_hint", "marty@contoso.example"),
        ("prompt", "login consent"),
        ("acr_values", "urn:mfa"),
        ("ui_locales", "de fr"),
        ("max_age", "3600"),
    ];
    world.shop.tokens(&mut world.shop.browser(), &hints).await;
    world.shop.tokens(&mut world.shop.browser(), &[]).await;
    let asked = world.idp.received().authorize;
    let (hinted, plain) = (&asked[0], &asked[1]);
    assert_eq!(hinted["login_hint"], "marty@contoso.example");
    assert_eq!(hinted["prompt"], "login");
    assert_eq!((hinted["acr_values"].as_str(), plain["acr_values"].as_str()), ("urn:mfa", "usual"));
    assert_eq!(hinted["ui_locales"], "de fr");
    assert_eq!(hinted["max_age"], "600", "the stricter of the two");
    assert_eq!(plain["scope"], "openid groups");
    assert!(!plain.contains_key("login_hint") && !plain.contains_key("prompt"));
    assert_eq!(plain["code_challenge_method"], "S256");
    assert!(
        hinted["nonce"] != plain["nonce"]
            && hinted["state"] != plain["state"]
            && hinted["code_challenge"] != plain["code_challenge"]
    );
}

/// Okta says no groups where nobody asks for them, and AD FS no claims of its rules.
#[tokio::test]
async fn what_a_provider_says_only_when_asked_is_asked_for() {
    let world = World::new().await;
    for (more, scope) in [
        ("preset: okta", "openid profile email groups"),
        ("preset: adfs", "openid profile email allatclaims"),
        ("preset: auth0", "openid profile email"),
        ("preset: okta\nscopes: [openid]", "openid"),
    ] {
        world.set_contoso(more).await;
        world.shop.sign_in(&mut world.shop.browser(), &[]).await;
        assert_eq!(world.idp.received().authorize.last().unwrap()["scope"], scope, "{more}");
    }
}
