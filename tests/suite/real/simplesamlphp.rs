//! SimpleSAMLphp above Avouch: each way to sign and to encrypt, what it believes of us, names and attributes as it sends
//! them, and new certificates while people sign in. Its login page is real and filled in without a screen here;
//! [`super::simplesamlphp_chromium`] does the same in a browser.

use serde_json::{Value, json};

use super::saml_stage::arrive;
use super::simplesamlphp_stage::{PASSWORD, SimpleSamlPhpStage, asks_who, log_in, saml_response};
use crate::harness::{Browser, SimpleSamlPhp};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const URI_NAMES: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// What its error page says of a request without a signature.
const UNSIGNED: &str = "Validation of received messages enabled, but no signature found on message";

async fn set() -> SimpleSamlPhpStage {
    SimpleSamlPhpStage::set(json!({})).await
}

fn signed(response: bool, assertion: bool) -> Value {
    json!({ "saml20.sign.response": response, "saml20.sign.assertion": assertion })
}

#[tokio::test]
async fn people_sign_in_whichever_part_of_the_answer_is_signed() {
    let mut stage = set().await;
    let mut subjects = Vec::new();
    for (response, assertion) in [(true, false), (false, true), (true, true)] {
        stage.idp.sp(signed(response, assertion));
        let claims = stage.sign_in().await;
        assert_eq!(
            (&claims["email"], &claims["name"], &claims["groups"]),
            (&json!("alice@corp.example"), &json!("Alice Adams"), &json!(["eng", "admins"])),
            "response {response}, assertion {assertion}"
        );
        subjects.push(claims["sub"].clone());
    }
    assert!(subjects.iter().all(|sub| *sub == subjects[0]), "one person, one sub: {subjects:?}");
    stage.idp.sp(signed(false, false));
    stage.refused("not_signed").await;
}

#[tokio::test]
async fn an_encrypted_assertion_is_opened() {
    // AES-128-CBC under RSA-OAEP with SHA-1 is all that this version can.
    let mut stage = set().await;
    stage.idp.sp(json!({ "assertion.encryption": true }));
    for (response, assertion) in [(false, true), (true, false), (true, true)] {
        stage.idp.sp(signed(response, assertion));
        let mut browser = Browser::new();
        let page = stage.answered(&mut browser).await;
        let sent = saml_response(&page).unwrap_or_default();
        let case = format!("response {response}, assertion {assertion}");
        assert!(sent.contains("xmlenc#aes128-cbc") && sent.contains("xmlenc#rsa-oaep-mgf1p"), "{case}: {sent}");
        assert!(!sent.contains("alice"), "{case}: {sent}");
        let end = arrive(&mut browser, &page).await;
        assert_eq!(stage.welcome(&end).await["groups"], json!(["eng", "admins"]), "{case}");
    }
    stage.idp.sp(signed(false, false));
    stage.refused("not_signed").await;
    // a secret between the two sides instead of our certificate
    stage.idp.sp(json!({ "sharedkey": "0123456789abcdef", "sharedkey_algorithm": "http://www.w3.org/2001/04/xmlenc#aes128-cbc" }));
    stage.refused("encrypted_key_count").await;
}

#[tokio::test]
async fn encryption_that_is_required_is_missed() {
    let mut stage = SimpleSamlPhpStage::set(json!({ "encryption": "require" })).await;
    stage.refused("encryption_missing").await;
    stage.idp.sp(json!({ "assertion.encryption": true }));
    stage.sign_in().await;
}

#[tokio::test]
async fn a_wrong_password_is_simplesamlphps_to_say() {
    let mut stage = set().await;
    let mut browser = Browser::new();
    let page = stage.visit(&mut browser, json!({})).await;
    let page = log_in(&mut browser, &page, "alice", "wrong").await;
    assert!(asks_who(&page) && saml_response(&page).is_none(), "{page}");
    let page = log_in(&mut browser, &page, "alice", PASSWORD).await;
    let end = arrive(&mut browser, &page).await;
    assert_eq!(stage.welcome(&end).await["email"], "alice@corp.example");
}

