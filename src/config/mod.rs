//! The configuration, parsed once into types that need no second look. Owns where a setting comes from (file, variable,
//! flag), its default, and the sentence that is said when it is wrong. There is no global: `Config` is handed on.

mod flags;
mod settings;
mod source;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use sqlx::postgres::PgConnectOptions;
use time::Duration;

use crate::outbound::mailer::{Smtp, SmtpError};
use crate::secret::Secret;
use crate::telemetry::LogFormat;
use crate::urls::Urls;

pub use flags::Flags;
pub use settings::{SETTINGS, Setting};
pub use source::Environment;
use source::Sources;
use value::{duration, readable_file};

/// What the process is started for; some defaults depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Serve,
    /// A command that answers and ends: it logs warnings only.
    Command,
    /// Private upstreams are allowed, a master key is made where none is named, and the log leaves the terminal to what
    /// there is to click: warnings only.
    Demo,
}

#[derive(Clone, Debug)]
pub struct Config {
    pub urls: Urls,
    pub listen: SocketAddr,
    /// `/healthz`, `/readyz`, `/metrics`.
    pub ops_listen: SocketAddr,
    /// Absent: an embedded Postgres under `data_dir`.
    pub database_url: Option<Secret<String>>,
    pub data_dir: PathBuf,
    pub master_key: MasterKeyFile,
    pub tls: Option<TlsFiles>,
    /// From whom `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// PEM, beside the system's authorities.
    pub upstream_ca_file: Option<PathBuf>,
    pub allow_private_upstreams: bool,
    pub session: SessionLifetimes,
    /// Requests a second from one address; zero: no limit.
    pub rate_limit: u32,
    /// Absent: no e-mail is sent.
    pub smtp: Option<Smtp>,
    pub log: Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeyFile {
    /// Named by the operator; it must exist.
    Named(PathBuf),
    /// Ours: made at the first start.
    Generated(PathBuf),
}

/// PEM files, read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLifetimes {
    /// From sign-in to the end, whatever happens.
    pub ttl: Duration,
    /// Without a visit.
    pub idle: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `tracing_subscriber::EnvFilter` syntax, checked.
    pub filter: String,
    pub format: LogFormat,
}

/// One line: what is wrong, where it stands, what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl Config {
    /// Flags win over `AVOUCH_*` variables, variables over the file that `--config` or `AVOUCH_CONFIG` names.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is unknown or does not parse, and for files that cannot be read.
    pub fn load(flags: &Flags, environment: &Environment, purpose: Purpose) -> Result<Self, ConfigError> {
        let sources = Sources::gather(flags, environment)?;
        let demo = purpose == Purpose::Demo;

        let urls = sources.parse("issuer", |text| Urls::new(text).map_err(|e| e.to_string()))?;
        let data_dir = sources.parse("data_dir", |text| Ok(PathBuf::from(text)))?;
        let database_url = sources.secret("database_url", value::database_url)?;
        let master_key = match sources.optional("master_key_file", readable_file)? {
            Some(path) => MasterKeyFile::Named(path),
            None if database_url.is_none() || demo => MasterKeyFile::Generated(data_dir.join("master.key")),
            None => {
                return Err(ConfigError(
                    "master_key_file is not set: with a database of your own the master key must be a file you keep and back up; \
                     make one with `echo k1:$(head -c 32 /dev/urandom | base64) > master.key; chmod 600 master.key` and set \
                     AVOUCH_MASTER_KEY_FILE"
                        .into(),
                ));
            }
        };
        let config = Self {
            listen: sources.parse("listen", value::address)?,
            ops_listen: sources.parse("ops_listen", value::address)?,
            tls: tls(&sources)?,
            trusted_proxies: sources.list("trusted_proxies", value::network)?,
            upstream_ca_file: sources.optional("upstream_ca_file", readable_file)?,
            allow_private_upstreams: sources.optional("allow_private_upstreams", value::boolean)?.unwrap_or(demo),
            session: SessionLifetimes {
                ttl: sources.parse("session_ttl", duration)?,
                idle: sources.parse("session_idle", duration)?,
            },
            rate_limit: sources.parse("rate_limit", value::number)?,
            smtp: smtp(&sources)?,
            log: Log {
                filter: sources.optional("log", value::log_filter)?.unwrap_or_else(|| default_filter(purpose)),
                format: sources.parse("log_format", value::log_format)?,
            },
            urls,
            database_url,
            data_dir,
            master_key,
        };
        if config.listen == config.ops_listen && config.listen.port() != 0 {
            return Err(ConfigError(format!(
                "listen and ops_listen are both {}: give AVOUCH_OPS_LISTEN a port of its own",
                config.listen
            )));
        }
        Ok(config)
    }

    /// How to reach the operator's own database; `None` when it is the embedded one.
    pub fn database_options(&self) -> Option<PgConnectOptions> {
        self.database_url.as_ref().and_then(|url| PgConnectOptions::from_str(url.expose()).ok())
    }
}

fn default_filter(purpose: Purpose) -> String {
    // actix tells of each of its worker threads.
    match purpose {
        Purpose::Command | Purpose::Demo => "warn",
        Purpose::Serve => "info,actix_server=warn,sqlx=warn",
    }
    .into()
}

fn tls(sources: &Sources) -> Result<Option<TlsFiles>, ConfigError> {
    let cert = sources.optional("tls_cert_file", readable_file)?;
    let key = sources.optional("tls_key_file", readable_file)?;
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(ConfigError("tls_cert_file is set and tls_key_file is not: set AVOUCH_TLS_KEY_FILE too".into()))
        }
        (None, Some(_)) => {
            Err(ConfigError("tls_key_file is set and tls_cert_file is not: set AVOUCH_TLS_CERT_FILE too".into()))
        }
    }
}

