//! From upstream claims to a profile: one CEL expression per attribute, and the rule of when an e-mail address counts
//! as verified. What an upstream sends is trimmed and bounded here, before anything else sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Connection, Protocol};
use crate::cel::Expression;

/// Longest value of one attribute or group, in bytes.
const LONGEST: usize = 1024;
const MOST_GROUPS: usize = 2000;
/// Bytes of all attributes together, as JSON.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;

/// Unset keys fall back: operator's, preset's, generic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Expression>,
    /// More than OpenID Connect knows of a person: `user.attributes.NAME` in rules and in claims of applications.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Expression>,
}

/// What mapping makes of a login: the attributes a user has with us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub email: Option<String>,
    /// True only with evidence: see the connection's `email_domains`.
    pub email_verified: bool,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub preferred_username: Option<String>,
    pub groups: Vec<String>,
    /// Strings, numbers, booleans and lists of these.
    pub attributes: serde_json::Map<String, Value>,
}

/// Something the mapping could not use. The login goes on without it. For operators: the text of a failed expression may
/// quote the value it stumbled over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub attribute: &'static str,
    pub detail: String,
}

/// One expression and what it gave, or why it gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// `email`, or `attributes.NAME`.
    pub attribute: String,
    pub expression: String,
    pub result: Result<Value, String>,
}

/// A mapping carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    pub profile: Profile,
    pub warnings: Vec<Warning>,
    /// In the order in which they were evaluated.
    pub evaluated: Vec<Evaluated>,
}

impl Mapping {
    /// `self` where it is set, `base` where it is not.
    pub fn over(self, base: Self) -> Self {
        let mut attributes = base.attributes;
        attributes.extend(self.attributes);
        Self {
            attributes,
            email: self.email.or(base.email),
            email_verified: self.email_verified.or(base.email_verified),
            name: self.name.or(base.name),
            given_name: self.given_name.or(base.given_name),
            family_name: self.family_name.or(base.family_name),
            preferred_username: self.preferred_username.or(base.preferred_username),
            groups: self.groups.or(base.groups),
        }
    }

    /// Evaluates every expression over `claims`. An expression that fails or yields null leaves its attribute out.
    pub fn profile(&self, claims: &Value, connection: &Connection) -> (Profile, Vec<Warning>) {
        let mapped = self.mapped(claims, connection);
        (mapped.profile, mapped.warnings)
    }

    /// [`Mapping::profile`], and how each expression came to it.
    pub fn mapped(&self, claims: &Value, connection: &Connection) -> Mapped {
        let mut run = Run { claims, warnings: Vec::new(), evaluated: Vec::new() };
        let email = run.text("email", self.email.as_ref()).filter(|email| {
            let plausible = is_address(email);
            if !plausible {
                run.warn("email", "the value is not an e-mail address");
            }
            plausible
        });
        let says_verified = run.says("email_verified", self.email_verified.as_ref());
        let name = run.text("name", self.name.as_ref());
        let given_name = run.text("given_name", self.given_name.as_ref());
        let family_name = run.text("family_name", self.family_name.as_ref());
        // Keycloak says no full name in SAML, and applications ask for one
        let name = name.or_else(|| Some(format!("{} {}", given_name.as_ref()?, family_name.as_ref()?)));
        let profile = Profile {
            email_verified: email.as_deref().is_some_and(|email| is_verified(email, says_verified, connection)),
            email,
            name,
            given_name,
            family_name,
            preferred_username: run.text("preferred_username", self.preferred_username.as_ref()),
            groups: run.groups(self.groups.as_ref()),
            attributes: run.attributes(&self.attributes),
        };
        Mapped { profile, warnings: run.warnings, evaluated: run.evaluated }
    }
}

/// An upstream's word counts for the connection's own domains only. There its silence counts as the operator's word,
/// but not when several tenants share the issuer: one tenant could then speak for another's addresses (nOAuth).
fn is_verified(email: &str, says: Says, connection: &Connection) -> bool {
    let shared = matches!(&connection.protocol, Protocol::Oidc(settings) if settings.is_multi_tenant());
    connection.is_authoritative_for(email)
        && match says {
            Says::Yes => true,
            Says::Nothing => !shared,
            Says::No => false,
        }
}

