//! SAML: the certificate that answers are signed with, and our own keys, which sign requests and open assertions.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use avouch::clock::{Clock as _, SystemClock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use reqwest::Method;
use serde_json::json;

use super::visitors::{CLIENTS, wiki};
use super::{CACHED, ROUNDS, Stage, calls, counts, ids, stands};
use crate::harness::app::random;
use crate::harness::{App, Page};
use crate::upstream::saml::SSO;
use crate::upstream::saml::forge::{self, Encrypt, Identity, Sign};

/// The provider: what it signs with, and what it read in our metadata a while ago.
struct Provider {
    issuer: String,
    identities: [Identity; 2],
    signs_with: Mutex<usize>,
    ours: Mutex<Ours>,
    /// How often it has read it.
    reads: AtomicUsize,
}

/// Of our metadata.
#[derive(Clone, Default)]
struct Ours {
    signing: Vec<X509>,
    encryption: Vec<X509>,
}

impl Ours {
    fn read(metadata: &str) -> Self {
        let document = roxmltree::Document::parse(metadata).unwrap();
        let of = |usage: &str| {
            let keys = document.descendants().filter(|node| node.attribute("use") == Some(usage));
            let certificate = |key: roxmltree::Node<'_, '_>| {
                let node = key.descendants().find(|node| node.tag_name().name() == "X509Certificate").unwrap();
                X509::from_der(&STANDARD.decode(node.text().unwrap()).unwrap()).unwrap()
            };
            keys.map(certificate).collect()
        };
        Self { signing: of("signing"), encryption: of("encryption") }
    }
}

impl Provider {
    fn at(&self, tail: &str) -> String {
        format!("{}/connections/fabrikam/{tail}", self.issuer)
    }

    /// `None`: a replica was killed while it answered.
    async fn reads_our_metadata(&self) -> Option<()> {
        let text = reqwest::get(self.at("metadata")).await.ok()?.text().await.ok()?;
        *self.ours.lock().unwrap() = Ours::read(&text);
        self.reads.fetch_add(1, Ordering::Relaxed);
        Some(())
    }

