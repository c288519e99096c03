//! Okta's client secrets, Auth0's clients, and a client's own registration (RFC 7592).

use actix_web::HttpResponse;
use avouch::rng::Rng;
use serde_json::{Value, json};

use super::{CLIENT, CREDENTIAL, Call, Held, Shared, said, token};

pub fn answer(shared: &Shared, call: &Call) -> HttpResponse {
    match call.path.as_str() {
        "/oauth/token" => {
            assert_eq!(call.form["audience"], format!("{}/api/v2/", shared.url));
            token(shared, call, "the-rotator", json!({ "error": "access_denied", "error_description": "Unauthorized" }))
        }
        "/reg" => registration(shared, call),
        path if path.starts_with("/api/v2/") => auth0(shared, call),
        _ => okta(shared, call),
    }
}

fn auth0(shared: &Shared, call: &Call) -> HttpResponse {
    let problem = |status: u16, error: &str, message: &str| {
        said(status, json!({ "statusCode": status, "error": error, "message": message }))
    };
    if call.authorization != "Bearer an-admin-token" {
        return problem(401, "Unauthorized", "Invalid token");
    }
    if (call.method.as_str(), call.path.as_str()) != ("PATCH", "/api/v2/clients/avouch-at-contoso") {
        return problem(404, "Not Found", "The client does not exist");
    }
    let value = call.json["client_secret"].as_str().unwrap();
    let now = shared.now();
    let mut state = shared.state();
    if state.forbids.is_some() {
        // it repeats what it was sent
        return problem(403, "Forbidden", &format!("Insufficient scope for {value}, expected any of: update:clients"));
    }
    state.replace(value, now);
    said(200, json!({ "client_id": CLIENT, "name": "Avouch" }))
}

fn okta(shared: &Shared, call: &Call) -> HttpResponse {
    let problem = |status, code: &str, summary: &str| {
        said(status, json!({ "errorCode": code, "errorSummary": summary, "errorCauses": [] }))
    };
    if call.authorization != format!("SSWS {CREDENTIAL}") {
        return problem(401, "E0000011", "Invalid token provided");
    }
    let Some(path) = call.path.strip_prefix("/api/v1/apps/avouch-at-contoso/credentials/secrets") else {
        return problem(404, "E0000007", "Not found: Resource not found");
    };
    let now = shared.now();
    let mut state = shared.state();
    let shown = |one: &Held| json!({ "id": one.id, "client_secret": one.value, "secret_hash": "x", "status": if one.active { "ACTIVE" } else { "INACTIVE" } });
    let (id, tail) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    match (call.method.as_str(), id, tail) {
        ("GET", "", "") => said(200, state.listed().map(shown).collect::<Vec<_>>().into()),
        ("POST", "", "") => {
            if state.listed().count() >= 2 {
                return problem(
                    400,
                    "E0000001",
                    "Api validation failed: client_secret: You have reached the maximum number",
                );
            }
            let value = call.json["client_secret"].as_str().unwrap();
            said(201, shown(&state.add("added", value, now)))
        }
        ("POST", id, "lifecycle/deactivate") => {
            if state.listed().filter(|one| one.active).count() < 2 {
                return problem(403, "E0000006", "The only secret cannot be deactivated");
            }
            match state.held(id) {
                Some(one) => {
                    one.active = false;
                    said(200, shown(one))
                }
                None => problem(404, "E0000007", "Not found"),
            }
        }
        ("DELETE", id, "") => {
            if state.held(id).is_some_and(|one| one.active) {
                return problem(403, "E0000006", "Only inactive secrets can be deleted");
            }
            if state.remove(id, now) {
                HttpResponse::NoContent().finish()
            } else {
                problem(404, "E0000007", "Not found")
            }
        }
        _ => problem(404, "E0000007", "Not found"),
    }
}

/// Every answer carries another token, and the one before is dead.
fn registration(shared: &Shared, call: &Call) -> HttpResponse {
    let now = shared.now();
    let mut state = shared.state();
    if call.authorization != format!("Bearer {}", state.credential) {
        return said(401, json!({ "error": "invalid_token" }));
    }
    state.credential = Rng::default().token();
    if call.method == "PUT" {
        assert_eq!(call.json["client_id"], CLIENT);
        assert_eq!(call.json["redirect_uris"], json!(["https://a/b"]));
        for forbidden in
            ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"]
        {
            assert_eq!(call.json[forbidden], Value::Null, "{forbidden}");
        }
        if state.renews {
            let value = Rng::default().token();
            state.replace(&value, now);
        }
    }
    let current = state.listed().last().unwrap().value.clone();
    said(
        200,
        json!({
            "client_id": CLIENT, "client_secret": current, "client_secret_expires_at": 0, "client_id_issued_at": 1,
            "redirect_uris": ["https://a/b"], "registration_client_uri": format!("{}/reg", shared.url),
            "registration_access_token": state.credential,
        }),
    )
}
