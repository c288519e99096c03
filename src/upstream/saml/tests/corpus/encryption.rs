//! Encrypted assertions that must not open, or not count when they do.

use super::forge::{ADMIN, Encrypt, MGF1P, Sign, USER, World};
use super::{Row, cut};

pub fn encryption(world: &World) -> Vec<Row> {
    let signed = world.sign_assertion(&world.assertion());
    let forged = world.assertion().replace(USER, ADMIN);
    let encrypt = || Encrypt::to(&world.sp);
    let around = |encrypt: Encrypt<'_>, plain: &str| world.response(&encrypt.apply(plain));
    let two_keys = {
        let xml = around(encrypt(), &signed);
        let key = cut(&xml, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>").to_owned();
        xml.replace(&key, &key.repeat(2))
    };
    // another byte near the start of the ciphertext
    let changed = |encrypt: Encrypt<'_>| {
        let xml = around(encrypt, &signed);
        let at = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len() + 40;
        let other = if xml.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &xml[..at], &xml[at + 1..])
    };
    vec![
        ("encrypted, nothing signed", around(encrypt(), &forged), "not_signed"),
        (
            "encrypted, signed by an attacker",
            around(encrypt(), &Sign::by(&world.attacker).apply(&forged, "_assertion")),
            "unknown_certificate",
        ),
        ("encrypted after a change", around(encrypt(), &signed.replace(USER, ADMIN)), "signature_invalid"),
        (
            "ciphertext replaced in a signed response",
            {
                let response = world.sign_response(&world.response(&encrypt().apply(&world.assertion())));
                let good = cut(&response, "<saml:EncryptedAssertion", "</saml:EncryptedAssertion>").to_owned();
                response.replace(&good, &encrypt().apply(&forged))
            },
            "signature_invalid",
        ),
        ("GCM changed", changed(encrypt()), "decryption_failed"),
        ("CBC changed", changed(Encrypt::with(&world.sp, "aes256-cbc")), "decryption_failed"),
        ("GCM cut", around(Encrypt { cut: 1, ..encrypt() }, &signed), "decryption_failed"),
        ("GCM empty", around(Encrypt { cut: usize::MAX, ..encrypt() }, &signed), "decryption_failed"),
        ("CBC cut", around(Encrypt { cut: 1, ..Encrypt::with(&world.sp, "aes128-cbc") }, &signed), "decryption_failed"),
        (
            "CBC cut by a block",
            around(Encrypt { cut: 16, ..Encrypt::with(&world.sp, "aes256-cbc") }, &signed),
            "decryption_failed",
        ),
        (
            "CBC empty",
            around(Encrypt { cut: usize::MAX, ..Encrypt::with(&world.sp, "aes128-cbc") }, &signed),
            "decryption_failed",
        ),
        ("to another key", around(Encrypt::to(&world.attacker), &signed), "decryption_failed"),
        (
            "RSA-1.5",
            around(Encrypt { key: "http://www.w3.org/2001/04/xmlenc#rsa-1_5", ..encrypt() }, &signed),
            "key_algorithm",
        ),
        (
            "OAEP with MD5",
            around(Encrypt { digest: "http://www.w3.org/2001/04/xmldsig-more#md5", key: MGF1P, ..encrypt() }, &signed),
            "key_algorithm",
        ),
        (
            "OAEP with a label",
            around(encrypt(), &signed).replacen(
                "</xenc:EncryptionMethod><xenc:CipherData>",
                "<xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod><xenc:CipherData>",
                1,
            ),
            "key_algorithm",
        ),
        (
            "3DES",
            around(encrypt(), &signed).replace(
                "http://www.w3.org/2009/xmlenc11#aes256-gcm",
                "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            ),
            "data_algorithm",
        ),
        ("two keys", two_keys, "encrypted_key_count"),
        ("no key", around(encrypt(), &signed).replace("xenc:EncryptedKey", "xenc:Other"), "encrypted_key_count"),
        ("plaintext is not XML", around(encrypt(), "hello"), "decryption_failed"),
        ("plaintext is two assertions", around(encrypt(), &format!("{signed}{forged}")), "decryption_failed"),
        (
            "plaintext closes the response",
            around(encrypt(), &format!("{forged}</samlp:Response>")),
            "decryption_failed",
        ),
        (
            "plaintext brings a status",
            around(encrypt(), &format!("<samlp:Extensions></samlp:Extensions>{signed}")),
            "decryption_failed",
        ),
        ("plaintext has a comment", around(encrypt(), &signed.replace(USER, "user<!-- -->")), "decryption_failed"),
        ("plaintext is encrypted again", around(encrypt(), &encrypt().apply(&signed)), "decryption_failed"),
    ]
}
