//! What the broker sends to a SAML provider, against the OASIS schemas, with xmllint (`dev/setup test` brings both).

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

const SCHEMAS: &str = "/usr/share/simplesamlphp/schemas";

fn assert_valid(schema: &str, xml: &str) {
    let schema = format!("{SCHEMAS}/saml-schema-{schema}-2.0.xsd");
    let mut command = Command::new("xmllint");
    command.args(["--nonet", "--noout", "--schema", &schema, "-"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("xmllint is there: dev/setup test");
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}

impl Saml {
    /// The connection with these settings from now on.
    async fn set(&self, options: &str) {
        let (entity_id, certificate) = (&self.idp.idp_entity_id, pem(&self.idp.idp.certificate));
        self.connect(&format!("entity_id: {entity_id}\nsso_url: {SSO}\ncertificates: [{certificate}]\n{options}"))
            .await;
    }
}

const EVERY_OPTION: &str = "\
sign_requests: true
force_authn: true
name_id_format: urn:oasis:names:tc:SAML:2.0:nameid-format:persistent
requested_authn_context: [\"urn:oasis:names:tc:SAML:2.0:ac:classes:X509\", urn:b]
want_signed: both
encryption: require";

#[tokio::test]
async fn our_metadata_is_valid_as_it_is_served() {
    let saml = Saml::without_connection().await;
    for options in [EVERY_OPTION, "sign_requests: false\nencryption: never"] {
        saml.set(options).await;
        let xml = reqwest::get(&saml.idp.sp_entity_id).await.unwrap().text().await.unwrap();
        assert!(xml.contains("EntityDescriptor"), "{xml}");
        assert_valid("metadata", &xml);
    }
}

#[tokio::test]
async fn our_requests_are_valid_by_both_bindings() {
    let saml = Saml::without_connection().await;
    for options in [EVERY_OPTION, "sign_requests: false"] {
        for binding in ["redirect", "post"] {
            saml.set(&format!("{options}\nsso_binding: {binding}")).await;
            let mut browser = saml.world.shop.browser();
            browser.stop_at("http://localhost:9/");
            let asked = [("connection", "fabrikam"), ("prompt", "login")];
            let (_, page) = saml.world.shop.sign_in(&mut browser, &asked).await;
            let xml = if page.stopped {
                let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
                let mut xml = String::new();
                flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
                xml
            } else {
                let form = &page.forms()[0];
                let (_, encoded) = form.fields.iter().find(|(name, _)| name == "SAMLRequest").unwrap();
                String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
            };
            assert_eq!(page.stopped, binding == "redirect", "{page}");
            assert_valid("protocol", &xml);
        }
    }
}