fn smtp(sources: &Sources) -> Result<Option<Smtp>, ConfigError> {
    let from = sources.optional("smtp_from", |text| Ok(text.to_owned()))?;
    let Some(from) = from else {
        let missing = "smtp_url is set and smtp_from is not: set AVOUCH_SMTP_FROM too, like avouch@example.com";
        return match sources.secret("smtp_url", |_| Ok(()))? {
            Some(()) => Err(ConfigError(missing.into())),
            None => Ok(None),
        };
    };
    sources.secret("smtp_url", |text| {
        let smtp = Smtp::new(&Secret::new(text.to_owned()), &from);
        smtp.map_err(|error| match error {
            SmtpError::From => format!("cannot be used: smtp_from {from:?} {error}"),
            _ => error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, variables: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = flags;
        if let Some(text) = file {
            let path = dir.path().join("avouch.toml");
            std::fs::write(&path, text).unwrap();
            flags.config = Some(path);
        }
        Config::load(&flags, &Environment::of(variables.iter().copied()), Purpose::Serve)
            .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let file = "issuer = 'https://file.example'\nlisten = '127.0.0.1:1'\ndata_dir = 'from-file'\n";
        let flags = Flags { issuer: Some("https://flag.example".into()), ..Flags::default() };
        let config =
            load(Some(file), &[("AVOUCH_ISSUER", "https://variable.example"), ("AVOUCH_LISTEN", "127.0.0.1:2")], flags)
                .unwrap();
        assert_eq!(config.urls.issuer(), "https://flag.example");
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.data_dir, PathBuf::from("from-file"));
        assert_eq!(config.ops_listen.port(), 9090);
    }

    #[test]
    fn nothing_set_gives_the_embedded_database_and_a_key_of_its_own() {
        let config = load(None, &[], Flags::default()).unwrap();
        assert!(config.database_url.is_none() && !config.allow_private_upstreams);
        assert_eq!(config.master_key, MasterKeyFile::Generated("./avouch-data/master.key".into()));
    }

    #[test]
    fn every_fault_is_one_line_that_says_where_and_what_instead() {
        type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);
        let table: &[Case<'_>] = &[
            (Some("listen = '127.0.0.1:1'\nisuer = 'x'\n"), &[], "avouch.toml:2:1: unknown field `isuer`"),
            (Some("listen = 5\n"), &[], "avouch.toml:1:10: invalid type: integer `5`, expected a string"),
            (Some("issuer = 'a'\nlisten = \n"), &[], "avouch.toml:2:10: "),
            (Some("\nlisten = 'nowhere'"), &[], "avouch.toml:2:10: listen \"nowhere\""),
            (None, &[("AVOUCH_ISUER", "x")], "AVOUCH_ISUER is not a setting; did you mean AVOUCH_ISSUER?"),
            (None, &[("AVOUCH_LISTEN", "8080")], "AVOUCH_LISTEN: listen \"8080\" is not an address"),
            (None, &[("AVOUCH_ISSUER", "http://id.example")], "must use https"),
            (None, &[("AVOUCH_TRUSTED_PROXIES", "10.0.0.0/8, proxy")], "trusted_proxies \"proxy\" is not"),
            (None, &[("AVOUCH_ALLOW_PRIVATE_UPSTREAMS", "yes")], "write true or false"),
            (None, &[("AVOUCH_SESSION_TTL", "soon")], "like 30m, 12h or 7d"),
            (None, &[("AVOUCH_UPSTREAM_CA_FILE", "/nowhere/ca.pem")], "/nowhere/ca.pem\" cannot be read"),
            (None, &[("AVOUCH_TLS_CERT_FILE", "/dev/null")], "tls_key_file is not"),
            (None, &[("AVOUCH_DATABASE_URL", "postgres://u:hush@h/d")], "master_key_file is not set"),
            (
                None,
                &[("AVOUCH_DATABASE_URL", "mysql:hush")],
                "AVOUCH_DATABASE_URL: database_url is not a PostgreSQL URL",
            ),
            (None, &[("AVOUCH_LISTEN", "127.0.0.1:9090")], "a port of its own"),
            (None, &[("AVOUCH_SMTP_URL", "smtps://u:hush@mx.example")], "smtp_from is not"),
            (
                None,
                &[("AVOUCH_SMTP_URL", "smtp://u:hush@mx.example"), ("AVOUCH_SMTP_FROM", "a@b.example")],
                "AVOUCH_SMTP_URL: smtp_url would send the password in clear",
            ),
            (
                None,
                &[("AVOUCH_SMTP_URL", "smtps://u:hush@mx.example"), ("AVOUCH_SMTP_FROM", "nobody")],
                "smtp_from \"nobody\" is not an e-mail address",
            ),
        ];
        for (file, variables, expected) in table {
            let error = load(*file, variables, Flags::default()).unwrap_err();
            assert!(
                error.contains(expected) && !error.contains('\n') && !error.contains("hush"),
                "{expected}: {error}"
            );
        }
    }

    #[test]
    fn secrets_named_by_the_resource_file_are_not_settings() {
        assert!(load(None, &[("AVOUCH_SECRET_CONTOSO", "x"), ("AVOUCH_LISTEN", "")], Flags::default()).is_ok());
    }
}
