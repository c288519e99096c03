//! The validators themselves, run by `make interop` (tests/interop/): a broker with TLS in its own process, the presets
//! applied, and what is printed handed over as it is. `make test` leaves them out, because they come from registries that not
//! every machine reaches; the rules of each are in `validators`.

mod kafka;
mod keycloak;
mod kubelogin;
mod kubernetes;
mod spring;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use crate::harness::app::{self, App};
use crate::harness::world::{CONTOSO_SECRET, connection};
use crate::harness::{Answer, BrokerProcess, Browser, FakeIdp, broker, until};
use crate::integrations::paste::titled;

struct Stage {
    broker: BrokerProcess,
    idp: FakeIdp,
    /// PEM, in a file of [`BrokerProcess::files`].
    certificate: PathBuf,
    http: reqwest::Client,
}

impl Stage {
    /// Contoso and whatever is [`Stage::preset`] until it is [`Stage::serve`]d.
    async fn prepare() -> Self {
        broker::crypto();
        let idp = FakeIdp::start(&Arc::default()).await;
        let mut broker = BrokerProcess::prepare().await;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (broker.files().join("tls.pem"), broker.files().join("tls.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        broker.issuer = format!("https://localhost:{}", broker.socket().port());
        broker.set("AVOUCH_ISSUER", broker.issuer.clone());
        broker.set("AVOUCH_TLS_CERT_FILE", certificate.display().to_string());
        broker.set("AVOUCH_TLS_KEY_FILE", key.display().to_string());
        std::fs::write(broker.files().join("contoso"), CONTOSO_SECRET).unwrap();
        broker.apply(&connection("contoso", &idp, "email_domains: [contoso.example]"));
        let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let http = http.resolve("localhost", ([127, 0, 0, 1], 0).into()).tls_certs_only([root]).build().unwrap();
        Self { broker, idp, certificate, http }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.broker.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `avouch preset`, applied as it is printed.
    fn preset(&self, arguments: &[&str]) {
        self.broker.apply(&self.run(&[&["preset"], arguments].concat()));
    }

    fn secret(&self, client: &str) -> String {
        self.run(&["client", "rotate-secret", client]).lines().next().unwrap().to_owned()
    }

    /// The blocks that `avouch snippet` prints, by title.
    fn snippet(&self, client: &str, system: &str) -> BTreeMap<String, String> {
        titled(&self.run(&["snippet", client, system]))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.broker.files().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn serve(&mut self) {
        self.broker.spawn(&["serve"]);
        let url = format!("{}/.well-known/openid-configuration", self.broker.issuer);
        until("the broker answers", async || self.http.get(&url).send().await.ok()).await;
    }

    fn browser(&self) -> Browser {
        Browser::with(self.http.clone())
    }

    fn app(&self, client_id: &str, redirect_uri: &str, scope: &str) -> App {
        App {
            issuer: self.broker.issuer.clone(),
            client_id: client_id.into(),
            secret: None,
            redirect_uri: redirect_uri.into(),
            scope: scope.into(),
        }
    }

    /// Somebody signs in to a public client.
    async fn tokens(&self, app: &App) -> Value {
        let mut browser = self.browser();
        let (request, page) = app.sign_in(browser.stop_at(&app.redirect_uri), &[]).await;
        assert!(page.stopped, "not back at the application: {page}");
        let code = page.param("code");
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &app.client_id),
            ("code", &code),
            ("redirect_uri", &app.redirect_uri),
            ("code_verifier", &request.verifier),
        ];
        self.token(None, &fields).await.json
    }

    async fn token(&self, authorization: Option<&str>, fields: &[(&str, &str)]) -> Answer {
        let mut request = self.http.post(format!("{}/oauth/token", self.broker.issuer)).form(fields);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = app::answer(request).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer
    }

    /// A program below target/interop/NAME/, on the class path that its `prepare` made, trusting the broker's certificate.
    fn java(&self, name: &str, class: &str) -> Command {
        let store = self.broker.files().join("trust.p12");
        if !store.exists() {
            let mut keytool = Command::new("keytool");
            keytool.args(["-importcert", "-noprompt", "-alias", "avouch", "-storetype", "PKCS12"]);
            keytool.args(["-storepass", "changeit", "-file"]).arg(&self.certificate).arg("-keystore").arg(&store);
            let output = keytool.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        let there = built(name);
        let mut command = Command::new("java");
        command.arg(format!("-Djavax.net.ssl.trustStore={}", store.display()));
        command.arg("-Djavax.net.ssl.trustStorePassword=changeit");
        command.arg("-cp").arg(format!("{0}/classes:{0}/dependency/*", there.display())).arg(class);
        command
    }
}

/// What `tests/interop/NAME/prepare` built; a validator that is missing is a failure.
fn built(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/interop").join(name);
    assert!(path.exists(), "{} is missing: run `make interop`", path.display());
    path
}

/// The token with another signature.
fn forged(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').expect("a JWT");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{rest}.{first}{}", &signature[1..])
}
