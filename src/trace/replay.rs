//! What an edited mapping or allow rule would have made of logins that were: a pure function over what the provider said
//! then. Nothing is stored, nobody's login changes.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cel::Expression;
use crate::connection::{Connection, Mapping};

/// Logins that are looked at.
pub const LAST: i64 = 20;

/// What a connection would be: its mapping (the operator's part of it) and rule replaced, the rest as it is.
pub fn edited(connection: &Connection, mapping: Mapping, allow: Option<Expression>) -> Connection {
    Connection { mapping, allow, ..connection.clone() }
}

/// A member that is another one now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// `allowed`, an attribute of the profile, or `attributes.NAME`.
    pub field: String,
    pub before: Value,
    pub after: Value,
}

/// What became of one login under both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// In a fixed order; empty where nothing would be different.
    pub changes: Vec<Change>,
    /// What the edited one could not make use of, or evaluate.
    pub warnings: Vec<String>,
}

pub fn difference(before: &Connection, after: &Connection, claims: &Value) -> Difference {
    let (old, _) = verdict(before, claims);
    let (new, warnings) = verdict(after, claims);
    let mut changes = Vec::new();
    for (field, before) in &old {
        let after = new.iter().find(|(name, _)| name == field).map_or(&Value::Null, |(_, value)| value);
        if before != after {
            changes.push(Change { field: field.clone(), before: before.clone(), after: after.clone() });
        }
    }
    for (field, after) in new.into_iter().filter(|(name, _)| old.iter().all(|(known, _)| known != name)) {
        changes.push(Change { field, before: Value::Null, after });
    }
    Difference { changes, warnings }
}

/// A rule that cannot be evaluated lets nobody in.
fn verdict(connection: &Connection, claims: &Value) -> (Vec<(String, Value)>, Vec<String>) {
    let (profile, warnings) = connection.effective_mapping().profile(claims, connection);
    let mut warnings: Vec<String> = warnings.into_iter().map(|w| format!("{}: {}", w.attribute, w.detail)).collect();
    let allowed = connection.admits(claims).unwrap_or_else(|error| {
        warnings.push(format!("allow: {error}"));
        false
    });
    let mut fields: Vec<(String, Value)> = [
        ("allowed", json!(allowed)),
        ("email", json!(profile.email)),
        ("email_verified", json!(profile.email_verified)),
        ("name", json!(profile.name)),
        ("given_name", json!(profile.given_name)),
        ("family_name", json!(profile.family_name)),
        ("preferred_username", json!(profile.preferred_username)),
        ("groups", json!(profile.groups)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    fields.extend(profile.attributes.into_iter().map(|(name, value)| (format!("attributes.{name}"), value)));
    (fields, warnings)
}
