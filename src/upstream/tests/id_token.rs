//! What an ID token may not say, and who it is then taken for.

use super::*;

#[tokio::test]
async fn every_lie_in_the_id_token_has_its_word() {
    let house = House::build().await;
    let over = json!("x".repeat(256));
    assert_eq!(house.reason(|_| {}).await, "ok");
    assert_eq!(house.reason(set("nonce", "other")).await, "nonce_mismatch");
    assert_eq!(house.reason(without("nonce")).await, "nonce_mismatch");
    assert_eq!(house.reason(set("iss", "https://evil.example")).await, "issuer_mismatch");
    assert_eq!(house.reason(set("iss", format!("{}/", house.idp.url))).await, "issuer_mismatch");
    assert_eq!(house.reason(set("aud", "other")).await, "audience_mismatch");
    assert_eq!(house.reason(without("aud")).await, "audience_mismatch");
    assert_eq!(house.reason(set("azp", "other")).await, "azp_mismatch");
    assert_eq!(house.reason(set("aud", json!(["avouch", "other"]))).await, "azp_mismatch");
    assert_eq!(house.reason(|c| (c["aud"], c["azp"]) = (json!(["avouch", "other"]), json!("avouch"))).await, "ok");
    assert_eq!(house.reason(set("exp", NOW - 61)).await, "expired");
    assert_eq!(house.reason(set("exp", NOW - 59)).await, "ok");
    assert_eq!(house.reason(without("exp")).await, "id_token_malformed");
    assert_eq!(house.reason(set("iat", NOW + 61)).await, "issued_in_future");
    assert_eq!(house.reason(set("iat", NOW + 59)).await, "ok");
    assert_eq!(house.reason(set("nbf", NOW + 61)).await, "not_yet_valid");
    assert_eq!(house.reason(without("sub")).await, "subject_missing");
    assert_eq!(house.reason(set("sub", "")).await, "subject_missing");
    assert_eq!(house.reason(set("sub", over)).await, "subject_too_long");
    assert_eq!(house.reason(set("email_verified", "true")).await, "ok");
    assert_eq!(house.reason(set("updated_at", "2026-01-01T00:00:00.000Z")).await, "ok");
}

#[tokio::test]
async fn every_lie_around_the_id_token_has_its_word() {
    let house = House::build().await;
    let key = &house.idp.key;
    let kid = key.public_jwk().kid;
    let unsigned = |header: Value, claims: &Value| {
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    for alg in ["none", "HS256", "HS512", "RS1", "ES256K"] {
        assert_eq!(
            house.reason_of_token(|c| unsigned(json!({"alg": alg, "kid": kid}), c)).await,
            "alg_not_allowed",
            "{alg}"
        );
    }
    let stranger = KeyPair::generate(Alg::ES256).0;
    assert_eq!(
        house.reason_of_token(|c| stranger.sign_jwt(&Header::new(Alg::ES256, "JWT").with_kid(&kid), c)).await,
        "signature_invalid"
    );
    assert_eq!(
        house.reason_of_token(|c| stranger.sign_jwt(&Header::new(Alg::ES256, "JWT").with_kid("new"), c)).await,
        "unknown_key"
    );
    assert_eq!(
        house.reason_of_token(|c| key.sign_jwt(&Header::new(Alg::ES256, "at+jwt").with_kid(&kid), c)).await,
        "header_not_supported"
    );
    assert_eq!(house.reason_of_token(|c| key.sign_jwt(&Header::new(Alg::ES256, "JWT"), c)).await, "ok");
    for garbage in ["", "a.b", "a.b.c", "...."] {
        let got = house.reason_of_token(|_| garbage.into()).await;
        assert!(["id_token_malformed", "header_not_supported"].contains(&got), "{garbage} {got}");
    }
    let trip = house.start().await;
    house.idp.answer("/token", json!({"access_token": "at"}));
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "id_token_missing");
}

#[tokio::test]
async fn a_rotated_key_is_found_once_a_minute() {
    let house = House::build().await;
    assert_eq!(house.reason(|_| {}).await, "ok");
    let (second, third) = (KeyPair::generate(Alg::EdDsa).0, KeyPair::generate(Alg::RS256).0);
    let sign = |key: &KeyPair, claims: &Value| {
        key.sign_jwt(&Header::new(key.alg(), "JWT").with_kid(&key.public_jwk().kid), claims)
    };
    house.idp.answer("/jwks", json!({"keys": [second.public_jwk()]}));
    assert_eq!(house.reason_of_token(|c| sign(&second, c)).await, "ok");
    house.idp.answer("/jwks", json!({"keys": [third.public_jwk()]}));
    assert_eq!(house.reason_of_token(|c| sign(&third, c)).await, "unknown_key");
    assert_eq!(house.idp.count("/jwks"), 2);
    *house.clock.0.lock().unwrap() += 60;
    assert_eq!(house.reason_of_token(|c| sign(&third, c)).await, "ok");
    assert_eq!((house.idp.count("/jwks"), house.idp.count("/.well-known/openid-configuration")), (3, 1));
}

#[tokio::test]
async fn max_age_is_kept_by_the_provider_or_nobody_comes_in() {
    let mut house = House::build().await;
    house.settings().max_age = Some(300);
    assert_eq!(house.reason(|_| {}).await, "auth_time_missing");
    assert_eq!(house.reason(set("auth_time", NOW - 361)).await, "auth_time_too_old");
    assert_eq!(house.reason(set("auth_time", NOW - 359)).await, "ok");
}

#[tokio::test]
async fn an_entra_person_is_tenant_and_object_id() {
    let mut house = House::build().await;
    let url = house.idp.url.clone();
    let mut metadata = house.idp.metadata();
    metadata["issuer"] = format!("{url}/{{tenantid}}/v2.0").into();
    house.idp.answer("/organizations/v2.0/.well-known/openid-configuration", metadata);
    house.connection.preset = Some(Preset::Entra);
    house.settings().issuer = format!("{url}/organizations/v2.0");
    let error = house.upstreams.start(&house.ctx, &house.connection, &StartHints::default()).await.unwrap_err();
    assert_eq!(error.reason(), "tenants_missing");
    house.settings().tenants = vec!["t1".into()];

    let person = |tid: &'static str, iss: &'static str| {
        let url = url.clone();
        move |claims: &mut Value| {
            claims["iss"] = format!("{url}/{iss}/v2.0").into();
            claims["tid"] = tid.into();
            claims["oid"] = "o1".into();
        }
    };
    let identity = house.login(person("t1", "t1")).await.unwrap();
    assert_eq!(
        (identity.key().issuer.as_str(), identity.key().subject.as_str()),
        (format!("{url}/t1/v2.0").as_str(), "o1")
    );
    assert_eq!(house.reason(person("t2", "t2")).await, "tenant_not_allowed");
    assert_eq!(house.reason(person("t1", "t2")).await, "issuer_mismatch");
    assert_eq!(house.reason(|_| {}).await, "tid_missing");
    let change = person("t1", "t1");
    let no_oid = |claims: &mut Value| {
        change(claims);
        without("oid")(claims);
    };
    assert_eq!(house.reason(no_oid).await, "oid_missing");
    let mut foreign = serde_json::to_value(house.idp.key.public_jwk()).unwrap();
    foreign["issuer"] = format!("{url}/t9/v2.0").into();
    house.idp.answer("/jwks", json!({ "keys": [foreign] }));
    house.connection.slug = Slug::parse("other").unwrap();
    let fresh = House { upstreams: Upstreams::new(), ..house };
    assert_eq!(fresh.reason(person("t1", "t1")).await, "unknown_key");
}
