//! The broker as its own process, for what only a process can do: refuse to start, be killed.

use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use std::sync::Arc;

use tempfile::TempDir;

use super::broker::listen;
use super::postgres::{Database, master_key_file};
use crate::harness::until;

pub struct BrokerProcess {
    pub issuer: String,
    pub database: Arc<Database>,
    files: TempDir,
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl BrokerProcess {
    /// Its settings and database; nothing runs yet.
    pub async fn prepare() -> Self {
        let files = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::fresh().await);
        // Held until both are known, so that they differ.
        let ports = [listen(0), listen(0)];
        let [port, ops_port] = ports.map(|listener| listener.local_addr().unwrap().port());
        let issuer = format!("http://localhost:{port}");
        let settings = vec![
            ("AVOUCH_ISSUER", issuer.clone()),
            ("AVOUCH_LISTEN", format!("127.0.0.1:{port}")),
            ("AVOUCH_OPS_LISTEN", format!("127.0.0.1:{ops_port}")),
            ("AVOUCH_DATABASE_URL", database.url.clone()),
            ("AVOUCH_MASTER_KEY_FILE", master_key_file(files.path())),
            ("AVOUCH_DATA_DIR", files.path().join("data").display().to_string()),
            ("AVOUCH_ALLOW_PRIVATE_UPSTREAMS", "true".into()),
            ("AVOUCH_LOG", "warn".into()),
        ];
        Self { issuer, database, files, settings, child: None }
    }

    /// Another one on the same database, under the same issuer, at ports of its own.
    pub fn replica(&self) -> Self {
        let ports = [listen(0), listen(0)];
        let [port, ops_port] = ports.map(|listener| listener.local_addr().unwrap().port());
        let mut replica = Self {
            issuer: self.issuer.clone(),
            database: self.database.clone(),
            files: tempfile::tempdir().unwrap(),
            settings: self.settings.clone(),
            child: None,
        };
        replica.set("AVOUCH_LISTEN", format!("127.0.0.1:{port}"));
        replica.set("AVOUCH_OPS_LISTEN", format!("127.0.0.1:{ops_port}"));
        replica
    }

    /// Where it listens itself, whatever its issuer is.
    pub fn socket(&self) -> SocketAddr {
        self.settings.iter().find(|(name, _)| *name == "AVOUCH_LISTEN").unwrap().1.parse().unwrap()
    }

    /// [`BrokerProcess::socket`] as a URL.
    pub fn address(&self) -> String {
        format!("http://localhost:{}", self.socket().port())
    }

    /// Replaces a setting.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.settings.retain(|(known, _)| *known != variable);
        self.settings.push((variable, value.into()));
    }

    pub fn files(&self) -> &std::path::Path {
        self.files.path()
    }

    /// The program with nothing of ours in its environment but the settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
            command.env_remove(name);
        }
        command.current_dir(self.files.path()).args(arguments).envs(self.settings.iter().cloned()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `avouch apply` of this resource file.
    pub fn apply(&self, yaml: &str) {
        std::fs::write(self.files.path().join("resources.yaml"), yaml).unwrap();
        let output = self.run(&["apply", "-f", "resources.yaml"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts it and returns when it answers.
    pub async fn serve(&mut self) {
        self.start(&["serve"]).await;
    }

    /// Starts it and does not wait.
    pub fn spawn(&mut self, arguments: &[&str]) {
        self.child = Some(self.command(arguments).stdout(Stdio::null()).spawn().unwrap());
    }

    /// [`BrokerProcess::serve`] by another command.
    pub async fn start(&mut self, arguments: &[&str]) {
        self.spawn(arguments);
        let url = format!("{}/.well-known/openid-configuration", self.address());
        let http = super::app::http();
        let child = self.child.as_mut().unwrap();
        until("the broker answers", async || {
            let answer = http.get(&url).send().await.ok();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the broker ended with {status}");
            }
            answer
        })
        .await;
    }

    /// `-HUP` and the like.
    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
