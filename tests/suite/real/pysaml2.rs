//! pysaml2 above Avouch: each way to sign, what it refuses of us, what we refuse of it, and new certificates while people
//! sign in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::saml_stage::{Metadata, SamlStage, arrive};
use crate::harness::{Browser, Chromium, Page};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

async fn set() -> SamlStage {
    with(json!({})).await
}

async fn with(more: Value) -> SamlStage {
    SamlStage::set("localhost", Metadata::Fetched, more).await
}

/// What the form of pysaml2 carries.
fn saml_response(page: &Page) -> String {
    let fields = page.forms().swap_remove(0).fields;
    fields
        .into_iter()
        .find_map(|(name, value)| (name == "SAMLResponse").then_some(value))
        .expect("it carries a response")
}

#[tokio::test]
async fn people_sign_in_whichever_part_of_the_answer_is_signed() {
    let mut stage = set().await;
    let mut subjects = Vec::new();
    for sign in ["response", "assertion", "both"] {
        stage.sign(sign).await;
        let claims = stage.sign_in().await;
        assert_eq!(
            (&claims["email"], &claims["name"], &claims["groups"]),
            (&json!("alice@corp.example"), &json!("Alice Adams"), &json!(["eng", "admins"])),
            "{sign}"
        );
        subjects.push(claims["sub"].clone());
    }
    assert_ne!(subjects[0], "alice-1", "the sub is our own");
    assert!(subjects.iter().all(|sub| *sub == subjects[0]), "one person, one sub: {subjects:?}");
    assert_eq!(stage.metadata_fetches().await, 1, "kept for all three");

    stage.user(json!({ "name_id": "bob-1" })).await;
    assert_ne!(stage.sign_in().await["sub"], subjects[0], "another NameID is another person, whatever the address");
}

#[tokio::test]
async fn metadata_may_lie_in_a_file() {
    let mut stage = SamlStage::set("localhost", Metadata::InAFile, json!({})).await;
    assert_eq!(stage.sign_in().await["email"], "alice@corp.example");
    assert_eq!(stage.metadata_fetches().await, 0);
    stage.idp.tell(json!({ "cmd": "rotate_certificate" })).await;
    stage.refused("unknown_certificate").await;
}

#[tokio::test]
async fn the_provider_may_be_entered_by_hand() {
    let mut stage = set().await;
    let entity_id = stage.metadata_url.clone();
    let rotated = stage.idp.tell(json!({ "cmd": "rotate_certificate" })).await;
    let connection = json!({
        "slug": "fabrikam", "protocol": "saml", "entity_id": entity_id,
        "sso_url": entity_id.replace("/metadata", "/sso"), "certificates": rotated["certificates"],
    });
    stage.broker.apply(&json!({ "connections": [connection] }).to_string()).await;
    let before = stage.metadata_fetches().await;
    assert_eq!(stage.sign_in().await["groups"], json!(["eng", "admins"]));
    assert_eq!(stage.metadata_fetches().await, before);
}

#[tokio::test]
async fn an_encrypted_assertion_is_opened() {
    let mut stage = set().await;
    for sign in ["response", "assertion", "both"] {
        stage.idp.tell(json!({ "cmd": "mode", "sign": sign, "encrypt": true })).await;
        let (mut browser, page) = stage.answered().await;
        // pysaml2 says nothing when it finds no certificate to encrypt for
        let answer = STANDARD.decode(saml_response(&page)).expect("base64");
        let answer = String::from_utf8(answer).expect("text");
        assert!(answer.contains("xmlenc11#aes256-gcm") && !answer.contains("alice"), "{sign}: {answer}");
        assert!(arrive(&mut browser, &page).await.stopped, "{sign}");
    }
    stage.idp.tell(json!({ "cmd": "mode", "sign": "none", "encrypt": true })).await;
    stage.refused("not_signed").await;
}

#[tokio::test]
async fn less_signed_than_wanted_is_refused() {
    let mut stage = set().await;
    stage.sign("none").await;
    stage.refused("not_signed").await;

    let mut stage = with(json!({ "want_assertions_signed": true })).await;
    stage.sign("response").await;
    stage.refused("assertion_not_signed").await;
    stage.sign("assertion").await;
    stage.sign_in().await;
}

#[tokio::test]
async fn pysaml2_refuses_a_request_of_ours_that_was_changed() {
    let mut stage = set().await;
    let sso_url = stage.metadata_url.replace("/metadata", "/sso");
    let url = stage.ask().await;
    let mut browser = Browser::new();
    let request = browser.stop_at(&sso_url).open(&url).await;
    assert!(request.stopped, "{request}");
    let other = stage.ask().await;
    let other = browser.open(&other).await;

    browser.stop_no_more();
    let address = request.url.as_str();
    for (part, value) in [("RelayState", "elsewhere".into()), ("SAMLRequest", other.param("SAMLRequest"))] {
        let mut changed = request.url.clone();
        let rest: Vec<_> = request.url.query_pairs().filter(|(name, _)| name != part).collect();
        changed.query_pairs_mut().clear().extend_pairs(rest).append_pair(part, &value);
        let page = browser.open(changed.as_str()).await;
        assert!(page.status == 400 && page.body.contains("not signed correctly"), "changed {part}: {page}");
    }
    let unsigned = address.split("&SigAlg=").next().unwrap_or_default();
    assert_eq!(browser.open(unsigned).await.status, 400, "a request without its signature");
    assert_eq!(browser.open(address).await.status, 200, "the request as it was");
}

