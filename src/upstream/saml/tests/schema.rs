//! Everything that we send against the OASIS schemas, with xmllint, where both are installed (dev/setup test).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const PROTOCOL: &str = "saml-schema-protocol-2.0.xsd";
const METADATA: &str = "saml-schema-metadata-2.0.xsd";
const SCHEMAS: &str = "/usr/share/simplesamlphp/schemas";

pub(in crate::upstream::saml) fn valid(schema: &str, xml: &str) {
    let schema = Path::new(SCHEMAS).join(schema);
    if !schema.exists() {
        eprintln!("not checked: {} is missing", schema.display());
        return;
    }
    let child = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(&schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("not checked: xmllint is missing");
        return;
    };
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}

fn posted(form: &PostForm) -> String {
    String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap()
}

fn redirected(url: &str, kind: redirect::MessageKind) -> String {
    let query = url.split_once("sso?").or(url.split_once("slo?")).unwrap().1;
    String::from_utf8(redirect::RedirectMessage::parse(query, kind).unwrap().xml().unwrap()).unwrap()
}

/// By both bindings, signed and not, with every option and without.
pub(super) fn requests() -> Vec<String> {
    let contexts = ["urn:a".to_owned(), "urn:b".to_owned()];
    let key = sp_key(&WORLD.sp);
    let mut out = Vec::new();
    for options in 0..16 {
        let on = |bit: u8| options & (1 << bit) != 0;
        let request = AuthnRequest {
            id: "_abc",
            issue_instant: WORLD.now,
            issuer: &WORLD.sp_entity_id,
            destination: "https://idp.test/sso?a=b&c=d",
            acs_url: &WORLD.acs_url,
            force_authn: on(0),
            is_passive: on(1),
            name_id_format: on(2).then_some(name_id::EMAIL_ADDRESS),
            requested_authn_context: if on(3) { &contexts } else { &[] },
        };
        for key in [None, Some(&key)] {
            out.push(posted(&request.post_form(Some("relay"), key)));
            out.push(redirected(&request.redirect_url(Some("relay"), key), redirect::MessageKind::Request));
        }
    }
    out
}

pub(super) fn logout_messages() -> Vec<String> {
    let key = sp_key(&WORLD.sp);
    let header = Header { id: "_x", issue_instant: WORLD.now, issuer: "urn:sp", destination: "https://idp.test/slo" };
    let name = |format: Option<&str>, qualifier: Option<&str>| NameId {
        value: "a&b".into(),
        format: format.map(Into::into),
        name_qualifier: qualifier.map(Into::into),
        sp_name_qualifier: qualifier.map(Into::into),
    };
    let names = [name(None, None), name(Some(name_id::PERSISTENT), Some("idp"))];
    let not_on_or_after = WORLD.now;
    let indexes = ["_s".to_owned(), "_t".to_owned()];
    let requests = names.iter().flat_map(|name_id| {
        [0, 1, 2].map(|n| LogoutMessage::Request { name_id, session_indexes: &indexes[..n], not_on_or_after })
    });
    let responses = [true, false].map(|success| LogoutMessage::Response { in_response_to: "_y", success });
    let kind = |message: &LogoutMessage<'_>| match message {
        LogoutMessage::Request { .. } => redirect::MessageKind::Request,
        LogoutMessage::Response { .. } => redirect::MessageKind::Response,
    };
    let by_both = |message: LogoutMessage<'_>| {
        [
            posted(&message.post_form(&header, Some("relay"), &key)),
            redirected(&message.redirect_url(&header, Some("relay"), &key), kind(&message)),
        ]
    };
    requests.chain(responses).flat_map(by_both).collect()
}

/// Signed and not; with logout, keys and formats, and without.
pub(super) fn metadata() -> Vec<String> {
    let key = sp_key(&WORLD.sp);
    let certificates: [&[u8]; 2] = [&WORLD.sp.certificate, &WORLD.idp.certificate];
    let full = SpMetadata {
        entity_id: &WORLD.sp_entity_id,
        acs_url: &WORLD.acs_url,
        slo_url: Some("https://avouch.test/connections/contoso/slo?a=b&c"),
        signing_certificates: &certificates,
        encryption_certificates: &certificates,
        authn_requests_signed: true,
        want_assertions_signed: true,
        name_id_formats: &[name_id::PERSISTENT, name_id::EMAIL_ADDRESS],
        valid_until: WORLD.now + Duration::days(7),
    };
    let signed = full.write(Some(("_m", &key)));
    let unsigned = full.write(None);
    let bare = SpMetadata {
        slo_url: None,
        encryption_certificates: &[],
        authn_requests_signed: false,
        want_assertions_signed: false,
        name_id_formats: &[],
        ..full
    };
    vec![signed, unsigned, bare.write(Some(("_m", &key))), bare.write(None)]
}

#[test]
fn requests_are_valid() {
    requests().iter().for_each(|xml| valid(PROTOCOL, xml));
}

#[test]
fn logout_messages_are_valid() {
    logout_messages().iter().for_each(|xml| valid(PROTOCOL, xml));
}

#[test]
fn our_metadata_is_valid() {
    metadata().iter().for_each(|xml| valid(METADATA, xml));
}

#[test]
fn what_we_sign_holds() {
    let engine = XmlSec::new();
    let all = [requests(), logout_messages(), metadata()].concat();
    let (signed, unsigned): (Vec<_>, Vec<_>) = all.iter().partition(|xml| xml.contains("SignatureValue"));
    assert!(signed.len() > 20 && unsigned.len() > 20, "{} {}", signed.len(), unsigned.len());
    for xml in signed {
        let bytes = engine.verified_bytes(xml, &[&WORLD.sp.certificate]).unwrap();
        let name = |xml: &str| xml.split([' ', '>']).next().unwrap().to_owned();
        assert!(name(&bytes) == name(xml) && !bytes.contains("SignatureValue"), "{bytes}");
    }
}
