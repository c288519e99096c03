//! Logs and metrics. Owns how a log line looks and which numbers are kept; it does not decide what is worth either, and
//! nothing that goes through here may hold a secret.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One object a line, for machines.
    Json,
    /// For people.
    Pretty,
}

/// Logs go to stderr, so that stdout is only what a command answers. The second call does nothing: tests start many
/// brokers in one process.
///
/// `filter` is [`EnvFilter`] syntax; what does not parse falls back to `info`.
pub fn init(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Pretty => builder.with_target(false).try_init(),
    };
}

/// The numbers of one broker. Cheap to share behind an `Arc`; counting never waits.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabel, Histogram, fn() -> Histogram>,
    logins: Family<LoginLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    over_budget: Family<ClientLabel, Counter>,
    saml_metadata: Family<LoginLabels, Counter>,
    upstream_refreshes: Family<LoginLabels, Counter>,
    upstream_secret_fallbacks: Family<ConnectionLabel, Counter>,
    profile_age: Family<ConnectionLabel, Histogram, fn() -> Histogram>,
    logout_notifications: Family<NotificationLabels, Counter>,
    expiries: Family<ExpiryLabels, Gauge>,
}

/// Something that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExpiryLabels {
    kind: &'static str,
    owner: String,
    id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    connection: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    grant: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClientLabel {
    client_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    client_id: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabel {
    connection: String,
}

/// Seconds, from a minute to the life of a refresh token.
fn age_histogram() -> Histogram {
    Histogram::new([60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0, 2_592_000.0])
}

/// Seconds, from a JWKS served out of memory to a login that waits for a slow provider.
fn latency_histogram() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("avouch");
        let requests = Family::default();
        let latency = Family::new_with_constructor(latency_histogram as fn() -> Histogram);
        let logins = Family::default();
        let tokens = Family::default();
        let saml_metadata = Family::default();
        let expiries = Family::default();
        registry.register("http_requests", "HTTP requests by route, method and status", Family::clone(&requests));
        registry.register(
            "http_request_duration_seconds",
            "Time from a request to its answer, by route",
            Family::clone(&latency),
        );
        registry.register("logins", "Sign-ins by connection and outcome", Family::clone(&logins));
        registry.register("token_requests", "Token answers by grant and outcome", Family::clone(&tokens));
        let over_budget = Family::default();
        registry.register(
            "access_tokens_over_budget",
            "Access tokens larger than the client's token_budget",
            Family::clone(&over_budget),
        );
        registry.register(
            "saml_metadata_refreshes",
            "Fetches of SAML metadata by connection and outcome",
            Family::clone(&saml_metadata),
        );
        registry.register(
            "credential_expires_timestamp_seconds",
            "When a credential in use ends, by kind, owner and id",
            Family::clone(&expiries),
        );
        let upstream_refreshes = Family::default();
        registry.register(
            "upstream_refreshes",
            "Providers asked again at a refresh, by connection and outcome",
            Family::clone(&upstream_refreshes),
        );
        let upstream_secret_fallbacks = Family::default();
        registry.register(
            "upstream_secret_fallbacks",
            "Requests to a provider in which another credential stood in for one that it refused, by connection",
            Family::clone(&upstream_secret_fallbacks),
        );
        let profile_age = Family::new_with_constructor(age_histogram as fn() -> Histogram);
        registry.register(
            "refresh_profile_age_seconds",
            "How long ago the provider last vouched for somebody whose tokens were refreshed",
            Family::clone(&profile_age),
        );
        let logout_notifications = Family::default();
        registry.register(
            "logout_notifications",
            "Attempts to tell an application of a logout, by client and outcome",
            Family::clone(&logout_notifications),
        );
        Self {
            registry,
            requests,
            latency,
            logins,
            tokens,
            over_budget,
            saml_metadata,
            upstream_refreshes,
            upstream_secret_fallbacks,
            profile_age,
            logout_notifications,
            expiries,
        }
    }
}

impl Metrics {
    /// `route` is the pattern that matched (`/connections/{slug}/callback`), never the path: paths are unbounded.
    pub fn request(&self, route: String, method: &'static str, status: u16, took: Duration) {
        let labels = RequestLabels { route, method, status };
        self.requests.get_or_create(&labels).inc();
        self.latency.get_or_create(&RouteLabel { route: labels.route }).observe(took.as_secs_f64());
    }

    /// `outcome` is `success` or the audit word of the refusal.
    pub fn login(&self, connection: &str, outcome: &str) {
        let labels = LoginLabels { connection: connection.into(), outcome: outcome.into() };
        self.logins.get_or_create(&labels).inc();
    }

    pub fn token_over_budget(&self, client_id: &str) {
        self.over_budget.get_or_create(&ClientLabel { client_id: client_id.into() }).inc();
    }

    /// `outcome` is `success` or the audit word of the refusal.
    pub fn token(&self, grant: &'static str, outcome: &'static str) {
        let labels = TokenLabels { grant, outcome };
        self.tokens.get_or_create(&labels).inc();
    }

    /// `outcome` is `taken`, `unchanged`, `refused`, `unreachable` or `database`.
    pub fn saml_metadata(&self, connection: &str, outcome: &str) {
        let labels = LoginLabels { connection: connection.into(), outcome: outcome.into() };
        self.saml_metadata.get_or_create(&labels).inc();
    }

    /// `outcome` is `success` or the word of the failure.
    pub fn upstream_refresh(&self, connection: &str, outcome: &str) {
        let labels = LoginLabels { connection: connection.into(), outcome: outcome.into() };
        self.upstream_refreshes.get_or_create(&labels).inc();
    }

    pub fn upstream_secret_fallback(&self, connection: &str) {
        self.upstream_secret_fallbacks.get_or_create(&ConnectionLabel { connection: connection.into() }).inc();
    }

    pub fn profile_age(&self, connection: &str, age: time::Duration) {
        self.profile_age
            .get_or_create(&ConnectionLabel { connection: connection.into() })
            .observe(age.as_seconds_f64().max(0.0));
    }

    /// One attempt whose outcome is written. `outcome` is `success`, `retry` (it is tried again), or of what is given up
    /// `refused` or `failed`.
    pub fn logout_notification(&self, client_id: &str, outcome: &'static str) {
        let labels = NotificationLabels { client_id: client_id.into(), outcome };
        self.logout_notifications.get_or_create(&labels).inc();
    }

    /// All credentials that end by themselves, as kind, owner, id and seconds since the epoch.
    pub fn credential_expiries(&self, all: impl Iterator<Item = (&'static str, String, String, i64)>) {
        self.expiries.clear();
        for (kind, owner, id, at) in all {
            self.expiries.get_or_create(&ExpiryLabels { kind, owner, id }).set(at);
        }
    }

    /// What `/metrics` answers, as [`Metrics::CONTENT_TYPE`].
    ///
    /// # Errors
    /// never in practice: writing to a `String` does not fail.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::default();
        metrics.request("/oauth/token".into(), "POST", 200, Duration::from_millis(2));
        metrics.login("contoso", "success");
        metrics.token("client_credentials", "success");
        let text = metrics.encode().unwrap();
        for line in [
            r#"avouch_http_requests_total{route="/oauth/token",method="POST",status="200"} 1"#,
            r#"avouch_http_request_duration_seconds_bucket{le="0.0025",route="/oauth/token"} 1"#,
            r#"avouch_logins_total{connection="contoso",outcome="success"} 1"#,
            r#"avouch_token_requests_total{grant="client_credentials",outcome="success"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
