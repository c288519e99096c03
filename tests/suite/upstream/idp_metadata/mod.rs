//! An identity provider's certificates and metadata over time: what is published changes, lies, breaks and disappears,
//! and people go on signing in.

mod by_hand;
mod certificates;
mod drift;
pub mod publisher;
mod refresh;
mod shapes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Row as _};
use time::Duration as Turn;

use super::saml::forge::{self, Identity, Sign};
use super::saml::{SSO, Saml};
use crate::harness::{Browser, Options, Page, until};
use publisher::Publisher;

/// A broker, and a provider that publishes metadata.
struct Play {
    saml: Saml,
    publisher: Publisher,
}

impl Play {
    /// The connection has fetched the metadata once.
    async fn new(more: &str) -> Self {
        let mut play = Self::unconnected(Options::default()).await;
        play.publish(&[0]).await;
        play.connect(more).await;
        play.until_fetched(1).await;
        play
    }

    async fn unconnected(options: Options) -> Self {
        Self { saml: Saml::with(options).await, publisher: Publisher::start().await }
    }

    async fn connect(&self, more: &str) {
        self.saml.connect(&format!("metadata_url: {}\n{more}", self.publisher.url)).await;
    }

    fn identity(&self, number: usize) -> &Identity {
        [&self.saml.idp.idp, &self.saml.idp.attacker, &self.saml.idp.sp, &self.saml.idp.idp_ec][number]
    }

    /// Publishes metadata with these of the provider's certificates.
    async fn publish(&mut self, numbers: &[usize]) {
        let identities: Vec<_> = numbers.iter().map(|number| self.identity(*number)).collect();
        let document = document(&self.saml.idp.idp_entity_id, "", &identities);
        self.publisher.serve(document);
    }

    /// A sign-in whose answer is signed with this certificate.
    async fn travel(&mut self, number: usize) -> (Browser, Page) {
        self.saml.idp.now = avouch::clock::Clock::now(self.saml.world.broker.clock.as_ref());
        let (mut browser, relay_state) = self.saml.at_the_provider().await;
        let answer = answer(&self.saml.idp, self.identity(number));
        let page = self.saml.post(&mut browser, &relay_state, &answer).await;
        (browser, page)
    }

    async fn accepted(&mut self, number: usize) {
        let (_, page) = self.travel(number).await;
        assert!(page.stopped && page.params().contains_key("code"), "signed with {number}: {page}");
    }

    async fn refused(&mut self, number: usize, reason: &str) {
        let (browser, page) = self.travel(number).await;
        super::assert_refusal(&self.saml.world, &browser, &page, 403, reason).await;
    }

    /// A day and a bit passes; returns when the metadata was asked for again.
    async fn a_day_later(&self) {
        let before = self.publisher.fetches();
        self.saml.world.broker.clock.advance(Turn::hours(27));
        self.until_fetched(before + 1).await;
    }

    /// Returns when what the metadata was asked for is written.
    async fn until_fetched(&self, times: usize) {
        let publisher = &self.publisher;
        wait("the metadata is fetched", async || publisher.fetches() >= times).await;
        let saml = &self.saml;
        wait("the fetch is written", async || {
            rows(saml, "SELECT to_jsonb(m) FROM saml_metadata m WHERE leased_until IS NULL").await.len() == 1
        })
        .await;
        saml.world.broker.catch_up().await;
    }

    async fn row(&self) -> Value {
        rows(&self.saml, "SELECT to_jsonb(m) FROM saml_metadata m").await.remove(0)
    }

    /// `state source` of each of the provider's certificates that is stored.
    async fn states(&self, numbers: &[usize]) -> Vec<String> {
        let all = rows(&self.saml, "SELECT to_jsonb(c) - 'der' FROM connection_certificates c").await;
        let state = |number: &usize| {
            let sha256 = sha256(&self.identity(*number).certificate);
            let row = all.iter().find(|row| row["sha256"] == *sha256);
            row.map_or("absent".into(), |row| {
                format!("{} {}", row["state"].as_str().unwrap(), row["source"].as_str().unwrap())
            })
        };
        numbers.iter().map(state).collect()
    }

    /// The details of the events with this action and reason, oldest first.
    async fn audited(&self, action: &str, reason: Option<&str>) -> Vec<Value> {
        self.saml.world.broker.audit_events().await;
        let all = rows(&self.saml, "SELECT to_jsonb(e) FROM audit_events e ORDER BY at, id").await;
        let fits = |event: &Value| event["action"] == action && event["reason"].as_str() == reason;
        all.into_iter().filter(fits).map(|event| event["detail"].clone()).collect()
    }

    /// `avouch` at the command line of this broker's machine: whether it went well, and what it said.
    async fn cli(&self, arguments: &[&str]) -> (bool, String) {
        cli(&self.saml, arguments).await
    }
}

async fn cli(saml: &Saml, arguments: &[&str]) -> (bool, String) {
    let files = saml.world.broker.files();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_avouch"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
        command.env_remove(name);
    }
    command
        .current_dir(files)
        .args(arguments)
        .env("AVOUCH_DATABASE_URL", saml.world.broker.database_url())
        .env("AVOUCH_MASTER_KEY_FILE", files.join("master.key"))
        .env("AVOUCH_ALLOW_PRIVATE_UPSTREAMS", "true")
        .env("AVOUCH_LOG", "error");
    let output = command.output().await.unwrap();
    let told = [output.stdout, output.stderr].concat();
    saml.world.broker.catch_up().await;
    (output.status.success(), String::from_utf8(told).unwrap())
}

async fn rows(saml: &Saml, query: &'static str) -> Vec<Value> {
    let mut conn = saml.world.broker.database().connect().await.unwrap();
    let rows = sqlx::query(query).fetch_all(&mut conn).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn wait(what: &str, mut done: impl AsyncFnMut() -> bool) {
    until(what, async || done().await.then_some(())).await;
}

/// A response that nobody has seen before.
fn answer(idp: &forge::World, by: &Identity) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let id = format!("_assertion{}", COUNT.fetch_add(1, Ordering::Relaxed));
    Sign::by(by).apply(&idp.response(&idp.assertion().replace("_assertion", &id)), "_response")
}

fn sha256(der: &[u8]) -> String {
    openssl::sha::sha256(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn colons(sha256: &str) -> String {
    sha256
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(":")
}

/// Metadata in canonical form; `attributes` of the entity come after its id and before its name.
fn document(entity_id: &str, attributes: &str, identities: &[&Identity]) -> String {
    let role = role("", &identities.iter().map(|one| key(" use=\"signing\"", one)).collect::<String>());
    entity(entity_id, attributes, &role)
}

fn entity(entity_id: &str, attributes: &str, roles: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_metadata"{attributes} entityID="{entity_id}">{roles}</md:EntityDescriptor>"#
    )
}

fn role(attributes: &str, keys: &str) -> String {
    format!(
        r#"<md:IDPSSODescriptor{attributes} protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"></md:SingleSignOnService></md:IDPSSODescriptor>"#
    )
}

fn key(usage: &str, identity: &Identity) -> String {
    let certificate = STANDARD.encode(&identity.certificate);
    format!(
        r#"<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds="{}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
        forge::DS
    )
}
