//! A client as a form: what was typed, and the entry that it means. What the form does not show (keys, federated
//! identities, custom claims) stays as it is stored.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::form::{FieldErrors, given, lines};
use crate::provisioning::ClientEntry;

#[derive(Clone, Debug, Deserialize)]
pub struct ClientForm {
    #[serde(default)]
    pub client_id: String,
    #[serde(default)]
    pub name: String,
    pub kind: String,
    #[serde(default)]
    pub redirect_uris: String,
    #[serde(default)]
    pub post_logout_redirect_uris: String,
    #[serde(default)]
    pub grants: Vec<String>,
    #[serde(default)]
    pub audiences: String,
    #[serde(default)]
    pub scopes: String,
    #[serde(default)]
    pub connections: String,
    /// Claims of the ID token beyond what its scopes bring.
    #[serde(default)]
    pub id_token: Vec<String>,
    #[serde(default)]
    pub third_party: String,
    #[serde(default)]
    pub require_pkce: String,
    #[serde(default)]
    pub complete_verification_uri: String,
    #[serde(default)]
    pub backchannel_logout_uri: String,
    #[serde(default)]
    pub rate_limit: String,
    /// Of what the form was filled with; empty for a new one.
    #[serde(default)]
    pub version: String,
}

impl ClientForm {
    pub fn blank() -> Self {
        Self {
            client_id: String::new(),
            name: String::new(),
            kind: "web".into(),
            redirect_uris: String::new(),
            post_logout_redirect_uris: String::new(),
            grants: Vec::new(),
            audiences: String::new(),
            scopes: String::new(),
            connections: String::new(),
            id_token: Vec::new(),
            third_party: String::new(),
            require_pkce: "on".into(),
            complete_verification_uri: String::new(),
            backchannel_logout_uri: String::new(),
            rate_limit: String::new(),
            version: String::new(),
        }
    }

    /// The stored one, to be changed.
    pub fn of(entry: &ClientEntry, version: &str) -> Self {
        let joined = |texts: &[String]| texts.join("\n");
        let uris = |uris: &[crate::oauth::redirect_uri::RedirectUri]| {
            uris.iter().map(|uri| uri.as_str()).collect::<Vec<_>>().join("\n")
        };
        let on = |yes: bool| if yes { "on".to_owned() } else { String::new() };
        let claims = serde_json::to_value(&entry.claims).unwrap_or_default();
        let names =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect();
        Self {
            client_id: entry.client_id.to_string(),
            name: entry.name.clone().unwrap_or_default(),
            kind: entry.kind.as_str().into(),
            redirect_uris: uris(&entry.redirect_uris),
            post_logout_redirect_uris: uris(&entry.post_logout_redirect_uris),
            grants: entry.effective_grants().iter().map(|grant| grant.as_str().into()).collect(),
            audiences: joined(&entry.audiences),
            scopes: joined(entry.scopes.as_deref().unwrap_or_default()),
            connections: entry.connections.iter().flatten().map(|slug| slug.to_string()).collect::<Vec<_>>().join("\n"),
            id_token: names(&claims["id_token"]),
            third_party: on(!entry.first_party),
            require_pkce: on(entry.require_pkce),
            complete_verification_uri: on(entry.complete_verification_uri),
            backchannel_logout_uri: entry.backchannel_logout_uri.clone().unwrap_or_default(),
            rate_limit: entry.rate_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            version: version.into(),
        }
    }

    /// The fields of the entry that the form shows; null is the default.
    pub fn value(&self) -> Value {
        let some = |texts: Vec<String>| if texts.is_empty() { Value::Null } else { json!(texts) };
        let text = |text: &str| given(text).map_or(Value::Null, Value::String);
        let is_public = matches!(self.kind.as_str(), "spa" | "native");
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| drop(fields.insert(name.into(), value));
        put("client_id", json!(self.client_id.trim()));
        put("name", text(&self.name));
        put("kind", json!(self.kind));
        put("redirect_uris", some(lines(&self.redirect_uris)));
        put("post_logout_redirect_uris", some(lines(&self.post_logout_redirect_uris)));
        put("grants", some(self.grants.clone()));
        put("audiences", some(lines(&self.audiences)));
        put("scopes", some(lines(&self.scopes)));
        put("connections", some(lines(&self.connections)));
        put("first_party", if self.third_party.is_empty() { Value::Null } else { json!(false) });
        put("require_pkce", if self.require_pkce.is_empty() && !is_public { json!(false) } else { Value::Null });
        put(
            "complete_verification_uri",
            if self.complete_verification_uri.is_empty() { Value::Null } else { json!(true) },
        );
        put("backchannel_logout_uri", text(&self.backchannel_logout_uri));
        put(
            "rate_limit",
            given(&self.rate_limit).map_or(Value::Null, |n| n.parse::<u32>().map_or(json!(n), |n| json!(n))),
        );
        fields.retain(|_, value| !value.is_null());
        if !self.id_token.is_empty() {
            fields.insert("claims".into(), json!({ "id_token": self.id_token }));
        }
        Value::Object(fields)
    }

    /// The entry: the stored one with what the form says in place of what it shows.
    ///
    /// # Errors
    /// what was typed is no client.
    pub fn entry(&self, stored: Option<&ClientEntry>) -> Result<ClientEntry, FieldErrors> {
        const SHOWN: [&str; 14] = [
            "client_id",
            "name",
            "kind",
            "redirect_uris",
            "post_logout_redirect_uris",
            "grants",
            "audiences",
            "scopes",
            "connections",
            "first_party",
            "require_pkce",
            "complete_verification_uri",
            "backchannel_logout_uri",
            "rate_limit",
        ];
        let mut merged = match stored.map(serde_json::to_value) {
            Some(Ok(Value::Object(fields))) => fields,
            _ => Map::new(),
        };
        SHOWN.iter().for_each(|name| drop(merged.remove(*name)));
        let Value::Object(typed) = self.value() else { return Err(FieldErrors::one("form", "It could not be read.")) };
        for (name, value) in typed {
            match (merged.get_mut(&name), value) {
                // claims of the other tokens stay
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
                (_, value) => drop(merged.insert(name, value)),
            }
        }
        if self.id_token.is_empty()
            && let Some(Value::Object(claims)) = merged.get_mut("claims")
        {
            claims.remove("id_token");
        }
        self.first_fault(Value::Object(merged))
    }

    /// serde stops at the first fault and does not name the field, so each typed field is tried alone first.
    fn first_fault(&self, merged: Value) -> Result<ClientEntry, FieldErrors> {
        let mut errors = FieldErrors::default();
        if let Value::Object(fields) = self.value() {
            for (name, value) in &fields {
                let mut alone = Map::from_iter([("client_id".into(), json!("x")), ("kind".into(), json!("web"))]);
                alone.insert(name.clone(), value.clone());
                if let Err(error) = serde_json::from_value::<ClientEntry>(Value::Object(alone)) {
                    errors.add(if name == "claims" { "id_token" } else { name }, sentence(&error.to_string()));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        serde_json::from_value(merged).map_err(|error| FieldErrors::one("form", sentence(&error.to_string())))
    }
}

/// The first letter large, a stop at the end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
