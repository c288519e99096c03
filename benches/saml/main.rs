//! What the SAML guard costs, as a ratio inside one run: a whole check of a usual response against the engine's bare
//! signature check of the same document. And how long the largest allowed response takes, which ends the benchmark when
//! it is too long.
//!
//! The two are measured in turn on one thread, many rounds; the ratio is the median of the rounds'.

#![allow(clippy::print_stdout, clippy::unwrap_used, dead_code)]

#[path = "../../src/upstream/saml/tests/forge.rs"]
mod forge;

use std::hint::black_box;
use std::time::{Duration, Instant};

use avouch::upstream::saml::{Policy, ResponseInput, TrustedCertificate, XmlSec, XmlSignatureEngine, verify_response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forge::{USER, World};
use time::macros::datetime;

/// Short, so that what else the machine does meets both alike.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 25;
/// Bytes of a response as products send it.
const USUAL: usize = 5 << 10;
const LARGEST: usize = 256 << 10;
const LARGEST_MAY_TAKE: Duration = Duration::from_millis(500);

struct Bench {
    world: World,
    certificates: Vec<TrustedCertificate>,
    engine: XmlSec,
    policy: Policy,
}

fn main() {
    let world = World::new(datetime!(2026-06-01 12:00 UTC));
    let certificates = vec![TrustedCertificate::from_der(&world.idp.certificate).unwrap()];
    let bench = Bench { world, certificates, engine: XmlSec::new(), policy: Policy::default() };
    let usual = bench.response(USUAL);
    let encoded = STANDARD.encode(&usual);
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let pair = (per_second(|| bench.bare(&usual)), per_second(|| bench.whole(&encoded)));
        // the first only warms up
        if round > 0 {
            bare.push(pair.0);
            whole.push(pair.1);
        }
    }
    let ratio = median(whole.iter().zip(&bare).map(|(whole, bare)| whole / bare).collect());
    let (bare, whole) = (median(bare), median(whole));
    println!("bench bare_signature {bare:.0} responses/s");
    println!("bench saml_response {whole:.0} responses/s ratio {ratio:.2} of bare_signature");
    let largest = STANDARD.encode(bench.response(LARGEST - 200));
    let began = Instant::now();
    bench.whole(&largest);
    let took = began.elapsed();
    println!("bench saml_largest_response {:.0} ms of {}", took.as_secs_f64() * 1e3, LARGEST_MAY_TAKE.as_millis());
    assert!(took < LARGEST_MAY_TAKE, "the largest allowed response takes {took:?}");
}

impl Bench {
    /// A response with a signed assertion, of at most so many bytes: the rest is values of an attribute.
    fn response(&self, bytes: usize) -> String {
        let value = "<saml:AttributeValue>staff</saml:AttributeValue>";
        let more = (bytes - self.world.signed_assertion().len()) / value.len();
        let xml = self.world.said(value, &value.repeat(1 + more));
        assert!(xml.len() <= bytes && xml.len() + value.len() > bytes, "{}", xml.len());
        xml
    }

    fn bare(&self, xml: &str) {
        let certificates = [self.certificates[0].der()];
        black_box(self.engine.verified_bytes(xml, &certificates).unwrap());
    }

    fn whole(&self, encoded: &str) {
        let input = ResponseInput {
            saml_response_base64: encoded,
            idp_entity_id: &self.world.idp_entity_id,
            certificates: &self.certificates,
            sp_entity_id: &self.world.sp_entity_id,
            acs_url: &self.world.acs_url,
            expected_request_id: Some(&self.world.request_id),
            decryption_keys: &[],
            policy: &self.policy,
            now: self.world.now,
            skew: time::Duration::minutes(2),
        };
        assert_eq!(verify_response(&input, &self.engine).unwrap().name_id.value, USER);
    }
}

fn per_second(work: impl Fn()) -> f64 {
    let (began, mut done) = (Instant::now(), 0_u32);
    while began.elapsed() < ROUND {
        work();
        done += 1;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