#[tokio::test]
async fn a_certificate_that_was_announced_breaks_no_login() {
    let mut stage = set().await;
    let before = stage.sign_in().await;
    stage.idp.tell(json!({ "cmd": "rotate_certificate", "publish_first": true })).await;
    let announced = stage.sign_in().await;
    let (mut under_way, page) = stage.answered().await;
    stage.idp.tell(json!({ "cmd": "rotate_certificate" })).await;
    assert!(arrive(&mut under_way, &page).await.stopped, "signed with the old certificate, arrived after the change");
    let after = stage.sign_in().await;
    assert_eq!([&announced["sub"], &after["sub"]], [&before["sub"]; 2]);
    assert_eq!(stage.metadata_fetches().await, 2, "at the first login and at the first unknown certificate");
}

#[tokio::test]
async fn a_certificate_that_nobody_announced_costs_one_fetch_and_no_login() {
    let mut stage = set().await;
    let before = stage.sign_in().await;
    stage.idp.tell(json!({ "cmd": "rotate_certificate" })).await;
    for _ in 0..2 {
        assert_eq!(stage.sign_in().await["sub"], before["sub"]);
    }
    assert_eq!(stage.metadata_fetches().await, 2, "at the first login and at the first unknown certificate");
}

#[tokio::test]
async fn an_answer_counts_once_and_for_its_own_request() {
    let mut stage = set().await;
    let (mut browser, page) = stage.answered().await;
    assert!(arrive(&mut browser, &page).await.stopped);
    arrive(&mut browser, &page).await.assert_problem(400, "state_replayed");

    let used = saml_response(&page);
    let (mut thief, fresh) = stage.answered().await;
    let stolen = thief.submit(&fresh, "", &[("SAMLResponse", &used)]).await;
    let end = if stolen.has("form-post") { thief.submit(&stolen, "form-post", &[]).await } else { stolen };
    stage.assert_refusal(&thief, &end, 403, "in_response_to").await;
    assert!(arrive(&mut thief, &fresh).await.status >= 400, "the attempt is spent");
}

#[tokio::test]
async fn an_answer_in_another_browser_is_refused() {
    let mut stage = set().await;
    let (_, page) = stage.answered().await;
    let mut stranger = Browser::new();
    let end = arrive(&mut stranger, &page).await;
    stage.assert_refusal(&stranger, &end, 400, "state_of_another_browser").await;
}

#[tokio::test]
async fn a_transient_name_id_needs_an_attribute_beside_it() {
    let mut stage = set().await;
    stage.user(json!({ "name_id": "t-1", "name_id_format": TRANSIENT })).await;
    stage.refused("name_id_transient").await;

    let mut stage = with(json!({ "subject": "uid" })).await;
    let mut subjects = Vec::new();
    for name_id in ["t-1", "t-2"] {
        stage
            .user(json!({ "name_id": name_id, "name_id_format": TRANSIENT, "attributes": { "uid": ["alice"] } }))
            .await;
        subjects.push(stage.sign_in().await["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[1], "the attribute says who it is");
    stage.user(json!({ "attributes": {} })).await;
    stage.refused("subject_missing").await;
}

#[tokio::test]
async fn mapping_and_rule_read_the_attributes() {
    let mut stage = with(json!({
        "allow": "'eng' in claims.groups",
        "mapping": { "name": "claims['urn:oid:2.5.4.42'][0] + ' ' + claims.sn[0]", "groups": "claims.memberOf" },
    }))
    .await;
    let attributes = json!({ "givenName": ["Al & <b>"], "sn": ["Ädams"], "memberOf": ["x"], "groups": ["eng"] });
    stage.user(json!({ "attributes": attributes })).await;
    let claims = stage.sign_in().await;
    assert_eq!((&claims["name"], &claims["groups"]), (&json!("Al & <b> Ädams"), &json!(["x"])));
    stage.user(json!({ "attributes": { "groups": ["sales"] } })).await;
    stage.refused("not_allowed").await;
}

/// From another site a form arrives without our cookies; only a real browser withholds them.
#[tokio::test]
async fn a_real_browser_brings_the_answer_from_another_site() {
    let mut stage = SamlStage::set("127.0.0.1", Metadata::Fetched, json!({})).await;
    stage.sign("both").await;
    let mut app = stage.application().await;
    let browser = Chromium::start().await;
    browser.goto(&app.ask_at(&stage.broker.issuer, "response_mode", "query").await).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["email"], "alice@corp.example");
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}
