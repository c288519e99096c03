//! The settings as command-line flags, the same for every command. All are text here: `Config::load` is the one parser.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Settings (a flag wins over the variable, the variable over the file)")]
pub struct Flags {
    /// TOML file with settings; its keys are the flags' names with _ for - [env: AVOUCH_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Our own URL, byte for byte as tokens carry it [env: AVOUCH_ISSUER] [default: http://localhost:8080]
    #[arg(long, global = true, value_name = "URL")]
    pub issuer: Option<String>,
    /// [env: AVOUCH_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// /healthz, /readyz and /metrics [env: AVOUCH_OPS_LISTEN] [default: 127.0.0.1:9090]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub ops_listen: Option<String>,
    /// Absent: an embedded Postgres under the data directory [env: AVOUCH_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// [env: AVOUCH_DATA_DIR] [default: ./avouch-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Lines KEYID:BASE64, newest first; generated with the embedded database only [env: AVOUCH_MASTER_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub master_key_file: Option<String>,
    /// PEM; absent: plain HTTP behind a proxy [env: AVOUCH_TLS_CERT_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_cert_file: Option<String>,
    /// PEM [env: AVOUCH_TLS_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_key_file: Option<String>,
    /// Networks whose X-Forwarded-* is believed, with commas between [env: AVOUCH_TRUSTED_PROXIES] [default: none]
    #[arg(long, global = true, value_name = "CIDR,..")]
    pub trusted_proxies: Option<String>,
    /// PEM authorities for upstreams, beside the system's [env: AVOUCH_UPSTREAM_CA_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub upstream_ca_file: Option<String>,
    /// Let upstreams be in loopback and private ranges [env: AVOUCH_ALLOW_PRIVATE_UPSTREAMS] [default: false; true in demo]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_private_upstreams: Option<String>,
    /// Longest single sign-on session [env: AVOUCH_SESSION_TTL] [default: 12h]
    #[arg(long, global = true, value_name = "TIME")]
    pub session_ttl: Option<String>,
    /// A session ends when unused for this long [env: AVOUCH_SESSION_IDLE] [default: 2h]
    #[arg(long, global = true, value_name = "TIME")]
    pub session_idle: Option<String>,
    /// Requests a second from one address that may begin something (a sign-in, a device code); tokens are not counted; 0: no
    /// limit [env: AVOUCH_RATE_LIMIT] [default: 100]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub rate_limit: Option<String>,
    /// Where e-mail is handed in: smtps://user:password@host, or smtp://...:587?tls=required; absent: none is sent
    /// [env: AVOUCH_SMTP_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub smtp_url: Option<String>,
    /// Whom e-mail is from, like Avouch <avouch@example.com> [env: AVOUCH_SMTP_FROM]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub smtp_from: Option<String>,
    /// Log filter, like info or avouch=debug [env: AVOUCH_LOG] [default: info; warn in demo and for commands that end]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// json or pretty [env: AVOUCH_LOG_FORMAT] [default: pretty]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl Flags {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        match key {
            "issuer" => &self.issuer,
            "listen" => &self.listen,
            "ops_listen" => &self.ops_listen,
            "database_url" => &self.database_url,
            "data_dir" => &self.data_dir,
            "master_key_file" => &self.master_key_file,
            "tls_cert_file" => &self.tls_cert_file,
            "tls_key_file" => &self.tls_key_file,
            "trusted_proxies" => &self.trusted_proxies,
            "upstream_ca_file" => &self.upstream_ca_file,
            "allow_private_upstreams" => &self.allow_private_upstreams,
            "session_ttl" => &self.session_ttl,
            "session_idle" => &self.session_idle,
            "rate_limit" => &self.rate_limit,
            "smtp_url" => &self.smtp_url,
            "smtp_from" => &self.smtp_from,
            "log" => &self.log,
            "log_format" => &self.log_format,
            _ => &None,
        }
        .as_deref()
    }
}

/// A database URL may hold a password.
impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flags").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct Probe {
        #[command(flatten)]
        _flags: Flags,
    }

    #[test]
    fn every_setting_has_a_flag_whose_help_names_its_variable_and_default() {
        let command = Probe::command();
        for setting in &super::super::SETTINGS {
            let flag = setting.key.replace('_', "-");
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag.as_str())).expect(setting.key);
            let help = arg.get_help().expect(setting.key).to_string();
            assert!(help.contains(&format!("[env: {}]", setting.variable)), "{help}");
            if let Some(default) = setting.default {
                assert!(help.contains(&format!("[default: {default}]")), "{help}");
            }
        }
    }
}
