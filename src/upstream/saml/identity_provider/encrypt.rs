//! An assertion for one reader: AES-256-GCM with a key of its own, wrapped with RSA-OAEP and SHA-256 (XML Encryption 1.1
//! §5.2.4, §5.5.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, encrypt_aead};
use zeroize::Zeroizing;

use crate::rng::Rng;
use crate::upstream::saml::certificate::TrustedCertificate;
use crate::upstream::saml::xml_writer::Element;

/// The reader's certificate cannot be encrypted to: its key is not RSA.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the encryption certificate in the service provider's metadata has no RSA key")]
pub struct EncryptError;

/// The `EncryptedAssertion` around an assertion, in the place of which it stands.
pub(super) fn encrypted(assertion: &str, to: &TrustedCertificate, rng: &Rng) -> Result<Element, EncryptError> {
    let key = Zeroizing::new(rng.bytes::<32>());
    let (wrapped, data) = sealed(assertion.as_bytes(), &*key, to, rng).map_err(|_| EncryptError)?;
    let value = |bytes: &[u8]| {
        Element::new("xenc:CipherData").child(Element::new("xenc:CipherValue").text(STANDARD.encode(bytes)))
    };
    let method = |uri: &str| Element::new("xenc:EncryptionMethod").attribute("Algorithm", uri);
    let digest = Element::new("ds:DigestMethod").attribute("Algorithm", "http://www.w3.org/2001/04/xmlenc#sha256");
    let mgf = Element::new("xenc11:MGF").attribute("Algorithm", "http://www.w3.org/2009/xmlenc11#mgf1sha256");
    let key = Element::new("xenc:EncryptedKey")
        .child(method("http://www.w3.org/2009/xmlenc11#rsa-oaep").child(digest).child(mgf))
        .child(value(&wrapped));
    let data = Element::new("xenc:EncryptedData")
        .attribute("Type", "http://www.w3.org/2001/04/xmlenc#Element")
        .child(method("http://www.w3.org/2009/xmlenc11#aes256-gcm"))
        .child(Element::new("ds:KeyInfo").child(key))
        .child(value(&data));
    Ok(Element::new("saml:EncryptedAssertion").child(data))
}

/// The wrapped key; IV, ciphertext and tag.
fn sealed(plain: &[u8], key: &[u8], to: &TrustedCertificate, rng: &Rng) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let public = to.public_key().ok_or_else(ErrorStack::get)?;
    let mut encrypter = Encrypter::new(&public)?;
    encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
    encrypter.set_rsa_oaep_md(MessageDigest::sha256())?;
    encrypter.set_rsa_mgf1_md(MessageDigest::sha256())?;
    let mut wrapped = vec![0; encrypter.encrypt_len(key)?];
    let length = encrypter.encrypt(key, &mut wrapped)?;
    wrapped.truncate(length);
    let iv = rng.bytes::<12>();
    let mut tag = [0; 16];
    let data = encrypt_aead(Cipher::aes_256_gcm(), key, Some(&iv), &[], plain, &mut tag)?;
    Ok((wrapped, [&iv[..], &data, &tag].concat()))
}
