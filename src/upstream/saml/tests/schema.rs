//! Everything that we send against the OASIS schemas, with xmllint, where both are installed (dev/setup test).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const SCHEMAS: &str = "/usr/share/simplesamlphp/schemas";

fn valid(schema: &str, xml: &str) {
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

fn decoded(form: &PostForm) -> String {
    String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap()
}

#[test]
fn requests_are_valid() {
    let contexts = ["urn:a".to_owned(), "urn:b".to_owned()];
    let mut request = AuthnRequest {
        id: "_abc",
        issue_instant: WORLD.now,
        issuer: &WORLD.sp_entity_id,
        destination: "https://idp.test/sso?a=b&c=d",
        acs_url: &WORLD.acs_url,
        force_authn: true,
        is_passive: true,
        name_id_format: Some(name_id::EMAIL_ADDRESS),
        requested_authn_context: &contexts,
    };
    valid("saml-schema-protocol-2.0.xsd", &decoded(&request.post_form(None, Some(&sp_key(&WORLD.sp)))));
    request = AuthnRequest {
        name_id_format: None,
        force_authn: false,
        is_passive: false,
        requested_authn_context: &[],
        ..request
    };
    valid("saml-schema-protocol-2.0.xsd", &decoded(&request.post_form(None, None)));
}

#[test]
fn logout_messages_are_valid() {
    let header = Header { id: "_x", issue_instant: WORLD.now, issuer: "urn:sp", destination: "https://idp.test/slo" };
    let mut name_id = NameId { value: "a&b".into(), format: None, name_qualifier: None, sp_name_qualifier: None };
    let (key, not_on_or_after) = (sp_key(&WORLD.sp), WORLD.now);
    let request = LogoutMessage::Request {
        name_id: &name_id.clone(),
        session_indexes: &["_s".into(), "_t".into()],
        not_on_or_after,
    }
    .post_form(&header, None, &key);
    valid("saml-schema-protocol-2.0.xsd", &decoded(&request));
    name_id.format = Some(name_id::PERSISTENT.into());
    name_id.name_qualifier = Some("idp".into());
    let request = LogoutMessage::Request { name_id: &name_id, session_indexes: &[], not_on_or_after }
        .post_form(&header, None, &key);
    valid("saml-schema-protocol-2.0.xsd", &decoded(&request));
    for success in [true, false] {
        let response = LogoutMessage::Response { in_response_to: "_y", success }.post_form(&header, None, &key);
        valid("saml-schema-protocol-2.0.xsd", &decoded(&response));
    }
}

#[test]
fn our_metadata_is_valid_and_its_signature_holds() {
    let key = sp_key(&WORLD.sp);
    let certificates: [&[u8]; 2] = [&WORLD.sp.certificate, &WORLD.idp.certificate];
    let metadata = SpMetadata {
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
    let signed = metadata.write(Some(("_m", &key)));
    valid("saml-schema-metadata-2.0.xsd", &signed);
    let bytes = XmlSec::new().verified_bytes(&signed, &[&WORLD.sp.certificate]).unwrap();
    assert!(bytes.starts_with("<md:EntityDescriptor") && !bytes.contains("SignatureValue"));
    let bare = SpMetadata { slo_url: None, encryption_certificates: &[], name_id_formats: &[], ..metadata };
    valid("saml-schema-metadata-2.0.xsd", &bare.write(None));
}
