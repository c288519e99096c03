//! Our keys at a connection: from a secret to a key without a gap, dates of SAML keys, and certificates that are seen and
//! not trusted.

use avouch::connection::key_rotation;
use serde_json::{Value, json};
use time::Duration;

use crate::admin::{Api, Operator};
use crate::harness::World;
use crate::upstream::saml::Saml;
use crate::upstream::saml::forge::Sign;

#[tokio::test]
async fn a_secret_gives_way_to_a_key_without_a_gap() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/release").await;
    assert_eq!(editor.press(&page, "go").await.status, 200);
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.has("to-keys"), "{page}");
    let page = editor.open("/admin/connections/contoso/keys").await;
    let early = editor.submit(&page, "change-way", &[("client_authentication", "private_key_jwt")]).await;
    assert_eq!((early.status, early.has("client_authentication-error")), (422, true), "{early}");
    let page = editor.press(&page, "prepare").await;
    assert_eq!(page.status, 200, "{page}");
    world.broker.catch_up().await;
    world.signed_in().await;
    let keys = api.get("/connections/contoso/keys").await;
    let id = keys.json["items"][0]["id"].as_str().unwrap().to_owned();
    let jwks = crate::harness::app::get(&world.broker.url("/connections/contoso/jwks.json")).await;
    assert_eq!(jwks.json["keys"][0]["kid"], keys.json["items"][0]["kid"], "it can be registered before it signs");
    assert!(jwks.headers["cache-control"].to_str().unwrap().contains("max-age=300"));

    let ask = format!("/admin/connections/contoso/keys/{id}/promote");
    let page = editor.open(&ask).await;
    let page = editor.submit(&page, "promote", &[]).await;
    assert_eq!((page.status, page.has("reason-error")), (422, true), "{page}");
    let page = editor.submit(&page, "promote", &[("reason", "registered it, and saw it there")]).await;
    assert_eq!(page.url.path(), "/admin/connections/contoso/keys", "{page}");
    assert_eq!(world.last_event("connection.key_promoted").await.detail["override"], "registered it, and saw it there");
    world.broker.catch_up().await;
    world.signed_in().await;
    assert!(world.idp.received().token.pop().unwrap().authorization.is_some(), "the secret counts until it is said");

    let way = [("client_authentication", "private_key_jwt"), ("delivery", "jwks_uri"), ("days", "30")];
    let wrong = [way[0], way[1], ("days", "1")];
    let page = editor.submit(&page, "change-way", &wrong).await;
    assert_eq!((page.status, page.has("days-error")), (422, true), "{page}");
    let page = editor.submit(&page, "change-way", &way).await;
    assert_eq!(page.status, 200, "{page}");
    world.broker.catch_up().await;
    world.signed_in().await;
    assert!(world.idp.received().token.pop().unwrap().params.contains_key("client_assertion"));
    world.broker.live().write_used_secrets().await.unwrap();
    let key = api.get("/connections/contoso/keys").await.json["items"][0].clone();
    assert!(key["uses"] == 1 && key["last_used_at"].is_string() && key["active_since"].is_string(), "{key}");
    let page = editor.open("/admin/connections/contoso/keys").await;
    assert!(page.body.contains("1 time in all"), "{page}");
    let stored = api.get("/connections/contoso").await;
    assert_eq!(stored.json["key_rotation"], json!({ "delivery": "jwks_uri", "days": 30, "publish_ahead_hours": 24 }));
    // what is exported can be applied again, though the secret is still stored
    let (done, file) = world.broker.cli(&["export"]).await;
    assert!(done && !file.contains("client_secret: {"), "{file}");
    assert_eq!(api.delete(&format!("/connections/contoso/keys/{id}")).await.status, 409, "it is in use");
}

#[tokio::test]
async fn what_to_register_at_entra_stands_on_the_page() {
    let world = World::new().await;
    let mut reader = Operator::signed_in(&world.broker, "auditor").await;
    world.set_contoso("client_authentication: federated_credential").await;
    let page = reader.open("/admin/connections/contoso/keys").await;
    for words in [
        "connection:contoso",
        "api://AzureADTokenExchange",
        "az ad app federated-credential create",
        &world.broker.issuer,
    ] {
        assert!(page.body.contains(words), "{words}: {page}");
    }
    assert!(page.has("unreachable") && !page.has("prepare") && !page.has("change-way"), "{page}");
}

