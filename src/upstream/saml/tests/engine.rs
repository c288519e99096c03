//! The guard around an engine that errs: nothing is read but what the engine returns, and that must be what was asked.

use super::forge::{ADMIN, USER};
use super::*;

/// Says that any signature holds, over these bytes.
struct Says(String);

impl XmlSignatureEngine for Says {
    fn verified_bytes(&self, _: &str, _: &[&[u8]]) -> Result<String, SignatureInvalid> {
        Ok(self.0.clone())
    }
}

struct Panics;

impl XmlSignatureEngine for Panics {
    fn verified_bytes(&self, _: &str, _: &[&[u8]]) -> Result<String, SignatureInvalid> {
        panic!("as a library might")
    }
}

fn outcome(xml: &str, engine: &dyn XmlSignatureEngine) -> Result<String, &'static str> {
    let verified = Receive::default().by(xml, engine).map_err(|refusal| refusal.reason)?;
    Ok(verified.name_id.value.clone())
}

#[test]
fn only_what_the_engine_returns_is_read() {
    let evil = WORLD.signed_assertion().replace(USER, ADMIN);
    assert_eq!(outcome(&evil, &Says(WORLD.assertion())).as_deref(), Ok(USER));
    let evil = WORLD.signed_response().replace(USER, ADMIN);
    assert_eq!(outcome(&evil, &Says(WORLD.response(&WORLD.assertion()))).as_deref(), Ok(USER));
}

#[test]
fn what_the_engine_returns_must_be_what_was_signed() {
    let (by_assertion, by_response) = (WORLD.signed_assertion(), WORLD.signed_response());
    let response = WORLD.response(&WORLD.assertion());
    let other = |xml: &str| xml.replace("\"_assertion\"", "\"_a2\"").replace("\"_response\"", "\"_r2\"");
    for (xml, bytes, expected) in [
        (&by_assertion, other(&WORLD.assertion()), "verified_bytes"),
        (&by_assertion, response.clone(), "verified_bytes"),
        (&by_assertion, "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>".into(), "verified_bytes"),
        (&by_assertion, String::new(), "not_well_formed"),
        (&by_response, other(&response), "verified_bytes"),
        (&by_response, by_response.clone(), "verified_bytes"),
        (&by_response, WORLD.response(""), "verified_bytes"),
        (&by_response, WORLD.assertion(), "root"),
        (&by_response, WORLD.response(&WORLD.assertion().repeat(2)), "duplicate_id"),
        (&by_response, response.replace(&WORLD.acs_url, "https://evil.test"), "destination"),
    ] {
        assert_eq!(outcome(xml, &Says(bytes.clone())), Err(expected), "{bytes}");
    }
}

#[test]
fn a_panic_below_us_is_a_refusal() {
    assert_eq!(outcome(&WORLD.signed_both(), &Panics), Err("internal"));
}
