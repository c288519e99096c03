//! Signing in through a SAML identity provider: the whole way round, and what must not get in.

#[path = "../../../src/upstream/saml/tests/forge.rs"]
#[allow(dead_code)]
pub mod forge;

mod keys;
mod requests;
mod unsolicited;
mod upgrade;

#[path = "../../../src/upstream/saml/tests/corpus/mod.rs"]
mod corpus;

mod cases;
mod sent;

use std::io::Read;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::assert_refusal;
use crate::harness::app::get;
use crate::harness::{Browser, Options, Page, World};
use forge::{Identity, Sign, USER};

pub const SSO: &str = "http://localhost:9/sso?tenant=1";

/// A provider, and the broker's side of it.
pub struct Saml {
    pub world: World,
    pub idp: forge::World,
}

pub fn pem(der: &[u8]) -> String {
    STANDARD.encode(der)
}

impl Saml {
    /// The provider's addresses and certificate entered by hand; `more` is one setting a line.
    pub async fn by_hand(more: &str) -> Self {
        let saml = Self::without_connection().await;
        let certificate = pem(&saml.idp.idp.certificate);
        saml.connect(&format!(
            "entity_id: {}\nsso_url: {SSO}\ncertificates: [{certificate}]\n{more}",
            saml.idp.idp_entity_id
        ))
        .await;
        saml
    }

    pub async fn without_connection() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let world = World::with(options).await;
        let mut idp = forge::World::new(avouch::clock::Clock::now(world.broker.clock.as_ref()));
        idp.sp_entity_id = world.broker.url("/connections/fabrikam/metadata");
        idp.acs_url = world.broker.url("/connections/fabrikam/acs");
        Self { world, idp }
    }

    pub async fn connect(&self, settings: &str) {
        let mut yaml = "connections:\n  - slug: fabrikam\n    protocol: saml\n".to_owned();
        yaml.extend(settings.lines().map(|line| format!("    {line}\n")));
        self.world.apply(&yaml).await;
    }

    /// A browser that stands before the provider, and the relay state it carries. The provider knows the request now.
    pub async fn at_the_provider(&mut self) -> (Browser, String) {
        let mut browser = self.world.shop.browser();
        browser.stop_at("http://localhost:9/");
        let (_, page) = self.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
        assert!(page.stopped, "{page}");
        let relay_state = self.take_up(&page);
        (browser, relay_state)
    }

    /// The provider reads the request that a browser brings, and knows it from now on; the relay state beside it.
    pub fn take_up(&mut self, page: &Page) -> String {
        assert_eq!(page.param("tenant"), "1");
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        self.know(&xml);
        let relay_state = page.param("RelayState");
        assert!(relay_state.len() <= 80 && page.params().contains_key("Signature"));
        relay_state
    }

    fn know(&mut self, request: &str) {
        let document = roxmltree::Document::parse(request).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("AssertionConsumerServiceURL"), Some(self.idp.acs_url.as_str()));
        self.idp.request_id = root.attribute("ID").unwrap().to_owned();
    }

    pub async fn post(&self, browser: &mut Browser, relay_state: &str, xml: &str) -> Page {
        let fields = [("SAMLResponse", &*STANDARD.encode(xml)), ("RelayState", relay_state)];
        browser.post(&self.idp.acs_url, &fields).await
    }

    pub(super) async fn refused(
        &mut self,
        status: u16,
        reason: &str,
        answer: impl FnOnce(&forge::World) -> String,
    ) -> Page {
        let (mut browser, relay_state) = self.at_the_provider().await;
        let page = self.post(&mut browser, &relay_state, &answer(&self.idp)).await;
        assert_refusal(&self.world, &browser, &page, status, reason).await;
        page
    }

    pub(super) async fn accepted(&mut self, answer: impl FnOnce(&forge::World) -> String) {
        let (mut browser, relay_state) = self.at_the_provider().await;
        let page = self.post(&mut browser, &relay_state, &answer(&self.idp)).await;
        assert!(page.stopped && page.params().contains_key("code"), "{page}");
    }
}

#[tokio::test]
async fn a_person_signs_in_and_the_attributes_arrive_in_the_token() {
    let mut saml = Saml::by_hand("email_domains: [example.test]\nmapping: { groups: claims.groups }").await;
    let mut browser = saml.world.shop.browser();
    browser.stop_at("http://localhost:9/");
    let (request, page) = saml
        .world
        .shop
        .scoped("openid email profile groups")
        .sign_in(&mut browser, &[("connection", "fabrikam")])
        .await;
    let mut xml = String::new();
    let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
    flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
    saml.know(&xml);
    let page = saml.post(&mut browser, &page.param("RelayState"), &saml.idp.signed_both()).await;
    assert!(page.stopped, "{page}");
    let tokens = saml.world.shop.redeem(&page.param("code"), &request.verifier).await;
    let userinfo = saml.world.shop.userinfo(tokens.text("access_token")).await;
    assert_eq!(userinfo.json["email"], USER);
    assert_eq!(userinfo.json["email_verified"], true, "{}", userinfo.json);
}

