//! Logout messages by POST whose signatures are all believed.
#![no_main]

use avouch_fuzz::setting::{Believes, logout};
use avouch_fuzz::upstream::saml::{Carried, verify_logout_request, verify_logout_response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let base64 = STANDARD.encode(data);
    let input = logout(Carried::Post { base64: &base64 });
    match verify_logout_request(&input, &Believes) {
        Ok(request) => assert!(!request.name_id.value.is_empty() && request.id.len() <= 256),
        Err(refusal) => assert_ne!(refusal.reason, "internal"),
    }
    match verify_logout_response(&input, "_ours", &Believes) {
        Ok(response) => assert!(response.id.len() <= 256),
        Err(refusal) => assert_ne!(refusal.reason, "internal"),
    }
});
