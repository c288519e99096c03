//! From a configuration to a working [`Ctx`]: database reached and migrated, master key read, vault opened, outbound client
//! made. Used by every command and by the tests. It starts no server and no Postgres.

mod master_key;
mod saml_certificates;

use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;

use crate::clock::{SharedByReplicas, SharedClock};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::outbound::{self, mailer::Mailer};
use crate::rng::Rng;
use crate::vault::OpenError;
use crate::vault::pepper::{self, VaultError};
use crate::vault::rewrap;

/// Ahead or behind: nobody's machine should be.
const WRONG: time::Duration = time::Duration::seconds(5);

pub use master_key::MasterKeyError;

/// One line each: the cause and the remedy. None holds a password or key.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "the database at {at} cannot be reached: {reason}; check that PostgreSQL runs there and AVOUCH_DATABASE_URL"
    )]
    Unreachable { at: String, reason: String },
    #[error("the database at {at} refused us: {reason}; check user, password and database name in AVOUCH_DATABASE_URL")]
    Refused { at: String, reason: String },
    #[error(
        "the database was migrated by a newer Avouch (migration {0} is unknown here): start that version or a later one"
    )]
    NewerSchema(i64),
    #[error(
        "migration {0} was applied in another form than this version has it: this database belongs to another build of Avouch"
    )]
    ChangedMigration(i64),
    #[error("a migration failed and was rolled back: {0}")]
    Migration(String),
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error("the master key file {path} does not fit this database: {reason}")]
    WrongMasterKey { path: String, reason: OpenError },
    #[error(
        "the master key file {path} lacks {ids}, and stored secrets are sealed with it: put its line back below the others, run \
         `avouch keys rewrap`, and remove it only when that says so"
    )]
    MissingMasterKey { path: String, ids: String },
    #[error("{0}")]
    Vault(sqlx::Error),
    #[error("outbound HTTP cannot be set up: {0}")]
    Outbound(#[from] outbound::BuildError),
    #[error("the file {path} cannot be read: {source}")]
    File { path: String, source: std::io::Error },
}

/// `db_options` of the operator's database or of the embedded one. Migrates first.
///
/// # Errors
/// [`StartError`].
pub async fn open(config: &Config, db_options: PgConnectOptions, clock: SharedClock) -> Result<Ctx, StartError> {
    let rng = Rng::default();
    migrate(&db_options).await?;
    let db = db::pool(db_options);

    let key = master_key::read(&config.master_key, &rng)?;
    let vault = match pepper::open(&db, key.keyring, &rng, clock.now()).await {
        Ok(vault) => vault,
        Err(VaultError::Database(error)) => return Err(StartError::Vault(error)),
        Err(VaultError::WrongKey(reason)) => {
            if key.fresh {
                master_key::forget(&key.path);
                return Err(MasterKeyError::Lost(key.path.display().to_string()).into());
            }
            return Err(StartError::WrongMasterKey { path: key.path.display().to_string(), reason });
        }
    };

    let missing = async { rewrap::missing_keys(&mut *db.acquire().await?, &vault, clock.now()).await };
    let missing = missing.await.map_err(StartError::Vault)?;
    if !missing.is_empty() {
        let path = key.path.display().to_string();
        return Err(StartError::MissingMasterKey { path, ids: missing.join(", ") });
    }

    let extra_ca_pem = match &config.upstream_ca_file {
        Some(path) => {
            Some(std::fs::read(path).map_err(|source| StartError::File { path: path.display().to_string(), source })?)
        }
        None => None,
    };
    let mailer = config.smtp.as_ref().map(|smtp| Mailer::new(smtp, config.urls.host(), extra_ca_pem.as_deref()));
    let mailer = mailer.transpose().map_err(|_| outbound::BuildError::ExtraCa)?;
    let policy = outbound::Policy { allow_private: config.allow_private_upstreams, extra_ca_pem, ..Default::default() };
    let ctx = Ctx {
        db,
        clock: Arc::new(SharedByReplicas::new(clock)),
        rng,
        vault: Arc::new(vault),
        http: outbound::Client::new(policy)?,
        mailer,
        urls: Arc::new(config.urls.clone()),
    };
    let ahead = ctx.agree_on_the_time().await.map_err(StartError::Vault)?;
    if ahead.abs() >= WRONG {
        let seconds = ahead.whole_seconds();
        tracing::warn!(seconds, "this machine's clock is not the database's, which is gone by; is it kept by NTP?");
    }
    saml_certificates::give_rows(&ctx).await.map_err(|error| StartError::Migration(error.to_string()))?;
    Ok(ctx)
}

/// Applies what is missing. Replicas that start together take turns: the migrator holds an advisory lock. On a connection
/// of its own, because the pool's statements are cut off after seconds and a migration may take longer.
///
/// # Errors
/// [`StartError`] of the database and its schema.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), StartError> {
    let mut conn = connect(options).await?;
    db::MIGRATOR.run(&mut conn).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StartError::NewerSchema(version),
        MigrateError::VersionMismatch(version) => StartError::ChangedMigration(version),
        other => StartError::Migration(other.to_string()),
    })
}

async fn connect(options: &PgConnectOptions) -> Result<Conn, StartError> {
    let at = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let reason = match tokio::time::timeout(Duration::from_secs(10), options.connect()).await {
        Ok(Ok(conn)) => return Ok(conn),
        Ok(Err(sqlx::Error::Database(error))) => {
            return Err(StartError::Refused { at, reason: error.message().to_owned() });
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer within 10 s".to_owned(),
    };
    Err(StartError::Unreachable { at, reason })
}
