//! Secrets, certificates and keys of a connection that stands.

use serde_json::json;

use super::{field, says_nothing_of};
use crate::admin::{Api, Operator};
use crate::harness::World;
use crate::harness::world::CONTOSO_SECRET;
use crate::upstream::saml::Saml;

const NEXT: &str = "the-next-secret-of-contoso-0123";

#[tokio::test]
async fn a_secret_is_added_promoted_for_a_reason_and_removed() {
    let world = World::new().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    // the file owns the connection's settings, not its credentials
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.has("owned") && page.has("add-secret"), "{page}");
    says_nothing_of(&page, CONTOSO_SECRET);
    let page = editor.submit(&page, "add-secret", &[("secret", " ")]).await;
    assert_eq!((page.status, page.has("secret-error")), (422, true), "{page}");
    let page = editor.submit(&page, "add-secret", &[("secret", NEXT), ("expires_at", "2020-01-01")]).await;
    assert_eq!((page.status, page.has("expires_at-error")), (422, true), "{page}");
    assert_eq!(field(&page, "add-secret", "expires_at"), "2020-01-01");
    says_nothing_of(&page, NEXT);
    let page = editor.submit(&page, "add-secret", &[("secret", NEXT), ("expires_at", "2127-05-21")]).await;
    assert_eq!(page.status, 200, "{page}");
    assert!(page.body.contains("Secret 2") && page.body.contains("21 May 2127"), "{page}");
    says_nothing_of(&page, NEXT);

    let api = Api::of(&world.broker, "auditor").await;
    let known = api.get("/connections/contoso/secrets").await;
    let next = known.json["items"].as_array().unwrap().iter().find(|one| one["state"] == "next").unwrap();
    let id = next["id"].as_str().unwrap();
    let ask = format!("/admin/connections/contoso/credentials/secrets/{id}/promote");
    let page = editor.open(&ask).await;
    let page = editor.submit(&page, "promote", &[]).await;
    assert_eq!((page.status, page.has("reason-error")), (422, true), "{page}");
    let page = editor.submit(&page, "promote", &[("reason", "tried it")]).await;
    assert_eq!(page.url.path(), "/admin/connections/contoso/credentials", "{page}");
    let event = world.last_event("connection.secret_promoted").await;
    assert_eq!(event.detail["override"], "tried it");
    world.broker.catch_up().await;
    world.signed_in().await;
    let sent = world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(crate::harness::app::basic("avouch-at-contoso", NEXT)));

    // the one before is forgotten once somebody says so
    let known = api.get("/connections/contoso/secrets").await;
    let before = known.json["items"].as_array().unwrap().iter().find(|one| one["state"] == "retiring").unwrap();
    let ask = format!("/admin/connections/contoso/credentials/secrets/{}/delete", before["id"].as_str().unwrap());
    let page = editor.open(&ask).await;
    let page = editor.press(&page, "go").await;
    assert!(!page.body.contains("Secret 1"), "{page}");
}

#[tokio::test]
async fn the_api_adds_promotes_and_removes_secrets_and_never_shows_one() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let made = api.post("/connections/contoso/secrets", &json!({ "value": NEXT, "expires_at": "2127-05-21" })).await;
    assert_eq!((made.status, made.text("state")), (201, "next"), "{}", made.json);
    let id = made.text("id").to_owned();
    assert!(made.header("location").ends_with(&format!("/api/v1/connections/contoso/secrets/{id}")));
    let again = api.post("/connections/contoso/secrets", &json!({ "value": "another-0123456789" })).await;
    assert_eq!((again.status, again.text("code")), (409, "next_exists"), "{}", again.json);
    for body in [json!({}), json!({ "value": 5 }), json!({ "value": NEXT, "more": 1 })] {
        let refused = api.post("/connections/contoso/secrets", &body).await;
        assert_eq!(refused.status, 400, "{}", refused.json);
        assert!(!refused.json.to_string().contains(NEXT));
    }
    let path = format!("/connections/contoso/secrets/{id}");
    let early = api.post(&format!("{path}/promote"), &json!({})).await;
    assert_eq!((early.status, early.text("code")), (409, "not_rehearsed"), "{}", early.json);
    let promoted = api.post(&format!("{path}/promote"), &json!({ "override": "tried it" })).await;
    assert_eq!((promoted.status, promoted.text("active")), (200, id.as_str()), "{}", promoted.json);
    assert_eq!(api.delete(&path).await.status, 409, "it is in use");
    let before = format!("/connections/contoso/secrets/{}", promoted.text("retiring"));
    assert_eq!(api.delete(&before).await.status, 204);
    assert_eq!(api.delete(&before).await.status, 404);
    for path in ["/connections/contoso", "/connections/contoso/secrets", "/connections"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.json.to_string().contains(NEXT) && !answer.json.to_string().contains(CONTOSO_SECRET));
    }
    let wrong = api.get("/connections/contoso/certificates").await;
    assert_eq!((wrong.status, wrong.text("code")), (409, "protocol_mismatch"), "{}", wrong.json);
}

fn pem(der: &[u8]) -> String {
    String::from_utf8(openssl::x509::X509::from_der(der).unwrap().to_pem().unwrap()).unwrap()
}

