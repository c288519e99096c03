//! A client as a form: what was typed, and the entry that it means. What the form does not show stays as it is stored.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::form::{FieldErrors, given, lines};
use crate::provisioning::ClientEntry;

type Fields = Map<String, Value>;

/// Lists are lines of text. Boxes that are not ticked are not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientForm {
    pub client_id: String,
    pub name: String,
    pub kind: String,
    pub redirect_uris: String,
    pub post_logout_redirect_uris: String,
    pub grants: Vec<String>,
    pub audiences: String,
    pub scopes: String,
    pub connections: String,
    pub third_party: String,
    pub require_pkce: String,
    pub complete_verification_uri: String,
    pub require_pushed_authorization_requests: String,
    pub dpop_bound_access_tokens: String,
    pub may_rotate_secret: String,
    pub backchannel_logout_uri: String,
    pub rate_limit: String,
    pub id_token_alg: String,
    /// Names of claims, with blanks between them.
    pub id_token: String,
    pub access_token: String,
    pub userinfo: String,
    /// Lines of `name: CEL`.
    pub custom: String,
    pub groups_filter: String,
    pub token_endpoint_auth_method: String,
    /// JSON.
    pub jwks: String,
    pub jwks_uri: String,
    /// PEM, one after the other.
    pub certificates: String,
    /// JSON: a list.
    pub federated_identities: String,
    pub serves: String,
    /// Of what the form was filled with; empty for a new one.
    pub version: String,
}

/// What the form shows of an entry, and of its `claims`.
const SHOWN: [&str; 24] = [
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
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "may_rotate_secret",
    "backchannel_logout_uri",
    "rate_limit",
    "id_token_alg",
    "token_endpoint_auth_method",
    "jwks",
    "jwks_uri",
    "certificates",
    "federated_identities",
    "serves",
];
const SHOWN_CLAIMS: [&str; 5] = ["id_token", "access_token", "userinfo", "custom", "groups_filter"];

/// The choices, as the template offers them.
pub const KINDS: [(&str, &str); 4] = [
    ("web", "Web application"),
    ("spa", "Single-page application"),
    ("native", "Native or command line"),
    ("machine", "Machine"),
];
pub const GRANTS: [(&str, &str); 6] = [
    ("authorization_code", "People sign in with a browser (authorization code)"),
    ("refresh_token", "And stay signed in (refresh token)"),
    ("device_code", "People type a code that a device shows (device code)"),
    ("client_credentials", "It comes as itself (client credentials)"),
    ("token_exchange", "It exchanges people's tokens for its own (token exchange)"),
    ("jwt_bearer", "A JWT of its own is its request (JWT bearer)"),
];
pub const METHODS: [(&str, &str); 4] = [
    ("", "By whatever it has"),
    ("client_secret_basic", "A secret, in the header"),
    ("client_secret_post", "A secret, in the body"),
    ("private_key_jwt", "A key of its own, or of an issuer it trusts"),
];
pub const ALGORITHMS: [(&str, &str); 4] =
    [("RS256", "RS256"), ("ES256", "ES256"), ("PS256", "PS256"), ("EdDSA", "EdDSA")];

/// The fields that are folded away: a fold with a fault in it is open.
pub const CLAIMS: &[&str] = &SHOWN_CLAIMS;
pub const SIGN_OUT: &[&str] = &["post_logout_redirect_uris", "backchannel_logout_uri"];
pub const KEYS: &[&str] =
    &["token_endpoint_auth_method", "jwks", "jwks_uri", "certificates", "federated_identities", "serves"];
pub const DEMANDS: &[&str] = &["require_pkce", "id_token_alg", "rate_limit"];

impl ClientForm {
    pub fn blank() -> Self {
        Self { kind: "web".into(), id_token_alg: "RS256".into(), require_pkce: "on".into(), ..Self::default() }
    }

