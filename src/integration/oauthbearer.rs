//! SASL/OAUTHBEARER with client_credentials, as Kafka's Java clients and librdkafka are told of it. What is the same at a
//! Kafka of one's own and at Confluent Cloud.

use serde_json::{Value, json};

use super::{Answers, Block, Format, Question, SnippetError, Subject, properties, shell};
use crate::client::{AuthMethod, ClientKind};
use crate::oauth::grant_type::GrantType;
use crate::oauth::scope::OIDC_SCOPES;

/// Never empty in a token: Kafka's validator takes no empty scope.
const SCOPE: &str = "kafka";

const LOGIN_MODULE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
const CALLBACK: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";
const VALIDATOR: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
/// What the handler above took by itself before Kafka 4.1. In 4.1.0 and 4.1.1 it takes the clients' validator instead, which looks at
/// no signature, issuer or audience, unless it is told.
const JWT_VALIDATOR: &str = "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator";

const APPLICATIONS: &str = "applications";

/// `usual` differs from system to system, so that one preset does not change another's client.
pub(super) const fn applications(usual: &'static str) -> Question {
    Question {
        key: APPLICATIONS,
        label: "The applications' names as clients, with commas between them",
        usual: Some(usual),
    }
}

/// The resource and its machines. None of them can ask for an audience, so each has but one.
pub(super) fn preset(answers: &Answers, name: &str, audience: &str) -> Value {
    let applications = answers.get(APPLICATIONS).split(',').map(str::trim).filter(|id| !id.is_empty());
    let machine = |client_id: &str| json!({ "client_id": client_id, "kind": "machine", "grants": ["client_credentials"], "audiences": [audience] });
    json!({
        "resources": [{
            "identifier": audience,
            "name": name,
            "scopes": [SCOPE],
            "access_token": { "ttl": 3600, "alg": "RS256", "typ": "JWT" },
        }],
        "clients": applications.map(machine).collect::<Vec<_>>(),
    })
}

/// A client that fetches tokens for itself.
pub(super) struct Machine<'a> {
    pub client_id: &'a str,
    pub audience: &'a str,
    token_url: String,
    /// What it may ask for, where that is less than everything.
    scope: Option<String>,
    secret: String,
    warnings: Vec<String>,
}

/// Where a part of the configuration is explained.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub version: &'static str,
    pub page: &'static str,
}