    /// Until it knows whatever stands there now: the next read may have begun already.
    async fn has_read_it_again(&self) {
        let enough = self.reads.load(Ordering::Relaxed) + 2;
        crate::harness::until("the provider to read our metadata", async || {
            (self.reads.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
    }

    /// The request's id, if its signature holds under a key of the metadata that was read.
    fn takes(&self, page: &Page) -> String {
        let query = page.url.query().unwrap();
        let signed = &query[query.find("SAMLRequest=").unwrap()..query.find("&Signature=").unwrap()];
        let signature = STANDARD.decode(page.param("Signature")).unwrap();
        let holds = self.ours.lock().unwrap().signing.iter().any(|certificate| {
            let key = certificate.public_key().unwrap();
            Verifier::new(MessageDigest::sha256(), &key).unwrap().verify_oneshot(&signature, signed.as_bytes()).unwrap()
        });
        assert!(holds, "a request is signed by a key that the metadata did not name");
        let deflated = STANDARD.decode(page.param("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(&deflated[..]).read_to_string(&mut xml).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        document.root_element().attribute("ID").unwrap().to_owned()
    }

    /// Signed by one of its identities, encrypted to the first key that it read.
    fn answer(&self, request_id: String, by: usize) -> String {
        let rests = || Identity::known();
        let world = forge::World {
            now: SystemClock.now(),
            idp_entity_id: ENTITY_ID.into(),
            sp_entity_id: self.at("metadata"),
            acs_url: self.at("acs"),
            request_id,
            assertion_id: format!("_{}", random().replace(['-', '_'], "0")),
            idp: rests(),
            idp_ec: rests(),
            attacker: rests(),
            sp: rests(),
        };
        let signed = Sign::by(&self.identities[by]).apply(&world.assertion(), &world.assertion_id);
        let certificate = self.ours.lock().unwrap().encryption[0].clone();
        let to = Identity { public: certificate.public_key().unwrap(), ..rests() };
        world.response(&Encrypt::to(&to).apply(&signed))
    }

    /// From the application to the provider and back, to the assertion consumer service at `acs`.
    async fn sign_in(&self, app: &App, acs: &str, by: Option<usize>) -> (String, Page) {
        let mut browser = app.browser();
        browser.stop_at("http://localhost:9/");
        let (request, page) = app.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
        assert!(page.stopped, "{page}");
        let by = by.unwrap_or(*self.signs_with.lock().unwrap());
        let answer = STANDARD.encode(self.answer(self.takes(&page), by));
        let fields = [("SAMLResponse", answer.as_str()), ("RelayState", &page.param("RelayState"))];
        (request.verifier, browser.post(acs, &fields).await)
    }
}

const ENTITY_ID: &str = "https://idp.test/metadata";

#[tokio::test]
async fn no_login_is_lost_while_saml_keys_change_at_both_ends_and_replicas_die() {
    let identities = [Identity::rsa(2048), Identity::rsa(2048)];
    let certificate = STANDARD.encode(&identities[0].certificate);
    let fabrikam = format!(
        "connections: [{{ slug: fabrikam, protocol: saml, entity_id: '{ENTITY_ID}', sso_url: '{SSO}', certificates: [{certificate}], encryption: require }}]\n"
    );
    let mut stage = Stage::set(&(fabrikam + CLIENTS)).await;
    let provider = Arc::new(Provider {
        issuer: stage.issuer.clone(),
        identities,
        signs_with: Mutex::new(0),
        ours: Mutex::default(),
        reads: AtomicUsize::new(0),
    });
    provider.reads_our_metadata().await.unwrap();
    let reads = provider.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(CACHED / 2).await;
            while reads.reads_our_metadata().await.is_none() {}
        }
    });
    for _ in 0..2 {
        let (app, provider) = (wiki(&stage.issuer), provider.clone());
        stage.load.add("a person", move || {
            let (app, provider) = (app.clone(), provider.clone());
            async move {
                let (verifier, page) = provider.sign_in(&app, &provider.at("acs"), None).await;
                assert!(page.stopped, "{page}");
                let answer = app.redeem(&page.param("code"), &verifier).await;
                assert_eq!(answer.status, 200, "{}", answer.json);
            }
        });
    }
    stage.programs_come().await;
    stage.load.carries_on(2 * ROUNDS, "nothing").await;

    certificates(&mut stage, &provider).await;
    own_keys(&mut stage, &provider).await;
    stage.end().await;
}

async fn certificates(stage: &mut Stage, provider: &Arc<Provider>) {
    const LIST: &str = "/connections/fabrikam/certificates";
    let trusted = stage.api(0).get(LIST).await.json["items"].as_array().unwrap().clone();
    let first = trusted[0]["id"].as_str().unwrap().to_owned();
    let pem = String::from_utf8(provider.identities[1].certificate_pem()).unwrap();
    let add = calls(Method::POST, LIST, Some(json!({ "pem": pem })));
    let added = |api: crate::admin::Api| async move {
        api.get(LIST).await.json["items"].as_array().is_some_and(|items| items.len() == 2)
    };
    stage.step("the provider's next certificate", add, added).await;
    for (turn, what) in [(1, "new one"), (0, "former one again"), (1, "new one after all")] {
        println!("the provider signs with the {what}");
        *provider.signs_with.lock().unwrap() = turn;
        stage.load.carries_on(ROUNDS, what).await;
    }
    let end = calls(Method::DELETE, &format!("{LIST}/{first}"), None);
    stage.step("the former certificate is trusted no more", end, stands(LIST, ("id", &first), "retired")).await;
    let app = wiki(&stage.issuer);
    stage
        .fails_at_once("an answer that is signed with the former certificate", |at| {
            let (app, provider) = (app.clone(), provider.clone());
            async move {
                let (_, page) = provider.sign_in(&app, &format!("{at}/connections/fabrikam/acs"), Some(0)).await;
                if page.stopped { 200 } else { page.status }
            }
        })
        .await;
}

async fn own_keys(stage: &mut Stage, provider: &Provider) {
    const LIST: &str = "/connections/fabrikam/sp-keys";
    const KEYS: &str = "/connections/fabrikam/keys";
    let before = ids(&stage.api(0), LIST, "active").await;
    let number = before.len();
    let promote = || calls(Method::POST, &format!("{LIST}/promote"), Some(json!({})));
    stage.step("our next keys", calls(Method::POST, LIST, Some(json!({}))), counts(LIST, "next", 2)).await;
    let next = ids(&stage.api(0), LIST, "next").await;
    provider.has_read_it_again().await;
    stage.step("our next keys take over", promote(), stands(LIST, ("id", &next[0]), "active")).await;
    // what it knows then must name the former keys too
    provider.has_read_it_again().await;
    let put_back = calls(Method::POST, &format!("{KEYS}/put-back"), None);
    stage.step("our former keys are put back", put_back, stands(LIST, ("id", &before[0]), "active")).await;
    provider.has_read_it_again().await;
    stage.step("our next keys take over again", promote(), stands(LIST, ("id", &next[0]), "active")).await;
    provider.has_read_it_again().await;
    for id in ids(&stage.api(0), LIST, "retiring").await {
        let end = calls(Method::DELETE, &format!("{LIST}/{id}"), None);
        stage.step("a former key ends", end, stands(LIST, ("id", &id), "revoked")).await;
    }
    assert!(number > 0 && counts(LIST, "retiring", 0)(stage.api(0)).await);
}
