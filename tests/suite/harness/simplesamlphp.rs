//! SimpleSAMLphp, Debian's package, as an upstream SAML identity provider with its own pages: PHP's web server over the
//! configuration in `tests/peers/simplesamlphp`, which reads what a test says here at every request. It lives at
//! 127.0.0.1, another site than a broker at localhost.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::harness::PATIENCE;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

const PHP: &str = "/usr/bin/php";
const DOCUMENT_ROOT: &str = "/usr/share/simplesamlphp/www";

pub struct SimpleSamlPhp {
    process: Child,
    folder: TempDir,
    /// With a slash at its end.
    base: String,
    /// As `tests/peers/simplesamlphp/stage.php` reads it.
    stage: Value,
}

impl SimpleSamlPhp {
    /// Listens when it returns, signs by a new key named `first`, and knows nobody.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for SimpleSAMLphp");
        for below in ["temp", "sessions"] {
            fs::create_dir(folder.path().join(below)).expect("the folder can be written");
        }
        assert!(Path::new(DOCUMENT_ROOT).exists(), "{DOCUMENT_ROOT} is missing: run `make setup`");
        let mut process = Command::new(PHP)
            .args(["-S", "127.0.0.1:0", "-t", DOCUMENT_ROOT])
            .args(["-d", "display_errors=0", "-d", "log_errors=1", "-d", "error_log="])
            .env("SIMPLESAMLPHP_CONFIG_DIR", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/simplesamlphp"))
            .env("AVOUCH_STAGE", folder.path())
            .env("PHP_CLI_SERVER_WORKERS", "3")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {PHP} ({error}): run `make setup`"));
        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let (says_port, port) = mpsc::channel();
        // A thread that a test starts prints where the test prints: shown when it fails.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(port) = line.strip_suffix(") started").and_then(|line| line.rsplit(':').next()) {
                    let _ = says_port.send(port.to_owned());
                }
                if ![" Accepted", " Closing"].iter().any(|noise| line.ends_with(noise)) {
                    eprintln!("SimpleSAMLphp: {line}");
                }
            }
        });
        let port = port.recv_timeout(PATIENCE);
        let base = port.map(|port| format!("http://127.0.0.1:{port}/")).unwrap_or_default();
        let mut server = Self { process, folder, base, stage: Value::Null };
        assert!(!server.base.is_empty(), "SimpleSAMLphp does not listen; its stderr says why");
        server.stage = json!({ "base": server.base, "people": {}, "idp": {}, "sp": {} });
        server.new_key("first");
        server.idp(json!({ "privatekey": "first.key", "certificate": "first.pem" }));
        server
    }

    /// Its entity id too.
    pub fn metadata_url(&self) -> String {
        self.url("saml2/idp/metadata.php")
    }

    pub fn sso_url(&self) -> String {
        self.url("saml2/idp/SSOService.php")
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// More settings of the identity provider; null takes one away.
    pub fn idp(&mut self, more: Value) {
        self.say("idp", more);
    }

    /// More settings for the service provider than its metadata has; null takes one away.
    pub fn sp(&mut self, more: Value) {
        self.say("sp", more);
    }

    /// `name` signs in by this password on the login page, and is told apart from others by the attribute `uid`.
    pub fn person(&mut self, name: &str, password: &str, attributes: Value) {
        self.say("people", json!({ format!("{name}:{password}"): attributes }));
    }

    /// Answers the service provider of this metadata from now on.
    pub fn trust_sp(&self, metadata: &str) {
        self.write("sp.xml", metadata.as_bytes());
    }

    /// Writes NAME.key and NAME.pem, for [`SimpleSamlPhp::idp`] to name. Returns the certificate.
    pub fn new_key(&self, name: &str) -> String {
        let (key, certificate) = key_pair(name).expect("OpenSSL makes keys");
        self.write(&format!("{name}.key"), &key);
        self.write(&format!("{name}.pem"), &certificate);
        String::from_utf8(certificate).expect("PEM is text")
    }

    fn say(&mut self, what: &str, more: Value) {
        let settings = self.stage[what].as_object_mut().expect("settings are an object");
        settings.extend(more.as_object().expect("more settings are an object").clone());
        settings.retain(|_, value| !value.is_null());
        self.write("stage.json", self.stage.to_string().as_bytes());
    }

    /// Readers find the old file or the new one whole.
    fn write(&self, name: &str, content: &[u8]) {
        let file = self.folder.path().join(name);
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, content)
            .and_then(|()| fs::rename(&unfinished, &file))
            .expect("the folder can be written");
    }
}

impl Drop for SimpleSamlPhp {
    fn drop(&mut self) {
        if let Ok(leader) = i32::try_from(self.process.id()) {
            // SAFETY: kill takes numbers only. The server leads a group of its own, its workers, and is not reaped yet.
            unsafe { libc::kill(-leader, libc::SIGKILL) };
        }
        let _ = self.process.wait();
    }
}

/// An RSA key and a certificate that it signed itself, both in PEM.
fn key_pair(name: &str) -> Result<(Vec<u8>, Vec<u8>), openssl::error::ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_text("CN", &format!("SimpleSAMLphp {name}"))?;
    let subject = subject.build();
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&subject)?;
    certificate.set_issuer_name(&subject)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(30)?.as_ref())?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((key.private_key_to_pem_pkcs8()?, certificate.build().to_pem()?))
}
