//! Every signature of the corpus, asked of a second verifier that shares no code with the engine: bergshamra parses,
//! canonicalises and digests by itself. docs/decisions/2026-11-22-second-saml-verifier.md draws the conclusions.

use bergshamra_dsig::DsigContext;
use bergshamra_dsig::verify::verify_all;
use bergshamra_keys::KeysManager;
use bergshamra_keys::loader::load_x509_cert_der;

use super::corpus::{ACCEPTED, ATTACKS, cases};
use super::mutation::{self, Dice};
use super::*;

/// Where the two differ: the case, who says that the signature holds, and why.
const DIFFERENCES: [(&str, Says, &str); 11] = [
    ("Id clash", Says::Engine, "the engine registers ID only, bergshamra Id and id too"),
    ("undeclared prefix", Says::Engine, "libxml2 recovers: the prefix becomes part of the name"),
    ("trailing garbage", Says::Engine, "libxml2 recovers: what follows the root is dropped"),
    ("second root", Says::Engine, "libxml2 recovers: what follows the root is dropped"),
    ("plaintext is two assertions", Says::Engine, "libxml2 recovers: what follows the root is dropped"),
    ("unclosed", Says::Engine, "libxml2 recovers: elements are closed at the end"),
    ("UTF-16 said", Says::Second, "libxml2 believes the declared encoding, bergshamra the text it was given"),
    ("RSA-SHA1", Says::Second, "not on our list; bergshamra has no list"),
    ("SHA-1 digest", Says::Second, "not on our list; bergshamra has no list"),
    ("two references", Says::Second, "the engine returns the bytes of exactly one"),
    ("relative namespace", Says::Second, "libxml2 refuses to canonicalise them, as Canonical XML says"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Engine,
    Second,
}

/// Whether every signature in the document holds under the provider's certificates, where there is one.
fn engine(xml: &str) -> bool {
    let engine = XmlSec::new();
    [&WORLD.idp, &WORLD.idp_ec].iter().any(|identity| engine.verified_bytes(xml, &[&identity.certificate]).is_ok())
}

fn second(xml: &str, signers: &[&Identity]) -> Result<(), String> {
    let mut keys = KeysManager::new();
    for identity in signers {
        keys.add_key(load_x509_cert_der(&identity.certificate).unwrap());
    }
    let mut context = DsigContext::new(keys);
    // where a signed element may stand is the shape's business, not the signature's
    context.strict_verification = false;
    let results = verify_all(&context, xml).map_err(|error| error.to_string())?;
    match results.iter().find(|result| !result.all_reference_digests_verified()) {
        None => Ok(()),
        Some(invalid) => Err(format!("{invalid:?}")),
    }
}

/// The assertion inside, where it opens: its signature covers the plaintext.
fn opened(xml: &str) -> Option<String> {
    let document = prescan::parse(xml, &prescan::RESPONSE).ok()?;
    let shape::Body::Encrypted(node) = shape::response(&document).ok()?.body else { return None };
    decrypt::assertion(node, &[&sp_key(&WORLD.sp)]).ok()
}

#[test]
fn the_second_verifier_agrees_but_for_what_is_explained() {
    let mut found = Vec::new();
    let mut signatures = 0;
    for case in cases(&WORLD, &ATTACKS).into_iter().chain(cases(&WORLD, &ACCEPTED)) {
        for xml in [Some(case.xml.clone()), opened(&case.xml)].into_iter().flatten() {
            let (first, second) = (engine(&xml), second(&xml, &[&WORLD.idp, &WORLD.idp_ec]));
            signatures += usize::from(xml.contains("Signature>"));
            match (first, &second) {
                (true, Err(_)) => found.push((case.name, Says::Engine)),
                (false, Ok(())) => found.push((case.name, Says::Second)),
                _ => {}
            }
            if case.expected == "ok" && xml.contains("Signature>") {
                assert!(first && second.is_ok(), "{}: {first}, {second:?}", case.name);
            }
        }
    }
    let explained: Vec<_> = DIFFERENCES.iter().map(|(name, says, _)| (*name, *says)).collect();
    let unexplained: Vec<_> = found.iter().filter(|one| !explained.contains(one)).collect();
    let settled: Vec<_> = explained.iter().filter(|one| !found.contains(one)).collect();
    assert!(unexplained.is_empty() && settled.is_empty(), "new: {unexplained:?}, no longer: {settled:?}");
    assert!(signatures > 200, "{signatures}");
}

/// What the engine alone would believe never reaches it.
#[test]
fn the_guard_refuses_every_document_on_which_the_two_differ() {
    let receive = Receive { certificates: trusted(&[&WORLD.idp_ec, &WORLD.idp]), ..Receive::default() };
    for case in cases(&WORLD, &ATTACKS) {
        if DIFFERENCES.iter().any(|(name, ..)| *name == case.name) {
            let reason = receive.reason(&case.xml);
            assert!(!["ok", "signature_invalid", "verified_bytes"].contains(&reason), "{}: {reason}", case.name);
        }
    }
}

#[test]
fn whatever_mutation_the_guard_lets_in_holds_for_the_second_verifier_too() {
    let originals = [WORLD.signed_response(), WORLD.signed_assertion(), WORLD.signed_both()];
    let receive = Receive::default();
    let mut dice = Dice::seeded();
    let mut let_in = 0;
    for round in 0..mutation::rounds(1_000) {
        let xml = mutation::mutate(&originals[round % originals.len()], &mut dice);
        if receive.xml(&xml).is_ok() {
            let_in += 1;
            assert_eq!(second(&xml, &[&WORLD.idp]), Ok(()), "{dice}, round {round}: {xml}");
        }
    }
    assert!(let_in > 5, "{let_in}");
}

#[test]
fn what_we_sign_holds_for_the_second_verifier() {
    let all = [schema::requests(), schema::logout_messages(), schema::metadata()].concat();
    for xml in all.iter().filter(|xml| xml.contains("SignatureValue")) {
        assert_eq!(second(xml, &[&WORLD.sp]), Ok(()), "{xml}");
    }
}
