//! A whole broker in this process: its own port, database and clock. [`Broker::apply`] is how it is configured.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use avouch::clock::ShiftedClock;
use avouch::config::{Config, Environment, Flags, Purpose};
use avouch::ids::UserId;
use avouch::outbound;
use avouch::provisioning::{self, Job, ResourceFile};
use avouch::rng::Rng;
use avouch::server::{self, Server};
use avouch::trace::LoginTrace;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;

use super::patience::PATIENCE;
use super::postgres::{Database, master_key_file};

/// How the broker differs from the usual one, which may reach private upstreams.
pub struct Options {
    pub clock: Arc<ShiftedClock>,
    pub allow_private_upstreams: bool,
    /// How long an upstream may take to answer.
    pub upstream_timeout: Duration,
    /// Absent: a fresh database of its own.
    pub database: Option<PgConnectOptions>,
    /// More settings, as variables.
    pub settings: Vec<(&'static str, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::default(),
            allow_private_upstreams: true,
            upstream_timeout: Duration::from_secs(10),
            database: None,
            settings: Vec::new(),
        }
    }
}

pub struct Broker {
    /// `http://localhost:PORT`.
    pub issuer: String,
    pub clock: Arc<ShiftedClock>,
    server: Option<Server>,
    port: u16,
    options: Options,
    settings: Vec<(&'static str, String)>,
    config: Config,
    database: PgConnectOptions,
    _own: Option<Database>,
    files: TempDir,
}

/// A row of the audit log, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub action: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub actor: String,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub sub: Option<String>,
    pub trace_id: Option<String>,
    pub detail: serde_json::Value,
}

/// Once per process: which library does TLS.
pub fn crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

impl Broker {
    pub async fn start(options: Options) -> Self {
        Self::begin(None, options).await
    }

    /// A replica that stands behind another one's address.
    pub async fn start_as(issuer: &str, options: Options) -> Self {
        Self::begin(Some(issuer), options).await
    }

    async fn begin(issuer: Option<&str>, options: Options) -> Self {
        crypto();
        let own = match &options.database {
            Some(_) => None,
            None => Some(Database::fresh().await),
        };
        let database = options.database.clone().unwrap_or_else(|| own.as_ref().unwrap().options());
        let listener = listen(0);
        let port = listener.local_addr().unwrap().port();
        let issuer = issuer.map_or_else(|| format!("http://localhost:{port}"), Into::into);
        let files = tempfile::tempdir().unwrap();
        let mut settings = vec![
            ("AVOUCH_ISSUER", issuer.clone()),
            ("AVOUCH_DATABASE_URL", "postgres://elsewhere".to_owned()),
            ("AVOUCH_MASTER_KEY_FILE", master_key_file(files.path())),
            ("AVOUCH_DATA_DIR", files.path().display().to_string()),
            ("AVOUCH_ALLOW_PRIVATE_UPSTREAMS", options.allow_private_upstreams.to_string()),
        ];
        settings.extend(options.settings.iter().cloned());
        let config = Config::load(&Flags::default(), &Environment::of(settings.clone()), Purpose::Serve).unwrap();
        let clock = options.clock.clone();
        let mut broker =
            Self { issuer, clock, server: None, port, options, settings, config, database, _own: own, files };
        broker.run_on(listener).await;
        broker
    }

    /// Stops it properly and starts it again at the same address, on the same database.
    pub async fn restart(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        self.run_on(listen(self.port)).await;
    }

    /// Starts it again as one that speaks to public addresses only.
    pub async fn forbid_private_upstreams(&mut self) {
        self.options.allow_private_upstreams = false;
        self.restart().await;
    }

    async fn run_on(&mut self, listener: TcpListener) {
        let mut ctx = avouch::startup::open(&self.config, self.database.clone(), self.clock.clone()).await.unwrap();
        let policy = outbound::Policy {
            allow_private: self.options.allow_private_upstreams,
            timeout: self.options.upstream_timeout,
            ..Default::default()
        };
        ctx.http = outbound::Client::new(policy).unwrap();
        self.server = Some(server::start_on(&self.config, ctx, listener, listen(0)).await.unwrap());
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the broker runs")
    }

