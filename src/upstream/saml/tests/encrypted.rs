//! Encrypted assertions: which key, which policy. What the products send stands in the corpus.

use super::forge::Encrypt;
use super::*;

fn both_ways(encrypt: &Encrypt<'_>) -> [String; 3] {
    let signed = WORLD.sign_assertion(&WORLD.assertion());
    let inner = WORLD.response(&encrypt.apply(&signed));
    let both = WORLD.sign_response(&inner);
    [inner, both, WORLD.sign_response(&WORLD.response(&encrypt.apply(&WORLD.assertion())))]
}

#[test]
fn the_previous_key_still_opens() {
    let next = Identity::rsa(2048);
    let xml = &both_ways(&Encrypt::to(&WORLD.sp))[0];
    let receive = |keys| Receive { keys, ..Receive::default() };
    assert_eq!(receive(vec![sp_key(&next), sp_key(&WORLD.sp)]).reason(xml), "ok");
    assert_eq!(receive(vec![sp_key(&next)]).reason(xml), "decryption_failed");
    assert_eq!(receive(Vec::new()).reason(xml), "no_decryption_key");
}

#[test]
fn the_policy_decides_about_encryption() {
    let reason = |encryption, xml: &str| Receive::policy(Policy { encryption, ..Policy::default() }).reason(xml);
    let encrypted = &both_ways(&Encrypt::to(&WORLD.sp))[1];
    assert_eq!(reason(Encryption::Require, encrypted), "ok");
    assert_eq!(reason(Encryption::Require, &WORLD.signed_both()), "encryption_missing");
    assert_eq!(reason(Encryption::Never, encrypted), "encryption_not_allowed");
    assert_eq!(reason(Encryption::Never, &WORLD.signed_both()), "ok");
}

#[test]
fn a_plaintext_may_inherit_its_namespaces() {
    let saml = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let signed = WORLD.sign_assertion(&WORLD.assertion()).replacen(saml, "", 1);
    let declared = |response: String| response.replacen("<samlp:Response", &format!("<samlp:Response{saml}"), 1);
    let inner = WORLD.response(&Encrypt::to(&WORLD.sp).apply(&signed));
    // signed in canonical form, where the declaration stands further down; sent with it at the root
    for xml in [declared(inner.clone()), declared(WORLD.sign_response(&inner))] {
        assert_eq!(Receive::default().reason(&xml), "ok");
    }
}

#[test]
fn which_signatures_are_wanted_counts_inside_too() {
    let [inner, both, outer] = both_ways(&Encrypt::to(&WORLD.sp));
    let reason = |want_signed, xml: &str| Receive::policy(Policy { want_signed, ..Policy::default() }).reason(xml);
    assert_eq!(reason(WantSigned::Response, &inner), "response_not_signed");
    assert_eq!(reason(WantSigned::Both, &inner), "response_not_signed");
    assert_eq!(reason(WantSigned::Both, &both), "ok");
    assert_eq!(reason(WantSigned::Both, &outer), "assertion_not_signed");
    assert_eq!(reason(WantSigned::Assertion, &outer), "assertion_not_signed");
}
