//! Single logout, each end played by the same code with the other's key, and by the forge where it must be wrong.

use super::forge::{Sign, USER};
use super::*;

const SLO: &str = "https://avouch.test/connections/contoso/slo";

fn header(id: &'static str) -> Header<'static> {
    Header { id, issue_instant: WORLD.now, issuer: &WORLD.idp_entity_id, destination: SLO }
}

fn name() -> NameId {
    NameId {
        value: USER.into(),
        format: Some(name_id::PERSISTENT.into()),
        name_qualifier: Some("idp & co".into()),
        sp_name_qualifier: Some("sp".into()),
    }
}

fn input<'a>(carried: Carried<'a>, certificates: &'a [TrustedCertificate]) -> LogoutInput<'a> {
    LogoutInput {
        carried,
        idp_entity_id: &WORLD.idp_entity_id,
        certificates,
        destination: SLO,
        now: WORLD.now,
        skew: Duration::minutes(2),
    }
}

fn reason<T>(result: Result<T, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.reason, |_| "ok")
}

fn posted(xml: &str) -> &'static str {
    let base64 = STANDARD.encode(xml);
    let trusted = trusted(&[&WORLD.idp]);
    reason(verify_logout_request(&input(Carried::Post { base64: &base64 }, &trusted), &XmlSec::new()))
}

fn request_xml() -> String {
    let name_id = name();
    LogoutMessage::Request {
        name_id: &name_id,
        session_indexes: &["_s1".into()],
        not_on_or_after: WORLD.now + Duration::minutes(5),
    }
    .element(&header("_logout"))
    .write()
}

#[test]
fn a_logout_request_arrives_by_both_bindings_as_it_was_sent() {
    let (key, trusted, engine) = (sp_key(&WORLD.idp), trusted(&[&WORLD.idp_ec, &WORLD.idp]), XmlSec::new());
    let name_id = name();
    let message = LogoutMessage::Request {
        name_id: &name_id,
        session_indexes: &["_s1".into()],
        not_on_or_after: WORLD.now + Duration::minutes(5),
    };
    let form = message.post_form(&header("_logout"), None, &key);
    let url = message.redirect_url(&header("_logout"), Some("relay"), &key);
    let raw_query = url.split_once('?').unwrap().1;
    for (carried, relay_state) in [
        (Carried::Post { base64: &form.fields[0].1 }, None),
        (Carried::Redirect { raw_query }, Some("relay".to_owned())),
    ] {
        let received = verify_logout_request(&input(carried, &trusted), &engine).unwrap();
        let session_indexes = vec!["_s1".to_owned()];
        let expected = ReceivedLogoutRequest { id: "_logout".into(), name_id: name(), session_indexes, relay_state };
        assert_eq!(received, expected);
    }
}

#[test]
fn a_logout_response_answers_our_request() {
    let (key, trusted, engine) = (sp_key(&WORLD.idp), trusted(&[&WORLD.idp]), XmlSec::new());
    for success in [true, false] {
        let message = LogoutMessage::Response { in_response_to: "_ours", success };
        let form = message.post_form(&header("_answer"), None, &key);
        let url = message.redirect_url(&header("_answer"), None, &key);
        let raw_query = url.split_once('?').unwrap().1;
        for carried in [Carried::Post { base64: &form.fields[0].1 }, Carried::Redirect { raw_query }] {
            let received = verify_logout_response(&input(carried, &trusted), "_ours", &engine).unwrap();
            assert_eq!((received.id.as_str(), received.complete), ("_answer", success));
            assert_eq!(reason(verify_logout_response(&input(carried, &trusted), "_other", &engine)), "in_response_to");
            assert_eq!(
                reason(verify_logout_request(&input(carried, &trusted), &engine)),
                match carried {
                    Carried::Post { .. } => "root",
                    Carried::Redirect { .. } => "parameter_missing",
                }
            );
        }
    }
}

