//! What the API says of an entry beside its own words, and how a patch becomes one.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::broker::Broker;
use crate::provisioning::one::Entry;

/// An entry, and beside it what only we know.
#[derive(Serialize)]
pub(super) struct View {
    #[serde(flatten)]
    entry: Value,
    /// The file that owns it.
    managed_by: Option<String>,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

impl View {
    pub(super) fn of(broker: &Broker, entry: &Entry, managed_by: Option<String>) -> Self {
        let mut facts = Map::new();
        if let Entry::Connection(entry) = entry {
            let (urls, slug) = (&broker.ctx.urls, entry.slug.as_str());
            facts.insert("callback_url".into(), urls.callback(slug).into());
            facts.insert("acs_url".into(), urls.acs(slug).into());
            if entry.sp_entity_id.is_none() {
                facts.insert("sp_entity_id".into(), urls.sp_metadata(slug).into());
            }
            // the resource file's own word is where the provider publishes its metadata; ours stands beside it
            facts.insert("sp_metadata_url".into(), urls.sp_metadata(slug).into());
        }
        Self { entry: serde_json::to_value(entry).unwrap_or_default(), managed_by, facts }
    }
}

/// What an answer had beside the entry may come back with it and means nothing.
pub(super) fn without_facts(broker: &Broker, mut body: Value) -> Value {
    if let Value::Object(fields) = &mut body {
        // an entity id of our own is a setting; the usual one follows from the slug
        let is_usual = |id: &Value| {
            let slug = id.as_str().and_then(|id| id.rsplit('/').nth(1)).unwrap_or_default();
            *id == broker.ctx.urls.sp_metadata(slug)
        };
        if fields.get("sp_entity_id").is_some_and(is_usual) {
            fields.remove("sp_entity_id");
        }
        for fact in ["managed_by", "callback_url", "acs_url", "sp_metadata_url"] {
            fields.remove(fact);
        }
    }
    body
}

/// RFC 7396 §2.
pub(super) fn merge(into: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(fields) = into else { return };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}