async fn states(api: &Api) -> Vec<String> {
    let keys = api.get("/connections/fabrikam/keys").await.json;
    let mut states: Vec<_> =
        keys["items"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect();
    states.sort();
    states
}

#[tokio::test]
async fn saml_keys_take_over_at_their_date_and_can_be_put_back() {
    let mut saml = Saml::by_hand("").await;
    let (api, ctx) = (Api::of(&saml.world.broker, "editor").await, saml.world.broker.ctx().clone());
    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let none = api.put("/connections/fabrikam/keys/schedule", &json!({ "days_before_expiry": 30 })).await;
    assert_eq!((none.status, none.text("code")), (409, "no_next"), "{}", none.json);
    assert_eq!(api.post("/connections/fabrikam/sp-keys", &json!({})).await.status, 201);
    for (body, status) in [
        (json!({ "promote_at": "2001-01-01T00:00:00Z" }), 422),
        (json!({ "promote_at": "2999-01-01T00:00:00Z" }), 422),
        (json!({ "promote_at": "2001-01-01T00:00:00Z", "days_before_expiry": 3 }), 400),
        (json!({ "days_before_expiry": 30 }), 200),
    ] {
        let answer = api.put("/connections/fabrikam/keys/schedule", &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.json);
    }
    let page = editor.open("/admin/connections/fabrikam/keys").await;
    assert!(page.body.contains("Takes over"), "{page}");
    let page = editor.submit(&page, "plan", &[("promote_at", "tomorrow")]).await;
    assert_eq!((page.status, page.has("promote_at-error")), (422, true), "{page}");

    // its certificate is good for three years
    saml.world.broker.clock.advance(Duration::days(3 * 365 - 31));
    assert_eq!(key_rotation::keep_schedule(&ctx).await.unwrap(), 0);
    saml.world.broker.clock.advance(Duration::days(1) + Duration::hours(1));
    let both = tokio::join!(key_rotation::keep_schedule(&ctx), key_rotation::keep_schedule(&ctx));
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 2, "one acts, for both uses");
    assert_eq!(states(&api).await, ["active", "active", "retiring", "retiring"]);
    let event = saml.world.last_event("connection.key_promoted").await;
    assert_eq!((&event.detail["scheduled"], event.actor.as_str()), (&json!(true), "system"));
    saml.world.broker.catch_up().await;
    let _ = saml.at_the_provider().await;

    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/fabrikam/keys/put-back").await;
    let page = editor.press(&page, "go").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(states(&api).await, ["active", "active", "next", "next"]);
    assert_eq!(key_rotation::keep_schedule(&ctx).await.unwrap(), 0, "what was put back waits for somebody");
    let again = api.post("/connections/fabrikam/keys/put-back", &json!({})).await;
    assert_eq!((again.status, again.text("code")), (409, "nothing_to_put_back"), "{}", again.json);
    // and what is replaced leaves after a while
    let soon = avouch::clock::Clock::now(saml.world.broker.clock.as_ref()) + Duration::hours(2);
    let soon = soon.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(api.put("/connections/fabrikam/keys/schedule", &json!({ "promote_at": soon })).await.status, 200);
    saml.world.broker.clock.advance(Duration::hours(3));
    assert_eq!(key_rotation::keep_schedule(&ctx).await.unwrap(), 2);
    saml.world.broker.clock.advance(Duration::days(9));
    assert_eq!(key_rotation::keep_schedule(&ctx).await.unwrap(), 2);
    assert_eq!(states(&api).await, ["active", "active"]);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_shown_and_not_offered() {
    let mut saml = Saml::by_hand("").await;
    let api = Api::of(&saml.world.broker, "auditor").await;
    let seen = async || api.get("/connections/fabrikam/untrusted-certificates").await.json["items"].clone();
    assert_eq!(seen().await, json!([]));
    for _ in 0..2 {
        let (mut browser, relay_state) = saml.at_the_provider().await;
        let answer = saml.idp.response(&Sign::by(&saml.idp.attacker).apply(&saml.idp.assertion(), "_assertion"));
        saml.post(&mut browser, &relay_state, &answer).await.assert_problem(403, "unknown_certificate");
    }
    let known = seen().await;
    let sha256 = avouch::connection::certificate::fingerprint(&sha256(&saml.idp.attacker.certificate));
    assert_eq!(
        (known.as_array().unwrap().len(), &known[0]["times"], &known[0]["sha256"]),
        (1, &json!(2), &json!(sha256))
    );
    assert!(known[0]["not_after"].is_string());

    // a certificate that only stands there, and signed nothing, is nobody's
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let signed = Sign::by(&saml.idp.attacker).apply(&saml.idp.assertion(), "_assertion");
    let other = openssl::base64::encode_block(&saml.idp.sp.certificate);
    let start = signed.find("X509Certificate>").unwrap() + "X509Certificate>".len();
    let end = start + signed[start..].find('<').unwrap();
    let swapped = format!("{}{other}{}", &signed[..start], &signed[end..]);
    saml.post(&mut browser, &relay_state, &saml.idp.response(&swapped)).await;
    assert_eq!(seen().await.as_array().unwrap().len(), 1);

    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/fabrikam/credentials").await;
    assert!(page.has("untrusted") && page.body.contains(&sha256) && page.body.contains("2 times"), "{page}");
    let pem = openssl::base64::encode_block(&saml.idp.attacker.certificate);
    let trusted = Api::of(&saml.world.broker, "editor")
        .await
        .post("/connections/fabrikam/certificates", &json!({ "pem": pem }))
        .await;
    assert!(trusted.status < 300);
    assert_eq!(seen().await, json!([]), "it is trusted now");
    let _: Value = trusted.json;
}

fn sha256(der: &[u8]) -> String {
    openssl::sha::sha256(der).iter().map(|byte| format!("{byte:02x}")).collect()
}