#[tokio::test]
async fn an_answer_counts_once_in_one_browser_and_at_one_address() {
    let mut saml = Saml::by_hand("").await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let answer = saml.idp.signed_assertion();
    let mut stranger = saml.world.shop.browser();
    let page = saml.post(&mut stranger, &relay_state, &answer).await;
    assert_refusal(&saml.world, &stranger, &page, 400, "state_of_another_browser").await;
    let encoded = STANDARD.encode(&answer);
    let fields = [("SAMLResponse", encoded.as_str()), ("state", relay_state.as_str())];
    let callback = saml.world.broker.url("/connections/fabrikam/callback");
    let page = browser.post(&callback, &fields).await;
    assert_refusal(&saml.world, &browser, &page, 404, "connection_unknown").await;
    let page = saml.post(&mut browser, "", &answer).await;
    assert_refusal(&saml.world, &browser, &page, 400, "state_unknown").await;
    let page = saml.post(&mut browser, &relay_state, &answer).await;
    assert!(page.stopped, "{page}");
    let again = saml.post(&mut browser, &relay_state, &answer).await;
    again.assert_problem(400, "state_replayed");
    // a new request, answered with an assertion that has signed in somebody before
    saml.refused(400, "assertion_replayed", |idp| idp.signed_assertion()).await;
}

#[tokio::test]
async fn what_does_not_hold_is_refused_with_its_word_and_one_neutral_page() {
    let mut saml = Saml::by_hand("").await;
    let idp_said = |from: &'static str, to: &'static str| move |idp: &forge::World| idp.said(from, to);
    let page = saml.refused(403, "not_signed", |idp| idp.response(&idp.assertion())).await;
    assert!(page.body.contains("We could not verify the answer of fabrikam"), "{page}");
    saml.refused(403, "signature_invalid", |idp| idp.signed_assertion().replace(USER, forge::ADMIN)).await;
    saml.refused(403, "unknown_certificate", |idp| {
        idp.response(&Sign::by(&idp.attacker).apply(&idp.assertion(), "_assertion"))
    })
    .await;
    saml.refused(403, "audience", idp_said("fabrikam/metadata</saml:Audience>", "x/metadata</saml:Audience>")).await;
    saml.refused(403, "name_id_transient", idp_said("nameid-format:persistent", "nameid-format:transient")).await;
    saml.refused(403, "in_response_to", |idp| idp.signed_assertion().replace(&idp.request_id, "_other")).await;
    saml.refused(403, "response_missing", |_| String::new()).await;
    saml.refused(403, "root", |_| "<a/>".into()).await;
}

#[tokio::test]
async fn a_form_from_another_site_is_sent_again_from_ours_so_that_the_cookies_come_along() {
    let mut saml = Saml::by_hand("").await;
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let answer = STANDARD.encode(saml.idp.signed_assertion());
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &answer)
        .append_pair("RelayState", &relay_state)
        .finish();
    let first = reqwest::Client::new()
        .post(&saml.idp.acs_url)
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let response = first.send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("set-cookie")), (200, None));
    let html = response.text().await.unwrap();
    let again = &crate::harness::html::forms(&html)[0];
    assert_eq!(again.action, format!("{}?again=1", saml.idp.acs_url));
    let fields: Vec<_> = again.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(browser.post(&again.action, &fields).await.stopped);
}

#[tokio::test]
async fn the_largest_answers_fit_and_larger_ones_are_no_fault_of_ours() {
    let mut saml = Saml::by_hand("").await;
    let padded = |bytes: usize| {
        move |idp: &forge::World| {
            idp.said("<saml:AttributeValue>staff", &format!("<saml:AttributeValue>{}", "+".repeat(bytes)))
        }
    };
    saml.refused(403, "too_large", padded(300 << 10)).await;
    saml.accepted(padded(240 << 10)).await;
}

#[tokio::test]
async fn our_metadata_names_the_key_that_answers_are_encrypted_to() {
    let mut saml = Saml::by_hand("encryption: require").await;
    let answer = get(&saml.idp.sp_entity_id).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/samlmetadata+xml"));
    let text = reqwest::get(&saml.idp.sp_entity_id).await.unwrap().text().await.unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("entityID"), Some(saml.idp.sp_entity_id.as_str()));
    let key = document.descendants().find(|node| node.attribute("use") == Some("encryption")).unwrap();
    let certificate = key.descendants().find(|node| node.tag_name().name() == "X509Certificate").unwrap();
    let certificate = STANDARD.decode(certificate.text().unwrap()).unwrap();
    let public = openssl::x509::X509::from_der(&certificate).unwrap().public_key().unwrap();
    saml.refused(403, "encryption_missing", |idp| idp.signed_assertion()).await;
    saml.accepted(|idp| {
        let signed = idp.sign_assertion(&idp.assertion());
        idp.response(&encrypted(&signed, &public))
    })
    .await;
    assert_eq!(get(&saml.world.broker.url("/connections/contoso/metadata")).await.status, 404);
}

