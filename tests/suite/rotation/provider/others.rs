//! Okta's client secrets, Auth0's clients, and a client's own registration (RFC 7592).

use actix_web::HttpResponse;
use avouch::rng::Rng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{CLIENT, CREDENTIAL, Call, Held, Shared, said, token};

pub fn answer(shared: &Shared, call: &Call) -> HttpResponse {
    match call.path.as_str() {
        "/oauth/token" => {
            assert_eq!(call.form["audience"], format!("{}/api/v2/", shared.url));
            token(shared, call, "the-rotator", json!({ "error": "access_denied", "error_description": "Unauthorized" }))
        }
        "/oauth2/v1/token" => okta_token(shared, call),
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

/// A service app's token: a statement signed with its key, for this address, good for an hour at most, and once.
fn okta_token(shared: &Shared, call: &Call) -> HttpResponse {
    let refused = |text: &str| said(401, json!({ "error": "invalid_client", "error_description": text }));
    let now = shared.now().unix_timestamp();
    let mut state = shared.state();
    let Some(key) = state.service_key.clone() else { return refused("Invalid value for 'client_id' parameter.") };
    let field = |name: &str| call.form.get(name).map(String::as_str).unwrap_or_default();
    if field("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        || call.form.contains_key("client_secret")
        || field("grant_type") != "client_credentials"
    {
        return refused("Client credentials must be by private_key_jwt.");
    }
    let assertion = field("client_assertion");
    let public: avouch::jose::PublicJwk = serde_json::from_value(key.clone()).unwrap();
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = (crate::harness::app::header(assertion), crate::harness::app::claims(assertion));
    if header["alg"] != "RS256"
        || header["kid"] != key["kid"]
        || !public.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
    {
        return refused("The client_assertion signature is invalid.");
    }
    let (exp, iat) = (claims["exp"].as_i64().unwrap_or(0), claims["iat"].as_i64().unwrap_or(i64::MAX));
    if claims["iss"] != "the-rotator"
        || claims["sub"] != "the-rotator"
        || claims["aud"] != format!("{}/oauth2/v1/token", shared.url)
        || !(now < exp && exp <= now + 3600 && iat <= now)
    {
        return refused("The client_assertion token is not for here, or not for now.");
    }
    if !claims["jti"].as_str().is_some_and(|jti| state.shown.insert(jti.to_owned())) {
        return refused("The client_assertion was used before.");
    }
    if field("scope") != "okta.apps.read okta.apps.manage" {
        return said(
            400,
            json!({ "error": "invalid_scope", "error_description": "One or more scopes are not configured." }),
        );
    }
    said(
        200,
        json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": "an-okta-token", "scope": field("scope") }),
    )
}

fn okta(shared: &Shared, call: &Call) -> HttpResponse {
    let problem = |status, code: &str, summary: &str| {
        said(status, json!({ "errorCode": code, "errorSummary": summary, "errorCauses": [] }))
    };
    let right = match shared.state().service_key {
        Some(_) => "Bearer an-okta-token".to_owned(),
        None => format!("SSWS {CREDENTIAL}"),
    };
    if call.authorization != right {
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

/// Every answer carries another token, and the one before is dead, unless it is told to keep it.
fn registration(shared: &Shared, call: &Call) -> HttpResponse {
    let now = shared.now();
    let mut state = shared.state();
    if call.authorization != format!("Bearer {}", state.credential) {
        return said(401, json!({ "error": "invalid_token" }));
    }
    if !state.keeps_token {
        state.credential = Rng::default().token();
    }
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
