//! Terraform's language (HCL 2), as far as resources need it: blocks, nested blocks, strings and references.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A list of `{ "block": [TYPE, LABEL...], "body": {...} }`. In a body an object is a nested block, [`reference`] aside.
/// `None`: it is something else.
pub(super) fn write(value: &Value) -> Option<String> {
    let blocks = value.as_array()?.iter().map(|block| {
        let mut words = block["block"].as_array()?.iter().map(Value::as_str);
        let mut out = words.next()??.to_owned();
        words.try_for_each(|label| write!(out, " {}", quoted(label?)).ok())?;
        out.push_str(" {\n");
        body(&mut out, &block["body"], 1)?;
        Some(out + "}\n")
    });
    Some(blocks.collect::<Option<Vec<_>>>()?.join("\n"))
}

/// Of another resource; `text` is ours.
pub(super) fn reference(text: impl Into<String>) -> Value {
    json!({ "reference": text.into() })
}

/// A label that may stand in a reference.
pub(super) fn label(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("_{name}") }
}

fn body(out: &mut String, value: &Value, depth: usize) -> Option<()> {
    let indent = "  ".repeat(depth);
    for (name, value) in value.as_object()? {
        match value {
            Value::String(text) => writeln!(out, "{indent}{name} = {}", quoted(text)).ok()?,
            Value::Object(one) if one.contains_key("reference") => {
                writeln!(out, "{indent}{name} = {}", one["reference"].as_str()?).ok()?;
            }
            nested => {
                writeln!(out, "{indent}{name} {{").ok()?;
                body(out, nested, depth + 1)?;
                writeln!(out, "{indent}}}").ok()?;
            }
        }
    }
    Some(())
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '"' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // the beginning of a template
            '$' | '%' if text[at + 1..].starts_with('{') => out.extend([c, c]),
            c => out.push(c),
        }
    }
    out + "\""
}
