//! A database for each test: a copy of one template that is migrated and has its signing keys already, because making
//! RSA keys is slow. Needs `DATABASE_URL`, from the environment or `.env`; `make test` sees to it.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use avouch::clock::SystemClock;
use avouch::config::{Config, Environment, Flags, Purpose};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::OnceCell;
use url::Url;

/// What the templates' values are sealed with, so that every copy opens.
pub const MASTER_KEY: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";

/// Gone when it is dropped.
pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    pub async fn fresh() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let template = TEMPLATE.get_or_init(make_template).await;
        let name = format!("avouch_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        copy(template, &name).await;
        Self { url: url_of(&name), name }
    }

    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::from_str(&self.url).unwrap()
    }

    pub async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: this one's runtime is busy dropping us.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { administer(&statement).await })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test database stays: {error}");
        }
    }
}

async fn make_template() -> String {
    remove_leftovers().await;
    let name = format!("avouch_test_{}_template", std::process::id());
    administer(&format!("CREATE DATABASE {name}")).await.unwrap();
    let files = tempfile::tempdir().unwrap();
    let key = master_key_file(files.path());
    let settings = [
        ("AVOUCH_DATABASE_URL", url_of(&name)),
        ("AVOUCH_MASTER_KEY_FILE", key),
        ("AVOUCH_DATA_DIR", files.path().display().to_string()),
    ];
    let config = Config::load(&Flags::default(), &Environment::of(settings), Purpose::Serve).unwrap();
    let ctx = avouch::startup::open(&config, config.database_options().unwrap(), Arc::new(SystemClock)).await.unwrap();
    avouch::signing_key::ensure(&ctx).await.unwrap();
    ctx.db.close().await;
    name
}

/// Writes the master key where only we read it.
pub fn master_key_file(dir: &std::path::Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join("master.key");
    std::fs::write(&path, MASTER_KEY).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The template's last connection may still be saying goodbye.
async fn copy(template: &str, name: &str) {
    for attempt in 0.. {
        match administer(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await {
            Ok(()) => return,
            Err(error) if attempt == 1000 => panic!("cannot copy the template database: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What a run that was killed left behind.
async fn remove_leftovers() {
    let mut conn = administrator().await;
    let names: Vec<String> =
        sqlx::query_scalar(r"SELECT datname::text FROM pg_database WHERE datname LIKE 'avouch\_test\_%'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    for name in names {
        let alive = name.split('_').nth(2).is_some_and(|pid| std::path::Path::new("/proc").join(pid).exists());
        if !alive {
            let _ = administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

async fn administer(statement: &str) -> Result<(), sqlx::Error> {
    let mut conn = administrator().await;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await?;
    conn.close().await
}

async fn administrator() -> PgConnection {
    PgConnectOptions::from_str(&base_url())
        .unwrap()
        .connect()
        .await
        .expect("DATABASE_URL leads to a Postgres that runs")
}

fn url_of(name: &str) -> String {
    let mut url = Url::parse(&base_url()).unwrap();
    url.set_path(name);
    url.into()
}

fn base_url() -> String {
    std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).unwrap_or_else(|| {
        let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env")).unwrap_or_default();
        let line = file.lines().find_map(|line| line.strip_prefix("DATABASE_URL="));
        line.expect("DATABASE_URL is not set: run the tests by `make test`, or under dev/with-postgres").to_owned()
    })
}
