//! Forms over a connection's entry. A form is a list of fields, each of which knows its key in the resource file; what is
//! typed becomes a change of the entry's JSON, so a form can do what a file can and nothing else. Owns no rule of what an
//! entry may be: `provisioning` says that, and its findings come back beside the fields.

mod field;
mod fields;

pub use field::{Field, Filled, Kind, domains};
pub use fields::{claims, provider, settings};

use serde_json::{Map, Value};

use super::provider::Provider;
use crate::admin::form::FieldErrors;
use crate::connection::saml::WantSigned;
use crate::connection::{Connection, Mapping};
use crate::provisioning::ConnectionEntry;

/// What a browser sent, in order.
pub type Typed = Vec<(String, String)>;

/// The last value of a name, as forms send it.
pub fn typed<'a>(typed: &'a Typed, name: &str) -> &'a str {
    typed.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// Fields that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    pub title: &'static str,
    pub about: &'static str,
    /// Folded away unless there is something in it.
    pub folds: bool,
    pub fields: Vec<Filled>,
}

impl Section {
    /// Whether somebody has to see it.
    pub fn is_open(&self, errors: &FieldErrors) -> bool {
        let says = |field: &Filled| field.is_set() || errors.at(field.key()).is_some();
        !self.folds || self.fields.iter().any(says)
    }
}

/// Title, explanation, whether it folds, and the fields.
pub type Plan = (&'static str, &'static str, bool, Vec<Field>);

/// What a connection's fields are read by.
#[derive(Clone, Debug)]
pub struct Context {
    pub provider: Provider,
    /// What an expression is where nothing is said.
    base: Mapping,
}

impl Context {
    pub fn of(connection: &Connection) -> Self {
        let silent = Connection { mapping: Mapping::default(), ..connection.clone() };
        Self { provider: Provider::of(connection), base: silent.effective_mapping() }
    }

    /// The form as it is to be filled in first.
    pub fn filled(&self, plan: Vec<Plan>, entry: &ConnectionEntry) -> Vec<Section> {
        let entry = json(entry);
        self.sections(plan, |context, field| field.shown(context, at(&entry, field.key)))
    }

    /// The form as it came back.
    pub fn typed(&self, plan: Vec<Plan>, sent: &Typed) -> Vec<Section> {
        self.sections(plan, |_, field| typed(sent, field.key).to_owned())
    }

    fn sections(&self, plan: Vec<Plan>, value: impl Fn(&Self, &Field) -> String) -> Vec<Section> {
        let section = |(title, about, folds, fields): Plan| Section {
            title,
            about,
            folds,
            fields: fields.into_iter().map(|field| Filled { value: value(self, &field), field }).collect(),
        };
        plan.into_iter().map(section).collect()
    }

    /// `entry` with what the form says.
    ///
    /// # Errors
    /// What cannot be read, by field.
    pub fn changed(&self, entry: &ConnectionEntry, form: &[Section]) -> Result<ConnectionEntry, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut wanted = json(entry);
        for filled in form.iter().flat_map(|section| &section.fields) {
            match filled.read(self) {
                Ok(value) => put(&mut wanted, filled.key(), value),
                Err(message) => errors.add(filled.key(), message),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        serde_json::from_value(wanted).map_err(|error| FieldErrors::one("form", format!("That does not fit: {error}.")))
    }

    pub(super) fn expression(&self, key: &str) -> Option<&str> {
        let base = &self.base;
        let expression = match key.strip_prefix("mapping.")? {
            "email" => &base.email,
            "email_verified" => &base.email_verified,
            "name" => &base.name,
            "given_name" => &base.given_name,
            "family_name" => &base.family_name,
            "preferred_username" => &base.preferred_username,
            "groups" => &base.groups,
            _ => return None,
        };
        expression.as_ref().map(crate::cel::Expression::source)
    }
}

/// What may be said in two ways is said in one.
fn json(entry: &ConnectionEntry) -> Value {
    let mut entry = entry.clone();
    if entry.want_assertions_signed.take() == Some(true) {
        entry.want_signed = Some(WantSigned::Assertion);
    }
    serde_json::to_value(entry).unwrap_or_default()
}

/// By a key with dots.
fn at<'a>(entry: &'a Value, key: &str) -> &'a Value {
    key.split('.').fold(entry, |value, word| value.get(word).unwrap_or(&Value::Null))
}

/// Null takes a key away.
fn put(entry: &mut Value, key: &str, value: Value) {
    let Some(members) = entry.as_object_mut() else { return };
    match key.split_once('.') {
        Some((head, rest)) => put(members.entry(head).or_insert_with(|| Map::new().into()), rest, value),
        None if value.is_null() => drop(members.shift_remove(key)),
        None => drop(members.insert(key.into(), value)),
    }
}

/// A field of these forms has its key as its name; a finding names the same path behind the item's.
pub fn field_of(path: &str) -> Option<&'static str> {
    const DOTTED: [&str; 10] = [
        "refresh.max_age",
        "refresh.policy",
        "mapping.email",
        "mapping.email_verified",
        "mapping.name",
        "mapping.given_name",
        "mapping.family_name",
        "mapping.preferred_username",
        "mapping.groups",
        "mapping.attributes",
    ];
    DOTTED.into_iter().find(|key| path.ends_with(&format!(".{key}")))
}