#[test]
fn forged_logout_requests_are_refused_for_their_own_reason() {
    let signed = |from: &str, to: &str| {
        let xml = request_xml();
        assert!(xml.contains(from), "{from}");
        Sign::by(&WORLD.idp).apply(&xml.replace(from, to), "_logout")
    };
    let good = signed("_s1", "_s1");
    let at = |seconds| WORLD.at(seconds);
    for (name, xml, expected) in [
        ("good", good.clone(), "ok"),
        ("unsigned", request_xml(), "not_signed"),
        ("attacker", Sign::by(&WORLD.attacker).apply(&request_xml(), "_logout"), "unknown_certificate"),
        ("another person", good.replace(USER, "x@example.test"), "signature_invalid"),
        ("another session", good.replace("_s1", "_s2"), "signature_invalid"),
        ("wrong issuer", signed(&WORLD.idp_entity_id, "https://evil.test"), "issuer"),
        ("wrong destination", signed(SLO, "https://evil.test"), "destination"),
        ("no destination", signed(&format!(" Destination=\"{SLO}\""), ""), "destination"),
        ("expired", signed(&at(300), &at(-121)), "expired"),
        (
            "old",
            signed(&format!("IssueInstant=\"{}\"", at(0)), &format!("IssueInstant=\"{}\"", at(-3600))),
            "issue_instant",
        ),
        ("no NameID", signed("saml:NameID", "saml:Other"), "name_id_count"),
        ("comment", good.replace(USER, "user<!-- -->"), "comment"),
        ("DTD", format!("<!DOCTYPE x>{good}"), "dtd"),
        ("wrapped", good.replace("</samlp:LogoutRequest>", &format!("{good}</samlp:LogoutRequest>")), "duplicate_id"),
        (
            "two signatures",
            good.replace(
                "<saml:NameID",
                "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature><saml:NameID",
            ),
            "signature_count",
        ),
        ("SAML 1.1", signed("Version=\"2.0\"", "Version=\"1.1\""), "version"),
        ("huge", good.replace(USER, &"x".repeat(100_000)), "too_large"),
    ] {
        assert_eq!(posted(&xml), expected, "{name}");
    }
}

#[test]
fn redirected_logout_requests_need_their_signature() {
    let (key, trusted, engine) = (sp_key(&WORLD.idp), trusted(&[&WORLD.idp]), XmlSec::new());
    let name_id = name();
    let message = LogoutMessage::Request { name_id: &name_id, session_indexes: &[], not_on_or_after: WORLD.now };
    let url = message.redirect_url(&header("_logout"), Some("r"), &key);
    let query = url.split_once('?').unwrap().1;
    let ask =
        |raw_query: &str| reason(verify_logout_request(&input(Carried::Redirect { raw_query }, &trusted), &engine));
    assert_eq!(ask(query), "ok");
    let (unsigned, signature) = query.split_once("&Signature=").unwrap();
    assert_eq!(ask(unsigned), "not_signed");
    assert_eq!(ask(&query.replace("RelayState=r", "RelayState=x")), "signature_invalid");
    assert_eq!(ask(&query.replace("rsa-sha256", "rsa-sha1")), "signature_algorithm");
    assert_eq!(ask(&format!("{query}&Signature={signature}")), "parameter_repeated");
    assert_eq!(ask(&query.replace("RelayState=r&", "")), "signature_invalid");
    // parameters in another order: what is signed has its own
    let mut pieces: Vec<&str> = query.split('&').collect();
    pieces.reverse();
    assert_eq!(ask(&pieces.join("&")), "ok");
}

#[test]
fn signatures_over_other_ways_of_percent_encoding_hold() {
    use openssl::hash::MessageDigest;
    use openssl::sign::Signer;
    let key = sp_key(&WORLD.idp);
    let message = LogoutMessage::Response { in_response_to: "_ours", success: true };
    let url = message.redirect_url(&header("_answer"), None, &key);
    let message = url.split_once('?').unwrap().1.split('&').next().unwrap().to_owned();
    let lower = |text: &str| {
        let mut out = String::new();
        let mut pieces = text.split('%');
        out.push_str(pieces.next().unwrap());
        for piece in pieces {
            out.push_str(&format!("%{}{}", piece[..2].to_ascii_lowercase(), &piece[2..]));
        }
        out
    };
    let engine = XmlSec::new();
    for (identity, algorithm) in [(&WORLD.idp, "rsa-sha256"), (&WORLD.idp_ec, "ecdsa-sha256")] {
        // as .NET writes it: lower-case digits, %20 for a space
        let signed = format!(
            "{}&RelayState=a%20b&SigAlg={}",
            lower(&message),
            lower(&format!("http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23{algorithm}"))
        );
        let value = Signer::new(MessageDigest::sha256(), &identity.key)
            .unwrap()
            .sign_oneshot_to_vec(signed.as_bytes())
            .unwrap();
        let mut values = vec![value.clone()];
        if identity.key.ec_key().is_ok() {
            let value = openssl::ecdsa::EcdsaSig::from_der(&value).unwrap();
            values.push([value.r().to_vec_padded(32).unwrap(), value.s().to_vec_padded(32).unwrap()].concat());
        }
        for value in values {
            let encoded: String = url::form_urlencoded::byte_serialize(STANDARD.encode(value).as_bytes()).collect();
            let raw_query = format!("{signed}&Signature={encoded}");
            let trusted = trusted(&[identity]);
            let received =
                verify_logout_response(&input(Carried::Redirect { raw_query: &raw_query }, &trusted), "_ours", &engine);
            assert_eq!(received.unwrap().relay_state.as_deref(), Some("a b"), "{algorithm}");
        }
    }
}
