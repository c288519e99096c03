//! A whole broker on an embedded Postgres of its own: two machines, an application, and a person who is signed in.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch::clock::SystemClock;
use avouch::config::{Config, Environment, Flags, Purpose};
use avouch::connection::Profile;
use avouch::embedded_postgres::{self, EmbeddedPostgres};
use avouch::ids::SessionId;
use avouch::provisioning::{Job, ResourceFile};
use avouch::secret::{Kind, fingerprint, mint};
use avouch::server::Server;
use avouch::session::{self, Lifetimes, NewSession};
use avouch::user::{self, IdentityKey};
use base64::Engine;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

const SECRET: &str = "bench-secret-0123456789abcdef0123456789";

pub struct Broker {
    pub address: SocketAddr,
    server: Server,
    postgres: EmbeddedPostgres,
    dir: tempfile::TempDir,
}

/// `client_id:client_secret` in base64.
pub fn basic(client_id: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{client_id}:{SECRET}"))
}

impl Broker {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), SECRET).unwrap();
        let (listener, ops) = (listen(), listen());
        let address = listener.local_addr().unwrap();
        let data_dir = dir.path().join("data");
        let environment = Environment::of([
            ("AVOUCH_ISSUER", format!("http://localhost:{}", address.port())),
            ("AVOUCH_DATA_DIR", data_dir.display().to_string()),
            ("AVOUCH_RATE_LIMIT", "0".to_owned()), // all of the load comes from one address
        ]);
        let config = Config::load(&Flags::default(), &environment, Purpose::Serve).unwrap();
        let postgres = embedded_postgres::start(&data_dir).unwrap();
        let ctx = avouch::startup::open(&config, postgres.connect_options(), Arc::new(SystemClock)).await.unwrap();
        avouch::provisioning::apply(&ctx, &job(dir.path().into())).await.unwrap();
        let server = avouch::server::start_on(&config, ctx, listener, ops).await.unwrap();
        Self { address, server, postgres, dir }
    }

    pub fn database(&self) -> PgConnectOptions {
        self.postgres.connect_options()
    }

    #[allow(dead_code)] // not every bench needs it
    pub fn ctx(&self) -> &avouch::ctx::Ctx {
        &self.server.broker.ctx
    }

    /// Where the master key is.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn files(&self) -> &Path {
        self.dir.path()
    }

    /// All of it, as after a lost connection.
    pub async fn reload(&self) {
        self.server.broker.reload().await.unwrap();
    }

    /// As after a notification.
    pub async fn take_up_changes(&self) {
        self.server.broker.take_up_changes().await.unwrap();
    }

    /// The `Cookie` header of a browser whose person is signed in.
    pub async fn signed_in(&self) -> String {
        let broker = &self.server.broker;
        let (ctx, now) = (&broker.ctx, broker.ctx.now());
        let connection = broker.catalog.load().connection("idp-1").unwrap();
        let key = IdentityKey { issuer: "https://idp-1.example".into(), subject: "somebody".into() };
        let (session, browser) = (mint(Kind::Session, &ctx.rng), mint(Kind::Browser, &ctx.rng));
        let mut conn = ctx.db.acquire().await.unwrap();
        let profile = Profile { email: Some("somebody@example.com".into()), ..Profile::default() };
        let identity = user::login::resolve(ctx, &mut conn, &connection.id, &key, &profile).await.unwrap();
        let new = NewSession {
            id: SessionId::new(now, &ctx.rng),
            token_hash: fingerprint(session.expose()),
            user_id: identity.user.id,
            identity_id: identity.id,
            connection_slug: connection.slug.to_string(),
            auth_time: now,
            acr: None,
            amr: vec!["pwd".into()],
            not_after: None,
            user_agent: None,
            remote_addr: None,
        };
        session::store::insert(&mut conn, &new, Lifetimes::default(), now).await.unwrap();
        format!("Cookie: avouch-session={}; avouch-browser={}\r\n", session.expose(), browser.expose())
    }

    pub async fn stop(self) {
        self.server.stop().await;
        self.postgres.stop().unwrap();
    }
}

/// Copies of what there is, so that the tables are as large as told.
pub async fn grow(conn: &mut PgConnection, connections: i32, clients: i32) {
    for (count, sql) in [
        (
            connections,
            "INSERT INTO connections SELECT r.* FROM connections c, generate_series(1, $1) n,
             LATERAL jsonb_populate_record(c, jsonb_build_object('id', 'con_' || n, 'slug', 'grown-' || n)) r WHERE c.slug = 'idp-1'",
        ),
        (
            clients,
            "INSERT INTO clients SELECT r.* FROM clients c, generate_series(1, $1) n,
             LATERAL jsonb_populate_record(c, jsonb_build_object('client_id', 'grown-' || n)) r WHERE c.client_id = 'ES256'",
        ),
        (
            clients,
            "INSERT INTO client_secrets SELECT r.* FROM client_secrets s, generate_series(1, $1) n,
             LATERAL jsonb_populate_record(s, jsonb_build_object('id', 'sec_' || n, 'client_id', 'grown-' || n)) r WHERE s.client_id = 'ES256'",
        ),
    ] {
        sqlx::query(sql).bind(count).execute(&mut *conn).await.unwrap();
    }
}

pub fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn job(base_dir: PathBuf) -> Job {
    let mut yaml = String::from("connections:\n");
    for n in 1..=10 {
        yaml += &format!(
            "  - {{ slug: idp-{n}, issuer: https://idp-{n}.example, client_id: avouch, client_secret: {{ file: secret }} }}\n"
        );
    }
    yaml += "resources:\n";
    for alg in ["RS256", "ES256"] {
        yaml += &format!(
            "  - identifier: https://{alg}.example
    scopes: [read, write]
    access_token: {{ ttl: 3600, alg: {alg}, typ: at+jwt }}\n"
        );
    }
    yaml += "clients:\n";
    for alg in ["RS256", "ES256"] {
        yaml += &format!(
            "  - {{ client_id: {alg}, kind: machine, audiences: [https://{alg}.example], client_secret: {{ file: secret }} }}\n"
        );
    }
    yaml += "  - client_id: app
    kind: web
    first_party: true
    redirect_uris: [https://app.example/]
    grants: [authorization_code, refresh_token]
    audiences: [https://ES256.example]
    id_token_alg: ES256
    client_secret: { file: secret }\n";
    Job {
        file: ResourceFile::parse(&yaml, "bench.yaml").unwrap(),
        owner: avouch::provisioning::Owner::File("bench.yaml".into()),
        base_dir,
        prune: false,
    }
}
