//! Microsoft's token endpoint and Graph's application passwords.

use actix_web::HttpResponse;
use avouch::rng::Rng;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Call, Held, Shared, said, token};

pub const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub const OBJECT: &str = "object-of-avouch";

fn refused(status: u16, code: &str, message: &str) -> HttpResponse {
    said(status, json!({ "error": { "code": code, "message": message } }))
}

fn password(one: &Held) -> Value {
    json!({ "keyId": one.id, "displayName": one.name, "hint": &one.value[..3], "secretText": null, "customKeyIdentifier": null })
}

pub fn answer(shared: &Shared, call: &Call) -> HttpResponse {
    if call.path == format!("/{TENANT}/oauth2/v2.0/token") {
        assert_eq!(call.form["scope"], format!("{}/.default", shared.url));
        let refusal = json!({ "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.", "error_codes": [7000215] });
        return token(shared, call, "the-rotator", refusal);
    }
    if call.authorization != "Bearer an-admin-token" {
        return refused(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    let Some(path) = call.path.strip_prefix("/graph/v1.0/applications") else { return said(404, json!({})) };
    let now = shared.now();
    let mut state = shared.state();
    match (call.method.as_str(), path) {
        ("GET", "(appId='avouch-at-contoso')" | "/object-of-avouch") => {
            let passwords: Vec<_> = state.listed().map(password).collect();
            said(
                200,
                json!({ "id": OBJECT, "appId": super::CLIENT, "passwordCredentials": passwords, "keyCredentials": [] }),
            )
        }
        ("POST", "/object-of-avouch/addPassword") => {
            let asked = &call.json["passwordCredential"];
            let end = asked["endDateTime"].as_str().unwrap();
            let days = (OffsetDateTime::parse(end, &Rfc3339).unwrap() - now + Duration::seconds(2)).whole_days();
            if let Some(code) = state.forbids {
                return refused(400, code, "Credential type not allowed as per assigned policy.");
            }
            if days > state.longest {
                return refused(
                    400,
                    "CredentialInvalidLifetimeAsPerAppPolicy",
                    "Credential lifetime exceeds the max value.",
                );
            }
            let value = format!("En.{}", Rng::default().token());
            let held = state.add(asked["displayName"].as_str().unwrap(), &value, now);
            let mut shown = password(&held);
            shown["secretText"] = value.into();
            shown["endDateTime"] = end.into();
            said(200, shown)
        }
        ("POST", "/object-of-avouch/removePassword") => {
            if state.remove(call.json["keyId"].as_str().unwrap(), now) {
                HttpResponse::NoContent().finish()
            } else {
                refused(404, "Request_ResourceNotFound", "No password credential found with keyId.")
            }
        }
        _ => refused(404, "Request_ResourceNotFound", "Resource does not exist."),
    }
}
