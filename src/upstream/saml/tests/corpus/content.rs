//! What an answer says: to whom, about what request, for how long.

use super::forge::{USER, World};
use super::{Row, STATUS_END, cut};

/// What the provider itself says wrongly, under a good signature.
pub fn assertion(world: &World) -> Vec<Row> {
    let said = |from: &str, to: &str| world.said(from, to);
    let (later, before) = (world.at(300), world.at(-60));
    let conditions = format!("<saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{later}\">");
    let restriction = format!(
        "<saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction>",
        world.sp_entity_id
    );
    let other_restriction =
        "<saml:AudienceRestriction><saml:Audience>https://other.test</saml:Audience></saml:AudienceRestriction>";
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
    let subject = whole("<saml:Subject>", "</saml:Subject>");
    let over = format!("SessionIndex=\"_session\" SessionNotOnOrAfter=\"{}\"", world.at(-121));
    let ended = whole("<saml:AuthnStatement", "</saml:AuthnStatement>").replace("SessionIndex=\"_session\"", &over);
    let name_id = whole("<saml:NameID", "</saml:NameID>");
    vec![
        (
            "wrong issuer",
            said(&format!("<saml:Issuer>{}", world.idp_entity_id), "<saml:Issuer>https://evil.test"),
            "issuer",
        ),
        (
            "two issuers",
            said("<saml:Subject>", &format!("<saml:Issuer>{}</saml:Issuer><saml:Subject>", world.idp_entity_id)),
            "issuer",
        ),
        ("issuer of another format", said("<saml:Issuer>", "<saml:Issuer Format=\"urn:x\">"), "issuer"),
        ("issued an hour ago", issued(&world.at(-3600)), "issue_instant"),
        ("issued in an hour", issued(&world.at(3600)), "issue_instant"),
        ("no IssueInstant", said(&format!(" IssueInstant=\"{}\"", world.at(0)), ""), "issue_instant"),
        ("a time without zone", issued("2026-06-01T12:00:00"), "instant_malformed"),
        ("no subject", said(&whole("<saml:Subject>", "</saml:Subject>"), ""), "subject_count"),
        ("two subjects", said("<saml:Subject>", &format!("{subject}<saml:Subject>")), "subject_count"),
        ("no NameID", said(&name_id, ""), "name_id_count"),
        ("two NameIDs", said(&name_id, &name_id.repeat(2)), "name_id_count"),
        ("EncryptedID", said(&name_id, "<saml:EncryptedID></saml:EncryptedID>"), "name_id_encrypted"),
        (
            "a BaseID beside the NameID",
            said(&name_id, &format!("<saml:BaseID></saml:BaseID>{name_id}")),
            "name_id_count",
        ),
        ("empty NameID", said(&format!(">{USER}</saml:NameID>"), "></saml:NameID>"), "name_id_malformed"),
        ("NameID with a line break", said(&format!("{USER}</saml:NameID>"), "a\nb</saml:NameID>"), "name_id_malformed"),
        (
            "NameID too long",
            said(&format!("{USER}</saml:NameID>"), &format!("{}</saml:NameID>", "x".repeat(1025))),
            "name_id_malformed",
        ),
        ("not a bearer", said("cm:bearer", "cm:holder-of-key"), "subject_confirmation"),
        (
            "no confirmation data",
            said(&whole("<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>"), ""),
            "subject_confirmation",
        ),
        (
            "confirmation with NotBefore",
            data("NotOnOrAfter", &format!("NotBefore=\"{before}\" NotOnOrAfter")),
            "subject_confirmation",
        ),
        ("wrong recipient", data(&world.acs_url, "https://evil.test/acs"), "recipient"),
        ("no recipient", data(&format!(" Recipient=\"{}\"", world.acs_url), ""), "recipient"),
        ("confirmed for another request", data(&world.request_id, "_other"), "in_response_to"),
        ("confirmed for no request", data(&format!(" InResponseTo=\"{}\"", world.request_id), ""), "in_response_to"),
        ("confirmation expired", data(&later, &world.at(-121)), "expired"),
        ("confirmation without end", data(&format!(" NotOnOrAfter=\"{later}\""), ""), "expired"),
        ("no conditions", said(&whole("<saml:Conditions", "</saml:Conditions>"), ""), "conditions_count"),
        (
            "two conditions",
            said("<saml:Conditions", &format!("{}<saml:Conditions", whole("<saml:Conditions", "</saml:Conditions>"))),
            "conditions_count",
        ),
        ("expired two minutes ago", said(&conditions, &conditions.replace(&later, &world.at(-121))), "expired"),
        (
            "conditions without end",
            said(&conditions, &conditions.replace(&format!(" NotOnOrAfter=\"{later}\""), "")),
            "expired",
        ),
        ("not yet valid", said(&conditions, &conditions.replace(&before, &world.at(180))), "not_yet_valid"),
        ("no audience", said(&restriction, ""), "audience"),
        ("wrong audience", said(&restriction, other_restriction), "audience"),
        ("one of two audiences wrong", said(&restriction, &format!("{restriction}{other_restriction}")), "audience"),
        (
            "audience with our prefix",
            said(
                &format!("{}</saml:Audience>", world.sp_entity_id),
                &format!("{}.evil.test</saml:Audience>", world.sp_entity_id),
            ),
            "audience",
        ),
        (
            "unknown condition",
            said(&restriction, &format!("{restriction}<saml:Condition></saml:Condition>")),
            "condition_unknown",
        ),
        (
            "foreign condition",
            said(&restriction, &format!("{restriction}<x:Strange xmlns:x=\"urn:x\"></x:Strange>")),
            "condition_unknown",
        ),
        ("nobody signed in", said(&whole("<saml:AuthnStatement", "</saml:AuthnStatement>"), ""), "authn_statement"),
        (
            "a second sign-in, its session over",
            said("<saml:AttributeStatement>", &format!("{ended}<saml:AttributeStatement>")),
            "session_expired",
        ),
        ("signed in tomorrow", said(&authn, &format!("AuthnInstant=\"{}\"", world.at(86_400))), "authn_statement"),
        (
            "session over",
            said(
                "SessionIndex=\"_session\"",
                &format!("SessionIndex=\"_session\" SessionNotOnOrAfter=\"{}\"", world.at(-121)),
            ),
            "session_expired",
        ),
        ("endless SessionIndex", said("\"_session\"", &format!("\"{}\"", "x".repeat(1025))), "authn_statement"),
        ("attribute without name", said(" Name=\"groups\"", ""), "attribute_malformed"),
        (
            "encrypted attribute",
            said(
                "<saml:AttributeStatement>",
                "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute>",
            ),
            "attribute_malformed",
        ),
    ]
}

/// The envelope: under a signature, and around a signed assertion, where it is only early refusal.
pub fn envelope(world: &World) -> Vec<Row> {
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
        (
            "wrong Destination, assertion signed",
            unsigned(&destination, "Destination=\"https://evil.test\""),
            "destination",
        ),
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
