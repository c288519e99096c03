//! What the tests of SAML single logout need: a connection whose provider can be told to lie, people signed in by it, its
//! logout messages by both bindings, and a reader of ours that shares no code with the broker.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;

use crate::harness::{Browser, Page};
use crate::upstream::saml::Saml;
use crate::upstream::saml::forge::{Identity, RSA_SHA256, Sign, USER};

pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
pub const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
pub const BYE: &str = "https://shop.example/bye";
/// Where the provider takes requests, and where answers.
pub const SLO: &str = "http://localhost:9/slo?tenant=1";
pub const ANSWERS: &str = "http://localhost:9/slo/done";

pub struct Stage {
    pub saml: Saml,
    signed_in: usize,
}

impl Stage {
    /// `more` is one setting a line, beside the addresses of the provider's single logout.
    pub async fn set(more: &str) -> Self {
        Self::with(&format!("slo_url: {SLO}\nslo_response_url: {ANSWERS}\n{more}")).await
    }

    pub async fn with(settings: &str) -> Self {
        let saml = Saml::by_hand(settings).await;
        saml.world.apply("clients:\n  - client_id: shop\n    name: The Shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    grants: [authorization_code, refresh_token]\n    post_logout_redirect_uris: [https://shop.example/bye]\n    client_secret: { file: shop }\n").await;
        Self { saml, signed_in: 0 }
    }

    /// By metadata with these single logout services: (binding, rest of the element).
    pub async fn by_metadata(services: &[(&str, &str)], more: &str) -> Self {
        let saml = Saml::without_connection().await;
        let certificate = STANDARD.encode(&saml.idp.idp.certificate);
        let service = |(binding, rest): &(&str, &str)| {
            format!(r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" {rest}/>"#)
        };
        let services: String = services.iter().map(service).collect();
        let sso = crate::upstream::saml::SSO;
        let xml = format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{services}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso}"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
            saml.idp.idp_entity_id
        );
        std::fs::write(saml.world.broker.files().join("idp.xml"), xml).unwrap();
        saml.connect(&format!("metadata_file: idp.xml\n{more}")).await;
        Self { saml, signed_in: 0 }
    }

    pub fn slo(&self) -> String {
        self.saml.world.broker.url("/connections/fabrikam/slo")
    }

    /// Somebody signs in by the provider, in a session of this index there. Tokens of the shop come along.
    pub async fn sign_in(&mut self, who: &str, session_index: &str) -> (Browser, serde_json::Value) {
        let mut browser = self.saml.world.shop.browser();
        browser.stop_at("http://localhost:9/").stop_at(BYE);
        let (request, page) = self.saml.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
        let xml = inflated(&page.param("SAMLRequest"));
        self.saml.idp.request_id = attribute(&xml, "ID");
        self.signed_in += 1;
        let id = format!("_assertion{}", self.signed_in);
        let assertion = self.saml.idp.assertion().replace("_assertion", &id).replace("_session", session_index);
        let assertion = assertion.replace(USER, who);
        let answer = self.saml.idp.response(&Sign::by(&self.saml.idp.idp).apply(&assertion, &id));
        let page = self.saml.post(&mut browser, &page.param("RelayState"), &answer).await;
        assert!(page.stopped, "{page}");
        let tokens = self.saml.world.shop.redeem(&page.param("code"), &request.verifier).await.json;
        (browser, tokens)
    }

    pub async fn is_signed_in(&self, browser: &mut Browser) -> bool {
        let (_, page) = self.saml.world.shop.sign_in(browser, &[("prompt", "none")]).await;
        page.params().contains_key("code")
    }

    /// The provider's request to end a session; unsigned, canonical.
    pub fn request(&self, id: &str, who: &str, session_indexes: &[&str]) -> String {
        let (now, later) = (self.saml.idp.at(0), self.saml.idp.at(300));
        let indexes: String =
            session_indexes.iter().map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>")).collect();
        format!(
            r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="{}" ID="{id}" IssueInstant="{now}" NotOnOrAfter="{later}" Version="2.0"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{}</saml:Issuer><saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="{PERSISTENT}">{who}</saml:NameID>{indexes}</samlp:LogoutRequest>"#,
            self.slo(),
            self.saml.idp.idp_entity_id
        )
    }

    /// Its answer to a request of ours; unsigned, canonical.
    pub fn response(&self, in_response_to: &str, success: bool) -> String {
        let code =
            |value: &str, inner: &str| format!(r#"<samlp:StatusCode Value="{value}">{inner}</samlp:StatusCode>"#);
        let status = if success { code(SUCCESS, "") } else { code(RESPONDER, &code(PARTIAL, "")) };
        format!(
            r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="{}" ID="_answer" InResponseTo="{in_response_to}" IssueInstant="{}" Version="2.0"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{}</saml:Issuer><samlp:Status>{status}</samlp:Status></samlp:LogoutResponse>"#,
            self.slo(),
            self.saml.idp.at(0),
            self.saml.idp.idp_entity_id
        )
    }

    /// Posts a message signed by the provider.
    pub async fn post(&self, browser: &mut Browser, name: &str, xml: &str, relay_state: &str) -> Page {
        self.post_raw(browser, name, &Sign::by(&self.saml.idp.idp).apply(xml, &attribute(xml, "ID")), relay_state).await
    }

    pub async fn post_raw(&self, browser: &mut Browser, name: &str, xml: &str, relay_state: &str) -> Page {
        let encoded = STANDARD.encode(xml);
        browser.post(&self.slo(), &[(name, &encoded), ("RelayState", relay_state)]).await
    }

    /// The same by redirect.
    pub async fn redirect(&self, browser: &mut Browser, name: &str, xml: &str, relay_state: &str) -> Page {
        let query = redirect_query(&self.saml.idp.idp, name, xml, relay_state);
        browser.open(&format!("{}?{query}", self.slo())).await
    }

    /// A message of ours that the browser carries to the provider by redirect: its signature holds under our published
    /// key, and the schema knows it.
    pub async fn carried_by_redirect(&self, page: &Page, name: &str) -> String {
        assert!(page.stopped, "{page}");
        let query = page.url.query().unwrap();
        let own = query.find(&format!("{name}=")).unwrap();
        let (signed, signature) = query[own..].split_once("&Signature=").expect("signed");
        assert!(page.param("SigAlg") == RSA_SHA256, "{signed}");
        let signature = url::form_urlencoded::parse(format!("s={signature}").as_bytes()).next().unwrap().1.into_owned();
        let key = self.our_certificate().await.public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        assert!(verifier.verify_oneshot(&STANDARD.decode(signature).unwrap(), signed.as_bytes()).unwrap());
        let xml = inflated(&page.param(name));
        assert_schema(&xml);
        xml
    }

    /// The same in a form. That the signature stands in its place is checked; the engine that made it is tested elsewhere.
    pub fn carried_by_form(&self, page: &Page, name: &str) -> (String, String, Option<String>) {
        let form = page.form("form-post");
        assert!(page.has("continue"), "{page}");
        let field = |wanted: &str| form.fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let xml = String::from_utf8(STANDARD.decode(field(name).unwrap()).unwrap()).unwrap();
        assert!(xml.contains("</saml:Issuer><ds:Signature"), "{xml}");
        assert_schema(&xml);
        (form.action.clone(), xml, field("RelayState"))
    }

    async fn our_certificate(&self) -> X509 {
        let text = reqwest::get(&self.saml.idp.sp_entity_id).await.unwrap().text().await.unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let key = document.descendants().find(|node| node.attribute("use") == Some("signing")).unwrap();
        let certificate = key.descendants().find(|node| node.tag_name().name() == "X509Certificate").unwrap();
        X509::from_der(&STANDARD.decode(certificate.text().unwrap()).unwrap()).unwrap()
    }
}

