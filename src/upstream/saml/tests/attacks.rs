//! Every attack is refused, with its own word.

use super::corpus::{ATTACKS, cases};
use super::*;

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let receive = Receive::default();
    let mut wrong = Vec::new();
    let cases = cases(&WORLD, &ATTACKS);
    for case in &cases {
        let found = receive.reason(&case.xml);
        if found != case.expected {
            wrong.push(format!("{}: {found}, not {}: {:?}", case.name, case.expected, receive.xml(&case.xml).err()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 190, "{}", cases.len());
}

#[test]
fn without_certificates_nobody_signs_in() {
    let receive = Receive { certificates: Vec::new(), ..Receive::default() };
    for xml in [WORLD.signed_both(), WORLD.response(&WORLD.assertion())] {
        assert_eq!(receive.reason(&xml), "no_certificate");
    }
}

#[test]
fn an_unknown_certificate_is_named() {
    let receive = Receive { certificates: trusted(&[&WORLD.idp_ec]), ..Receive::default() };
    let refusal = receive.xml(&WORLD.signed_response()).unwrap_err();
    let sha256 = trusted(&[&WORLD.idp])[0].sha256().to_owned();
    assert_eq!((refusal.reason, refusal.signer_sha256), ("unknown_certificate", Some(sha256)));
}

#[test]
fn a_connection_may_want_more_than_one_signature() {
    let xml = [WORLD.signed_response(), WORLD.signed_assertion(), WORLD.signed_both()];
    for (want_signed, expected) in [
        (WantSigned::Either, ["ok", "ok", "ok"]),
        (WantSigned::Response, ["ok", "response_not_signed", "ok"]),
        (WantSigned::Assertion, ["assertion_not_signed", "ok", "ok"]),
        (WantSigned::Both, ["assertion_not_signed", "response_not_signed", "ok"]),
    ] {
        let receive = Receive::policy(Policy { want_signed, ..Policy::default() });
        assert_eq!([0, 1, 2].map(|n| receive.reason(&xml[n])), expected, "{want_signed:?}");
    }
}

#[test]
fn a_login_that_nobody_asked_for_must_not_claim_to_answer() {
    let receive = Receive { expected_request_id: None, ..Receive::default() };
    assert_eq!(receive.reason(&WORLD.signed_both()), "in_response_to");
    let unsolicited = |xml: String| xml.replace(" InResponseTo=\"_request\"", "");
    let assertion = WORLD.sign_assertion(&unsolicited(WORLD.assertion()));
    assert_eq!(
        receive.reason(
            &unsolicited(WORLD.response("")).replace("</samlp:Response>", &format!("{assertion}</samlp:Response>"))
        ),
        "ok"
    );
    // the envelope hides it, the confirmation tells
    let hidden =
        WORLD.response(&WORLD.sign_assertion(&WORLD.assertion())).replacen(" InResponseTo=\"_request\"", "", 1);
    assert_eq!(receive.reason(&hidden), "in_response_to");
}

#[test]
fn the_demanded_way_of_signing_in_is_checked() {
    let context =
        |class: &str| Receive::policy(Policy { requested_authn_context: vec![class.into()], ..Policy::default() });
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    assert_eq!(context(password).reason(&WORLD.signed_response()), "ok");
    assert_eq!(context("https://refeds.org/profile/mfa").reason(&WORLD.signed_response()), "authn_context");
}

#[test]
fn certificates_are_pinned_whatever_their_dates_unless_the_connection_says_so() {
    let years = Duration::days(365 * 10);
    let world = World { now: WORLD.now + years, ..World::new(WORLD.now) };
    let receive = |enforce_certificate_dates| Receive {
        certificates: trusted(&[&world.idp]),
        later: years,
        ..Receive::policy(Policy { enforce_certificate_dates, ..Policy::default() })
    };
    assert_eq!(receive(false).reason(&world.signed_response()), "ok");
    assert_eq!(receive(true).reason(&world.signed_response()), "no_certificate");
}

#[test]
fn small_rsa_keys_are_no_trusted_certificates() {
    let error = TrustedCertificate::from_der(&Identity::rsa(1024).certificate).unwrap_err();
    assert!(error.to_string().contains("1024"), "{error}");
    assert!(TrustedCertificate::from_der(b"x").is_err());
    assert!(TrustedCertificate::from_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_err());
}
