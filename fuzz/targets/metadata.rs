//! Metadata of an identity provider: what is read of it could be used.
#![no_main]

use avouch_fuzz::setting::{Believes, TRUSTED};
use avouch_fuzz::upstream::saml::{MetadataSigner, read_idp_metadata};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let signer = MetadataSigner { engine: &Believes, certificates: &TRUSTED };
    for (entity_id, signer) in [(None, None), (Some("https://a.test"), None), (None, Some(signer))] {
        match read_idp_metadata(data, entity_id, signer) {
            Ok(metadata) => {
                assert!(!metadata.signing_certificates.is_empty() && !metadata.single_sign_on.is_empty());
                for endpoint in metadata.single_sign_on.iter().chain(&metadata.single_logout) {
                    let url = url::Url::parse(&endpoint.location).expect("a URL");
                    assert!(["http", "https"].contains(&url.scheme()), "{url}");
                }
            }
            Err(refusal) => assert_ne!(refusal.reason, "internal"),
        }
    }
});
