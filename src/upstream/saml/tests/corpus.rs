//! The attacks, each with the word it must be refused with: that it is refused at all proves little, for another check
//! may have been in the way. Uses no item of this crate, so that a black-box test can post every one of them.

use super::forge::{ADMIN, DS, EXC_C14N, Encrypt, MGF1P, Sign, USER, World, enveloped, transform, x509_data};

pub struct Case {
    pub name: &'static str,
    pub xml: String,
    pub expected: &'static str,
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const STATUS_END: &str = "</samlp:Status>";

pub fn cases(world: &World) -> Vec<Case> {
    let groups = [
        wrapping(world), misplaced(world), algorithms(world), references(world), keys(world), lexical(world),
        assertion(world), envelope(world), encryption(world),
    ];
    groups
        .into_iter()
        .flatten()
        .map(|(name, xml, expected)| Case { name, xml, expected })
        .collect()
}

type Row = (&'static str, String, &'static str);

fn cut<'a>(xml: &'a str, from: &str, to: &str) -> &'a str {
    let start = xml.find(from).unwrap();
    let end = start + xml[start..].find(to).unwrap() + to.len();
    &xml[start..end]
}

fn assertion_of(xml: &str) -> String {
    cut(xml, "<saml:Assertion", "</saml:Assertion>").to_owned()
}

fn signature_of(xml: &str) -> String {
    cut(xml, "<ds:Signature ", "</ds:Signature>").to_owned()
}

