//! Encrypted assertions as the products send them.

use super::forge::{Encrypt, MGF1P, RSA_OAEP, SHA256, USER};
use super::*;

const CIPHERS: [&str; 6] = ["aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"];

fn both_ways(encrypt: &Encrypt<'_>) -> [String; 3] {
    let signed = WORLD.sign_assertion(&WORLD.assertion());
    let inner = WORLD.response(&encrypt.apply(&signed));
    let both = WORLD.sign_response(&inner);
    [inner, both, WORLD.sign_response(&WORLD.response(&encrypt.apply(&WORLD.assertion())))]
}

#[test]
fn every_cipher_opens_whatever_is_signed() {
    for cipher in CIPHERS {
        for xml in both_ways(&Encrypt::with(&WORLD.sp, cipher)) {
            let verified = Receive::default().xml(&xml).unwrap();
            assert_eq!((verified.name_id.value.as_str(), verified.assertion_id.as_str()), (USER, "_assertion"), "{cipher}");
        }
    }
}

#[test]
fn keys_are_wrapped_with_any_oaep() {
    let mgf = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
    for (key, digest, mgf) in [(MGF1P, "", ""), (MGF1P, SHA256, ""), (RSA_OAEP, "", ""), (RSA_OAEP, SHA256, mgf), (RSA_OAEP, "", mgf)] {
        for xml in both_ways(&Encrypt { key, digest, mgf, ..Encrypt::to(&WORLD.sp) }) {
            assert_eq!(Receive::default().reason(&xml), "ok", "{key} {digest} {mgf}");
        }
    }
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
