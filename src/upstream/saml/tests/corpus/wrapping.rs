//! Signature wrapping: which element is read and which is signed.

use super::forge::{ADMIN, Encrypt, USER, World};
use super::{Row, SAML, STATUS_END, assertion_of, cut, signature_of};

/// Signature wrapping: the signed original is kept somewhere, another one stands where it will be read.
pub fn wrapping(world: &World) -> Vec<Row> {
    let response = world.signed_response();
    let unsigned_response = response.replace(&signature_of(&response), "");
    let evil_id = |xml: &str| xml.replace("\"_response\"", "\"_evilr\"").replace("\"_assertion\"", "\"_evil\"");
    let evil = |xml: &str| evil_id(xml).replace(USER, ADMIN);
    let into = |xml: &str, end: &str, what: &str| {
        let at = xml.rfind(end).unwrap();
        format!("{}{what}{}", &xml[..at], &xml[at..])
    };

    let signed = world.signed_assertion();
    let good = assertion_of(&signed);
    let signature = signature_of(&good);
    let bare = good.replace(&signature, "");
    let forged = evil(&bare);
    let object =
        |what: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{what}</ds:Object></ds:Signature>"));
    let with_signature = |signature: &str| forged.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
    let around = |body: &str| world.response(body);
    let both = world.signed_both();
    let signed_around = |body: &str| both.replace(&good, body);
    let xsw4 = into(&forged, "</saml:Assertion>", &good);
    let xsw5 = format!("{}{bare}", with_signature(&signature));
    let xsw6 = with_signature(&signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>")));
    let xsw8 = with_signature(&object(&bare));
    let in_extensions = |what: &str| {
        signed.replace("<samlp:Status>", &format!("<samlp:Extensions>{what}</samlp:Extensions><samlp:Status>"))
    };
    let other_namespace = forged
        .replace(SAML, "urn:evil")
        .replace("<saml:", "<evil:")
        .replace("</saml:", "</evil:")
        .replace("xmlns:saml", "xmlns:evil");

    vec![
        ("XSW1", into(&evil(&response), "</ds:Signature>", &unsigned_response), "assertion_count"),
        ("XSW1 same ID", into(&response.replace(USER, ADMIN), "</ds:Signature>", &unsigned_response), "duplicate_id"),
        (
            "XSW1 in Object",
            evil(&response)
                .replace("</ds:Signature>", &format!("<ds:Object>{unsigned_response}</ds:Object></ds:Signature>")),
            "assertion_count",
        ),
        (
            "XSW2",
            evil(&response).replace("<ds:Signature ", &format!("{unsigned_response}<ds:Signature ")),
            "assertion_count",
        ),
        ("XSW2 as sibling", into(&evil(&response), "</samlp:Response>", &unsigned_response), "assertion_count"),
        ("XSW nested whole", into(&evil(&unsigned_response), "</samlp:Response>", &response), "assertion_count"),
        ("XSW3", around(&format!("{forged}{good}")), "assertion_count"),
        ("XSW3 after", around(&format!("{good}{forged}")), "assertion_count"),
        ("XSW4", around(&xsw4), "assertion_count"),
        ("XSW5", around(&xsw5), "assertion_count"),
        ("XSW6", around(&xsw6), "assertion_count"),
        ("XSW7", in_extensions(&forged), "assertion_count"),
        ("XSW8", around(&xsw8), "assertion_count"),
        ("XSW3 in a response signed too", signed_around(&format!("{forged}{good}")), "assertion_count"),
        ("XSW4 in a response signed too", signed_around(&xsw4), "assertion_count"),
        ("XSW5 in a response signed too", signed_around(&xsw5), "assertion_count"),
        ("XSW6 in a response signed too", signed_around(&xsw6), "assertion_count"),
        (
            "XSW7 in a response signed too",
            both.replace("<samlp:Status>", &format!("<samlp:Extensions>{forged}</samlp:Extensions><samlp:Status>")),
            "assertion_count",
        ),
        ("XSW8 in a response signed too", signed_around(&xsw8), "assertion_count"),
        (
            "in the detail of the status",
            signed.replace(STATUS_END, &format!("<samlp:StatusDetail>{forged}</samlp:StatusDetail>{STATUS_END}")),
            "assertion_count",
        ),
        ("foreign namespace", around(&format!("{other_namespace}{good}")), "assertion_count"),
        ("foreign namespace alone in Extensions", in_extensions(&other_namespace), "assertion_count"),
        (
            "advice",
            around(&into(&good, "</saml:Assertion>", &format!("<saml:Advice>{forged}</saml:Advice>"))),
            "assertion_count",
        ),
        (
            "advice that was signed",
            {
                let inside = format!("<saml:Advice>{}</saml:Advice></saml:Assertion>", evil(&world.assertion()));
                world.said("</saml:Assertion>", &inside)
            },
            "assertion_count",
        ),
        (
            "encrypted beside signed",
            around(&format!("{}{good}", Encrypt::to(&world.sp).apply(&forged))),
            "assertion_count",
        ),
        ("forged only, signature of another", around(&with_signature(&signature)), "reference_uri"),
        (
            "forged only, same ID",
            around(&with_signature(&signature).replace("_evil", "_assertion")),
            "signature_invalid",
        ),
        ("user changed", signed.replace(USER, ADMIN), "signature_invalid"),
        ("user changed in a signed response", response.replace(USER, ADMIN), "signature_invalid"),
    ]
}

/// IDs, children and signatures out of place.
pub fn misplaced(world: &World) -> Vec<Row> {
    let signed = world.signed_assertion();
    let signature = signature_of(&signed);
    let xml_id = signed.replace("<samlp:StatusCode ", "<samlp:StatusCode xml:id=\"_assertion\" ");
    let lower_id = signed.replace("<samlp:StatusCode ", "<samlp:StatusCode Id=\"_assertion\" ");
    let before_signature =
        signed.replace("</saml:Issuer><ds:Signature ", &format!("</saml:Issuer>{signature}<ds:Signature "));
    vec![
        ("duplicate ID", signed.replace("ID=\"_response\"", "ID=\"_assertion\""), "duplicate_id"),
        ("xml:id clash", xml_id, "duplicate_id"),
        ("Id clash", lower_id, "duplicate_id"),
        ("assertion without ID", signed.replace(" ID=\"_assertion\"", ""), "id_missing"),
        ("response without ID", signed.replace(" ID=\"_response\"", ""), "id_missing"),
        ("no assertion", world.sign_response(&world.response("")), "assertion_count"),
        ("two signatures", before_signature, "signature_count"),
        (
            "signature in the subject",
            signed.replace(&signature, "").replace("<saml:Subject>", &format!("<saml:Subject>{signature}")),
            "signature_position",
        ),
        (
            "signature in the status",
            signed.replace(STATUS_END, &format!("{signature}{STATUS_END}")),
            "signature_position",
        ),
        (
            "foreign Signature element",
            signed.replace(STATUS_END, &format!("<x:Signature xmlns:x=\"urn:x\"></x:Signature>{STATUS_END}")),
            "signature_position",
        ),
        (
            "a child nobody knows",
            signed.replace("<samlp:Status>", "<samlp:Other></samlp:Other><samlp:Status>"),
            "unexpected_element",
        ),
        (
            "two statuses",
            signed.replace("<samlp:Status>", &format!("{}<samlp:Status>", cut(&signed, "<samlp:Status>", STATUS_END))),
            "unexpected_element",
        ),
        (
            "SAML in Extensions",
            signed.replace(
                "<samlp:Status>",
                "<samlp:Extensions><x><samlp:Status></samlp:Status></x></samlp:Extensions><samlp:Status>",
            ),
            "unexpected_element",
        ),
        (
            "an AuthnRequest",
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>".into(),
            "root",
        ),
        ("an assertion alone", assertion_of(&signed), "root"),
        ("SAML 1.1", signed.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1), "version"),
        ("assertion of SAML 1.1", world.said("Version=\"2.0\"", "Version=\"1.1\""), "version"),
    ]
}
