//! What the other end writes, the guard reads; what we write, the other end checks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::Duration;
use time::macros::datetime;

use super::*;
use crate::jose::{Alg, Certificate, KeyPair};
use crate::rng::Rng;
use crate::upstream::saml::tests::schema::valid;
use crate::upstream::saml::{
    AuthnRequest, Encryption, Policy, Refusal, ResponseInput, SpKey, SpMetadata, VerifiedAssertion, WantSigned, XmlSec,
    read_idp_metadata, verify_response,
};

const NOW: time::OffsetDateTime = datetime!(2026-06-01 12:00 UTC);
const SP: &str = "http://localhost/connections/fabrikam/metadata";
const ACS: &str = "http://localhost/connections/fabrikam/acs";
const IDP: &str = "http://fabrikam.test/metadata";
const SSO: &str = "http://fabrikam.test/sso";

fn key() -> SpKey {
    let (pair, pkcs8) = KeyPair::generate(Alg::RS256);
    let certificate = Certificate::self_signed(&pair, "test", NOW, NOW + Duration::days(1)).unwrap();
    SpKey::from_pkcs8(pkcs8.expose(), certificate.der()).unwrap()
}

/// Us, and what the provider read of us.
struct Us {
    key: SpKey,
    known: ServiceProvider,
}

impl Us {
    fn new(encrypted: bool) -> Self {
        let key = key();
        let certificates = [key.certificate_der()];
        let metadata = SpMetadata {
            entity_id: SP,
            acs_url: ACS,
            slo_url: None,
            signing_certificates: &certificates,
            encryption_certificates: if encrypted { &certificates } else { &[] },
            authn_requests_signed: true,
            want_assertions_signed: true,
            name_id_formats: &[],
            valid_until: NOW,
        };
        let known = read_sp_metadata(metadata.write(None).as_bytes()).unwrap();
        Self { key, known }
    }

    fn query(&self, destination: &str, acs_url: &str, key: Option<&SpKey>) -> String {
        let request = AuthnRequest {
            id: "_request",
            issue_instant: NOW,
            issuer: SP,
            destination,
            acs_url,
            force_authn: false,
            is_passive: false,
            name_id_format: None,
            requested_authn_context: &[],
        };
        request.redirect_url(Some("relay&state"), key).split_once('?').unwrap().1.to_owned()
    }

    fn received(&self, query: &str) -> Result<ReceivedAuthnRequest, Refusal> {
        verify_authn_request(query, &self.known, SSO, NOW, Duration::minutes(2))
    }
}

#[test]
fn a_request_is_answered_only_when_it_is_signed_for_here_and_for_a_known_address() {
    let us = Us::new(true);
    let request = us.received(&us.query(SSO, ACS, Some(&us.key))).unwrap();
    assert_eq!((request.id.as_str(), request.acs_url.as_str()), ("_request", ACS));
    assert_eq!(request.relay_state.as_deref(), Some("relay&state"));
    let reason = |query: String| us.received(&query).unwrap_err().reason;
    assert_eq!(reason(us.query(SSO, ACS, None)), "not_signed");
    assert_eq!(reason(us.query(SSO, ACS, Some(&key()))), "signature_invalid");
    assert_eq!(reason(us.query("http://other.test", ACS, Some(&us.key))), "destination");
    assert_eq!(reason(us.query(SSO, "http://evil.test", Some(&us.key))), "endpoint_missing");
    let late = verify_authn_request(
        &us.query(SSO, ACS, Some(&us.key)),
        &us.known,
        SSO,
        NOW + Duration::hours(1),
        Duration::ZERO,
    );
    assert_eq!(late.unwrap_err().reason, "issue_instant");
}

#[test]
fn the_guard_believes_the_answer_under_its_strictest_policy() {
    for encrypted in [true, false] {
        let us = Us::new(encrypted);
        let idp = key();
        let description = IdpDescription { entity_id: IDP, sso_url: SSO, slo_url: SSO, key: &idp };
        let written = description.write("_metadata");
        valid("saml-schema-metadata-2.0.xsd", &written);
        let metadata = read_idp_metadata(written.as_bytes(), Some(IDP), None).unwrap();
        assert!(metadata.want_authn_requests_signed && metadata.single_sign_on[0].location == SSO);
        let request = us.received(&us.query(SSO, ACS, Some(&us.key))).unwrap();
        let rng = Rng::default();
        let answer = Answer { issuer: IDP, key: &idp, to: &us.known, request: &request, now: NOW, rng: &rng };
        let groups = crate::upstream::saml::Attribute {
            name: "groups".into(),
            friendly_name: None,
            values: vec!["staff".into(), "R&D <1>".into()],
        };
        let form = answer.signed_in(&Person { name_id: "p1", attributes: vec![groups] }).unwrap();
        let encryption = if encrypted { Encryption::Require } else { Encryption::Never };
        let policy = Policy { want_signed: WantSigned::Both, encryption, ..Policy::default() };
        let read = |base64: &str| -> Result<VerifiedAssertion, Refusal> {
            let input = ResponseInput {
                saml_response_base64: base64,
                idp_entity_id: IDP,
                certificates: &metadata.signing_certificates,
                sp_entity_id: SP,
                acs_url: ACS,
                expected_request_id: Some("_request"),
                decryption_keys: &[&us.key],
                policy: &policy,
                now: NOW,
                skew: Duration::minutes(2),
            };
            verify_response(&input, &XmlSec::new())
        };
        assert_eq!((form.action.as_str(), form.fields[1].1.as_str()), (ACS, "relay&state"));
        let verified = read(&form.fields[0].1).unwrap();
        assert_eq!(verified.name_id.value, "p1");
        assert_eq!(verified.claims()["groups"], serde_json::json!(["staff", "R&D <1>"]));
        let xml = String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap();
        if !encrypted {
            // the schemas are older than XML Encryption 1.1
            valid("saml-schema-protocol-2.0.xsd", &xml);
        }
        assert_eq!(xml.contains("R&amp;D"), !encrypted);
        assert_eq!(read(&answer.refused().fields[0].1).unwrap_err().reason, "status");
    }
}