/// One `@` with something on both sides and nothing invisible: enough to show it and to compare its domain.
fn is_address(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

#[derive(Clone, Copy)]
enum Says {
    Yes,
    No,
    Nothing,
}

/// One evaluation of a mapping over one set of claims.
struct Run<'a> {
    claims: &'a Value,
    warnings: Vec<Warning>,
    evaluated: Vec<Evaluated>,
}

impl Run<'_> {
    fn warn(&mut self, attribute: &'static str, detail: impl Into<String>) {
        self.warnings.push(Warning { attribute, detail: detail.into() });
    }

    /// `None` when the expression is unset or failed (with a warning).
    fn value(&mut self, attribute: &'static str, expression: Option<&Expression>) -> Option<Value> {
        self.named(attribute, attribute.to_owned(), expression?)
    }

    fn named(&mut self, attribute: &'static str, name: String, expression: &Expression) -> Option<Value> {
        let result = expression.evaluate(&[("claims", self.claims)]);
        self.evaluated.push(Evaluated {
            attribute: name,
            expression: expression.source().to_owned(),
            result: result.clone().map_err(|error| error.reason),
        });
        result.inspect_err(|error| self.warn(attribute, error.to_string())).ok()
    }

    fn text(&mut self, attribute: &'static str, expression: Option<&Expression>) -> Option<String> {
        match self.value(attribute, expression)? {
            Value::Null => None,
            Value::String(text) => self.bounded(attribute, &text),
            other => {
                self.warn(attribute, format!("the expression yields {}, not a string", kind(&other)));
                None
            }
        }
    }

    /// Trimmed; left out when empty, longer than 1 KiB or holding control characters.
    fn bounded(&mut self, attribute: &'static str, text: &str) -> Option<String> {
        let text = text.trim();
        if text.len() > LONGEST || text.contains(char::is_control) {
            self.warn(attribute, format!("a value is longer than {LONGEST} bytes or holds control characters"));
            return None;
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn groups(&mut self, expression: Option<&Expression>) -> Vec<String> {
        let items = match self.value("groups", expression) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(text @ Value::String(_)) => vec![text],
            Some(other) => {
                self.warn("groups", format!("the expression yields {}, not a list of strings", kind(&other)));
                return Vec::new();
            }
        };
        let mut groups: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for item in &items {
            match item {
                Value::String(text) => {
                    groups.extend(self.bounded("groups", text).filter(|group| seen.insert(group.clone())));
                }
                other => self.warn("groups", format!("an entry is {}, not a string", kind(other))),
            }
            if groups.len() == MOST_GROUPS {
                self.warn("groups", format!("only the first {MOST_GROUPS} are kept"));
                break;
            }
        }
        groups
    }

    /// What is neither plain nor a list of plain values is left out; so is everything past the limit.
    fn attributes(&mut self, expressions: &BTreeMap<String, Expression>) -> serde_json::Map<String, Value> {
        let plain = |value: &Value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
        let mut out = serde_json::Map::new();
        let mut size = 0;
        for (name, expression) in expressions {
            let Some(value) = self.named("attributes", format!("attributes.{name}"), expression) else { continue };
            let usable = plain(&value) || value.as_array().is_some_and(|items| items.iter().all(plain));
            if value.is_null() {
                continue;
            }
            if !usable {
                self.warn("attributes", format!("{name} is {}, not a plain value or a list of them", kind(&value)));
                continue;
            }
            size += name.len() + value.to_string().len();
            if size > LARGEST_ATTRIBUTES {
                self.warn("attributes", format!("from {name} on they are more than {LARGEST_ATTRIBUTES} bytes"));
                break;
            }
            out.insert(name.clone(), value);
        }
        out
    }

    /// Providers write truth as `true`, `"true"`, `1` or `"1"`. A failed expression is a no: it may have been a
    /// condition that did not hold.
    fn says(&mut self, attribute: &'static str, expression: Option<&Expression>) -> Says {
        if expression.is_none() {
            return Says::Nothing;
        }
        match self.value(attribute, expression) {
            Some(Value::Null) => Says::Nothing,
            Some(Value::Bool(true)) => Says::Yes,
            Some(Value::String(text)) if text == "true" || text == "1" => Says::Yes,
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Says::Yes,
            _ => Says::No,
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