    /// Where it listens itself.
    pub fn address(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// A URL below the issuer; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The same at the operations listener.
    pub fn ops_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.server().ops_address.port())
    }

    /// A number of `/metrics`: `avouch_logins_total{connection="contoso",outcome="success"}`. Nothing counted is 0.
    pub async fn metric(&self, sample: &str) -> u64 {
        let text = reqwest::get(self.ops_url("/metrics")).await.unwrap().text().await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Puts a secret where the resource file finds it: `client_secret: { file: NAME }`.
    pub fn secret(&self, name: &str, value: &str) {
        std::fs::write(self.files.path().join(name), value).unwrap();
    }

    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Applies a resource file, and returns when the broker goes by it. The users it names come back with their `sub`.
    pub async fn apply(&self, yaml: &str) -> Vec<(String, UserId)> {
        self.try_apply(yaml).await.unwrap_or_else(|error| panic!("{error}\n{yaml}"))
    }

    /// The same for a file that may be refused.
    pub async fn try_apply(&self, yaml: &str) -> Result<Vec<(String, UserId)>, String> {
        let file = ResourceFile::parse(yaml, "resources.yaml").map_err(|error| error.to_string())?;
        let base_dir = self.files.path().to_owned();
        let job =
            Job { file, owner: avouch::provisioning::Owner::File("resources.yaml".into()), base_dir, prune: false };
        let live = &self.server().broker;
        let applied = provisioning::apply(&live.ctx, &job).await.map_err(|error| error.to_string())?;
        live.reload().await.unwrap();
        Ok(applied.users)
    }

    /// The broker goes by what was changed in its database. It hears of that by itself, but not before us.
    pub async fn catch_up(&self) {
        self.server().broker.reload().await.unwrap();
    }

    /// The audit log so far, oldest first. Read from the database until there is an address to ask.
    pub async fn audit_events(&self) -> Vec<AuditEvent> {
        self.server().broker.audit.flush().await;
        let mut conn = self.database.connect().await.unwrap();
        let rows = sqlx::query(
            "SELECT action, outcome, reason, actor, client_id, connection, sub, trace_id, detail FROM audit_events ORDER BY at, id",
        );
        let rows = rows.fetch_all(&mut conn).await.unwrap();
        let event = |row: &sqlx::postgres::PgRow| AuditEvent {
            action: row.get(0),
            outcome: row.get(1),
            reason: row.get(2),
            actor: row.get(3),
            client_id: row.get(4),
            connection: row.get(5),
            sub: row.get(6),
            trace_id: row.get(7),
            detail: row.get(8),
        };
        rows.iter().map(event).collect()
    }

    /// The login that a trace id names, as it stands in the database.
    pub async fn trace(&self, trace_id: &str) -> Option<LoginTrace> {
        let broker = &self.server().broker;
        broker.traces.flush().await;
        let mut conn = broker.ctx.db.acquire().await.unwrap();
        avouch::trace::read::find(&broker.ctx, &mut conn, trace_id).await.unwrap()
    }

    /// `avouch` with these arguments in its own process, at this broker's database; what it prints, and whether it
    /// succeeded.
    pub async fn cli(&self, arguments: &[&str]) -> (bool, String) {
        self.cli_with(&[], arguments).await
    }

    /// The same with other settings.
    pub async fn cli_with(&self, settings: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_avouch"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
            command.env_remove(name);
        }
        command.current_dir(self.files.path()).args(arguments).envs(self.settings.iter().cloned());
        command
            .env("AVOUCH_DATABASE_URL", self.database_url())
            .env("AVOUCH_LOG", "warn")
            .envs(settings.iter().copied());
        let output = command.output();
        let output = output.await.unwrap();
        self.clock.stand_still(); // what it wrote, it wrote by the machine's clock
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    }

    /// What the running broker works with, for what tests prepare by the library.
    pub fn ctx(&self) -> &avouch::ctx::Ctx {
        &self.server().broker.ctx
    }

    /// The broker itself, for what the passing of time would do.
    pub fn live(&self) -> &Arc<avouch::broker::Broker> {
        &self.server().broker
    }

    /// How to reach its database, for what only an operator at the machine can do.
    pub fn database(&self) -> &PgConnectOptions {
        &self.database
    }

    pub fn database_url(&self) -> &str {
        &self._own.as_ref().expect("a database of its own").url
    }
}

/// A free port of the loopback address, or this one, which was ours a moment ago. A free one is below those that the kernel
/// hands out, so that whoever lets go of it finds it again.
pub fn listen(port: u16) -> TcpListener {
    let began = Instant::now();
    let listener = loop {
        let any = 10_000 + u16::from_le_bytes(Rng::default().bytes()) % 20_000;
        match TcpListener::bind(("127.0.0.1", if port == 0 { any } else { port })) {
            Ok(listener) => break listener,
            Err(error) if began.elapsed() > PATIENCE => panic!("cannot listen at {port}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    listener.set_nonblocking(true).unwrap();
    listener
}
