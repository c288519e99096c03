//! What real identity providers send.

use super::forge::{Encrypt, MGF1P, RSA_OAEP, SHA256, Sign, World, enveloped};

type Row = (&'static str, String);

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more";
const PREFIX_LIST: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"></ec:InclusiveNamespaces></ds:Transform>"#;

pub fn plain(world: &World) -> Vec<Row> {
    let sign = |sign: Sign<'_>| world.response(&sign.apply(&world.assertion(), &world.assertion_id));
    let rsa = Sign::by(&world.idp);
    vec![
        ("response signed", world.signed_response()),
        ("assertion signed", world.signed_assertion()),
        ("both signed", world.signed_both()),
        ("ECDSA", sign(Sign::by(&world.idp_ec))),
        ("RSA-SHA512", sign(Sign { algorithm: &format!("{MORE}#rsa-sha512"), ..rsa.clone() })),
        (
            "RSA-SHA384 and SHA-512 digest",
            sign(Sign {
                algorithm: &format!("{MORE}#rsa-sha384"),
                digest: "http://www.w3.org/2001/04/xmlenc#sha512",
                ..rsa.clone()
            }),
        ),
        ("KeyName only", sign(Sign { key_info: "<ds:KeyName>idp</ds:KeyName>".into(), ..rsa.clone() })),
        ("prefix list", sign(Sign { transforms: enveloped() + PREFIX_LIST, ..rsa.clone() })),
        ("XML declaration", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", world.signed_both())),
        (
            "harmless Extensions",
            world.said_around(
                "<samlp:Status>",
                "<samlp:Extensions><x:y xmlns:x=\"urn:x\"></x:y></samlp:Extensions><samlp:Status>",
            ),
        ),
        (
            "many values",
            world.said(
                "<saml:AttributeValue>staff</saml:AttributeValue>",
                &"<saml:AttributeValue>staff</saml:AttributeValue>".repeat(500),
            ),
        ),
        (
            "nested value",
            world.said(
                "<saml:AttributeValue>staff</saml:AttributeValue>",
                "<saml:AttributeValue><saml:NameID>staff</saml:NameID></saml:AttributeValue>",
            ),
        ),
    ]
}

/// The assertion signed, the response signed too, only the response signed; every cipher, every OAEP.
pub fn encrypted(world: &World) -> Vec<Row> {
    let (plain, to) = (world.assertion(), &world.sp);
    let signed = world.sign_assertion(&plain);
    let around = |encrypt: Encrypt<'_>| world.response(&encrypt.apply(&signed));
    let outer = |encrypt: Encrypt<'_>| world.sign_response(&world.response(&encrypt.apply(&plain)));
    let both = |encrypt: Encrypt<'_>| world.sign_response(&around(encrypt));
    let mgf = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
    vec![
        ("AES-128-CBC", around(Encrypt::with(to, "aes128-cbc"))),
        ("AES-192-CBC", around(Encrypt::with(to, "aes192-cbc"))),
        ("AES-256-CBC", around(Encrypt::with(to, "aes256-cbc"))),
        ("AES-128-GCM", around(Encrypt::with(to, "aes128-gcm"))),
        ("AES-192-GCM", around(Encrypt::with(to, "aes192-gcm"))),
        ("AES-256-GCM", around(Encrypt::with(to, "aes256-gcm"))),
        ("AES-256-CBC, both signed", both(Encrypt::with(to, "aes256-cbc"))),
        ("AES-256-GCM, both signed", both(Encrypt::to(to))),
        ("AES-256-CBC, response signed", outer(Encrypt::with(to, "aes256-cbc"))),
        ("AES-256-GCM, response signed", outer(Encrypt::to(to))),
        ("OAEP, SHA-256 with MGF1 of SHA-1", around(Encrypt { key: MGF1P, digest: SHA256, ..Encrypt::to(to) })),
        ("OAEP of XML Encryption 1.1", around(Encrypt { key: RSA_OAEP, ..Encrypt::to(to) })),
        ("OAEP, SHA-256", around(Encrypt { key: RSA_OAEP, digest: SHA256, mgf, ..Encrypt::to(to) })),
        ("OAEP, SHA-1 with MGF1 of SHA-256", around(Encrypt { key: RSA_OAEP, mgf, ..Encrypt::to(to) })),
    ]
}
