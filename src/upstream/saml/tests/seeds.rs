//! What the fuzz targets begin with, written to `fuzz/corpus`: one answer for each way that one can be refused, all that are
//! accepted, logout messages by both bindings, metadata in several shapes. After a change to the forge:
//! `cargo test --lib saml::tests::seeds -- --ignored`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use super::corpus::{ACCEPTED, ATTACKS, cases};
use super::forge::{Sign, USER, x509_data};
use super::*;

const SLO: &str = "https://avouch.test/connections/contoso/slo";
const LARGEST: usize = 16 << 10;

/// The key of the provider is the one that the targets trust.
static SEEDING: LazyLock<World> =
    LazyLock::new(|| World { idp: Identity::known(), ..World::new(datetime!(2026-06-01 12:00 UTC)) });

#[test]
#[ignore = "writes files of this repository"]
fn write_the_seeds() {
    let receive =
        Receive { certificates: trusted(&[&SEEDING.idp]), keys: vec![sp_key(&SEEDING.sp)], ..Receive::default() };
    let (mut responses, mut reasons) = (Vec::new(), HashSet::new());
    for case in cases(&SEEDING, &ATTACKS).into_iter().chain(cases(&SEEDING, &ACCEPTED)) {
        let found = receive.reason(&case.xml);
        let encrypted = case.xml.contains("EncryptedAssertion");
        if case.xml.len() <= LARGEST && (found == "ok" && !encrypted || reasons.insert((found, encrypted))) {
            responses.push(closed(&case.xml));
        }
    }
    write("response", responses.iter().map(String::as_bytes));
    let element = |xml: &str| {
        let start = xml.find("<saml:EncryptedAssertion")?;
        let end = xml.rfind("</saml:EncryptedAssertion>")? + "</saml:EncryptedAssertion>".len();
        Some(xml[start..end].to_owned())
    };
    let mut encrypted: Vec<String> = responses.iter().filter_map(|xml| element(xml)).collect();
    let signed = SEEDING.sign_assertion(&SEEDING.assertion());
    encrypted.extend([format!("={signed}"), format!("= {signed}"), format!("={}", SEEDING.assertion()), "=".into()]);
    write("decrypt", encrypted.iter().map(String::as_bytes));
    let (posted, redirected) = logout_messages();
    write("logout", posted.iter().map(String::as_bytes));
    write("redirect", redirected.iter().map(Vec::as_slice));
    write("metadata", metadata().iter().map(String::as_bytes));
}

fn write<'a>(target: &str, seeds: impl Iterator<Item = &'a [u8]>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    for (number, seed) in seeds.enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed).unwrap();
    }
}

/// The forms' XML, and queries: as they stand, and only the DEFLATE data behind an equals sign.
fn logout_messages() -> (Vec<String>, Vec<Vec<u8>>) {
    let key = sp_key(&SEEDING.sp);
    let header = Header { id: "_logout", issue_instant: SEEDING.now, issuer: &SEEDING.idp_entity_id, destination: SLO };
    let name_id = NameId {
        value: USER.into(),
        format: Some(name_id::PERSISTENT.into()),
        name_qualifier: Some("idp".into()),
        sp_name_qualifier: None,
    };
    let messages = [
        LogoutMessage::Request { name_id: &name_id, session_indexes: &["_s".into()], not_on_or_after: SEEDING.now },
        LogoutMessage::Request { name_id: &name_id, session_indexes: &[], not_on_or_after: SEEDING.now },
        LogoutMessage::Response { in_response_to: "_ours", success: true },
        LogoutMessage::Response { in_response_to: "_ours", success: false },
    ];
    let (mut posted, mut redirected) = (Vec::new(), Vec::new());
    for message in messages {
        let form = message.post_form(&header, None, &key);
        posted.push(String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap());
        let url = message.redirect_url(&header, Some("relay"), &key);
        redirected.push(query(&url));
        redirected.push(deflated(&url));
    }
    let request = AuthnRequest {
        id: "_abc",
        issue_instant: SEEDING.now,
        issuer: &SEEDING.sp_entity_id,
        destination: SLO,
        acs_url: &SEEDING.acs_url,
        force_authn: true,
        is_passive: false,
        name_id_format: None,
        requested_authn_context: &[],
    };
    redirected.push(deflated(&request.redirect_url(None, None)));
    (posted, redirected)
}

fn query(url: &str) -> Vec<u8> {
    url.split_once('?').unwrap().1.as_bytes().to_vec()
}

fn deflated(url: &str) -> Vec<u8> {
    let message = url::form_urlencoded::parse(&query(url)).next().unwrap().1.into_owned();
    [b"=".to_vec(), STANDARD.decode(message).unwrap()].concat()
}

fn metadata() -> Vec<String> {
    let key = x509_data(&SEEDING.idp.certificate);
    let sso = |binding: &str| {
        format!(
            r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="https://idp.test/sso?a=b"/>"#
        )
    };
    let role = format!(
        r#"<md:IDPSSODescriptor cacheDuration="PT1H" WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo>{key}</ds:KeyInfo></md:KeyDescriptor><md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.test/slo" ResponseLocation="https://idp.test/back"/><md:NameIDFormat>urn:x</md:NameIDFormat>{}{}</md:IDPSSODescriptor>"#,
        sso("HTTP-POST"),
        sso("HTTP-Redirect")
    );
    let entity = |id: &str, attributes: &str, body: &str| {
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{id}"{attributes}>{body}</md:EntityDescriptor>"#
        )
    };
    let plain = entity("https://a.test", r#" validUntil="2026-07-01T00:00:00Z""#, &role);
    let fed = r#"<md:RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"></md:RoleDescriptor>"#;
    let aggregate = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><!-- two -->{plain}{}</md:EntitiesDescriptor>"#,
        entity("https://b.test", "", fed)
    );
    let with_id = entity("https://a.test", r#" ID="_m""#, &role);
    let signature = Sign::by(&SEEDING.idp).signature(&with_id, "_m");
    let signed = with_id.replacen('>', &format!(">{signature}"), 1);
    vec![
        format!("\u{feff}<?xml version=\"1.0\"?>\n{plain}"),
        entity("https://a.test", "", &format!("{fed}{role}")),
        aggregate,
        signed,
    ]
}

/// Where the AES key stands wrapped, a word: each run of a target has another key to wrap it for.
fn closed(xml: &str) -> String {
    let Some(start) = xml.find("<xenc:CipherValue>").map(|at| at + "<xenc:CipherValue>".len()) else {
        return xml.to_owned();
    };
    let end = start + xml[start..].find('<').unwrap();
    let bits = ["aes128", "aes192"].iter().position(|cipher| xml.contains(cipher));
    let word = ["{{KEY16}}", "{{KEY24}}"].get(bits.unwrap_or(2)).unwrap_or(&"{{KEY32}}");
    format!("{}{word}{}", &xml[..start], &xml[end..])
}