pub fn redirect_query(by: &Identity, name: &str, xml: &str, relay_state: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut query = format!("{name}={}", encode(&deflated(xml)));
    if !relay_state.is_empty() {
        query += &format!("&RelayState={}", encode(relay_state));
    }
    query += &format!("&SigAlg={}", encode(RSA_SHA256));
    let value = Signer::new(MessageDigest::sha256(), &by.key).unwrap().sign_oneshot_to_vec(query.as_bytes()).unwrap();
    format!("{query}&Signature={}", encode(&STANDARD.encode(value)))
}

pub fn deflated(xml: &str) -> String {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(xml.as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

pub fn inflated(base64: &str) -> String {
    let mut xml = String::new();
    let bytes = STANDARD.decode(base64).unwrap();
    flate2::read::DeflateDecoder::new(&bytes[..]).read_to_string(&mut xml).unwrap();
    xml
}

/// Of the root element.
pub fn attribute(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    document.root_element().attribute(name).unwrap_or_else(|| panic!("no {name} in {xml}")).to_owned()
}

/// Texts of all elements of this name.
pub fn texts(xml: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let found = document.descendants().filter(|node| node.tag_name().name() == name);
    found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

/// The outermost status.
pub fn status(xml: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let code = document.descendants().find(|node| node.tag_name().name() == "StatusCode").unwrap();
    code.attribute("Value").unwrap().to_owned()
}

/// xmllint against the OASIS schema, which comes with Debian's simplesamlphp (dev/setup test).
fn assert_schema(xml: &str) {
    let schema = "/usr/share/simplesamlphp/schemas/saml-schema-protocol-2.0.xsd";
    let child = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let (Ok(mut child), true) = (child, std::path::Path::new(schema).exists()) else {
        eprintln!("not checked: xmllint or {schema} is missing");
        return;
    };
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}
