//! Metadata and certificates by a link: only of the provider that the connection is bound to, and never what an operator
//! has ended.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use time::Duration;

use super::{give, leads_nowhere, link};
use crate::admin::Api;
use crate::harness::Browser;
use crate::upstream::saml::Saml;

fn metadata(entity_id: &str, certificates: &[&[u8]]) -> String {
    let keys: String = certificates
        .iter()
        .map(|der| format!("<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>", STANDARD.encode(der)))
        .collect();
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\"><IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://evil.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
    )
}

async fn states(saml: &Saml) -> Vec<String> {
    let api = Api::of(&saml.world.broker, "auditor").await;
    let known = api.get("/connections/fabrikam/certificates").await;
    known.json["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn new_certificates_of_the_metadata_are_trusted_beside_those_in_use_and_nothing_else_is_taken_of_it() {
    let mut saml = Saml::by_hand("").await;
    let url = link(&saml.world, "fabrikam", false).await;
    let entity_id = saml.idp.idp_entity_id.clone();
    let both = metadata(&entity_id, &[&saml.idp.idp.certificate, &saml.idp.attacker.certificate]);
    let mut admin = Browser::new();
    let page = admin.open(&url).await;
    assert_eq!(page.text_of("entity-id").as_deref(), Some(entity_id.as_str()), "{page}");
    assert_eq!(page.text_of("acs").as_deref(), Some(saml.idp.acs_url.as_str()), "{page}");
    let page = admin.submit(&page, "renew", &[("document", &both)]).await;
    assert!(page.status == 200 && page.has("taken"), "{page}");
    leads_nowhere(&admin.open(&url).await);
    assert_eq!(states(&saml).await, ["next", "active"]);
    let event = saml.world.last_event("saml.certificate.added").await;
    assert!(event.actor.starts_with("renewal_link:rnl_"), "{event:?}");
    // sign-ins go on, and lead where they led before
    saml.world.broker.catch_up().await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.signed_both()).await;
    assert!(page.stopped, "{page}");
}

#[tokio::test]
async fn metadata_of_somebody_else_is_refused_and_so_is_what_is_none() {
    let saml = Saml::by_hand("").await;
    let url = link(&saml.world, "fabrikam", false).await;
    let stranger: &[u8] = &saml.idp.attacker.certificate;
    let entity_id = saml.idp.idp_entity_id.clone();
    let known = metadata(&entity_id, &[&saml.idp.idp.certificate]);
    let hostile = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", metadata(&entity_id, &[stranger]));
    let table = [
        ("document", metadata("https://evil.example", &[stranger]), "is not about"),
        ("document", known, "trusted here already"),
        ("document", metadata(&entity_id, &[]), "cannot be used"),
        ("document", hostile, "cannot be used"),
        ("document", "<a>".into(), "cannot be used"),
        ("document", "nothing".into(), "neither metadata nor a certificate"),
        ("document", " ".into(), "Paste your metadata"),
        ("document", format!("<a>{}</a>", "x".repeat(600 << 10)), "larger than"),
        ("url", "javascript:alert(1)".into(), "whole address"),
    ];
    let mut admin = Browser::new();
    for (field, given, said) in table {
        let page = give(&mut admin, &url, &[(field, &given)]).await;
        assert!(page.status == 422 && page.has(&format!("{field}-error")), "{said}: {page}");
        assert!(page.body.contains(said), "{said}: {page}");
    }
    assert_eq!(states(&saml).await, ["active"]);
    let api = Api::of(&saml.world.broker, "auditor").await;
    assert_eq!(api.get("/connections/fabrikam/renewal-links").await.json["items"][0]["tries"], 0);
    // every certificate in it is over
    saml.world.broker.clock.advance(Duration::days(5));
    let over = rcgen_certificate(-1);
    let page = give(&mut admin, &url, &[("document", &metadata(&entity_id, &[&over]))]).await;
    assert!(page.status == 422 && page.body.contains("has expired"), "{page}");
}

fn rcgen_certificate(days: i64) -> Vec<u8> {
    let mut params = rcgen::CertificateParams::new(vec!["idp.fabrikam.example".into()]).unwrap();
    let now = avouch::clock::Clock::now(&avouch::clock::SystemClock);
    params.not_before = now - Duration::days(300);
    params.not_after = now + Duration::days(days);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

#[tokio::test]
async fn what_an_operator_has_ended_no_link_brings_back() {
    let saml = Saml::by_hand("").await;
    let api = Api::of(&saml.world.broker, "editor").await;
    let pem = STANDARD.encode(&saml.idp.attacker.certificate);
    let added = api.post("/connections/fabrikam/certificates", &json!({ "pem": pem })).await;
    let path = format!("/connections/fabrikam/certificates/{}", added.text("id"));
    assert_eq!(api.delete(&path).await.status, 204);
    let url = link(&saml.world, "fabrikam", false).await;
    let page = give(&mut Browser::new(), &url, &[("document", &pem)]).await;
    assert!(page.status == 422 && page.body.contains("on purpose"), "{page}");
    assert_eq!(states(&saml).await, ["retired", "active"]);
}

#[tokio::test]
async fn an_address_is_asked_a_few_times_and_then_the_link_is_withdrawn() {
    let saml = Saml::by_hand("").await;
    let url = link(&saml.world, "fabrikam", false).await;
    let mut admin = Browser::new();
    let nowhere = format!("{}/no-such-metadata", saml.world.idp.issuer);
    for left in (1..5).rev() {
        let page = give(&mut admin, &url, &[("url", &nowhere)]).await;
        assert!(page.status == 422 && page.has("url-error"), "{page}");
        assert!(page.body.contains(&format!("attempts left: {left}")), "{page}");
    }
    let page = give(&mut admin, &url, &[("url", &nowhere)]).await;
    page.assert_problem(422, "renewal_link_too_many_tries");
    leads_nowhere(&admin.open(&url).await);
    let events = saml.world.broker.audit_events().await;
    let withdrawn = events.iter().find(|event| event.action == "renewal_link.withdrawn").unwrap();
    assert_eq!((withdrawn.outcome.as_str(), withdrawn.reason.as_deref()), ("refused", Some("too_many_tries")));
    assert_eq!(events.iter().filter(|event| event.action == "renewal_link.refused").count(), 5);
}
