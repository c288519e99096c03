//! What a signature says about itself: algorithms, references, whose key.

use super::forge::{ADMIN, DS, EXC_C14N, Sign, USER, World, enveloped, transform, x509_data};
use super::{Row, cut, signature_of};

pub fn algorithms(world: &World) -> Vec<Row> {
    let base = Sign::by(&world.idp);
    let sign = |sign: &Sign<'_>| world.response(&sign.apply(&world.assertion(), "_assertion"));
    let algorithm = |algorithm| sign(&Sign { algorithm, ..base.clone() });
    let hmac = |secret: Vec<u8>| {
        let algorithm = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
        let secret = Some(secret);
        let key_info = x509_data(&world.idp.certificate);
        let forged = world.assertion().replace(USER, ADMIN);
        world.response(&Sign { secret, algorithm, key_info, ..base.clone() }.apply(&forged, "_assertion"))
    };
    let renamed = |to: &str| world.signed_assertion().replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", to);
    vec![
        ("HMAC with the certificate", hmac(world.idp.certificate.clone()), "signature_algorithm"),
        ("HMAC with the certificate as PEM", hmac(world.idp.certificate_pem()), "signature_algorithm"),
        ("HMAC with the public key", hmac(world.idp.public.public_key_to_der().unwrap()), "signature_algorithm"),
        ("HMAC with a zero", hmac(vec![0]), "signature_algorithm"),
        ("HMAC said, RSA done", renamed("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), "signature_algorithm"),
        ("DSA", renamed("http://www.w3.org/2009/xmldsig11#dsa-sha256"), "signature_algorithm"),
        ("RSA-PSS", renamed("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"), "signature_algorithm"),
        ("HMAC-SHA1", renamed("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "signature_algorithm"),
        ("RSA-SHA1", algorithm("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "signature_algorithm"),
        ("RSA-MD5", algorithm("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"), "signature_algorithm"),
        ("no algorithm", renamed(""), "signature_algorithm"),
        ("ECDSA said, RSA done", renamed("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), "signature_invalid"),
        (
            "SHA-1 digest",
            sign(&Sign { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..base.clone() }),
            "digest_algorithm",
        ),
        (
            "MD5 digest",
            sign(&Sign { digest: "http://www.w3.org/2001/04/xmldsig-more#md5", ..base.clone() }),
            "digest_algorithm",
        ),
        (
            "inclusive C14N",
            sign(&Sign { canonicalization: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..base.clone() }),
            "canonicalization",
        ),
        (
            "C14N with comments",
            sign(&Sign { canonicalization: "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ..base.clone() }),
            "canonicalization",
        ),
        (
            "HMAC truncation",
            world.signed_assertion().replace(
                "rsa-sha256\"></ds:SignatureMethod>",
                "rsa-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>",
            ),
            "signature_algorithm",
        ),
    ]
}

pub fn references(world: &World) -> Vec<Row> {
    let base = Sign::by(&world.idp);
    let sign = |sign: Sign<'_>| world.response(&sign.apply(&world.assertion(), "_assertion"));
    let transforms = |transforms: String| sign(Sign { transforms, ..base.clone() });
    let exclusive = transform(EXC_C14N);
    let xpath = format!(
        "{}<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::saml:NameID)</ds:XPath></ds:Transform>{exclusive}",
        enveloped()
    );
    let xslt = format!(
        "{}<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"></xsl:stylesheet></ds:Transform>{exclusive}",
        enveloped()
    );
    let uri = |uri| sign(Sign { uri: Some(uri), ..base.clone() });
    vec![
        ("XPath transform", transforms(xpath), "transforms"),
        (
            "XPath in the enveloped transform",
            transforms(format!("{}{exclusive}", enveloped().replace("></", "><ds:XPath>1</ds:XPath></"))),
            "transforms",
        ),
        ("XSLT transform", transforms(xslt), "transforms"),
        ("no exclusive C14N", transforms(enveloped()), "transforms"),
        ("no enveloped", transforms(exclusive.clone()), "transforms"),
        ("no transforms", transforms(String::new()), "transforms"),
        (
            "transform C14N with comments",
            transforms(enveloped() + &transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments")),
            "transforms",
        ),
        (
            "transform base64",
            transforms(enveloped() + &exclusive + &transform("http://www.w3.org/2000/09/xmldsig#base64")),
            "transforms",
        ),
        ("two references", sign(Sign { references: 2, ..base.clone() }), "reference_count"),
        ("no reference", sign(Sign { references: 0, ..base.clone() }), "reference_count"),
        ("URI empty", uri(""), "reference_uri"),
        ("URI to another", uri("#_response"), "reference_uri"),
        ("URI xpointer", uri("#xpointer(id('_assertion'))"), "reference_uri"),
        ("URI outside", uri("https://evil.test/x"), "reference_uri"),
        ("URI missing", world.signed_assertion().replace(" URI=\"#_assertion\"", ""), "reference_uri"),
        (
            "Object in the signature",
            sign(Sign { object: "<ds:Object></ds:Object>", ..base.clone() }),
            "signature_child",
        ),
        (
            "empty Signature",
            world.response(
                &world.assertion().replace(
                    "</saml:Issuer>",
                    &format!("</saml:Issuer><ds:Signature xmlns:ds=\"{DS}\"></ds:Signature>"),
                ),
            ),
            "signature_child",
        ),
        (
            "Manifest",
            world.signed_assertion().replace("</ds:SignedInfo>", "<ds:Manifest></ds:Manifest></ds:SignedInfo>"),
            "signature_child",
        ),
    ]
}

pub fn keys(world: &World) -> Vec<Row> {
    let by_attacker = Sign::by(&world.attacker);
    let as_idp = Sign { key_info: x509_data(&world.idp.certificate), ..by_attacker.clone() };
    let named = Sign { key_info: "<ds:KeyName>idp</ds:KeyName>".into(), ..by_attacker.clone() };
    let evil = |sign: &Sign<'_>| world.response(&sign.apply(&world.assertion().replace(USER, ADMIN), "_assertion"));
    let unsigned = world.response(&world.assertion());
    let zeroed = {
        let signed = world.signed_assertion();
        let value = cut(&signed, "<ds:SignatureValue>", "</ds:SignatureValue>").to_owned();
        signed.replace(&value, "<ds:SignatureValue></ds:SignatureValue>")
    };
    vec![
        ("unsigned", unsigned.clone(), "not_signed"),
        ("attacker's key and certificate", evil(&by_attacker), "unknown_certificate"),
        ("attacker's key, our IdP's certificate", evil(&as_idp), "signature_invalid"),
        ("attacker's key, a name", evil(&named), "signature_invalid"),
        (
            "attacker signs the response around a good assertion",
            by_attacker.apply(&world.signed_assertion(), "_response"),
            "unknown_certificate",
        ),
        (
            "the same with our IdP's certificate",
            as_idp.apply(&world.signed_assertion(), "_response"),
            "signature_invalid",
        ),
        ("signature value empty", zeroed, "signature_invalid"),
        (
            "response signature stripped",
            world.signed_response().replace(&signature_of(&world.signed_response()), ""),
            "not_signed",
        ),
    ]
}
