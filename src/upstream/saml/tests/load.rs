//! Large documents in small stacks, many threads, and how long one takes.

use std::time::Instant;

use super::forge::{Sign, USER};
use super::*;

fn with_values(count: usize) -> String {
    let values = format!("<saml:AttributeValue>{USER}</saml:AttributeValue>").repeat(count);
    WORLD.said("<saml:AttributeValue>staff</saml:AttributeValue>", &values)
}

#[test]
fn the_largest_allowed_response_is_read_in_a_small_stack() {
    let xml = with_values(3_600);
    assert!(xml.len() > 200 << 10 && xml.len() < 256 << 10, "{}", xml.len());
    let read = move || {
        let receive = Receive::default();
        let started = Instant::now();
        let verified = receive.xml(&xml).unwrap();
        eprintln!("a response of {} KiB: {:?}", xml.len() >> 10, started.elapsed());
        verified.claims()["groups"].as_array().unwrap().len()
    };
    let values = std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap().join().unwrap();
    assert_eq!(values, 3_601);
}

#[test]
fn larger_ones_are_refused_at_once() {
    assert_eq!(Receive::default().reason(&with_values(20_000)), "too_large");
}

#[test]
fn good_and_hostile_messages_pass_through_threads_without_meeting() {
    let (good, evil) = (WORLD.signed_both(), WORLD.signed_both().replace(USER, "x@example.test"));
    let attacker = WORLD.response(&Sign::by(&WORLD.attacker).apply(&WORLD.assertion(), "_assertion"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let receive = Receive::default();
                for _ in 0..50 {
                    assert_eq!(receive.xml(&good).unwrap().name_id.value, USER);
                    assert_eq!(receive.reason(&evil), "signature_invalid");
                    assert_eq!(receive.reason(&attacker), "unknown_certificate");
                }
            });
        }
    });
}

#[test]
fn one_verification_takes_little() {
    let (xml, receive) = (WORLD.signed_both(), Receive::default());
    receive.xml(&xml).unwrap();
    let started = Instant::now();
    for _ in 0..200 {
        receive.xml(&xml).unwrap();
    }
    eprintln!("one response, {} bytes, two signatures: {:?}", xml.len(), started.elapsed() / 200);
}