#[tokio::test]
async fn few_answers_that_do_not_decrypt_are_looked_at() {
    let mut saml = Saml::by_hand("").await;
    let stranger = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let stranger = openssl::pkey::PKey::public_key_from_pem(&stranger.public_key_to_pem().unwrap()).unwrap();
    let undecryptable = |idp: &forge::World| idp.response(&encrypted(&idp.assertion(), &stranger));
    for _ in 0..20 {
        saml.refused(403, "decryption_failed", undecryptable).await;
    }
    saml.refused(429, "undecrypted_too_often", undecryptable).await;
    saml.world.broker.clock.advance(time::Duration::minutes(11));
    saml.idp.now = avouch::clock::Clock::now(saml.world.broker.clock.as_ref());
    saml.accepted(|idp| idp.signed_response()).await;
}

/// AES-256-GCM and RSA-OAEP to a key of which only the public half is here.
fn encrypted(plain: &str, to: &openssl::pkey::PKey<openssl::pkey::Public>) -> String {
    use openssl::symm::{Cipher, encrypt_aead};
    let (key, iv, mut tag) = ([7; 32], [9; 12], [0; 16]);
    let data = encrypt_aead(Cipher::aes_256_gcm(), &key, Some(&iv), &[], plain.as_bytes(), &mut tag).unwrap();
    let rsa = to.rsa().unwrap();
    let mut wrapped = vec![0; rsa.size() as usize];
    rsa.public_encrypt(&key, &mut wrapped, openssl::rsa::Padding::PKCS1_OAEP).unwrap();
    let (data, wrapped) = (STANDARD.encode([&iv[..], &data, &tag].concat()), STANDARD.encode(wrapped));
    format!(
        r#"<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
    )
}

/// Metadata that can be changed, at an address, and how often it was fetched.
async fn publish(metadata: &Arc<Mutex<(String, usize)>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/metadata", listener.local_addr().unwrap().port());
    let metadata = metadata.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let body = {
                let mut metadata = metadata.lock().unwrap();
                metadata.1 += 1;
                metadata.0.clone()
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    url
}

fn metadata(entity_id: &str, certificate: &[u8], binding: &str) -> String {
    let certificate = STANDARD.encode(certificate);
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{SSO}"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

#[tokio::test]
async fn a_changed_certificate_is_found_in_the_metadata_without_a_failed_sign_in() {
    let mut saml = Saml::without_connection().await;
    let entity_id = saml.idp.idp_entity_id.clone();
    let shared = Arc::new(Mutex::new((metadata(&entity_id, &saml.idp.idp.certificate, "HTTP-Redirect"), 0)));
    let url = publish(&shared).await;
    saml.connect(&format!("metadata_url: {url}")).await;
    saml.accepted(|idp| idp.signed_response()).await;
    saml.idp.idp = Identity::rsa(2048);
    shared.lock().unwrap().0 = metadata(&entity_id, &saml.idp.idp.certificate, "HTTP-Redirect");
    saml.accepted(|idp| {
        let second = idp.assertion().replace("_assertion", "_second");
        idp.sign_response(&idp.response(&second))
    })
    .await;
    assert_eq!(shared.lock().unwrap().1, 2);
    // strangers' certificates do not make us ask at their will
    for _ in 0..3 {
        saml.refused(403, "unknown_certificate", |idp| {
            Sign::by(&idp.attacker).apply(&idp.response(&idp.assertion()), "_response")
        })
        .await;
    }
    assert_eq!(shared.lock().unwrap().1, 2);
}

#[tokio::test]
async fn metadata_of_a_file_is_stored_and_requests_go_by_form_where_the_provider_wants_that() {
    let mut saml = Saml::without_connection().await;
    let xml = metadata(&saml.idp.idp_entity_id, &saml.idp.idp.certificate, "HTTP-POST");
    std::fs::write(saml.world.broker.files().join("idp.xml"), xml).unwrap();
    saml.connect("metadata_file: idp.xml").await;
    let mut browser = saml.world.shop.browser();
    let (_, page) = saml.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
    let form = &page.forms()[0];
    assert_eq!(form.action, SSO);
    let field = |wanted: &str| form.fields.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    let xml = String::from_utf8(STANDARD.decode(field("SAMLRequest")).unwrap()).unwrap();
    assert!(xml.contains("<ds:SignatureValue>"));
    saml.know(&xml);
    let page = saml.post(&mut browser, &field("RelayState"), &saml.idp.signed_assertion()).await;
    assert!(page.stopped, "{page}");
}