impl<'a> Machine<'a> {
    /// # Errors
    /// the client may not use client_credentials, or has no audience.
    pub fn of(subject: &Subject<'a>, system: &'static str) -> Result<Self, SnippetError> {
        let client = subject.client;
        if !client.may_use(GrantType::ClientCredentials) {
            return Err(SnippetError::NoGrant {
                client: client.client_id.clone(),
                system,
                grant: "client_credentials",
            });
        }
        let audience = client.audiences.first();
        let audience = audience.ok_or(SnippetError::NoAudience { client: client.client_id.clone(), system })?;
        let client_id = client.client_id.as_str();
        let known = client.scopes.iter().flat_map(|scopes| scopes.as_slice());
        let own: Vec<&str> = known.map(String::as_str).filter(|scope| !OIDC_SCOPES.contains(scope)).collect();
        let mut warnings = Vec::new();
        if client.kind != ClientKind::Machine {
            warnings.push("this client is not of kind machine: people may sign in at it as well.".to_owned());
        }
        if client.settings.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt) {
            warnings.push("this client proves itself by a key, and what follows by a secret.".to_owned());
        } else if client.secrets.is_empty() {
            warnings
                .push(format!("{client_id} has no secret yet: avouch client rotate-secret {client_id} prints one."));
        }
        Ok(Self {
            client_id,
            audience,
            token_url: subject.urls.at("/oauth/token"),
            scope: Some(own.join(" ")).filter(|scope| !scope.is_empty()),
            secret: shell::secret_variable(client_id),
            warnings,
        })
    }

    /// `extensions` are pairs of a name and the variable that holds its value.
    pub fn java(&self, written: Written, extensions: &[(&str, &str)]) -> Result<Vec<Block>, SnippetError> {
        let secret = format!("${{env:{}}}", self.secret);
        let extensions: Vec<(String, String)> = extensions
            .iter()
            .map(|(name, variable)| (format!("extension_{name}"), format!("${{env:{variable}}}")))
            .collect();
        let mut options = vec![("clientId", self.client_id), ("clientSecret", secret.as_str())];
        options.extend(self.scope.iter().map(|scope| ("scope", scope.as_str())));
        options.extend(extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let settings = json!({
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url": self.token_url,
            "sasl.login.callback.handler.class": CALLBACK,
            "sasl.jaas.config": properties::jaas(LOGIN_MODULE, &options),
            "config.providers": "env",
            "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        });
        let mut warnings = self.warnings.clone();
        warnings.push(format!("Java reads the secret from the variable {}.", self.secret));
        let client = Block {
            title: "Java client",
            file: "client.properties",
            format: Format::Properties,
            text: Format::Properties.write(&settings)?,
            version: written.version,
            page: written.page,
            warnings,
        };
        let flag = allowed("Java client, its flag", "the environment of the application", &self.token_url, written)?;
        Ok(vec![client, flag])
    }

    /// As for [`Self::java`].
    pub fn librdkafka(&self, written: Written, extensions: &[(&str, &str)]) -> Result<Block, SnippetError> {
        let mut settings = json!({
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": self.token_url,
            "sasl.oauthbearer.client.id": self.client_id,
            "sasl.oauthbearer.client.secret": format!("${{{}}}", self.secret),
        });
        if let Some(scope) = &self.scope {
            settings["sasl.oauthbearer.scope"] = json!(scope);
        }
        if !extensions.is_empty() {
            let pairs: Vec<String> =
                extensions.iter().map(|(name, variable)| format!("{name}=${{{variable}}}")).collect();
            settings["sasl.oauthbearer.extensions"] = json!(pairs.join(","));
        }
        let mut warnings = self.warnings.clone();
        warnings.push("librdkafka reads no variables: the application puts them in, or envsubst does.".to_owned());
        Ok(Block {
            title: "librdkafka client (C, Python, Go, .NET, kcat)",
            file: "the client's configuration",
            format: Format::Properties,
            text: Format::Properties.write(&settings)?,
            version: written.version,
            page: written.page,
            warnings,
        })
    }
}

/// What a broker has to know: nothing of its clients, only of their tokens.
pub(super) fn broker(subject: &Subject<'_>, audience: &str, written: Written) -> Result<Vec<Block>, SnippetError> {
    let jwks_url = subject.urls.at("/.well-known/jwks.json");
    let settings = json!({
        "sasl.enabled.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.jwks.endpoint.url": jwks_url,
        "sasl.oauthbearer.expected.issuer": subject.urls.issuer(),
        "sasl.oauthbearer.expected.audience": audience,
        "sasl.oauthbearer.jwt.validator.class": JWT_VALIDATOR,
        "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config": properties::jaas(LOGIN_MODULE, &[]),
        "listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class": VALIDATOR,
    });
    let mut warnings = vec![
        "sasl_ssl is the listener's name in small letters: write yours.".to_owned(),
        "with other mechanisms in use, add OAUTHBEARER to sasl.enabled.mechanisms and keep them.".to_owned(),
        "keep sasl.oauthbearer.jwt.validator.class: without it Kafka 4.1.0 and 4.1.1 take every token, forged ones too. Versions before 4.1 pass over it.".to_owned(),
        format!("in ACLs the application is User:{}, its client_id.", subject.client.client_id),
    ];
    if audience.contains(',') {
        warnings.push("the audience holds a comma, which Kafka takes for two audiences: choose another.".to_owned());
    }
    let block = Block {
        title: "Broker",
        file: "server.properties",
        format: Format::Properties,
        text: Format::Properties.write(&settings)?,
        version: written.version,
        page: written.page,
        warnings,
    };
    Ok(vec![block, allowed("Broker, its flag", "the environment of the broker", &jwks_url, written)?])
}

/// Since Kafka 4.0 no URL is fetched that this system property does not name, letter by letter.
fn allowed(title: &'static str, file: &'static str, url: &str, written: Written) -> Result<Block, SnippetError> {
    let flag = format!("KAFKA_OPTS=-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}");
    Ok(Block {
        title,
        file,
        format: Format::Shell,
        text: Format::Shell.write(&json!([["export", flag]]))?,
        version: written.version,
        page: written.page,
        warnings: vec![
            "needed since Kafka 4.0. KAFKA_OPTS is read by Kafka's own scripts; give any other JVM the -D itself."
                .into(),
            "where the variable has a value already, add this one; several URLs have commas between them.".into(),
        ],
    })
}
