//! CEL expressions over claims: parsed once, evaluated with a few named variables. The only file that names `cel`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Program, Value};

/// A parsed expression together with the text it came from.
#[derive(Clone)]
pub struct Expression {
    source: String,
    program: Arc<Program>,
}

/// The expression does not parse; the text says where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression {expression:?} is not valid CEL: {reason}")]
pub struct ParseError {
    pub expression: String,
    pub reason: String,
}

/// The expression could not be evaluated over these claims, for example because a claim is absent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression {expression:?} failed: {reason}")]
pub struct EvaluationError {
    pub expression: String,
    pub reason: String,
}

impl Expression {
    /// # Errors
    /// [`ParseError`] when `source` is not CEL.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        let program = Program::compile(source)
            .map_err(|error| ParseError { expression: source.into(), reason: one_line(&error.to_string()) })?;
        Ok(Self { source: source.into(), program: Arc::new(program) })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates with `variables` at the root, for example `("claims", {...})`.
    ///
    /// # Errors
    /// [`EvaluationError`] for a missing claim, a type mismatch or a result that JSON cannot hold.
    pub fn evaluate(&self, variables: &[(&str, &serde_json::Value)]) -> Result<serde_json::Value, EvaluationError> {
        let failed = |reason: String| EvaluationError { expression: self.source.clone(), reason: one_line(&reason) };
        let mut context = Context::default();
        for (name, value) in variables {
            context.add_variable_from_value(*name, to_cel(value));
        }
        let value = self.program.execute(&context).map_err(|error| failed(error.to_string()))?;
        value.json().map_err(|error| failed(error.to_string()))
    }

    /// A rule: true lets through; anything else, an error included, does not.
    pub fn is_true(&self, variables: &[(&str, &serde_json::Value)]) -> Result<bool, EvaluationError> {
        self.evaluate(variables).map(|value| value == serde_json::Value::Bool(true))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

impl serde::Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.source)
    }
}

impl<'de> serde::Deserialize<'de> for Expression {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let source = String::deserialize(d)?;
        Self::parse(&source).map_err(serde::de::Error::custom)
    }
}

/// JSON as CEL sees it. Whole numbers become `int`, so that `claims.level >= 2` compares like with like.
fn to_cel(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::Int(i),
            (None, Some(u)) => Value::UInt(u),
            (None, None) => Value::Float(n.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(s) => Value::String(Arc::new(s.clone())),
        serde_json::Value::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        serde_json::Value::Object(members) => {
            let map: HashMap<Key, Value> = members.iter().map(|(k, v)| (Key::from(k.as_str()), to_cel(v))).collect();
            Value::Map(Map { map: Arc::new(map) })
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_and_mappings_over_claims() {
        let claims =
            json!({"groups": ["staff", "ops"], "email": "a@x.example", "level": 3, "address": {"country": "NL"}});
        let table = [
            ("'staff' in claims.groups", json!(true)),
            ("claims.email.endsWith('@x.example')", json!(true)),
            ("claims.groups.filter(g, g != 'ops')", json!(["staff"])),
            ("has(claims.nickname) ? claims.nickname : claims.email", json!("a@x.example")),
            ("claims.level >= 2 && claims.address.country == 'NL'", json!(true)),
            ("claims.groups.exists(g, g.startsWith('st'))", json!(true)),
        ];
        for (source, expected) in table {
            assert_eq!(
                Expression::parse(source).unwrap().evaluate(&[("claims", &claims)]).unwrap(),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn a_missing_claim_is_an_error_and_never_true() {
        let rule = Expression::parse("'staff' in claims.groups").unwrap();
        assert!(rule.is_true(&[("claims", &json!({}))]).is_err());
    }

    #[test]
    fn bad_syntax_is_named() {
        let error = Expression::parse("claims.groups.(").unwrap_err();
        assert!(error.to_string().contains("claims.groups.("), "{error}");
    }
}
