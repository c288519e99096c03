//! The parsers of single values. A reason continues the sentence `KEY "VALUE" ...`, and says what to write instead.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use sqlx::postgres::PgConnectOptions;
use time::Duration;
use tracing_subscriber::EnvFilter;

use crate::secret::Secret;
use crate::telemetry::LogFormat;

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.replace("localhost:", "127.0.0.1:");
    text.parse().map_err(|_| "is not an address; write it like 127.0.0.1:8080 or [::]:8080".into())
}

/// A network, or one address as a network of its own.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "is not a network; write it like 10.0.0.0/8 or 192.0.2.7".into())
}

pub(super) fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "is not a whole number; write it like 100".into())
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("is neither; write true or false".into()),
    }
}

/// `90s`, `30m`, `12h`, `7d`, or whole seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    number
        .parse::<u32>()
        .ok()
        .zip(seconds)
        .map(|(number, seconds)| Duration::seconds(i64::from(number) * seconds))
        .filter(|time| *time >= Duration::minutes(1))
        .ok_or_else(|| "is not a time of at least one minute; write it like 30m, 12h or 7d".into())
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| "is not a log filter; write it like info or avouch=debug,sqlx=warn".into())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("is neither; write json or pretty".into()),
    }
}

/// The URL holds a password, so its parser's own words are not repeated.
pub(super) fn database_url(text: &str) -> Result<Secret<String>, String> {
    let scheme = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match PgConnectOptions::from_str(text) {
        Ok(_) if scheme => Ok(Secret::new(text.to_owned())),
        _ => Err("is not a PostgreSQL URL; write it like postgres://user:password@host:5432/avouch".into()),
    }
}

/// A file that can be opened now; what it holds is checked by who uses it.
pub(super) fn readable_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match File::open(&path).and_then(|file| file.metadata()) {
        Ok(found) if found.is_dir() => Err("is a directory; name the file in it".into()),
        Ok(_) => Ok(path),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
