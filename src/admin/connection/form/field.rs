//! One field: how its value of the resource file looks in a form, and how what was typed becomes that value.

use serde_json::{Map, Value, json};

use super::Context;
use crate::admin::form::{given, lines};
use crate::cel::Expression;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Line,
    Number,
    /// One entry a line.
    Lines,
    Domains,
    /// A document.
    Text,
    /// PEM blocks, or bare base64.
    Certificates,
    /// `(value, words)`; the empty value says nothing.
    Choice(&'static [(&'static str, &'static str)]),
    /// On or off; what holds where the file says nothing.
    Switch(bool),
    /// What the provider's console has in place of an issuer.
    Issuer,
    /// CEL; empty, and what the preset says anyhow, say nothing.
    Expression,
    /// `name = expression`, one a line.
    Attributes,
}

#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// In the resource file, with dots; the name and id of the input too.
    pub key: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub struct Filled {
    pub field: Field,
    pub value: String,
}

impl Field {
    /// What the form shows of a stored value.
    pub(super) fn shown(&self, context: &Context, value: &Value) -> String {
        let text = || value.as_str().unwrap_or_default().to_owned();
        let list = || value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
        match self.kind {
            Kind::Line | Kind::Text | Kind::Choice(_) => text(),
            Kind::Number => value.as_u64().map(|number| number.to_string()).unwrap_or_default(),
            Kind::Lines | Kind::Domains => list().join("\n"),
            Kind::Certificates => list().join("\n\n"),
            Kind::Switch(usual) => {
                if value.as_bool().unwrap_or(usual) {
                    "on".into()
                } else {
                    String::new()
                }
            }
            Kind::Issuer => context.provider.typed_of(&text()),
            Kind::Expression if value.is_null() => context.expression(self.key).unwrap_or_default().to_owned(),
            Kind::Expression => text(),
            Kind::Attributes => {
                let line =
                    |(name, value): (&String, &Value)| format!("{name} = {}", value.as_str().unwrap_or_default());
                value.as_object().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

impl Filled {
    pub fn key(&self) -> &'static str {
        self.field.key
    }

    /// Whether it says something that its silence would not.
    pub fn is_set(&self) -> bool {
        match self.field.kind {
            Kind::Switch(usual) => self.is_on() != usual,
            _ => !self.value.trim().is_empty(),
        }
    }

    pub fn is_on(&self) -> bool {
        self.value == "on"
    }

    pub fn rows(&self) -> usize {
        match self.field.kind {
            Kind::Text | Kind::Certificates => 8,
            Kind::Expression => 2,
            _ => 3,
        }
    }

    /// The value for the resource file; null for none.
    pub(super) fn read(&self, context: &Context) -> Result<Value, String> {
        let typed = given(&self.value);
        Ok(match self.field.kind {
            Kind::Line | Kind::Text => typed.into(),
            Kind::Choice(options) => match typed {
                Some(word) if !options.iter().any(|(known, _)| *known == word) => {
                    return Err("Choose one of these.".into());
                }
                word => word.into(),
            },
            Kind::Number => match typed.map(|text| text.parse::<u32>()) {
                None => Value::Null,
                Some(Ok(number)) => number.into(),
                Some(Err(_)) => return Err("Write a whole number.".into()),
            },
            Kind::Lines => listed(lines(&self.value)),
            Kind::Domains => listed(domains(&self.value)?),
            Kind::Certificates => listed(certificates(&self.value)),
            Kind::Switch(usual) => {
                if self.is_on() == usual {
                    Value::Null
                } else {
                    self.is_on().into()
                }
            }
            Kind::Issuer => typed.map(|text| context.provider.issuer_of(&text)).transpose()?.into(),
            Kind::Expression => match typed {
                Some(text) if context.expression(self.key()).is_none_or(|base| base != text) => {
                    checked(&text)?;
                    text.into()
                }
                _ => Value::Null,
            },
            Kind::Attributes => attributes(&self.value)?,
        })
    }
}

fn listed(items: Vec<String>) -> Value {
    if items.is_empty() { Value::Null } else { json!(items) }
}

fn checked(text: &str) -> Result<(), String> {
    // the expression itself stands in the field
    Expression::parse(text)
        .map(drop)
        .map_err(|error| format!("This is not CEL: {}.", error.reason.trim_end_matches('.')))
}

/// Blank lines count, so that the number is the one that people see.
///
/// # Errors
/// A sentence that names the line.
pub fn domains(text: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let domain = line.trim().trim_start_matches('@').to_ascii_lowercase();
        if domain.is_empty() {
            continue;
        }
        let labels = domain
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        if !domain.contains('.') || !labels {
            return Err(format!(
                "Line {}: {domain} is not a complete domain. Write it like northwind.example.",
                index + 1
            ));
        }
        out.push(domain);
    }
    Ok(out)
}

/// PEM blocks each, and what stands around them as one more.
fn certificates(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once("-----BEGIN ") {
        out.extend(given(before));
        let (body, after) = block.split_once("-----END ").unwrap_or((block, ""));
        let after = after.split_once("-----").map_or("", |(_, after)| after);
        let body = body.split_once("-----").map_or(body, |(_, body)| body);
        out.push(format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", body.trim()));
        rest = after;
    }
    // bare base64: a blank line ends one
    out.extend(rest.replace("\r\n", "\n").split("\n\n").filter_map(given));
    out
}

fn attributes(text: &str) -> Result<Value, String> {
    let mut out = Map::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let (name, expression) = line
            .split_once('=')
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or_else(|| format!("Line {number} is not of the form name = expression."))?;
        checked(expression.trim()).map_err(|reason| format!("Line {number}: {reason}"))?;
        out.insert(name.trim().into(), expression.trim().into());
    }
    Ok(if out.is_empty() { Value::Null } else { out.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_certificates_come_apart() {
        let pem = "-----BEGIN CERTIFICATE-----\r\nQUJD\r\n-----END CERTIFICATE-----\r\n";
        assert_eq!(certificates(&pem.repeat(2)).len(), 2);
        assert_eq!(certificates("QUJD\r\n\r\nREVG\r\n"), ["QUJD", "REVG"]);
        assert_eq!(certificates(&format!("QUJD\n{pem}")).len(), 2);
        assert!(certificates(" \n").is_empty());
    }

    #[test]
    fn domains_say_which_line_is_wrong() {
        assert_eq!(domains("@NWTraders.example\r\n\r\n").unwrap(), ["nwtraders.example"]);
        assert!(domains("a.example\n\nnorthwind").unwrap_err().starts_with("Line 3: northwind "));
        assert!(domains("a..example").is_err() && domains("<b>.example").is_err());
    }

    #[test]
    fn attributes_are_lines() {
        assert_eq!(
            attributes("a = claims.a == 1\n\nb=claims.b").unwrap(),
            json!({"a": "claims.a == 1", "b": "claims.b"})
        );
        assert!(attributes("a").unwrap_err().contains("Line 1"));
        assert!(attributes("x = (").unwrap_err().contains("CEL"));
    }
}
