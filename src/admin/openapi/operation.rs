//! One operation: from the few words of a noun to all that OpenAPI wants to hear.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::operator::OperatorRole;

/// Refusals that every operation has: what cannot be read, who calls, their role, and a database that is away.
const ALWAYS: [u16; 4] = [400, 401, 403, 503];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    role: OperatorRole,
    summary: String,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    body: Option<Shape>,
    #[serde(default)]
    body_optional: bool,
    #[serde(default)]
    versioned: bool,
    answers: BTreeMap<u16, Option<Shape>>,
    #[serde(default)]
    refusals: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Schema(String),
    List { list: String },
    Items { items: String },
    Media { media: Media },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Media {
    One(String),
    Several(Vec<String>),
}

impl Operation {
    pub(super) fn write(self, method: &str, path: &str) -> Value {
        let names: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        let mut parameters: Vec<Value> = names.iter().map(|name| parameter("path", name, true)).collect();
        let lists = self.answers.values().flatten().any(|answer| matches!(answer, Shape::List { .. }));
        let paging: &[&str] = if lists { &["after", "limit"] } else { &[] };
        let query = self.query.iter().map(String::as_str).chain(paging.iter().copied());
        parameters.extend(query.map(|name| parameter("query", name, false)));
        if self.versioned {
            parameters.push(parameter("header", "If-Match", false));
        }
        if method == "post" {
            parameters.push(parameter("header", "Idempotency-Key", false));
        }
        let mut responses = Map::new();
        for (status, answer) in &self.answers {
            let mut response = json!({ "description": phrase(*status) });
            if let Some(shape) = answer {
                response["content"] = shape.content();
            }
            responses.insert(status.to_string(), response);
        }
        let mut refusals = [&ALWAYS[..], &self.refusals].concat();
        // an address may name nothing, a change may come too late, and a key may have come with another request
        refusals.extend((!names.is_empty()).then_some(404));
        refusals.extend(self.versioned.then_some(412));
        refusals.extend((method == "post").then_some([409, 422]).into_iter().flatten());
        refusals.sort_unstable();
        for status in refusals {
            let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
            responses.entry(status.to_string()).or_insert(json!({ "description": phrase(status), "content": problem }));
        }
        let mut operation = json!({
            "operationId": id(method, path),
            "summary": self.summary,
            "description": format!("Needs the role {}.", self.role),
            "parameters": parameters,
            "responses": responses,
        });
        if let Some(body) = self.body {
            operation["requestBody"] = json!({ "required": !self.body_optional, "content": body.content() });
        }
        operation
    }
}

impl Shape {
    fn content(&self) -> Value {
        let schema = match self {
            Self::Schema(name) => reference(name),
            Self::List { list } => json!({
                "type": "object",
                "required": ["items"],
                "properties": { "items": array(list), "next": { "type": "string" } },
            }),
            Self::Items { items } => json!({
                "type": "object", "required": ["items"], "properties": { "items": array(items) },
            }),
            Self::Media { media } => {
                let types = match media {
                    Media::One(one) => std::slice::from_ref(one),
                    Media::Several(several) => several,
                };
                let content = types.iter().map(|media| (media.clone(), json!({ "schema": { "type": "string" } })));
                return content.collect::<Map<_, _>>().into();
            }
        };
        json!({ "application/json": { "schema": schema } })
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn array(of: &str) -> Value {
    json!({ "type": "array", "items": reference(of) })
}

fn parameter(place: &str, name: &str, required: bool) -> Value {
    let schema = match name {
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
        "dry_run" => json!({ "type": "boolean" }),
        "If-Match" | "Idempotency-Key" => json!({ "type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$" }),
        _ => json!({ "type": "string" }),
    };
    json!({ "in": place, "name": name, "required": required, "schema": schema })
}

/// `post /users/{sub}/block` is `post_users_sub_block`.
fn id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// The status' own words (RFC 9110 §15).
fn phrase(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Answer")
}
