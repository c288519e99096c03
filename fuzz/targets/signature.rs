//! The engine itself, behind the guard: whoever gets in is the one person whom the provider ever signed for.
#![no_main]

use std::sync::LazyLock;

use avouch_fuzz::forge::USER;
use avouch_fuzz::setting::{TRUSTED, opened, receive};
use avouch_fuzz::upstream::saml::XmlSec;

static ENGINE: LazyLock<XmlSec> = LazyLock::new(XmlSec::new);

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(verified) = receive(opened(text).as_bytes(), &TRUSTED, &*ENGINE) {
        assert_eq!(verified.name_id.value, USER);
    }
});
