//! The identity products of `tests/peers`, each a process that speaks JSON lines. What each understands is said at the
//! head of its file; what an answer means is the test's to say.

use std::fs::File;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::harness::PATIENCE;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub struct Peer {
    name: &'static str,
    _process: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// npm oidc-provider: an upstream identity provider. Returns it with its issuer, once it answers.
    pub async fn oidc_provider(clients: Value, users: Value) -> (Self, String) {
        let mut peer = Self::node("tests/peers/node/oidc-provider.mjs");
        peer.write(&json!({ "clients": clients, "users": users })).await;
        let ready = peer.read().await;
        let issuer = ready["issuer"].as_str().unwrap_or_else(|| panic!("{}: {ready}", peer.name)).to_owned();
        (peer, issuer)
    }

    /// pysaml2: an upstream SAML identity provider at this host's name. Returns it with its metadata's address, which is
    /// its entity id too.
    pub async fn pysaml2_idp(host: &str) -> (Self, String) {
        let mut peer = Self::python("tests/peers/python/pysaml2_idp.py");
        peer.write(&json!({ "host": host })).await;
        let ready = peer.read().await;
        let metadata_url =
            ready["metadata_url"].as_str().unwrap_or_else(|| panic!("{}: {ready}", peer.name)).to_owned();
        (peer, metadata_url)
    }

    /// npm openid-client and jose: an application and a resource server.
    pub fn openid_client() -> Self {
        Self::node("tests/peers/node/relying-party.mjs")
    }

    /// Authlib and joserfc: the same in Python.
    pub fn authlib() -> Self {
        Self::python("tests/peers/python/authlib_rp.py")
    }

    /// confluent-kafka, which is librdkafka: a Kafka client that needs a token.
    pub fn librdkafka() -> Self {
        Self::python("tests/peers/python/kafka_client.py")
    }

    /// oauth2 and go-oidc: the same in Go.
    pub fn go() -> Self {
        installed("target/peers/go/installed");
        Self::spawn("target/peers/go/relying-party", "go")
    }

    /// icalendar: reads calendars as calendar programs do.
    pub fn icalendar() -> Self {
        Self::python("tests/peers/python/calendar_reader.py")
    }

    /// aiosmtpd: a mail server, reached at the port returned; `settings` as at the head of its file.
    pub async fn mail_server(settings: Value) -> (Self, u64) {
        let mut peer = Self::python("tests/peers/python/mail_server.py");
        let ready = peer.ask(&settings).await;
        let port = ready["port"].as_u64().unwrap_or_else(|| panic!("{}: {ready}", peer.name));
        (peer, port)
    }

    fn python(file: &'static str) -> Self {
        Self::spawn("target/peers/venv/bin/python", file)
    }

    fn node(file: &'static str) -> Self {
        installed("tests/peers/node/node_modules/.installed");
        Self::spawn("target/peers/node", file)
    }

    fn spawn(program: &str, script: &'static str) -> Self {
        let mut command = Command::new(installed(program));
        command.arg(script).current_dir(root());
        Self::of(script, command)
    }

    /// Any other program that speaks as they do.
    pub fn of(script: &'static str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("{script} does not start: {error}; run `make peers`"));
        if let Some(stderr) = process.stderr.take().and_then(|stderr| stderr.into_owned_fd().ok()) {
            // A thread that a test starts prints where the test prints: shown when it fails.
            let lines = std::io::BufReader::new(File::from(stderr)).lines();
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        }
        let stdin = process.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        Self { name: script, _process: process, stdin, stdout }
    }

    /// A command that must succeed.
    pub async fn tell(&mut self, command: Value) -> Value {
        let answer = self.ask(&command).await;
        assert!(answer["ok"] == true, "{}: {command}: {answer}", self.name);
        answer
    }

    /// The same for a command that may take a minute or two.
    pub async fn tell_patiently(&mut self, command: Value) -> Value {
        self.write(&command).await;
        let answer = self.read_within(6 * PATIENCE).await;
        assert!(answer["ok"] == true, "{}: {command}: {answer}", self.name);
        answer
    }

    /// A command that the peer must refuse; returns the refusal.
    pub async fn refused(&mut self, command: Value) -> Value {
        let answer = self.ask(&command).await;
        assert!(answer["ok"] == false, "{} accepted {command}: {answer}", self.name);
        answer
    }

    /// A command that may succeed or not.
    pub async fn ask(&mut self, command: &Value) -> Value {
        self.write(command).await;
        self.read().await
    }

    async fn write(&mut self, message: &Value) {
        let sent = self.stdin.write_all(format!("{message}\n").as_bytes()).await;
        sent.unwrap_or_else(|error| panic!("{} is gone: {error}", self.name));
    }

    async fn read(&mut self) -> Value {
        self.read_within(PATIENCE).await
    }

    async fn read_within(&mut self, patience: Duration) -> Value {
        let line = tokio::time::timeout(patience, self.stdout.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} said nothing for {patience:?}", self.name));
        let line = line.ok().flatten().unwrap_or_else(|| panic!("{} ended; its stderr says why", self.name));
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{} said {line:?}", self.name))
    }
}

/// A missing peer is a failure: a test that skips proves nothing.
fn installed(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(path.exists(), "{} is missing: run `make peers`", path.display());
    path
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
