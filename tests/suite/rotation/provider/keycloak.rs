//! Keycloak: a service account's token, one client, its secret and its rotated secret.

use actix_web::HttpResponse;
use avouch::rng::Rng;
use serde_json::{Value, json};

use super::{CLIENT, Call, Shared, said, token};

pub fn answer(shared: &Shared, call: &Call) -> HttpResponse {
    if call.path == "/realms/corp/protocol/openid-connect/token" {
        let refusal = json!({ "error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials" });
        return token(shared, call, "the-rotator", refusal);
    }
    if call.authorization != "Bearer an-admin-token" {
        return said(401, json!({ "error": "HTTP 401 Unauthorized" }));
    }
    let now = shared.now();
    let mut state = shared.state();
    let secret = |value: &str| said(200, json!({ "type": "secret", "value": value }));
    // the newest is the client's, the one before the rotated one
    let values: Vec<_> = state.listed().map(|one| (one.id.clone(), one.value.clone())).collect();
    let (current, rotated) = (values.last().unwrap().clone(), values.len().checked_sub(2).map(|at| values[at].clone()));
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/admin/realms/corp/clients") => {
            assert_eq!(call.query, format!("clientId={CLIENT}"));
            let client = |id: &str, name: &str| json!({ "id": id, "clientId": name, "name": "Avouch", "enabled": true, "redirectUris": ["https://a/b"], "attributes": { "k": "v" } });
            said(200, Value::Array(vec![client("uuid-1", CLIENT)]))
        }
        ("PUT", "/admin/realms/corp/clients/uuid-1") => {
            assert_eq!(call.json["redirectUris"], json!(["https://a/b"]), "a full representation");
            state.replace(call.json["secret"].as_str().unwrap(), now);
            HttpResponse::NoContent().finish()
        }
        ("GET", "/admin/realms/corp/clients/uuid-1/client-secret") => secret(&current.1),
        ("POST", "/admin/realms/corp/clients/uuid-1/client-secret") => {
            if let Some((id, _)) = rotated {
                state.remove(&id, now);
            }
            let value = Rng::default().token();
            state.add("regenerated", &value, now);
            secret(&value)
        }
        ("DELETE", "/admin/realms/corp/clients/uuid-1/client-secret/rotated") => match rotated {
            Some((id, _)) => {
                state.remove(&id, now);
                HttpResponse::NoContent().finish()
            }
            None => said(404, json!({ "error": "Client does not have a rotated client secret" })),
        },
        _ => said(404, json!({ "error": "HTTP 404 Not Found" })),
    }
}