/// Signature wrapping: the signed original is kept somewhere, another one stands where it will be read.
fn wrapping(world: &World) -> Vec<Row> {
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
    let object = |what: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{what}</ds:Object></ds:Signature>"));
    let with_signature = |signature: &str| forged.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
    let around = |body: &str| world.response(body);
    let in_extensions = |what: &str| {
        signed.replace("<samlp:Status>", &format!("<samlp:Extensions>{what}</samlp:Extensions><samlp:Status>"))
    };
    let other_namespace =
        forged.replace(SAML, "urn:evil").replace("<saml:", "<evil:").replace("</saml:", "</evil:").replace("xmlns:saml", "xmlns:evil");

    vec![
        ("XSW1", into(&evil(&response), "</ds:Signature>", &unsigned_response), "assertion_count"),
        ("XSW1 same ID", into(&response.replace(USER, ADMIN), "</ds:Signature>", &unsigned_response), "duplicate_id"),
        ("XSW1 in Object", evil(&response).replace("</ds:Signature>", &format!("<ds:Object>{unsigned_response}</ds:Object></ds:Signature>")), "assertion_count"),
        ("XSW2", evil(&response).replace("<ds:Signature ", &format!("{unsigned_response}<ds:Signature ")), "assertion_count"),
        ("XSW2 as sibling", into(&evil(&response), "</samlp:Response>", &unsigned_response), "assertion_count"),
        ("XSW nested whole", into(&evil(&unsigned_response), "</samlp:Response>", &response), "assertion_count"),
        ("XSW3", around(&format!("{forged}{good}")), "assertion_count"),
        ("XSW3 after", around(&format!("{good}{forged}")), "assertion_count"),
        ("XSW4", around(&into(&forged, "</saml:Assertion>", &good)), "assertion_count"),
        ("XSW5", around(&format!("{}{bare}", with_signature(&signature))), "assertion_count"),
        ("XSW6", around(&with_signature(&signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>")))), "assertion_count"),
        ("XSW7", in_extensions(&forged), "assertion_count"),
        ("XSW8", around(&with_signature(&object(&bare))), "assertion_count"),
        ("XSW3 in a response signed too", world.signed_both().replace("<saml:Assertion ", &format!("{forged}<saml:Assertion ")), "assertion_count"),
        ("XSW7 in a response signed too", world.signed_both().replace("<samlp:Status>", &format!("<samlp:Extensions>{forged}</samlp:Extensions><samlp:Status>")), "assertion_count"),
        ("foreign namespace", around(&format!("{other_namespace}{good}")), "assertion_count"),
        ("foreign namespace alone in Extensions", in_extensions(&other_namespace), "assertion_count"),
        ("advice", around(&into(&good, "</saml:Assertion>", &format!("<saml:Advice>{forged}</saml:Advice>"))), "assertion_count"),
        ("advice that was signed", {
            let inside = format!("<saml:Advice>{}</saml:Advice></saml:Assertion>", evil(&world.assertion()));
            world.said("</saml:Assertion>", &inside)
        }, "assertion_count"),
        ("encrypted beside signed", around(&format!("{}{good}", Encrypt::to(&world.sp).apply(&forged))), "assertion_count"),
        ("forged only, signature of another", around(&with_signature(&signature)), "reference_uri"),
        ("forged only, same ID", around(&with_signature(&signature).replace("_evil", "_assertion")), "signature_invalid"),
        ("user changed", signed.replace(USER, ADMIN), "signature_invalid"),
        ("user changed in a signed response", response.replace(USER, ADMIN), "signature_invalid"),
    ]
}

/// IDs, children and signatures out of place.
fn misplaced(world: &World) -> Vec<Row> {
    let signed = world.signed_assertion();
    let signature = signature_of(&signed);
    let xml_id = signed.replace("<samlp:StatusCode ", "<samlp:StatusCode xml:id=\"_assertion\" ");
    let lower_id = signed.replace("<samlp:StatusCode ", "<samlp:StatusCode Id=\"_assertion\" ");
    let before_signature = signed.replace("</saml:Issuer><ds:Signature ", &format!("</saml:Issuer>{signature}<ds:Signature "));
    vec![
        ("duplicate ID", signed.replace("ID=\"_response\"", "ID=\"_assertion\""), "duplicate_id"),
        ("xml:id clash", xml_id, "duplicate_id"),
        ("Id clash", lower_id, "duplicate_id"),
        ("assertion without ID", signed.replace(" ID=\"_assertion\"", ""), "id_missing"),
        ("response without ID", signed.replace(" ID=\"_response\"", ""), "id_missing"),
        ("no assertion", world.sign_response(&world.response("")), "assertion_count"),
        ("two signatures", before_signature, "signature_count"),
        ("signature in the subject", signed.replace(&signature, "").replace("<saml:Subject>", &format!("<saml:Subject>{signature}")), "signature_position"),
        ("signature in the status", signed.replace(STATUS_END, &format!("{signature}{STATUS_END}")), "signature_position"),
        ("foreign Signature element", signed.replace(STATUS_END, &format!("<x:Signature xmlns:x=\"urn:x\"></x:Signature>{STATUS_END}")), "signature_position"),
        ("a child nobody knows", signed.replace("<samlp:Status>", "<samlp:Other></samlp:Other><samlp:Status>"), "unexpected_element"),
        ("two statuses", signed.replace("<samlp:Status>", &format!("{}<samlp:Status>", cut(&signed, "<samlp:Status>", STATUS_END))), "unexpected_element"),
        ("SAML in Extensions", signed.replace("<samlp:Status>", "<samlp:Extensions><x><samlp:Status></samlp:Status></x></samlp:Extensions><samlp:Status>"), "unexpected_element"),
        ("an AuthnRequest", "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>".into(), "root"),
        ("an assertion alone", assertion_of(&signed), "root"),
        ("SAML 1.1", signed.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1), "version"),
        ("assertion of SAML 1.1", world.said("Version=\"2.0\"", "Version=\"1.1\""), "version"),
    ]
}

fn algorithms(world: &World) -> Vec<Row> {
    let base = Sign::by(&world.idp);
    let sign = |sign: &Sign<'_>| world.response(&sign.apply(&world.assertion(), "_assertion"));
    let algorithm = |algorithm| sign(&Sign { algorithm, ..base.clone() });
    let renamed = |to: &str| world.signed_assertion().replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", to);
    vec![
        ("HMAC with the certificate", renamed("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), "signature_algorithm"),
        ("HMAC-SHA1", renamed("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "signature_algorithm"),
        ("RSA-SHA1", algorithm("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "signature_algorithm"),
        ("RSA-MD5", algorithm("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"), "signature_algorithm"),
        ("no algorithm", renamed(""), "signature_algorithm"),
        ("ECDSA said, RSA done", renamed("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), "signature_invalid"),
        ("SHA-1 digest", sign(&Sign { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..base.clone() }), "digest_algorithm"),
        ("MD5 digest", sign(&Sign { digest: "http://www.w3.org/2001/04/xmldsig-more#md5", ..base.clone() }), "digest_algorithm"),
        ("inclusive C14N", sign(&Sign { canonicalization: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..base.clone() }), "canonicalization"),
        ("C14N with comments", sign(&Sign { canonicalization: "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ..base.clone() }), "canonicalization"),
        ("HMAC truncation", world.signed_assertion().replace("rsa-sha256\"></ds:SignatureMethod>", "rsa-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"), "signature_algorithm"),
    ]
}

fn references(world: &World) -> Vec<Row> {
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
        ("XPath in the enveloped transform", transforms(format!("{}{exclusive}", enveloped().replace("></", "><ds:XPath>1</ds:XPath></"))), "transforms"),
        ("XSLT transform", transforms(xslt), "transforms"),
        ("no exclusive C14N", transforms(enveloped()), "transforms"),
        ("no enveloped", transforms(exclusive.clone()), "transforms"),
        ("no transforms", transforms(String::new()), "transforms"),
        ("transform C14N with comments", transforms(enveloped() + &transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), "transforms"),
        ("transform base64", transforms(enveloped() + &exclusive + &transform("http://www.w3.org/2000/09/xmldsig#base64")), "transforms"),
        ("two references", sign(Sign { references: 2, ..base.clone() }), "reference_count"),
        ("no reference", sign(Sign { references: 0, ..base.clone() }), "reference_count"),
        ("URI empty", uri(""), "reference_uri"),
        ("URI to another", uri("#_response"), "reference_uri"),
        ("URI xpointer", uri("#xpointer(id('_assertion'))"), "reference_uri"),
        ("URI outside", uri("https://evil.test/x"), "reference_uri"),
        ("URI missing", world.signed_assertion().replace(" URI=\"#_assertion\"", ""), "reference_uri"),
        ("Object in the signature", sign(Sign { object: "<ds:Object></ds:Object>", ..base.clone() }), "signature_child"),
        ("empty Signature", world.response(&world.assertion().replace("</saml:Issuer>", &format!("</saml:Issuer><ds:Signature xmlns:ds=\"{DS}\"></ds:Signature>"))), "signature_child"),
        ("Manifest", world.signed_assertion().replace("</ds:SignedInfo>", "<ds:Manifest></ds:Manifest></ds:SignedInfo>"), "signature_child"),
    ]
}

fn keys(world: &World) -> Vec<Row> {
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
        ("attacker signs the response around a good assertion", by_attacker.apply(&world.signed_assertion(), "_response"), "unknown_certificate"),
        ("the same with our IdP's certificate", as_idp.apply(&world.signed_assertion(), "_response"), "signature_invalid"),
        ("signature value empty", zeroed, "signature_invalid"),
        ("response signature stripped", world.signed_response().replace(&signature_of(&world.signed_response()), ""), "not_signed"),
    ]
}

fn lexical(world: &World) -> Vec<Row> {
    let signed = world.signed_assertion();
    let commented = USER.replace('@', "<!-- -->@");
    let said = |to: &str| world.said(USER, to);
    let dtd = |declarations: &str| format!("<!DOCTYPE samlp:Response [{declarations}]>{signed}");
    vec![
        ("comment in NameID", signed.replace(USER, &commented), "comment"),
        ("comment before", format!("<!-- x -->{signed}"), "comment"),
        ("100 000 comments", signed.replace("<samlp:Status>", &format!("{}<samlp:Status>", "<!---->".repeat(30_000))), "comment"),
        ("CDATA in NameID", said("<![CDATA[admin]]>"), "cdata"),
        ("instruction in NameID", said("user<?x y?>"), "processing_instruction"),
        ("DOCTYPE", dtd(""), "dtd"),
        ("default attribute", dtd("<!ATTLIST saml:NameID Format CDATA 'x'>"), "dtd"),
        ("bomb", dtd("<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"), "dtd"),
        ("XXE", dtd("<!ENTITY x SYSTEM 'file:///etc/passwd'>").replace(USER, "&x;"), "dtd"),
        ("undefined entity", signed.replace(USER, "&x;"), "not_well_formed"),
        ("trailing garbage", format!("{signed}garbage"), "not_well_formed"),
        ("second root", format!("{signed}{signed}"), "not_well_formed"),
        ("unclosed", signed.trim_end_matches("</samlp:Response>").to_owned(), "not_well_formed"),
        ("lying encoding", format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{signed}"), "encoding"),
        ("UTF-16 said", format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{signed}"), "encoding"),
        ("byte order mark", format!("\u{feff}{signed}"), "not_utf8"),
        ("NUL", signed.replace(USER, "u\0"), "not_utf8"),
        ("deep", signed.replace(USER, &format!("{}{}", "<x>".repeat(5_000), "</x>".repeat(5_000))), "too_deep"),
        ("many siblings", signed.replace(USER, &"<x/>".repeat(25_000)), "too_many_nodes"),
        ("huge", signed.replace(USER, &"x".repeat(300_000)), "too_large"),
        ("many attributes", signed.replace("<samlp:Status>", &format!("<samlp:Status{}>", (0..70).map(|n| format!(" a{n}=\"\"")).collect::<String>())), "too_many_attributes"),
        ("NameID with elements", said("<saml:Issuer>x</saml:Issuer>"), "name_id_malformed"),
    ]
}

/// What the provider itself says wrongly, under a good signature.
fn assertion(world: &World) -> Vec<Row> {
    let said = |from: &str, to: &str| world.said(from, to);
    let (later, before) = (world.at(300), world.at(-60));
    let conditions = format!("<saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{later}\">");
    let restriction = format!("<saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction>", world.sp_entity_id);
    let other_restriction = "<saml:AudienceRestriction><saml:Audience>https://other.test</saml:Audience></saml:AudienceRestriction>";
    let data = |from: &str, to: &str| {
        let assertion = world.assertion();
        let data = cut(&assertion, "<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>");
        assert!(data.contains(from));
        said(data, &data.replace(from, to))
    };
    let whole = |from: &str, to: &str| {
        let assertion = world.assertion();
        cut(&assertion, from, to).to_owned()
    };
    let issued = |to: &str| said(&format!("IssueInstant=\"{}\"", world.at(0)), &format!("IssueInstant=\"{to}\""));
    let authn = format!("AuthnInstant=\"{before}\"");
    let name_id = whole("<saml:NameID", "</saml:NameID>");
    vec![
        ("wrong issuer", said(&format!("<saml:Issuer>{}", world.idp_entity_id), "<saml:Issuer>https://evil.test"), "issuer"),
        ("issued an hour ago", issued(&world.at(-3600)), "issue_instant"),
        ("issued in an hour", issued(&world.at(3600)), "issue_instant"),
        ("no IssueInstant", said(&format!(" IssueInstant=\"{}\"", world.at(0)), ""), "issue_instant"),
        ("a time without zone", issued("2026-06-01T12:00:00"), "instant_malformed"),
        ("no subject", said(&whole("<saml:Subject>", "</saml:Subject>"), ""), "subject_count"),
        ("no NameID", said(&name_id, ""), "name_id_count"),
        ("two NameIDs", said(&name_id, &name_id.repeat(2)), "name_id_count"),
        ("EncryptedID", said(&name_id, "<saml:EncryptedID></saml:EncryptedID>"), "name_id_encrypted"),
        ("empty NameID", said(&format!(">{USER}</saml:NameID>"), "></saml:NameID>"), "name_id_malformed"),
        ("NameID with a line break", said(&format!("{USER}</saml:NameID>"), "a\nb</saml:NameID>"), "name_id_malformed"),
        ("NameID too long", said(&format!("{USER}</saml:NameID>"), &format!("{}</saml:NameID>", "x".repeat(1025))), "name_id_malformed"),
        ("not a bearer", said("cm:bearer", "cm:holder-of-key"), "subject_confirmation"),
        ("no confirmation data", said(&whole("<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>"), ""), "subject_confirmation"),
        ("confirmation with NotBefore", data("NotOnOrAfter", &format!("NotBefore=\"{before}\" NotOnOrAfter")), "subject_confirmation"),
        ("wrong recipient", data(&world.acs_url, "https://evil.test/acs"), "recipient"),
        ("no recipient", data(&format!(" Recipient=\"{}\"", world.acs_url), ""), "recipient"),
        ("confirmed for another request", data(&world.request_id, "_other"), "in_response_to"),
        ("confirmed for no request", data(&format!(" InResponseTo=\"{}\"", world.request_id), ""), "in_response_to"),
        ("confirmation expired", data(&later, &world.at(-121)), "expired"),
        ("confirmation without end", data(&format!(" NotOnOrAfter=\"{later}\""), ""), "expired"),
        ("no conditions", said(&whole("<saml:Conditions", "</saml:Conditions>"), ""), "conditions_count"),
        ("two conditions", said("<saml:Conditions", &format!("{}<saml:Conditions", whole("<saml:Conditions", "</saml:Conditions>"))), "conditions_count"),
        ("expired two minutes ago", said(&conditions, &conditions.replace(&later, &world.at(-121))), "expired"),
        ("conditions without end", said(&conditions, &conditions.replace(&format!(" NotOnOrAfter=\"{later}\""), "")), "expired"),
        ("not yet valid", said(&conditions, &conditions.replace(&before, &world.at(121))), "not_yet_valid"),
        ("no audience", said(&restriction, ""), "audience"),
        ("wrong audience", said(&restriction, other_restriction), "audience"),
        ("one of two audiences wrong", said(&restriction, &format!("{restriction}{other_restriction}")), "audience"),
        ("audience with our prefix", said(&format!("{}</saml:Audience>", world.sp_entity_id), &format!("{}.evil.test</saml:Audience>", world.sp_entity_id)), "audience"),
        ("unknown condition", said(&restriction, &format!("{restriction}<saml:Condition></saml:Condition>")), "condition_unknown"),
        ("foreign condition", said(&restriction, &format!("{restriction}<x:Strange xmlns:x=\"urn:x\"></x:Strange>")), "condition_unknown"),
        ("nobody signed in", said(&whole("<saml:AuthnStatement", "</saml:AuthnStatement>"), ""), "authn_statement"),
        ("signed in tomorrow", said(&authn, &format!("AuthnInstant=\"{}\"", world.at(86_400))), "authn_statement"),
        ("session over", said("SessionIndex=\"_session\"", &format!("SessionIndex=\"_session\" SessionNotOnOrAfter=\"{}\"", world.at(-121))), "session_expired"),
        ("attribute without name", said(" Name=\"groups\"", ""), "attribute_malformed"),
        ("encrypted attribute", said("<saml:AttributeStatement>", "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute>"), "attribute_malformed"),
    ]
}

/// The envelope: under a signature, and around a signed assertion, where it is only early refusal.
fn envelope(world: &World) -> Vec<Row> {
    let around = |from: &str, to: &str| world.said_around(from, to);
    let unsigned = |from: &str, to: &str| world.signed_assertion().replacen(from, to, 1);
    let destination = format!("Destination=\"{}\"", world.acs_url);
    let issuer = format!(">{}</saml:Issuer>", world.idp_entity_id);
    let code = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>";
    let failed = code.replace("Success", "Responder");
    let answer = format!(" InResponseTo=\"{}\"", world.request_id);
    let issued = format!("IssueInstant=\"{}\"", world.at(0));
    vec![
        ("wrong Destination", around(&destination, "Destination=\"https://evil.test\""), "destination"),
        ("wrong Destination, assertion signed", unsigned(&destination, "Destination=\"https://evil.test\""), "destination"),
        ("no Destination", around(&format!(" {destination}"), ""), "destination"),
        ("wrong response issuer", around(&issuer, ">https://evil.test</saml:Issuer>"), "issuer"),
        ("wrong response issuer, assertion signed", unsigned(&issuer, ">https://evil.test</saml:Issuer>"), "issuer"),
        ("status Responder", around(code, &failed), "status"),
        ("status Responder, assertion signed", unsigned(code, &failed), "status"),
        ("status Responder, no assertion", world.response("").replace(code, &failed), "status"),
        ("no status", around(&format!("<samlp:Status>{code}{STATUS_END}"), ""), "status"),
        ("no status code", around(code, ""), "status"),
        ("answers another request", around(&answer, " InResponseTo=\"_other\""), "in_response_to"),
        ("answers no request", around(&answer, ""), "in_response_to"),
        ("answers another request, assertion signed", unsigned(&answer, " InResponseTo=\"_other\""), "in_response_to"),
        ("response an hour old", around(&issued, &format!("IssueInstant=\"{}\"", world.at(-3600))), "issue_instant"),
        ("response of tomorrow", around(&issued, &format!("IssueInstant=\"{}\"", world.at(86_400))), "issue_instant"),
        ("response SAML 1.1", around("Version=\"2.0\"", "Version=\"1.1\""), "version"),
    ]
}

fn encryption(world: &World) -> Vec<Row> {
    let signed = world.sign_assertion(&world.assertion());
    let forged = world.assertion().replace(USER, ADMIN);
    let encrypt = || Encrypt::to(&world.sp);
    let around = |encrypt: Encrypt<'_>, plain: &str| world.response(&encrypt.apply(plain));
    let two_keys = {
        let xml = around(encrypt(), &signed);
        let key = cut(&xml, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>").to_owned();
        xml.replace(&key, &key.repeat(2))
    };
    vec![
        ("encrypted, nothing signed", around(encrypt(), &forged), "not_signed"),
        ("encrypted, signed by an attacker", around(encrypt(), &Sign::by(&world.attacker).apply(&forged, "_assertion")), "unknown_certificate"),
        ("encrypted after a change", around(encrypt(), &signed.replace(USER, ADMIN)), "signature_invalid"),
        ("ciphertext replaced in a signed response", {
            let response = world.sign_response(&world.response(&encrypt().apply(&world.assertion())));
            let good = cut(&response, "<saml:EncryptedAssertion", "</saml:EncryptedAssertion>").to_owned();
            response.replace(&good, &encrypt().apply(&forged))
        }, "signature_invalid"),
        ("GCM cut", around(Encrypt { cut: 1, ..encrypt() }, &signed), "decryption_failed"),
        ("GCM empty", around(Encrypt { cut: usize::MAX, ..encrypt() }, &signed), "decryption_failed"),
        ("CBC cut", around(Encrypt { cut: 1, ..Encrypt::with(&world.sp, "aes128-cbc") }, &signed), "decryption_failed"),
        ("CBC cut by a block", around(Encrypt { cut: 16, ..Encrypt::with(&world.sp, "aes256-cbc") }, &signed), "decryption_failed"),
        ("CBC empty", around(Encrypt { cut: usize::MAX, ..Encrypt::with(&world.sp, "aes128-cbc") }, &signed), "decryption_failed"),
        ("to another key", around(Encrypt::to(&world.attacker), &signed), "decryption_failed"),
        ("RSA-1.5", around(Encrypt { key: "http://www.w3.org/2001/04/xmlenc#rsa-1_5", ..encrypt() }, &signed), "key_algorithm"),
        ("OAEP with MD5", around(Encrypt { digest: "http://www.w3.org/2001/04/xmldsig-more#md5", key: MGF1P, ..encrypt() }, &signed), "key_algorithm"),
        ("3DES", around(encrypt(), &signed).replace("http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"), "data_algorithm"),
        ("two keys", two_keys, "encrypted_key_count"),
        ("no key", around(encrypt(), &signed).replace("xenc:EncryptedKey", "xenc:Other"), "encrypted_key_count"),
        ("plaintext is not XML", around(encrypt(), "hello"), "decryption_failed"),
        ("plaintext is two assertions", around(encrypt(), &format!("{signed}{forged}")), "decryption_failed"),
        ("plaintext closes the response", around(encrypt(), &format!("{forged}</samlp:Response>")), "decryption_failed"),
        ("plaintext brings a status", around(encrypt(), &format!("<samlp:Extensions></samlp:Extensions>{signed}")), "decryption_failed"),
        ("plaintext has a comment", around(encrypt(), &signed.replace(USER, "user<!-- -->")), "decryption_failed"),
        ("plaintext is encrypted again", around(encrypt(), &encrypt().apply(&signed)), "decryption_failed"),
    ]
}
