//! The way there and back.

use super::*;
use crate::oauth::pkce::CodeChallenge;

#[tokio::test]
async fn a_person_comes_back_verified() {
    let house = House::build().await;
    let identity = house
        .login(|claims| {
            claims["auth_time"] = (NOW - 5).into();
            claims["acr"] = "mfa".into();
            claims["amr"] = json!(["pwd", "otp"]);
            claims["sid"] = "s1".into();
        })
        .await
        .unwrap();
    assert_eq!((identity.key().issuer.as_str(), identity.key().subject.as_str()), (house.idp.url.as_str(), "alice"));
    assert_eq!(
        (identity.auth_time(), identity.acr(), identity.session().sids.as_slice()),
        (Some(NOW - 5), Some("mfa"), &["s1".to_owned()][..])
    );
    assert_eq!(identity.amr(), ["pwd", "otp"]);
    assert_eq!(identity.claims()["email"], "alice@x.example");
    let (_, request) = house.idp.requests.lock().unwrap().iter().find(|(path, _)| path == "/token").cloned().unwrap();
    assert!(request.contains("authorization: Basic YXZvdWNoOnMlM0FlJTJCYw=="), "{request}"); // avouch:s%3Ae%2Bc
    assert!(
        request.contains("redirect_uri=https%3A%2F%2Fid.example%2Fconnections%2Fidp%2Fcallback&code_verifier="),
        "{request}"
    );
}

#[tokio::test]
async fn the_trip_asks_for_what_was_hinted() {
    let mut house = House::build().await;
    house.settings().prompt = Some("select_account".into());
    house.settings().max_age = Some(600);
    house.settings().domain_hint = Some("x.example".into());
    let hints = StartHints {
        login_hint: Some("a@x".into()),
        prompt: Some("login".into()),
        max_age: Some(900),
        ..Default::default()
    };
    let trip = house.upstreams.start(&house.ctx, &house.connection, &hints).await.unwrap();
    let url = url::Url::parse(&trip.url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.query_pairs().count(), query.len());
    let expected = [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "avouch"),
        ("redirect_uri", "https://id.example/connections/idp/callback"),
        ("scope", "openid profile"),
        ("state", trip.state.expose()),
        ("nonce", &trip.nonce),
        ("code_challenge", CodeChallenge::of_verifier(trip.pkce_verifier.expose()).as_str()),
        ("code_challenge_method", "S256"),
        ("login_hint", "a@x"),
        ("domain_hint", "x.example"),
        ("prompt", "login"),
        ("max_age", "600"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query, HashMap::from(expected));
    assert_eq!(trip.max_age, Some(600));
}

#[tokio::test]
async fn the_response_must_come_from_who_was_asked() {
    let house = House::build().await;
    let mut metadata = house.idp.metadata();
    metadata["authorization_response_iss_parameter_supported"] = true.into();
    house.idp.answer("/.well-known/openid-configuration", metadata);
    let trip = house.start().await;
    let reason = async |response: &str| house.finish(&trip, response).await.unwrap_err();
    assert_eq!(reason("code=c").await.reason(), "iss_parameter_missing");
    assert_eq!(reason("code=c&iss=https%3A%2F%2Fevil.example").await.reason(), "iss_parameter_mismatch");
    let iss = &house.idp.url;
    assert_eq!(reason(&format!("iss={iss}")).await.reason(), "code_missing");
    let refused = reason(&format!("iss={iss}&error=access_denied&error_description=a%0Ab{}", "x".repeat(1000))).await;
    let UpstreamError::Refused { error, description } = &refused else { panic!("{refused}") };
    assert!(
        error == "access_denied" && description.starts_with("a b") && description.chars().count() <= 301,
        "{refused}"
    );
    let moved = Pending {
        issuer: "https://old.example".into(),
        nonce: "n".into(),
        pkce_verifier: Secret::new("v".into()),
        max_age: None,
    };
    let error = house
        .upstreams
        .finish(&house.ctx, &house.connection, &moved, &Params::default(), &house.trace())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "issuer_changed");
}

#[tokio::test]
async fn a_provider_that_is_down_or_is_another_one_is_named() {
    let mut house = House::build().await;
    assert!(house.upstreams.check(&house.ctx, &house.connection).await.is_ok());
    house.idp.answer("/jwks", json!({"keys": []}));
    assert_eq!(house.upstreams.check(&house.ctx, &house.connection).await.unwrap_err().reason(), "unavailable");
    house.settings().issuer.push('/');
    assert_eq!(
        house.upstreams.check(&house.ctx, &house.connection).await.unwrap_err().reason(),
        "discovery_issuer_mismatch"
    );
    house.settings().issuer = "http://127.0.0.1:1".into();
    let error = house.upstreams.start(&house.ctx, &house.connection, &StartHints::default()).await.unwrap_err();
    assert_eq!(error.reason(), "unavailable");
    // Endpoints entered by hand need no discovery.
    let url = house.idp.url.clone();
    house.settings().endpoints = Some(
        serde_json::from_value(json!({"authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/jwks")}))
            .unwrap(),
    );
    assert!(house.start().await.url.starts_with(&format!("{url}/authorize?")));
}
