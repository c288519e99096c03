//! Two entries of one shape, compared field by field and told in words. Entries hold no secrets, only references.

use serde::Serialize;
use serde_json::Value;

/// `field: before -> after` for each field that differs; for a new item, `field: value`. `key` names the item already.
pub(super) fn differences<T: Serialize>(before: Option<&T>, after: &T, key: &str) -> Vec<String> {
    let fields = |entry: &T| match serde_json::to_value(entry) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let new = before.is_none();
    let (before, after) = (before.map(fields).unwrap_or_default(), fields(after));
    let mut names: Vec<&String> = after.keys().collect();
    names.extend(before.keys().filter(|name| !after.contains_key(*name)));
    let shown = |value: Option<&Value>| value.map_or("(default)".to_owned(), |value| shortened(value.to_string()));
    names
        .into_iter()
        .filter(|name| *name != key && before.get(*name) != after.get(*name))
        .map(|name| match new {
            true => format!("{name}: {}", shown(after.get(name))),
            false => format!("{name}: {} -> {}", shown(before.get(name)), shown(after.get(name))),
        })
        .collect()
}

/// Certificates and metadata are for reading elsewhere.
fn shortened(text: String) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} .. ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
