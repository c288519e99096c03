//! The redirect binding: a query string as it stands, or any DEFLATE data in a query that is properly signed.
#![no_main]

use avouch_fuzz::setting::{Believes, WORLD, logout};
use avouch_fuzz::upstream::saml::{Carried, verify_logout_request, verify_logout_response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let raw_query = match data.strip_prefix(b"=") {
        Some(deflated) => signed(deflated),
        None => String::from_utf8_lossy(data).into_owned(),
    };
    let input = logout(Carried::Redirect { raw_query: &raw_query });
    let results =
        [verify_logout_request(&input, &Believes).err(), verify_logout_response(&input, "_ours", &Believes).err()];
    for refusal in results.into_iter().flatten() {
        assert_ne!(refusal.reason, "internal");
    }
});

fn signed(deflated: &[u8]) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let algorithm = encoded("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    let query = format!("SAMLRequest={}&SigAlg={algorithm}", encoded(&STANDARD.encode(deflated)));
    let mut signer = Signer::new(MessageDigest::sha256(), &WORLD.idp.key).unwrap();
    let signature = signer.sign_oneshot_to_vec(query.as_bytes()).unwrap();
    format!("{query}&Signature={}", encoded(&STANDARD.encode(signature)))
}
