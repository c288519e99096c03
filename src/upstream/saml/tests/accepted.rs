//! What real identity providers send must get in, with everything it says.

use serde_json::json;

use super::corpus::{ACCEPTED, cases};
use super::forge::{Sign, USER};
use super::*;

#[test]
fn response_assertion_or_both_may_be_signed() {
    for xml in [WORLD.signed_response(), WORLD.signed_assertion(), WORLD.signed_both()] {
        let verified = Receive::default().xml(&xml).unwrap();
        assert_eq!(verified.name_id.value, USER);
        assert_eq!((verified.assertion_id.as_str(), verified.response_id.as_str()), ("_assertion", "_response"));
        assert_eq!(verified.issuer, WORLD.idp_entity_id);
        assert_eq!(verified.session_indexes, ["_session"]);
        assert_eq!(verified.authn_instant, WORLD.now - Duration::minutes(1));
        assert_eq!(verified.not_on_or_after, WORLD.now + Duration::minutes(5));
        assert_eq!(verified.signed_by_sha256, trusted(&[&WORLD.idp])[0].sha256());
    }
}

#[test]
fn claims_are_by_name_and_by_friendly_name() {
    let extra = concat!(
        r#"<saml:Attribute FriendlyName="eduPersonTargetedID" Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"><saml:AttributeValue>"#,
        "\n  <saml:NameID>xyz</saml:NameID>\n</saml:AttributeValue></saml:Attribute>",
        r#"<saml:Attribute FriendlyName="groups" Name="urn:evil"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute>"#,
        r#"<saml:Attribute Name="name_id"><saml:AttributeValue>admin</saml:AttributeValue></saml:Attribute>"#,
        r#"<saml:Attribute Name="groups"><saml:AttributeValue>late</saml:AttributeValue></saml:Attribute>"#,
        r#"<saml:Attribute Name="none"></saml:Attribute></saml:AttributeStatement>"#,
    );
    let verified = Receive::default().xml(&WORLD.said("</saml:AttributeStatement>", extra)).unwrap();
    assert_eq!(
        verified.claims(),
        json!({
            "urn:oid:0.9.2342.19200300.100.1.3": [USER],
            "groups": ["staff", "R&D", "late"],
            "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": ["xyz"],
            "urn:evil": ["admins"],
            "none": [],
            "mail": [USER],
            "eduPersonTargetedID": ["xyz"],
            "name_id": USER,
            "name_id_format": name_id::PERSISTENT,
            "session_index": "_session",
        })
    );
}

#[test]
fn everything_that_providers_send_signs_the_true_person_in() {
    let receive = Receive { certificates: trusted(&[&WORLD.idp_ec, &WORLD.idp]), ..Receive::default() };
    for case in cases(&WORLD, &ACCEPTED) {
        let verified = receive.xml(&case.xml).unwrap_or_else(|refusal| panic!("{}: {refusal:?}", case.name));
        assert_eq!(
            (verified.name_id.value.as_str(), verified.assertion_id.as_str()),
            (USER, "_assertion"),
            "{}",
            case.name
        );
    }
}

#[test]
fn certificates_roll_over_in_any_order() {
    let old = Identity::rsa(2048);
    for certificates in
        [trusted(&[&old, &WORLD.idp]), trusted(&[&WORLD.idp, &old]), trusted(&[&WORLD.idp_ec, &old, &WORLD.idp])]
    {
        let receive = Receive { certificates, ..Receive::default() };
        for xml in [WORLD.signed_response(), WORLD.signed_both()] {
            assert_eq!(receive.xml(&xml).unwrap().signed_by_sha256, trusted(&[&WORLD.idp])[0].sha256());
        }
        // the assertion by the old one, the response by the new
        let mixed = WORLD.sign_response(&WORLD.response(&Sign::by(&old).apply(&WORLD.assertion(), "_assertion")));
        assert_eq!(receive.reason(&mixed), "ok");
    }
}

#[test]
fn statements_may_stand_in_any_order() {
    let assertion = WORLD.assertion();
    let start = assertion.find("<saml:AuthnStatement").unwrap();
    let end = assertion.find("<saml:AttributeStatement").unwrap();
    let authn = &assertion[start..end];
    let later = assertion.replace(authn, "").replace("</saml:Assertion>", &format!("{authn}</saml:Assertion>"));
    assert_eq!(Receive::default().reason(&WORLD.response(&WORLD.sign_assertion(&later))), "ok");
}

#[test]
fn one_good_bearer_confirmation_is_enough() {
    let other = r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"></saml:SubjectConfirmation><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"></saml:SubjectConfirmation><saml:SubjectConfirmation "#;
    let assertion = WORLD.assertion().replacen("<saml:SubjectConfirmation ", other, 1);
    assert_eq!(Receive::default().reason(&WORLD.response(&WORLD.sign_assertion(&assertion))), "ok");
}

#[test]
fn a_replay_is_remembered_while_any_of_its_confirmations_holds() {
    let assertion = WORLD.assertion();
    let (start, end) =
        (assertion.find("<saml:SubjectConfirmation ").unwrap(), assertion.find("</saml:Subject>").unwrap());
    let shorter = assertion[start..end].replace(&WORLD.at(300), &WORLD.at(60));
    assert_ne!(shorter, assertion[start..end]);
    for place in [start, end] {
        let both = format!("{}{shorter}{}", &assertion[..place], &assertion[place..]);
        let verified = Receive::default().xml(&WORLD.response(&WORLD.sign_assertion(&both))).unwrap();
        assert_eq!(verified.not_on_or_after, WORLD.now + Duration::minutes(5));
    }
}

#[test]
fn clocks_may_differ_a_little() {
    for (seconds, expected) in [(-119, "ok"), (-181, "issue_instant"), (419, "ok"), (421, "expired")] {
        let receive = Receive { later: Duration::seconds(seconds), ..Receive::default() };
        assert_eq!(receive.reason(&WORLD.signed_response()), expected, "{seconds}");
    }
}
