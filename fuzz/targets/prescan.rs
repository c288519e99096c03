//! Any bytes as a response: nothing that two parsers read differently gets past the pre-scan.
#![no_main]

use avouch_fuzz::setting::{Believes, receive};

const PRESCAN: [&str; 14] = [
    "too_large",
    "not_utf8",
    "encoding",
    "dtd",
    "comment",
    "cdata",
    "processing_instruction",
    "too_deep",
    "too_many_attributes",
    "too_many_nodes",
    "not_well_formed",
    "namespace",
    "not_base64",
    "deflate",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let refusal = receive(data, &[], &Believes).expect_err("there is no certificate");
    if !PRESCAN.contains(&refusal.reason) {
        let text = std::str::from_utf8(data).expect("UTF-8");
        let declaration = text.strip_prefix("<?xml").map_or(0, |after| text.len() - after.len());
        assert!(!text.contains("<!") && !text[declaration..].contains("<?"), "{}", refusal.reason);
        roxmltree::Document::parse(text).expect("well-formed");
    }
});
