//! What is kept of a document that a provider publishes: what we use, and nothing else. Whether going over from one to
//! the next is an operator's decision is said here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::connection::metadata::Endpoint;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Discovery,
    Metadata,
    Keys,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Metadata => "metadata",
            Self::Keys => "keys",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Discovery(Surface),
    Metadata(Places),
    Keys(Keys),
}

/// What we use of a discovery document (OIDC Discovery 1.0 §3). Everything else may change as it likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    #[serde(default)]
    pub introspection_endpoint: Option<String>,
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
    /// RFC 9207: every authorization response names its issuer.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub id_token_signing_alg_values_supported: BTreeSet<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: BTreeSet<String>,
    #[serde(default)]
    pub code_challenge_methods_supported: BTreeSet<String>,
}

/// What we use of SAML metadata (SAML Metadata 2.0 §2.4.3) but the certificates, which have a life of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    pub entity_id: String,
    pub single_sign_on: Vec<Endpoint>,
    pub single_logout: Vec<Endpoint>,
}

/// The keys at a `jwks_uri`: what tells one from the other, by RFC 7638 thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(pub BTreeMap<String, Key>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub kid: Option<String>,
    pub kty: String,
    pub alg: Option<String>,
}

impl Document {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Discovery(_) => Kind::Discovery,
            Self::Metadata(_) => Kind::Metadata,
            Self::Keys(_) => Kind::Keys,
        }
    }

    /// `None`: written by a version of ours that kept something else.
    pub fn read(kind: &str, stored: Value) -> Option<Self> {
        match kind {
            "discovery" => serde_json::from_value(stored).ok().map(Self::Discovery),
            "metadata" => serde_json::from_value(stored).ok().map(Self::Metadata),
            "keys" => serde_json::from_value(stored).ok().map(Self::Keys),
            _ => None,
        }
    }

    pub fn json(&self) -> Value {
        let json = match self {
            Self::Discovery(surface) => serde_json::to_value(surface),
            Self::Metadata(places) => serde_json::to_value(places),
            Self::Keys(keys) => serde_json::to_value(keys),
        };
        json.expect("plain structs")
    }

    /// Whether going over from `self` to `new` is an operator's decision.
    pub fn needs_approval(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Discovery(old), Self::Discovery(new)) => old.needs_approval(new),
            (Self::Metadata(old), Self::Metadata(new)) => old.needs_approval(new),
            // whatever stands at the approved address counts
            (Self::Keys(_), Self::Keys(_)) => false,
            _ => true,
        }
    }

    /// `{"token_endpoint": [before, after]}`.
    pub fn changes(&self, new: &Self) -> Value {
        let (old, new) = (self.json(), new.json());
        let members = old.as_object().into_iter().flatten().filter(|(name, value)| new[name.as_str()] != **value);
        let changed: Map<_, _> = members.map(|(name, value)| (name.clone(), json!([value, new[name]]))).collect();
        Value::Object(changed)
    }
}

impl Surface {
    fn places(&self) -> [Option<&str>; 8] {
        [
            Some(&self.issuer),
            Some(&self.authorization_endpoint),
            Some(&self.token_endpoint),
            Some(&self.jwks_uri),
            self.userinfo_endpoint.as_deref(),
            self.end_session_endpoint.as_deref(),
            self.introspection_endpoint.as_deref(),
            self.revocation_endpoint.as_deref(),
        ]
    }

    /// Another issuer or endpoint, or less strength.
    fn needs_approval(&self, new: &Self) -> bool {
        let weak = |alg: &&String| *alg == "none" || alg.starts_with("HS");
        let (algs, new_algs) =
            (&self.id_token_signing_alg_values_supported, &new.id_token_signing_alg_values_supported);
        self.places() != new.places()
            || (self.authorization_response_iss_parameter_supported
                && !new.authorization_response_iss_parameter_supported)
            || !algs.is_subset(new_algs)
            || new_algs.difference(algs).any(|alg| weak(&alg))
            || !self.token_endpoint_auth_methods_supported.is_subset(&new.token_endpoint_auth_methods_supported)
            || !self.code_challenge_methods_supported.is_subset(&new.code_challenge_methods_supported)
    }
}

impl Places {
    /// Another service, one more or one less: requests, and the person with them, would go elsewhere. Their order says
    /// nothing that a person has to look at.
    fn needs_approval(&self, new: &Self) -> bool {
        let set = |endpoints: &[Endpoint]| -> BTreeSet<String> {
            endpoints.iter().map(|one| serde_json::to_string(one).expect("a plain struct")).collect()
        };
        self.entity_id != new.entity_id
            || set(&self.single_sign_on) != set(&new.single_sign_on)
            || set(&self.single_logout) != set(&new.single_logout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_weaknesses_are_decided_by_people_and_additions_are_not() {
        let old = json!({
            "issuer": "https://a", "authorization_endpoint": "https://a/auth", "token_endpoint": "https://a/token",
            "jwks_uri": "https://a/jwks", "authorization_response_iss_parameter_supported": true,
            "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
        });
        let table = [
            ("token_endpoint", json!("https://b/token"), true),
            ("jwks_uri", json!("https://b/jwks"), true),
            ("userinfo_endpoint", json!("https://a/me"), true),
            ("end_session_endpoint", json!("https://a/end"), true),
            ("authorization_response_iss_parameter_supported", json!(false), true),
            ("id_token_signing_alg_values_supported", json!(["ES256"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "none"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "HS256"]), true),
            ("id_token_signing_alg_values_supported", json!(["RS256", "ES256"]), false),
            ("code_challenge_methods_supported", json!([]), true),
            ("code_challenge_methods_supported", json!(["S256", "plain"]), false),
            ("scopes_supported", json!(["more"]), false),
        ];
        assert_table("discovery", &old, &table);
    }

    #[test]
    fn a_service_elsewhere_is_decided_by_people_and_an_order_is_not() {
        let at = |binding: &str, location: &str| json!({ "binding": binding, "location": location });
        let (redirect, post) = (at("redirect", "https://a/sso"), at("post", "https://a/sso"));
        let old = json!({ "entity_id": "https://a", "single_sign_on": [redirect, post], "single_logout": [] });
        let table = [
            ("single_sign_on", json!([post, redirect]), false),
            ("single_sign_on", json!([redirect]), true),
            ("single_sign_on", json!([redirect, post, at("post", "https://b/sso")]), true),
            ("single_sign_on", json!([redirect, at("post", "https://b/sso")]), true),
            ("single_logout", json!([at("redirect", "https://a/slo")]), true),
            ("entity_id", json!("https://b"), true),
        ];
        assert_table("metadata", &old, &table);
    }

    fn assert_table(kind: &str, old: &Value, table: &[(&str, Value, bool)]) {
        for (name, value, expected) in table {
            let mut new = old.clone();
            new[*name] = value.clone();
            let [before, after] = [old.clone(), new].map(|json| Document::read(kind, json).unwrap());
            assert_eq!(before.needs_approval(&after), *expected, "{name} {value}");
        }
    }
}