#[tokio::test]
async fn certificates_of_the_provider_come_and_go_but_never_the_last_one() {
    let saml = Saml::by_hand("").await;
    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let api = Api::of(&saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/fabrikam/credentials").await;
    let page = editor.submit(&page, "add-certificate", &[("pem", "nothing")]).await;
    assert_eq!((page.status, page.has("pem-error")), (422, true), "{page}");
    assert_eq!(field(&page, "add-certificate", "pem"), "nothing");
    let page = editor.submit(&page, "add-certificate", &[("pem", &pem(&saml.idp.attacker.certificate))]).await;
    assert_eq!(page.status, 200, "{page}");
    let known = api.get("/connections/fabrikam/certificates").await;
    let items = known.json["items"].as_array().unwrap();
    assert_eq!((&items[0]["state"], &items[0]["source"]), (&json!("next"), &json!("manual")), "{}", known.json);
    let (newer, older) = (items[0]["id"].as_str().unwrap(), items[1]["id"].as_str().unwrap());

    let promoted = api.post(&format!("/connections/fabrikam/certificates/{newer}/promote"), &json!({})).await;
    assert_eq!((promoted.status, promoted.text("state")), (200, "active"), "{}", promoted.json);
    let page = editor.open(&format!("/admin/connections/fabrikam/credentials/certificates/{older}/delete")).await;
    let page = editor.press(&page, "go").await;
    assert_eq!(page.status, 200, "{page}");
    let page = editor.open(&format!("/admin/connections/fabrikam/credentials/certificates/{newer}/delete")).await;
    let page = editor.press(&page, "go").await;
    page.assert_problem(409, "last_certificate");
    let last = api.delete(&format!("/connections/fabrikam/certificates/{newer}")).await;
    assert_eq!((last.status, last.text("code")), (409, "last_certificate"), "{}", last.json);
    let bad = api.post("/connections/fabrikam/certificates", &json!({ "pem": "nothing" })).await;
    assert_eq!((bad.status, &bad.json["errors"][0]["path"]), (422, &json!("pem")), "{}", bad.json);
    let event = saml.world.last_event("saml.certificate.retired").await;
    assert!(event.actor.starts_with("operator:editor-") && event.trace_id.is_some(), "{event:?}");
    let unpublished = api.post("/connections/fabrikam/refresh", &json!({})).await;
    assert_eq!((unpublished.status, unpublished.text("code")), (409, "metadata_not_published"));
}

#[tokio::test]
async fn our_keys_are_prepared_take_over_and_end() {
    let mut saml = Saml::by_hand("").await;
    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let api = Api::of(&saml.world.broker, "editor").await;
    let states = async || {
        let keys = api.get("/connections/fabrikam/sp-keys").await;
        assert!(!keys.json.to_string().contains("\"d\""));
        let items = keys.json["items"].as_array().unwrap().clone();
        let mut states: Vec<_> = items.iter().map(|key| format!("{} {}", key["use"], key["state"])).collect();
        states.sort();
        (states.join(", ").replace('"', ""), items)
    };
    let page = editor.open("/admin/connections/fabrikam/credentials").await;
    let page = editor.press(&page, "prepare").await;
    assert!(page.has("promote-keys"), "{page}");
    assert_eq!(states().await.0, "encryption active, encryption next, signing active, signing next");
    assert_eq!(api.post("/connections/fabrikam/sp-keys", &json!({})).await.status, 409);
    let page = editor.open("/admin/connections/fabrikam/credentials/sp-keys/promote").await;
    editor.press(&page, "go").await;
    let (known, items) = states().await;
    assert_eq!(known, "encryption active, encryption retiring, signing active, signing retiring");
    saml.world.broker.catch_up().await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_both()).await;
    assert!(page.stopped, "{page}");
    for key in items.iter().filter(|key| key["state"] == "retiring") {
        let path = format!("/connections/fabrikam/sp-keys/{}", key["id"].as_str().unwrap());
        assert_eq!(api.delete(&path).await.status, 204);
    }
    assert_eq!(states().await.0, "encryption active, signing active");
    let wrong = api.post("/connections/fabrikam/sp-keys", &json!({ "use": "both" })).await;
    assert_eq!(wrong.status, 400, "{}", wrong.json);
}

/// Nobody has to vouch for a secret that the provider takes, and nobody promotes one by accident that it does not.
#[tokio::test]
async fn a_secret_that_the_provider_takes_needs_no_word_of_anybody() {
    let world = World::new().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let api = Api::of(&world.broker, "editor").await;
    let made = api.post("/connections/contoso/secrets", &json!({ "value": NEXT })).await;
    let path = format!("/connections/contoso/secrets/{}/promote", made.text("id"));
    world.idp.tell(|script| script.client_secrets = Some(vec![CONTOSO_SECRET.into()]));
    let refused = api.post(&path, &json!({})).await;
    assert_eq!((refused.status, refused.text("code")), (409, "secret_refused"), "{}", refused.json);
    assert!(refused.text("detail").contains("invalid_client"), "what it answered: {}", refused.json);
    let page = editor.open(&format!("/admin{}", path.replace("/secrets", "/credentials/secrets"))).await;
    let page = editor.submit(&page, "promote", &[]).await;
    assert!(page.status == 422 && page.body.contains("invalid_client"), "{page}");
    says_nothing_of(&page, NEXT);
    world.signed_in().await;
    // each try shows the provider a wrong secret as well
    assert_eq!(api.post(&path, &json!({})).await.text("code"), "secret_refused");
    let often = api.post(&path, &json!({})).await;
    assert!(often.status == 409 && often.text("detail").contains("try again in"), "{}", often.json);
    world.broker.clock.advance(time::Duration::seconds(61));

    world.idp.tell(|script| script.client_secrets = Some(vec![CONTOSO_SECRET.into(), NEXT.into()]));
    let page = editor.submit(&page, "promote", &[]).await;
    assert_eq!(page.url.path(), "/admin/connections/contoso/credentials", "{page}");
    let event = world.last_event("connection.secret_promoted").await;
    assert!(event.detail["override"].is_null(), "{event:?}");
    world.idp.tell(|script| script.client_secrets = Some(vec![NEXT.into()]));
    world.broker.catch_up().await;
    world.signed_in().await;
}