#[tokio::test]
async fn whoever_must_sign_in_anew_sees_the_login_page_again() {
    let mut stage = set().await;
    let mut browser = Browser::new();
    stage.answered(&mut browser).await;
    // in a session there, and in none here
    let page = stage.visit(&mut browser, json!({})).await;
    assert!(saml_response(&page).is_some(), "its session answers: {page}");
    for anew in [json!({ "prompt": "login" }), json!({ "max_age": 0 })] {
        let page = stage.visit(&mut browser, anew.clone()).await;
        assert!(asks_who(&page), "{anew}: {page}");
        let page = log_in(&mut browser, &page, "alice", PASSWORD).await;
        let end = arrive(&mut browser.clone(), &page).await;
        assert_eq!(stage.welcome(&end).await["name"], "Alice Adams", "{anew}");
    }
    stage.connect(json!({ "metadata_url": stage.idp.metadata_url() }), json!({ "force_authn": true })).await;
    let page = stage.visit(&mut browser, json!({})).await;
    assert!(asks_who(&page), "{page}");
}

#[tokio::test]
async fn simplesamlphp_believes_what_we_signed_and_nothing_else() {
    let mut stage = set().await;
    // The same follows from our metadata (AuthnRequestsSigned); here its operator insists.
    stage.idp.idp(json!({ "validate.authnrequest": true }));
    stage.sign_in().await;

    let sso_url = stage.idp.sso_url();
    let mut browser = Browser::new();
    let request = stage.visit(browser.stop_at(&sso_url), json!({})).await;
    assert!(request.stopped, "{request}");
    browser.stop_no_more();
    let mut changed = request.url.clone();
    let rest: Vec<_> = request.url.query_pairs().filter(|(name, _)| name != "RelayState").collect();
    changed.query_pairs_mut().clear().extend_pairs(rest).append_pair("RelayState", "elsewhere");
    let unsigned = request.url.as_str().split("&SigAlg=").next().unwrap_or_default();
    let wrong = [(changed.as_str(), "Unable to validate signature on query string"), (unsigned, UNSIGNED)];
    for (address, error) in wrong {
        let page = browser.open(address).await;
        assert!(page.has("trackid") && page.body.contains(error), "{page}");
    }
    assert!(asks_who(&browser.open(request.url.as_str()).await), "the request as it was");
}

#[tokio::test]
async fn requests_go_by_post_where_the_provider_wants_it() {
    let mut idp = SimpleSamlPhp::start();
    idp.idp(json!({ "SingleSignOnServiceBinding": [POST], "validate.authnrequest": true }));
    let mut stage = SimpleSamlPhpStage::with(idp, json!({})).await;
    assert_eq!(stage.sign_in().await["email"], "alice@corp.example", "as its metadata says");

    let certificate = stage.idp.new_key("by-hand");
    stage.idp.idp(json!({ "privatekey": "by-hand.key", "certificate": "by-hand.pem" }));
    let by_hand = json!({ "entity_id": stage.idp.metadata_url(), "sso_url": stage.idp.sso_url(), "sso_binding": "post", "certificates": [certificate] });
    stage.connect(by_hand, json!({})).await;
    stage.sign_in().await;

    let mut browser = Browser::new();
    let request = stage.visit(browser.stop_at(&stage.idp.sso_url()), json!({})).await;
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["SAMLRequest", "RelayState"]);
    stage.connect(json!({ "metadata_url": stage.idp.metadata_url() }), json!({ "sign_requests": false })).await;
    let page = stage.visit(browser.stop_no_more(), json!({})).await;
    assert!(page.has("trackid") && page.body.contains(UNSIGNED), "{page}");
}

#[tokio::test]
async fn attributes_are_read_by_whatever_name_they_come() {
    let mut stage = SimpleSamlPhpStage::set(json!({
        "mapping": {
            "name": "claims['urn:oid:2.16.840.1.113730.3.1.241'][0]",
            "groups": "claims['urn:oid:1.3.6.1.4.1.5923.1.5.1.1'] + claims['urn:oid:1.3.6.1.4.1.5923.1.1.1.10']",
        },
        "allow": "claims['urn:oid:1.3.6.1.4.1.5923.1.5.1.1'].size() == 3 && !('mail' in claims)",
    }))
    .await;
    stage.idp.person(
        "bob",
        PASSWORD,
        json!({
            "uid": ["bob"], "mail": ["Bob@corp.example", "b@elsewhere.example"], "displayName": ["Bob \"B\" <Ödön> & Co"],
            "givenName": ["Bob"], "isMemberOf": ["eng", "ops & dev", "<x>"],
        }),
    );
    stage.idp.idp(json!({
        // eduPersonTargetedID holds a NameID, not text
        "authproc": {
            "10": { "class": "core:TargetedID", "attributename": "uid", "nameId": true },
            "20": { "class": "core:AttributeMap", "0": "name2oid" },
        },
        "attributes.NameFormat": URI_NAMES,
        "attributeencodings": { "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": "raw" },
    }));
    let mut browser = Browser::new();
    let page = stage.visit(&mut browser, json!({})).await;
    let page = log_in(&mut browser, &page, "bob", PASSWORD).await;
    let sent = saml_response(&page).unwrap_or_else(|| panic!("{page}"));
    assert!(sent.contains("<saml:AttributeValue><saml:NameID "), "nested: {sent}");
    let targeted =
        sent.split("<saml:AttributeValue><saml:NameID ").nth(1).and_then(|rest| rest.split(['>', '<']).nth(1));
    let end = arrive(&mut browser, &page).await;
    let claims = stage.welcome(&end).await;
    assert_eq!(
        (&claims["email"], &claims["name"]),
        (&json!("Bob@corp.example"), &json!("Bob \"B\" <Ödön> & Co")),
        "the first of several"
    );
    assert_eq!(claims["groups"], json!(["eng", "ops & dev", "<x>", targeted]), "all of several, and the NameID's text");
}

