//! Encrypted assertions: RSA-OAEP and AES, and one answer for everything that goes wrong inside (XML Encryption's CBC is
//! a padding oracle otherwise). Decrypting is not authenticating: nobody may believe a plaintext for having been
//! encrypted to us.

use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm::{self, Cipher, Crypter, Mode};
use roxmltree::Node;
use zeroize::Zeroizing;

use super::refusal::{Refusal, refuse};
use super::sp_key::SpKey;
use super::xml::{self, DS, XENC, XENC11};
use crate::upstream::quoted::quoted;

/// What to decrypt, read from the document before any key is used.
struct Encrypted {
    cipher: Cipher,
    gcm: bool,
    /// Of RSA-OAEP: the label's hash, and the hash of MGF1.
    digest: MessageDigest,
    mgf1: MessageDigest,
    wrapped_key: Vec<u8>,
    data: Vec<u8>,
}

const GCM_TAG: usize = 16;
const BLOCK: usize = 16;

/// The plaintext of an `EncryptedAssertion`: text, otherwise unchecked. Keys are tried in turn.
///
/// # Errors
/// `no_decryption_key`, `encrypted_key_count`, `key_algorithm`, `data_algorithm`: the sender's choice, readable by all.
/// `decryption_failed` for the rest, without a word more.
pub(super) fn assertion(encrypted: Node<'_, '_>, keys: &[&SpKey]) -> Result<String, Refusal> {
    let encrypted = read(encrypted)?;
    if keys.is_empty() {
        return refuse("no_decryption_key", "the assertion is encrypted and the connection has no encryption key");
    }
    let opened = |key: &&SpKey| open(&encrypted, key).inspect(|_| key.note_opened());
    keys.iter().find_map(opened).ok_or_else(failed)
}

pub(super) fn failed() -> Refusal {
    Refusal::new(
        "decryption_failed",
        "the assertion does not decrypt to one assertion with any encryption key of the connection",
    )
}

fn read(node: Node<'_, '_>) -> Result<Encrypted, Refusal> {
    let in_tree = |name| node.descendants().filter(move |n| xml::is(*n, XENC, name)).collect::<Vec<_>>();
    let (data, keys) = (in_tree("EncryptedData"), in_tree("EncryptedKey"));
    let ([data], [key]) = (&data[..], &keys[..]) else {
        return refuse("encrypted_key_count", "an encrypted assertion needs one EncryptedData and one EncryptedKey");
    };
    let (cipher, gcm) = cipher(*data)?;
    let (digest, mgf1) = key_transport(*key)?;
    let value = |node| {
        let value = xml::child(xml::child(node, XENC, "CipherData")?, XENC, "CipherValue")?;
        xml::base64(&xml::text(value))
    };
    let (Some(wrapped_key), Some(data)) = (value(*key), value(*data)) else { return Err(failed()) };
    Ok(Encrypted { cipher, gcm, digest, mgf1, wrapped_key, data })
}

fn method<'a, 'i: 'a>(node: Node<'a, 'i>) -> (&'a str, Option<Node<'a, 'i>>) {
    let method = xml::child(node, XENC, "EncryptionMethod");
    (method.and_then(|method| method.attribute("Algorithm")).unwrap_or_default(), method)
}

fn cipher(data: Node<'_, '_>) -> Result<(Cipher, bool), Refusal> {
    Ok(match method(data).0 {
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => (Cipher::aes_128_cbc(), false),
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => (Cipher::aes_192_cbc(), false),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => (Cipher::aes_256_cbc(), false),
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => (Cipher::aes_128_gcm(), true),
        "http://www.w3.org/2009/xmlenc11#aes192-gcm" => (Cipher::aes_192_gcm(), true),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => (Cipher::aes_256_gcm(), true),
        other => {
            let other = quoted(other, 128);
            return refuse("data_algorithm", format!("the assertion is encrypted with {other}; AES is allowed"));
        }
    })
}

