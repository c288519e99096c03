//! Encrypted assertions: the ciphertext's own words, or whatever may stand in a plaintext that is encrypted to us.
#![no_main]

use avouch_fuzz::forge::Encrypt;
use avouch_fuzz::setting::{Believes, TRUSTED, WORLD, opened, receive};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let element = match text.strip_prefix('=') {
        Some(plaintext) => {
            let data = if plaintext.len() % 2 == 0 { "aes256-gcm" } else { "aes128-cbc" };
            Encrypt::with(&WORLD.sp, data).apply(plaintext)
        }
        None => opened(text),
    };
    let _ = receive(WORLD.response(&element).as_bytes(), &TRUSTED, &Believes);
});
