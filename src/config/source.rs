//! Where each setting's text comes from: file, then variable, then flag. What stands nearer to the operator wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::flags::Flags;
use super::settings::{OTHER_VARIABLES, SECRET_PREFIX, SETTINGS, nearest_variable};

/// The `AVOUCH_*` variables. An empty one counts as absent, because compose files pass those.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    pub fn of_process() -> Self {
        Self::of(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let ours = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(ours.filter(|(name, value)| name.starts_with("AVOUCH_") && !value.is_empty()).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let known = |name: &str| {
            name.starts_with(SECRET_PREFIX)
                || OTHER_VARIABLES.contains(&name)
                || SETTINGS.iter().any(|setting| setting.variable == name)
        };
        match self.0.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                Err(ConfigError(format!("{name} is not a setting; did you mean {}?", nearest_variable(name))))
            }
        }
    }
}

/// The file as written. Numbers and lists are only where the value is one.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: Option<Spanned<String>>,
    listen: Option<Spanned<String>>,
    ops_listen: Option<Spanned<String>>,
    database_url: Option<Spanned<String>>,
    data_dir: Option<Spanned<String>>,
    master_key_file: Option<Spanned<String>>,
    tls_cert_file: Option<Spanned<String>>,
    tls_key_file: Option<Spanned<String>>,
    trusted_proxies: Option<Spanned<Vec<String>>>,
    upstream_ca_file: Option<Spanned<String>>,
    allow_private_upstreams: Option<Spanned<bool>>,
    session_ttl: Option<Spanned<String>>,
    session_idle: Option<Spanned<String>>,
    rate_limit: Option<Spanned<u32>>,
    log: Option<Spanned<String>>,
    log_format: Option<Spanned<String>>,
}

/// A setting's text and the words that say where it stands.
struct Given {
    text: String,
    origin: String,
}

pub(super) struct Sources(BTreeMap<&'static str, Given>);

impl Sources {
    pub fn gather(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        environment.refuse_unknown()?;
        let path = flags.config.clone().or_else(|| environment.get("AVOUCH_CONFIG").map(PathBuf::from));
        let mut given = match path {
            Some(path) => read_file(&path)?,
            None => BTreeMap::new(),
        };
        for setting in &SETTINGS {
            if let Some(text) = environment.get(setting.variable) {
                given.insert(setting.key, Given { text: text.into(), origin: setting.variable.into() });
            }
            if let Some(text) = flags.get(setting.key) {
                let origin = format!("--{}", setting.key.replace('_', "-"));
                given.insert(setting.key, Given { text: text.into(), origin });
            }
        }
        for setting in &SETTINGS {
            if let (false, Some(default)) = (given.contains_key(setting.key), setting.default) {
                given.insert(setting.key, Given { text: default.into(), origin: "default".into() });
            }
        }
        Ok(Self(given))
    }

    pub fn optional<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.0.get(key) else {
            return Ok(None);
        };
        parse(&given.text).map(Some).map_err(|reason| {
            // A parser of another module names the setting itself.
            let subject = if reason.starts_with(key) { String::new() } else { format!("{key} {:?} ", given.text) };
            ConfigError(format!("{}: {subject}{reason}", given.origin))
        })
    }

    /// The same for a value that no message may repeat.
    pub fn secret<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, ConfigError> {
        self.optional(key, |text| parse(text).map_err(|reason| format!("{key} {reason}")))
    }

    /// For settings that have a default.
    pub fn parse<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        self.optional(key, parse)?.ok_or_else(|| ConfigError(format!("{key} is not set")))
    }

    /// Commas between the items.
    pub fn list<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, ConfigError> {
        let items = |text: &str| {
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| parse(item).map_err(|reason| format!("{key} {item:?} {reason}")))
                .collect()
        };
        Ok(self.optional(key, items)?.unwrap_or_default())
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<&'static str, Given>, ConfigError> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("the configuration file {name} cannot be read: {error}")))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let at = position(&text, error.span().map_or(0, |span| span.start));
        ConfigError(format!("{name}:{at}: {}", error.message().replace('\n', "; ")))
    })?;
    let mut given = BTreeMap::new();
    let mut put = |key: &'static str, offset: usize, value: String| {
        given.insert(key, Given { text: value, origin: format!("{name}:{}", position(&text, offset)) });
    };
    let texts = [
        ("issuer", file.issuer),
        ("listen", file.listen),
        ("ops_listen", file.ops_listen),
        ("database_url", file.database_url),
        ("data_dir", file.data_dir),
        ("master_key_file", file.master_key_file),
        ("tls_cert_file", file.tls_cert_file),
        ("tls_key_file", file.tls_key_file),
        ("upstream_ca_file", file.upstream_ca_file),
        ("session_ttl", file.session_ttl),
        ("session_idle", file.session_idle),
        ("log", file.log),
        ("log_format", file.log_format),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            put(key, value.span().start, value.into_inner());
        }
    }
    if let Some(value) = file.trusted_proxies {
        put("trusted_proxies", value.span().start, value.into_inner().join(","));
    }
    if let Some(value) = file.allow_private_upstreams {
        put("allow_private_upstreams", value.span().start, value.into_inner().to_string());
    }
    if let Some(value) = file.rate_limit {
        put("rate_limit", value.span().start, value.into_inner().to_string());
    }
    Ok(given)
}

/// `LINE:COLUMN` of a byte offset, counted from 1.
fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}")
}
