//! What every play here needs: Avouch, with npm oidc-provider as an identity provider that it may be connected to.

use serde_json::{Value, json};

use crate::harness::{Broker, Options, Peer};

/// Of everybody here.
pub const SECRET: &str = "only-for-tests-and-long-enough-to-be-taken";
/// Nobody listens there: plays without a browser end before this address is fetched.
pub const CALLBACK: &str = "http://localhost:8082/callback";

pub struct Stage {
    pub broker: Broker,
    pub provider: Peer,
    pub provider_issuer: String,
}

impl Stage {
    /// The provider knows a client for each of these connections: (slug, token_endpoint_auth_method).
    pub async fn set(connections: &[(&str, &str)]) -> Self {
        let broker = Broker::start(Options::default()).await;
        let clients: Value =
            connections.iter().map(|(slug, method)| broker_as_client(&broker.issuer, slug, method)).collect();
        let users = json!({
            "alice": { "email": "alice@corp.example", "email_verified": true, "name": "Alice Adams", "groups": ["eng", "admins"] },
            "mallory": { "email": "mallory@corp.example", "email_verified": true, "name": "Mallory", "groups": [] },
        });
        let (provider, provider_issuer) = Peer::oidc_provider(clients, users).await;
        broker.secret("secret", SECRET);
        Self { broker, provider, provider_issuer }
    }

    pub fn issuer(&self) -> &str {
        &self.broker.issuer
    }

    /// A resource file may be written as JSON, which is YAML.
    pub async fn apply(&self, file: &Value) {
        self.broker.apply(&file.to_string()).await;
    }

    /// A connection of the resource file to the provider; `more` adds to it.
    pub fn connection(&self, slug: &str, method: &str, more: Value) -> Value {
        let mut entry = json!({
            "slug": slug,
            "protocol": "oidc",
            "issuer": self.provider_issuer,
            "client_id": slug,
            "client_authentication": method,
            "scopes": ["openid", "profile", "email", "groups"],
            "mapping": { "groups": "claims.groups" },
        });
        if method != "private_key_jwt" {
            entry["client_secret"] = secret();
        }
        merge(entry, more)
    }
}

/// An application of the resource file.
pub fn client(client_id: &str, more: Value) -> Value {
    let entry = json!({
        "client_id": client_id,
        "kind": "web",
        "redirect_uris": [CALLBACK],
        "claims": { "id_token": ["email", "name", "groups"] },
    });
    let mut entry = merge(entry, more);
    if entry["kind"] == "web" {
        entry["client_secret"] = secret();
    }
    entry
}

fn secret() -> Value {
    json!({ "file": "secret" })
}

/// `more` wins.
pub fn merge(mut entry: Value, more: Value) -> Value {
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    entry
}

/// Avouch as the provider registers it, in the words of OpenID Connect Dynamic Client Registration.
fn broker_as_client(issuer: &str, slug: &str, method: &str) -> Value {
    let connection = format!("{issuer}/connections/{slug}");
    let more = match method {
        "private_key_jwt" => json!({ "jwks_uri": format!("{connection}/jwks.json") }),
        _ => json!({ "client_secret": SECRET }),
    };
    let metadata = json!({
        "client_id": slug,
        "redirect_uris": [format!("{connection}/callback")],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "post_logout_redirect_uris": [format!("{issuer}/oidc/logout/done")],
        "backchannel_logout_uri": format!("{connection}/backchannel-logout"),
        "backchannel_logout_session_required": true,
    });
    merge(metadata, more)
}
