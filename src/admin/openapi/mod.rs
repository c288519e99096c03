//! The description of the admin API in OpenAPI 3.1. Each noun describes its operations in an `openapi.yaml` beside its
//! `api.rs`, in as few words as it can; what all operations have in common is added here. A test holds the paths against
//! the routes, and another drives the live API by the document.
//!
//! Of an operation a noun says: `role`, `summary`, `query` (names), `body` (a schema, or `media`), `body_optional`,
//! `versioned` (takes If-Match), `answers` by status (a schema, `list`, `items`, `media`, or null), and `refusals` that not
//! every operation has.

pub mod api;
mod operation;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use operation::Operation;

const NOUNS: &[&str] = &[
    include_str!("../audit/openapi.yaml"),
    include_str!("../calendar/openapi.yaml"),
    include_str!("../client/openapi.yaml"),
    include_str!("../client/doctor/openapi.yaml"),
    include_str!("../configuration/openapi.yaml"),
    include_str!("../connection/openapi.yaml"),
    include_str!("../connection/rotation/openapi.yaml"),
    include_str!("../integration/openapi.yaml"),
    include_str!("../moving/openapi.yaml"),
    include_str!("../operator/openapi.yaml"),
    include_str!("../overview/openapi.yaml"),
    include_str!("../replay/openapi.yaml"),
    include_str!("../role/openapi.yaml"),
    include_str!("../settings/openapi.yaml"),
    include_str!("../signing_key/openapi.yaml"),
    include_str!("../trace/openapi.yaml"),
    include_str!("../trial/openapi.yaml"),
    include_str!("../user/openapi.yaml"),
    include_str!("../webhook/openapi.yaml"),
];
const OWN: &str = include_str!("openapi.yaml");

/// What a noun says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    paths: std::collections::BTreeMap<String, std::collections::BTreeMap<String, Operation>>,
    schemas: Map<String, Value>,
}

/// The document for an API at this URL.
///
/// # Errors
/// what of a noun's description does not read, which a test prevents.
pub fn document(base: &str) -> Result<Value, String> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for text in NOUNS.iter().copied().chain([OWN]) {
        let noun: Described = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        for (path, operations) in noun.paths {
            let written = operations.into_iter().map(|(method, one)| {
                let written = one.write(&method, &path);
                (method, written)
            });
            paths.insert(path.clone(), written.collect::<Map<_, _>>().into());
        }
        schemas.extend(noun.schemas);
    }
    paths.sort_keys();
    schemas.sort_keys();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Avouch admin API",
            "version": "v1",
            "description": "Everything that the admin pages can do. Lists page by key set: `next` of one page is `after` of the \
                            next. An update names by `If-Match` the ETag that it was made on. A POST that carries an \
                            `Idempotency-Key` can be repeated for a day: its first answer comes again. No answer ever holds \
                            a stored secret.",
        },
        "servers": [{ "url": base }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An operator key, or a token of Avouch for the audience of this API with the role owner, editor or auditor",
                },
            },
            "schemas": schemas,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_noun_says_of_itself_reads() {
        let document = document("https://id.example/api/v1").unwrap();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "there is no schema {name}");
        }
    }
}
