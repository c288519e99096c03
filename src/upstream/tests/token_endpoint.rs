//! How we prove ourselves, and what comes from behind the browser's back.

use super::*;

#[tokio::test]
async fn private_key_jwt_proves_us_for_a_few_minutes() {
    let mut house = House::build().await;
    let (pair, pkcs8) = KeyPair::generate(Alg::PS256);
    let credential = &mut house.connection.credentials[0];
    credential.sealed = house.ctx.vault.seal(Credential::place(&credential.id), pkcs8.expose(), &house.ctx.rng);
    credential.public = Some(PublicPart {
        jwk: serde_json::to_value(pair.public_jwk()).unwrap(),
        certificate: b"der".to_vec(),
        key_use: None,
    });
    assert_eq!(house.reason(|_| {}).await, "credential_missing"); // settings still ask for a secret
    house.settings().client_authentication = crate::connection::ClientAuthentication::PrivateKeyJwt;
    assert_eq!(house.reason(|_| {}).await, "ok");

    let (_, request) = house.idp.requests.lock().unwrap().iter().rfind(|(path, _)| path == "/token").cloned().unwrap();
    let form = Params::decode(request.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap();
    assert_eq!(form.get("client_assertion_type"), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    let parts: Vec<&str> = form.get("client_assertion").unwrap().split('.').collect();
    let [header, claims] = [parts[0], parts[1]]
        .map(|part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    assert!(
        pair.public_jwk()
            .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &URL_SAFE_NO_PAD.decode(parts[2]).unwrap())
    );
    assert_eq!((&header["alg"], &header["kid"]), (&json!("PS256"), &json!(pair.public_jwk().kid)));
    assert!(header["x5t"].is_string() && header["x5t#S256"].is_string());
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("avouch"), &json!("avouch"), &json!(house.idp.url))
    );
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300 && claims["jti"].is_string());
}

#[tokio::test]
async fn what_is_wrong_at_the_token_endpoint_is_told_apart() {
    let mut house = House::build().await;
    let trip = house.start().await;
    let answer = |status: u16, body: &str| {
        drop(house.idp.answers.lock().unwrap().insert("/token".into(), (status, body.into())))
    };
    answer(401, r#"{"error":"invalid_client"}"#);
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "invalid_client");
    answer(400, r#"{"error":"invalid_grant"}"#);
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "refused");
    answer(503, "");
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "unavailable");
    house.connection.credentials[0].id = CredentialId::from_stored("crd_moved".into());
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "credential_unreadable");
    house.connection.credentials.clear();
    assert_eq!(house.finish(&trip, "code=c").await.unwrap_err().reason(), "credential_missing");
}

#[tokio::test]
async fn userinfo_completes_the_claims_and_its_failure_is_the_providers() {
    let house = House::build().await;
    let mut metadata = house.idp.metadata();
    metadata["userinfo_endpoint"] = format!("{}/userinfo", house.idp.url).into();
    house.idp.answer("/.well-known/openid-configuration", metadata);
    assert_eq!(house.reason(|_| {}).await, "unavailable");
    house.idp.answer("/userinfo", json!({"sub": "bob"}));
    assert_eq!(house.reason(|_| {}).await, "userinfo_subject_mismatch");
    house.idp.answer("/userinfo", json!({"sub": "alice", "groups": ["staff"], "email": "other@x.example"}));
    let identity = house.login(|_| {}).await.unwrap();
    assert_eq!(
        (&identity.claims()["groups"], &identity.claims()["email"]),
        (&json!(["staff"]), &json!("alice@x.example"))
    );
}