    /// The stored one, to be changed.
    pub fn of(entry: &ClientEntry, version: &str) -> Self {
        let fields = serde_json::to_value(entry).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let joined = |value: &Value, by: &str| {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(by)
        };
        let list = |name: &str| joined(&fields[name], "\n");
        let json = |name: &str| match &fields[name] {
            Value::Null => String::new(),
            value => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        let on = |yes: bool| if yes { "on".to_owned() } else { String::new() };
        let claims = &fields["claims"];
        let custom = claims["custom"].as_object().into_iter().flatten();
        Self {
            client_id: entry.client_id.to_string(),
            name: entry.name.clone().unwrap_or_default(),
            kind: entry.kind.as_str().into(),
            redirect_uris: list("redirect_uris"),
            post_logout_redirect_uris: list("post_logout_redirect_uris"),
            grants: entry.effective_grants().iter().map(|grant| grant.as_str().into()).collect(),
            audiences: list("audiences"),
            scopes: list("scopes"),
            connections: list("connections"),
            third_party: on(!entry.first_party),
            require_pkce: on(entry.require_pkce),
            complete_verification_uri: on(entry.complete_verification_uri),
            require_pushed_authorization_requests: on(entry.require_pushed_authorization_requests),
            dpop_bound_access_tokens: on(entry.dpop_bound_access_tokens),
            may_rotate_secret: on(entry.may_rotate_secret),
            backchannel_logout_uri: entry.backchannel_logout_uri.clone().unwrap_or_default(),
            rate_limit: entry.rate_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            id_token_alg: entry.id_token_alg.as_str().into(),
            id_token: joined(&claims["id_token"], " "),
            access_token: joined(&claims["access_token"], " "),
            userinfo: joined(&claims["userinfo"], " "),
            custom: custom.map(|(name, rule)| format!("{name}: {}", text(rule))).collect::<Vec<_>>().join("\n"),
            groups_filter: text(&claims["groups_filter"]),
            token_endpoint_auth_method: text(&fields["token_endpoint_auth_method"]),
            jwks: json("jwks"),
            jwks_uri: entry.jwks_uri.clone().unwrap_or_default(),
            certificates: list("certificates"),
            federated_identities: json("federated_identities"),
            serves: list("serves"),
            version: version.into(),
        }
    }

    pub fn has_grant(&self, grant: &str) -> bool {
        self.grants.iter().any(|known| known == grant)
    }

    /// The fields of the entry that the form shows, without those at their default; those of `claims` apart.
    ///
    /// # Errors
    /// what has no meaning at all: no JSON, no number, no `name: rule`.
    fn typed(&self) -> Result<(Fields, Fields), FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut json_of = |field: &str, text: &str| match given(text).map(|text| serde_json::from_str::<Value>(&text)) {
            None => Value::Null,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                errors.add(field, sentence(&format!("this is no JSON: {error}")));
                Value::Null
            }
        };
        let (jwks, identities) =
            (json_of("jwks", &self.jwks), json_of("federated_identities", &self.federated_identities));
        let rate_limit = given(&self.rate_limit).map(|limit| limit.parse::<u32>());
        if let Some(Err(_)) = &rate_limit {
            errors.add("rate_limit", "Write a whole number of requests a minute, such as 600.");
        }
        let mut custom = Map::new();
        for line in lines(&self.custom) {
            match line.split_once(':').map(|(name, rule)| (name.trim(), rule.trim())) {
                Some((name, rule)) if !name.is_empty() && !rule.is_empty() => {
                    custom.insert(name.into(), rule.into());
                }
                _ => errors.add("custom", format!("Write {line:?} as a name, a colon and an expression.")),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let list = |text: &str| filled(lines(text));
        let words = |text: &str| filled(text.split_whitespace().map(String::from).collect());
        let text = |text: &str| given(text).map_or(Value::Null, Value::String);
        let ticked = |tick: &str| if tick.is_empty() { Value::Null } else { json!(true) };
        let is_public = matches!(self.kind.as_str(), "spa" | "native");
        let fields = [
            ("client_id", json!(self.client_id.trim())),
            ("name", text(&self.name)),
            ("kind", json!(self.kind)),
            ("redirect_uris", list(&self.redirect_uris)),
            ("post_logout_redirect_uris", list(&self.post_logout_redirect_uris)),
            ("grants", json!(self.grants)),
            ("audiences", list(&self.audiences)),
            ("scopes", list(&self.scopes)),
            ("connections", list(&self.connections)),
            ("first_party", if self.third_party.is_empty() { Value::Null } else { json!(false) }),
            ("require_pkce", if self.require_pkce.is_empty() && !is_public { json!(false) } else { Value::Null }),
            ("complete_verification_uri", ticked(&self.complete_verification_uri)),
            ("require_pushed_authorization_requests", ticked(&self.require_pushed_authorization_requests)),
            ("dpop_bound_access_tokens", ticked(&self.dpop_bound_access_tokens)),
            ("may_rotate_secret", ticked(&self.may_rotate_secret)),
            ("backchannel_logout_uri", text(&self.backchannel_logout_uri)),
            ("rate_limit", rate_limit.and_then(Result::ok).map_or(Value::Null, |limit| json!(limit))),
            ("id_token_alg", text(&self.id_token_alg)),
            ("token_endpoint_auth_method", text(&self.token_endpoint_auth_method)),
            ("jwks", jwks),
            ("jwks_uri", text(&self.jwks_uri)),
            ("certificates", filled(pems(&self.certificates))),
            ("federated_identities", identities),
            ("serves", list(&self.serves)),
        ];
        let claims = [
            ("id_token", words(&self.id_token)),
            ("access_token", words(&self.access_token)),
            ("userinfo", words(&self.userinfo)),
            ("custom", if custom.is_empty() { Value::Null } else { Value::Object(custom) }),
            ("groups_filter", text(&self.groups_filter)),
        ];
        let present = |fields: &[(&str, Value)]| {
            fields.iter().filter(|(_, value)| !value.is_null()).map(|(n, v)| ((*n).to_owned(), v.clone())).collect()
        };
        Ok((present(&fields), present(&claims)))
    }

    /// The entry: the stored one with what the form says in place of what it shows.
    ///
    /// # Errors
    /// what was typed is no client.
    pub fn entry(&self, stored: Option<&ClientEntry>) -> Result<ClientEntry, FieldErrors> {
        let (fields, claims) = self.typed()?;
        let faults = faults(&fields, &claims);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut merged = match stored.map(serde_json::to_value) {
            Some(Ok(Value::Object(fields))) => fields,
            _ => Map::new(),
        };
        merged.retain(|name, _| !SHOWN.contains(&name.as_str()));
        merged.extend(fields);
        let policy = merged.entry("claims").or_insert_with(|| json!({}));
        if let Value::Object(policy) = policy {
            policy.retain(|name, _| !SHOWN_CLAIMS.contains(&name.as_str()));
            policy.extend(claims);
        }
        serde_json::from_value(Value::Object(merged))
            .map_err(|error| FieldErrors::one("kind", sentence(&error.to_string())))
    }
}

/// serde stops at the first fault and does not name the field, so each one is tried alone.
fn faults(fields: &Map<String, Value>, claims: &Map<String, Value>) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let mut attempt = |field: &str, key: &str, value: Value| {
        let mut alone = Map::from_iter([("client_id".into(), json!("x")), ("kind".into(), json!("web"))]);
        alone.insert(key.into(), value);
        if let Err(error) = serde_json::from_value::<ClientEntry>(Value::Object(alone)) {
            errors.add(field, sentence(&error.to_string()));
        }
    };
    for (name, value) in fields {
        attempt(name, name, value.clone());
    }
    for (name, value) in claims {
        attempt(name, "claims", json!({ name.as_str(): value }));
    }
    errors
}