#[tokio::test]
async fn each_kind_of_name_id_says_who_it_is() {
    // A persistent one is the same at every sign-in, and each person's own.
    let mut stage = set().await;
    let alice = stage.sign_in().await["sub"].clone();
    assert_eq!(stage.sign_in().await["sub"], alice);
    let mut browser = Browser::new();
    let page = stage.answered(&mut browser).await;
    let sent = saml_response(&page).unwrap_or_default();
    assert!(sent.contains(PERSISTENT) && sent.contains("SPNameQualifier="), "{sent}");

    // A transient one says nothing, unless an attribute does.
    stage.idp.sp(json!({ "NameIDFormat": TRANSIENT }));
    stage.refused("name_id_transient").await;
    let metadata = json!({ "metadata_url": stage.idp.metadata_url() });
    stage.connect(metadata.clone(), json!({ "subject": "uid" })).await;
    let by_attribute = stage.sign_in().await["sub"].clone();
    assert_eq!(stage.sign_in().await["sub"], by_attribute);

    // An address, by our request.
    stage.idp.idp(
        json!({ "authproc": { "10": { "class": "saml:AttributeNameID", "attribute": "mail", "Format": EMAIL } } }),
    );
    stage.connect(metadata, json!({ "name_id_format": EMAIL })).await;
    let mut browser = Browser::new();
    let page = stage.answered(&mut browser).await;
    let sent = saml_response(&page).unwrap_or_default();
    assert!(sent.contains(&format!("Format=\"{EMAIL}\">alice@corp.example<")), "{sent}");
    let end = arrive(&mut browser, &page).await;
    assert_eq!(stage.welcome(&end).await["email"], "alice@corp.example");
}

#[tokio::test]
async fn a_new_certificate_breaks_no_login() {
    let mut stage = set().await;
    let before = stage.sign_in().await;
    // Its roll-over in three steps (SimpleSAMLphp's "Key rollover"): announced, taken into use, the old one gone.
    stage.idp.new_key("second");
    stage.idp.idp(json!({ "new_privatekey": "second.key", "new_certificate": "second.pem" }));
    let announced = stage.sign_in().await;
    let mut under_way = Browser::new();
    let page = stage.answered(&mut under_way).await;
    stage.idp.idp(json!({
        "privatekey": "second.key", "certificate": "second.pem", "new_privatekey": null, "new_certificate": null,
    }));
    let end = arrive(&mut under_way, &page).await;
    let during = stage.welcome(&end).await;
    let after = stage.sign_in().await;
    assert_eq!([&announced["sub"], &during["sub"], &after["sub"]], [&before["sub"]; 3]);
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    let mut stage = set().await;
    stage.sign_in().await;
    // Its certificate is the trusted one, its key is not.
    stage.idp.new_key("other");
    stage.idp.idp(json!({ "privatekey": "other.key" }));
    stage.refused("signature_invalid").await;

    // A whole other identity provider under the same name.
    let certificate = stage.idp.new_key("known");
    let by_hand =
        json!({ "entity_id": stage.idp.metadata_url(), "sso_url": stage.idp.sso_url(), "certificates": [certificate] });
    stage.connect(by_hand, json!({})).await;
    stage.idp.idp(json!({ "certificate": "other.pem" }));
    stage.refused("unknown_certificate").await;
}
