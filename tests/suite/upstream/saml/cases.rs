//! Every case of the guard's corpus, posted to a running broker as the answer to a sign-in that really began there.

use std::collections::HashMap;
use std::time::Duration;

use super::corpus::{ACCEPTED, ATTACKS, Case, Group};
use super::*;
use crate::harness::PATIENCE;
use crate::harness::app::Request;

/// Nothing that a stranger sends keeps a request longer; generous, for it only tells slow from stuck.
const STUCK: Duration = PATIENCE;

/// A sign-in that has come as far as the provider.
struct Begun {
    browser: Browser,
    request: Request,
    relay_state: String,
}

impl Saml {
    /// Trusts the provider's RSA and EC certificates; the forge encrypts to the key of our metadata.
    async fn with_both_certificates() -> Self {
        let mut saml = Self::without_connection().await;
        let (entity_id, rsa, ec) =
            (&saml.idp.idp_entity_id, pem(&saml.idp.idp.certificate), pem(&saml.idp.idp_ec.certificate));
        saml.connect(&format!("entity_id: {entity_id}\nsso_url: {SSO}\ncertificates: [{ec}, {rsa}]\n")).await;
        let metadata = reqwest::get(&saml.idp.sp_entity_id).await.unwrap().text().await.unwrap();
        let document = roxmltree::Document::parse(&metadata).unwrap();
        let key = document.descendants().find(|node| node.attribute("use") == Some("encryption")).unwrap();
        let certificate = key.descendants().find(|node| node.tag_name().name() == "X509Certificate").unwrap();
        let certificate = STANDARD.decode(certificate.text().unwrap()).unwrap();
        saml.idp.sp.public = openssl::x509::X509::from_der(&certificate).unwrap().public_key().unwrap();
        saml
    }

    async fn begin(&mut self) -> Begun {
        let mut browser = self.world.shop.browser();
        browser.stop_at("http://localhost:9/");
        let (request, page) = self.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
        let mut xml = String::new();
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        self.know(&xml);
        Begun { browser, request, relay_state: page.param("RelayState") }
    }

    /// Begins a sign-in, and answers it with the case as the provider would make it for this very request.
    async fn answered(&mut self, group: Group, index: usize) -> (Case, Begun, Page) {
        let mut begun = self.begin().await;
        self.idp.now = avouch::clock::Clock::now(self.world.broker.clock.as_ref());
        let case = group(&self.idp).swap_remove(index);
        let answer = self.post(&mut begun.browser, &begun.relay_state, &case.xml);
        let page = tokio::time::timeout(STUCK, answer).await;
        let page = page.unwrap_or_else(|_| panic!("{}: no answer in {STUCK:?}", case.name));
        (case, begun, page)
    }

    async fn signs_in(&mut self, group: Group, index: usize) -> serde_json::Value {
        let (case, begun, page) = self.answered(group, index).await;
        assert!(page.stopped, "{}: {page}", case.name);
        let tokens = self.world.shop.redeem(&page.param("code"), &begun.request.verifier).await;
        self.world.shop.userinfo(tokens.text("access_token")).await.json
    }
}

fn every(groups: &[Group], world: &forge::World) -> Vec<(Group, usize)> {
    groups.iter().flat_map(|group| (0..group(world).len()).map(|index| (*group, index))).collect()
}

#[tokio::test]
async fn every_attack_of_the_corpus_ends_on_the_neutral_page_with_its_word_in_the_audit_log() {
    let mut saml = Saml::with_both_certificates().await;
    let mut seen = Vec::new();
    for (group, index) in every(&ATTACKS, &saml.idp) {
        let (case, begun, page) = saml.answered(group, index).await;
        let name = case.name;
        assert!((400..500).contains(&page.status), "{name}: {page}");
        assert!(page.body.contains("We could not verify the answer of fabrikam"), "{name}: {}", page.body);
        for secret in [forge::ADMIN, USER, "xmlns", "root:"] {
            assert!(!page.body.contains(secret), "{name}: the page quotes the message: {}", page.body);
        }
        assert_eq!(begun.browser.session(&saml.world.broker.issuer), None, "{name} left a session");
        let trace_id = page.text_of("trace-id").unwrap_or_else(|| panic!("{name}: no trace id"));
        assert_eq!(page.header("x-trace-id"), trace_id, "{name}");
        seen.push((case, trace_id));
    }
    assert!(seen.len() > 190, "only {} cases", seen.len());

    let events = saml.world.broker.audit_events().await;
    let by_trace: HashMap<_, _> = events.iter().filter_map(|event| Some((event.trace_id.as_deref()?, event))).collect();
    let told = |(case, trace_id): &(Case, String)| match by_trace.get(trace_id.as_str()) {
        Some(event) if event.reason.as_deref() == Some(case.expected) && event.outcome != "success" => None,
        other => Some(format!("{}: {other:?}, not {}", case.name, case.expected)),
    };
    let wrong: Vec<String> = seen.iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), seen.len(), wrong.join("\n"));

    // what is larger than any form is not even read
    let begun = saml.begin().await;
    let mut browser = begun.browser;
    let page = saml.post(&mut browser, &begun.relay_state, &"x".repeat(8 << 20)).await;
    assert_eq!((page.status, browser.session(&saml.world.broker.issuer)), (413, None), "{page}");

    // the process that has seen all this still lets people in
    saml.accepted(|idp| idp.signed_both()).await;
}

#[tokio::test]
async fn everything_that_providers_send_signs_in_the_same_person() {
    let mut saml = Saml::with_both_certificates().await;
    let mut people = std::collections::BTreeSet::new();
    for (round, (group, index)) in every(&ACCEPTED, &saml.idp).into_iter().enumerate() {
        saml.idp.assertion_id = format!("_assertion{round}");
        let person = saml.signs_in(group, index).await;
        people.insert(person["sub"].as_str().unwrap_or_else(|| panic!("{person}")).to_owned());
    }
    assert_eq!(people.len(), 1);
}
