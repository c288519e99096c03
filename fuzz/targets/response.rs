//! A response whose signatures are all believed: shape, signature rules, conditions, what is read.
#![no_main]

use avouch_fuzz::setting::{Believes, TRUSTED, WORLD, opened, receive};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(verified) = receive(opened(text).as_bytes(), &TRUSTED, &Believes) {
        let name = &verified.name_id.value;
        assert!((1..=1024).contains(&name.len()) && !name.chars().any(char::is_control));
        assert!(verified.assertion_id.len() <= 256 && verified.response_id.len() <= 256);
        assert_eq!(verified.issuer, WORLD.idp_entity_id);
        let _ = verified.claims();
    }
});
