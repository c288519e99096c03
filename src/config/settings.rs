//! The table of settings: key in the file, variable, default. Flags have the key's name with dashes.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// In the TOML file.
    pub key: &'static str,
    pub variable: &'static str,
    /// `None`: absent means something of its own.
    pub default: Option<&'static str>,
}

const fn setting(key: &'static str, variable: &'static str, default: Option<&'static str>) -> Setting {
    Setting { key, variable, default }
}

pub const SETTINGS: [Setting; 18] = [
    setting("issuer", "AVOUCH_ISSUER", Some("http://localhost:8080")),
    setting("listen", "AVOUCH_LISTEN", Some("127.0.0.1:8080")),
    setting("ops_listen", "AVOUCH_OPS_LISTEN", Some("127.0.0.1:9090")),
    setting("database_url", "AVOUCH_DATABASE_URL", None),
    setting("data_dir", "AVOUCH_DATA_DIR", Some("./avouch-data")),
    setting("master_key_file", "AVOUCH_MASTER_KEY_FILE", None),
    setting("tls_cert_file", "AVOUCH_TLS_CERT_FILE", None),
    setting("tls_key_file", "AVOUCH_TLS_KEY_FILE", None),
    setting("trusted_proxies", "AVOUCH_TRUSTED_PROXIES", None),
    setting("upstream_ca_file", "AVOUCH_UPSTREAM_CA_FILE", None),
    setting("allow_private_upstreams", "AVOUCH_ALLOW_PRIVATE_UPSTREAMS", None),
    setting("session_ttl", "AVOUCH_SESSION_TTL", Some("12h")),
    setting("session_idle", "AVOUCH_SESSION_IDLE", Some("2h")),
    setting("rate_limit", "AVOUCH_RATE_LIMIT", Some("100")),
    setting("smtp_url", "AVOUCH_SMTP_URL", None),
    setting("smtp_from", "AVOUCH_SMTP_FROM", None),
    setting("log", "AVOUCH_LOG", None),
    setting("log_format", "AVOUCH_LOG_FORMAT", Some("pretty")),
];

/// Variables that are ours and no setting of the file: where the file is, and where the embedded Postgres' programs are.
pub(super) const OTHER_VARIABLES: [&str; 2] = ["AVOUCH_CONFIG", "AVOUCH_PG_BIN"];

/// Secrets that a resource file refers to have free names below this prefix.
pub(super) const SECRET_PREFIX: &str = "AVOUCH_SECRET_";

/// The known variable that `unknown` resembles most.
pub(super) fn nearest_variable(unknown: &str) -> &'static str {
    let known = SETTINGS.iter().map(|setting| setting.variable).chain(OTHER_VARIABLES);
    known.min_by_key(|name| distance(unknown, name)).unwrap_or("AVOUCH_CONFIG")
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