fn filled(texts: Vec<String>) -> Value {
    if texts.is_empty() { Value::Null } else { json!(texts) }
}

/// Certificates that stand one after the other.
fn pems(text: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let pieces = text.split_inclusive(END).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.map(|piece| format!("{piece}\n")).collect()
}

/// The first letter large, a stop at the end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_an_entry_means_that_entry() {
        let entry: ClientEntry = serde_json::from_value(json!({
            "client_id": "app", "kind": "web", "redirect_uris": ["https://app.example/callback"],
            "audiences": ["https://api.example"], "connections": ["contoso"], "first_party": false, "require_pkce": false,
            "claims": { "id_token": ["email", "tier"], "custom": { "tier": "'gold'" }, "token_budget": 2000,
                        "groups_filter": "group.startsWith('app-')" },
            "rate_limit": 60, "serves": ["https://api.example"], "backchannel_logout_session_required": true,
            "backchannel_logout_uri": "https://app.example/logout", "enabled": false, "grants": ["authorization_code"]
        }))
        .expect("a client");
        let form = ClientForm::of(&entry, "v");
        assert_eq!(form.entry(Some(&entry)).expect("no faults"), entry);
        let fewer = ClientForm { id_token: "email".into(), custom: String::new(), rate_limit: String::new(), ..form };
        let changed = fewer.entry(Some(&entry)).expect("no faults");
        assert!(
            changed.claims.custom.is_empty() && changed.rate_limit.is_none() && changed.claims.token_budget.is_some()
        );
    }

    #[test]
    fn each_fault_stands_beside_its_field() {
        let form = ClientForm {
            client_id: "no id".into(),
            redirect_uris: "http://app.example/".into(),
            id_token_alg: "HS256".into(),
            groups_filter: "group.(".into(),
            jwks_uri: "fine so far".into(),
            ..ClientForm::blank()
        };
        let errors = form.entry(None).expect_err("faults");
        for field in ["client_id", "redirect_uris", "id_token_alg", "groups_filter"] {
            assert!(errors.at(field).is_some(), "{field}: {errors:?}");
        }
        assert_eq!(errors.count(), 4, "{errors:?}");
        let unreadable = [("jwks", "{"), ("rate_limit", "many"), ("custom", "tier")];
        for (field, text) in unreadable {
            let mut form = ClientForm { client_id: "app".into(), ..ClientForm::blank() };
            match field {
                "jwks" => form.jwks = text.into(),
                "rate_limit" => form.rate_limit = text.into(),
                _ => form.custom = text.into(),
            }
            assert!(form.entry(None).expect_err(field).at(field).is_some());
        }
    }
}
