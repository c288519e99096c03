//! The guard against a generated corpus: keys are made when the tests start, nothing is a fixture.

mod accepted;
mod attacks;
mod corpus;
mod encrypted;
mod engine;
mod forge;
mod load;
mod logout;
mod metadata;
mod mutation;
pub(super) mod schema;
mod second_opinion;
mod seeds;
mod sending;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::Duration;
use time::macros::datetime;

use super::*;
use forge::{Identity, World};

pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| World::new(datetime!(2026-06-01 12:00 UTC)));

fn trusted(identities: &[&Identity]) -> Vec<TrustedCertificate> {
    identities.iter().map(|identity| TrustedCertificate::from_der(&identity.certificate).unwrap()).collect()
}

fn sp_key(identity: &Identity) -> SpKey {
    SpKey::from_pkcs8(&identity.key.private_key_to_pkcs8().unwrap(), &identity.certificate).unwrap()
}

/// What a test may change of the usual way a response is received.
struct Receive {
    certificates: Vec<TrustedCertificate>,
    policy: Policy,
    expected_request_id: Option<&'static str>,
    keys: Vec<SpKey>,
    later: Duration,
}

impl Default for Receive {
    fn default() -> Self {
        Self {
            certificates: trusted(&[&WORLD.idp]),
            policy: Policy::default(),
            expected_request_id: Some("_request"),
            keys: vec![sp_key(&WORLD.sp)],
            later: Duration::ZERO,
        }
    }
}

impl Receive {
    fn policy(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    fn xml(&self, xml: &str) -> Result<VerifiedAssertion, Refusal> {
        self.by(xml, &XmlSec::new())
    }

    fn by(&self, xml: &str, engine: &dyn XmlSignatureEngine) -> Result<VerifiedAssertion, Refusal> {
        let keys: Vec<&SpKey> = self.keys.iter().collect();
        let input = ResponseInput {
            saml_response_base64: &STANDARD.encode(xml),
            idp_entity_id: &WORLD.idp_entity_id,
            certificates: &self.certificates,
            sp_entity_id: &WORLD.sp_entity_id,
            acs_url: &WORLD.acs_url,
            expected_request_id: self.expected_request_id,
            decryption_keys: &keys,
            policy: &self.policy,
            now: WORLD.now + self.later,
            skew: Duration::minutes(2),
        };
        verify_response(&input, engine)
    }

    fn reason(&self, xml: &str) -> &'static str {
        self.xml(xml).map_or_else(|refusal| refusal.reason, |_| "ok")
    }
}

#[test]
fn every_reason_of_the_code_stands_in_the_table() {
    let table = include_str!("../mod.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/upstream/saml");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for marker in ["refuse(\"", "Refusal::new(\"", "mismatch(\"", "refused(\"", "reason: \""] {
            for (at, _) in text.match_indices(marker) {
                let reason = text[at + marker.len()..].split('"').next().unwrap();
                assert!(table.contains(&format!("`{reason}`")), "{}: {reason} is not in the table", path.display());
                found += 1;
            }
        }
    }
    assert!(found > 60, "only {found} reasons found");
}