/// XML Encryption 1.1 §5.5: `rsa-oaep-mgf1p` has MGF1 with SHA-1 always, `rsa-oaep` names it; both default to SHA-1.
fn key_transport(key: Node<'_, '_>) -> Result<(MessageDigest, MessageDigest), Refusal> {
    let (algorithm, method) = method(key);
    let digest = |uri: Option<&str>| match uri {
        None | Some("http://www.w3.org/2000/09/xmldsig#sha1") => Some(MessageDigest::sha1()),
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => Some(MessageDigest::sha256()),
        Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => Some(MessageDigest::sha384()),
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => Some(MessageDigest::sha512()),
        Some(_) => None,
    };
    let mgf = |uri: Option<&str>| match uri {
        None | Some("http://www.w3.org/2009/xmlenc11#mgf1sha1") => Some(MessageDigest::sha1()),
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha256") => Some(MessageDigest::sha256()),
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha384") => Some(MessageDigest::sha384()),
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha512") => Some(MessageDigest::sha512()),
        Some(_) => None,
    };
    let parameter = |namespace, name| {
        method.and_then(|method| xml::child(method, namespace, name)).and_then(|node| node.attribute("Algorithm"))
    };
    let label = method.is_some_and(|method| xml::child(method, XENC, "OAEPparams").is_some());
    let chosen = match algorithm {
        _ if label => None,
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => Some((digest(parameter(DS, "DigestMethod")), mgf(None))),
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => {
            Some((digest(parameter(DS, "DigestMethod")), mgf(parameter(XENC11, "MGF"))))
        }
        _ => None,
    };
    let Some((Some(digest), Some(mgf1))) = chosen else {
        let algorithm = quoted(algorithm, 128);
        return refuse(
            "key_algorithm",
            format!("the key is wrapped with {algorithm}; RSA-OAEP without label is allowed"),
        );
    };
    Ok((digest, mgf1))
}

fn open(encrypted: &Encrypted, key: &SpKey) -> Option<String> {
    let key = unwrap(encrypted, key)?;
    let plain = if encrypted.gcm { gcm(encrypted, &key)? } else { cbc(encrypted, &key)? };
    String::from_utf8(plain).ok()
}

fn unwrap(encrypted: &Encrypted, key: &SpKey) -> Option<Zeroizing<Vec<u8>>> {
    let mut decrypter = Decrypter::new(key.private()).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md(encrypted.digest).ok()?;
    decrypter.set_rsa_mgf1_md(encrypted.mgf1).ok()?;
    let mut out = Zeroizing::new(vec![0; decrypter.decrypt_len(&encrypted.wrapped_key).ok()?]);
    let len = decrypter.decrypt(&encrypted.wrapped_key, &mut out).ok()?;
    out.truncate(len);
    (len == encrypted.cipher.key_len()).then_some(out)
}

/// XML Encryption 1.1 §5.2.4: 96-bit IV, ciphertext, 128-bit tag.
fn gcm(encrypted: &Encrypted, key: &[u8]) -> Option<Vec<u8>> {
    let (iv, rest) = encrypted.data.split_at_checked(12)?;
    let (data, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG)?)?;
    symm::decrypt_aead(encrypted.cipher, key, Some(iv), &[], data, tag).ok()
}

/// XML Encryption 1.1 §5.2.2: IV, then whole blocks, the last byte of which counts the padding; the rest of the padding
/// is arbitrary, so that PKCS#7 would refuse it.
fn cbc(encrypted: &Encrypted, key: &[u8]) -> Option<Vec<u8>> {
    let (iv, data) = encrypted.data.split_at_checked(BLOCK)?;
    if data.is_empty() || !data.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut crypter = Crypter::new(encrypted.cipher, Mode::Decrypt, key, Some(iv)).ok()?;
    crypter.pad(false);
    let mut plain = vec![0; data.len() + BLOCK];
    let len = crypter.update(data, &mut plain).ok()?;
    let len = len + crypter.finalize(plain.get_mut(len..)?).ok()?;
    let padding = usize::from(*plain.get(len.checked_sub(1)?)?);
    if !(1..=BLOCK).contains(&padding) {
        return None;
    }
    plain.truncate(len - padding);
    Some(plain)
}
