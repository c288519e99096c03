//! The six clients and their audiences, as the Helm chart names them.

use serde_json::{Value, json};

use super::PERSON;
use crate::integration::Answers;

/// A component's address: below the common one, or its own.
fn base(answers: &Answers, key: &str) -> String {
    let (common, own) = (answers.get("url").trim_end_matches('/'), answers.get(key).trim_end_matches('/'));
    match own {
        "" => common.to_owned(),
        url if url.contains("://") => url.to_owned(),
        path => format!("{common}/{}", path.trim_start_matches('/')),
    }
}

/// A field of a page takes the line breaks away; PEM needs them (RFC 7468 §2).
fn pem(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    match body {
        Some(body) if !body.contains(BEGIN) => {
            let body: Vec<char> = body.chars().filter(|c| !c.is_whitespace()).collect();
            let lines: String = body.chunks(64).flat_map(|line| line.iter().chain(['\n'].iter())).collect();
            format!("{BEGIN}\n{lines}{END}\n")
        }
        _ => text.to_owned(),
    }
}

pub(super) fn preset(answers: &Answers) -> Value {
    let prefix = answers.get("prefix");
    let named = |name: &str| format!("{prefix}{name}");
    let audiences = [
        ("camunda-identity-resource-server", "Camunda Management Identity"),
        ("orchestration-api", "Camunda Orchestration Cluster"),
        ("optimize-api", "Camunda Optimize"),
        ("web-modeler-api", "Camunda Web Modeler"),
        ("web-modeler-public-api", "Camunda Web Modeler API"),
        ("console-api", "Camunda Console"),
    ];
    // Spring Security's default decoder refuses at+jwt
    let profile = json!({ "ttl": 3600, "alg": "RS256", "typ": "JWT" });
    let resource = |(identifier, name): &(&str, &str)| json!({ "identifier": named(identifier), "name": name, "access_token": profile });
    let resources: Vec<Value> = audiences.iter().map(resource).collect();

    let web = |name: &str, title: &str, audience: &str, key: &str, callback: &str| {
        let base = base(answers, key);
        let mut entry = person(answers, named(name), title, &[named(audience)], &base, callback);
        entry["kind"] = json!("web");
        entry["grants"] = json!(["authorization_code", "refresh_token", "client_credentials"]);
        // Spring Security 6 and Camunda's own SDK send no PKCE from a server
        entry["require_pkce"] = json!(false);
        entry
    };
    let mut orchestration = web(
        "camunda-orchestration",
        "Camunda Orchestration Cluster",
        "orchestration-api",
        "orchestration",
        "/sso-callback",
    );
    if let Some(bye) = orchestration["post_logout_redirect_uris"].as_array_mut() {
        bye.push(json!(format!("{}/post-logout", base(answers, "orchestration"))));
    }
    let certificate = answers.get("certificate");
    if !certificate.is_empty() {
        orchestration["certificates"] = json!([pem(certificate)]);
        orchestration["token_endpoint_auth_method"] = json!("private_key_jwt");
    }
    let modeler = [named("web-modeler-api"), named("web-modeler-public-api")];
    json!({
        "resources": resources,
        "clients": [
            web("camunda-identity", "Camunda Management Identity", "camunda-identity-resource-server", "identity", "/auth/login-callback"),
            orchestration,
            web("camunda-optimize", "Camunda Optimize", "optimize-api", "optimize", "/api/authentication/callback"),
            person(answers, named("camunda-web-modeler"), "Camunda Web Modeler", &modeler, &base(answers, "modeler"), "/login-callback"),
            person(answers, named("camunda-console"), "Camunda Console", &[named("console-api")], &base(answers, "console"), "/"),
            {
                "client_id": named("camunda-web-modeler-api"),
                "name": "Camunda Web Modeler API",
                "kind": "machine",
                "grants": ["client_credentials"],
                "audiences": [named("web-modeler-public-api")],
            },
        ],
    })
}

/// A client that people sign in at; public, where nothing else is said.
fn person(answers: &Answers, client_id: String, name: &str, audiences: &[String], base: &str, callback: &str) -> Value {
    // mapping rules match them, and Optimize shows names by them
    let claims = ["email", "name", "preferred_username", "groups", PERSON];
    let mut policy = json!({
        "id_token": claims,
        "access_token": claims,
        "userinfo": ["groups", PERSON],
        "custom": { PERSON: "user.sub" },
    });
    if !answers.get("groups").is_empty() {
        policy["groups_filter"] = json!(answers.get("groups"));
    }
    json!({
        "client_id": client_id,
        "name": name,
        "kind": "spa",
        "redirect_uris": [format!("{base}{callback}")],
        "post_logout_redirect_uris": [base, format!("{base}/")],
        "grants": ["authorization_code", "refresh_token"],
        "audiences": audiences,
        "scopes": ["openid", "profile", "email", "offline_access"],
        "claims": policy,
    })
}
