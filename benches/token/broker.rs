//! A whole broker with one machine client, on an embedded Postgres of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use avouch::clock::SystemClock;
use avouch::config::{Config, Environment, Flags, Purpose};
use avouch::embedded_postgres::{self, EmbeddedPostgres};
use avouch::jose::Alg;
use avouch::provisioning::{Job, ResourceFile};
use avouch::server::Server;
use base64::Engine;

const SECRET: &str = "bench-secret-0123456789abcdef0123456789";

pub struct Broker {
    pub address: SocketAddr,
    /// `client_id:client_secret` in base64.
    pub basic: String,
    server: Server,
    postgres: EmbeddedPostgres,
    _dir: tempfile::TempDir,
}

impl Broker {
    pub async fn start(alg: Alg) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), SECRET).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let ops = TcpListener::bind("127.0.0.1:0").unwrap();
        ops.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let data_dir = dir.path().join("data");
        let environment = Environment::of([
            ("AVOUCH_ISSUER", format!("http://localhost:{}", address.port())),
            ("AVOUCH_DATA_DIR", data_dir.display().to_string()),
        ]);
        let config = Config::load(&Flags::default(), &environment, Purpose::Serve).unwrap();
        let postgres = embedded_postgres::start(&data_dir).unwrap();
        let ctx = avouch::startup::open(&config, postgres.connect_options(), Arc::new(SystemClock)).await.unwrap();
        avouch::provisioning::apply(&ctx, &job(alg, dir.path().into())).await.unwrap();
        let server = avouch::server::start_on(&config, ctx, listener, ops).await.unwrap();
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("bench:{SECRET}"));
        Self { address, basic, server, postgres, _dir: dir }
    }

    pub async fn stop(self) {
        self.server.stop().await;
        self.postgres.stop().unwrap();
    }
}

fn job(alg: Alg, base_dir: PathBuf) -> Job {
    let yaml = format!(
        "resources:
  - identifier: https://api.example
    scopes: [read, write]
    access_token: {{ ttl: 3600, alg: {alg}, typ: at+jwt }}
clients:
  - client_id: bench
    name: Bench
    kind: machine
    audiences: [https://api.example]
    client_secret: {{ file: secret }}
"
    );
    Job {
        file: ResourceFile::parse(&yaml, "bench.yaml").unwrap(),
        managed_by: "bench.yaml".into(),
        base_dir,
        prune: false,
    }
}
