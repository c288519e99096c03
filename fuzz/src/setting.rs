//! Who takes part. Only the service provider's key is new in every run; what is encrypted to it says so by a word that
//! [`opened`] replaces.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::encrypt::Encrypter;
use openssl::rsa::Padding;
use time::Duration;
use time::macros::datetime;

use crate::forge::{Identity, World};
use crate::upstream::saml::{
    Carried, LogoutInput, Policy, Refusal, ResponseInput, SignatureInvalid, SpKey, TrustedCertificate,
    VerifiedAssertion, XmlSignatureEngine, verify_response,
};

pub const SLO: &str = "https://avouch.test/connections/contoso/slo";

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut world = World::new(datetime!(2026-06-01 12:00 UTC));
    world.idp = Identity::known();
    world
});
pub static TRUSTED: LazyLock<Vec<TrustedCertificate>> =
    LazyLock::new(|| vec![TrustedCertificate::from_der(&WORLD.idp.certificate).unwrap()]);
static KEY: LazyLock<SpKey> =
    LazyLock::new(|| SpKey::from_pkcs8(&WORLD.sp.key.private_key_to_pkcs8().unwrap(), &WORLD.sp.certificate).unwrap());
/// Where [`crate::forge::Encrypt`]'s AES key would stand wrapped: the word, and the key as wrapped in this run.
static WRAPPED: LazyLock<[(&str, String); 3]> = LazyLock::new(|| {
    [("{{KEY16}}", 16), ("{{KEY24}}", 24), ("{{KEY32}}", 32)].map(|(word, length)| (word, wrap(&vec![7; length])))
});

fn wrap(key: &[u8]) -> String {
    let mut encrypter = Encrypter::new(&WORLD.sp.public).unwrap();
    encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
    let mut out = vec![0; encrypter.encrypt_len(key).unwrap()];
    let length = encrypter.encrypt(key, &mut out).unwrap();
    STANDARD.encode(&out[..length])
}

/// With the keys of this run.
pub fn opened(text: &str) -> String {
    WRAPPED.iter().fold(text.to_owned(), |text, (word, wrapped)| text.replace(word, wrapped))
}

pub fn receive(
    document: &[u8],
    certificates: &[TrustedCertificate],
    engine: &dyn XmlSignatureEngine,
) -> Result<VerifiedAssertion, Refusal> {
    let policy = Policy::default();
    let input = ResponseInput {
        saml_response_base64: &STANDARD.encode(document),
        idp_entity_id: &WORLD.idp_entity_id,
        certificates,
        sp_entity_id: &WORLD.sp_entity_id,
        acs_url: &WORLD.acs_url,
        expected_request_id: Some(&WORLD.request_id),
        decryption_keys: &[&KEY],
        policy: &policy,
        now: WORLD.now,
        skew: Duration::minutes(2),
    };
    let result = verify_response(&input, engine);
    if let Err(refusal) = &result {
        assert_ne!(refusal.reason, "internal");
    }
    result
}

pub fn logout<'a>(carried: Carried<'a>) -> LogoutInput<'a> {
    LogoutInput {
        carried,
        idp_entity_id: &WORLD.idp_entity_id,
        certificates: &TRUSTED,
        destination: SLO,
        now: WORLD.now,
        skew: Duration::minutes(2),
    }
}

/// Says of every signature that it holds, over the element it stands in.
pub struct Believes;

impl XmlSignatureEngine for Believes {
    fn verified_bytes(&self, xml: &str, _: &[&[u8]]) -> Result<String, SignatureInvalid> {
        let document = roxmltree::Document::parse(xml).map_err(|_| SignatureInvalid)?;
        let signature = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == "Signature";
        let signed = document.descendants().find(|node| node.children().any(|child| signature(&child)));
        let signed = signed.ok_or(SignatureInvalid)?;
        let mut text = xml[signed.range()].to_owned();
        let signatures: Vec<_> = signed.descendants().filter(signature).map(|node| node.range()).collect();
        for range in signatures.into_iter().rev() {
            let (start, end) = (range.start - signed.range().start, range.end - signed.range().start);
            if let Some(before) = text.get(..start)
                && let Some(after) = text.get(end..)
            {
                text = format!("{before}{after}");
            }
        }
        Ok(text)
    }
}
