//! Workloads that have no secret of ours: a token of an issuer that the client trusts stands for the client.

mod client_assertion;
mod jwt_bearer;
mod registration;
mod rules;
mod token_exchange;

use avouch::clock::Clock as _;
use serde_json::{Value, json};

use crate::harness::app::post;
use crate::harness::fake_idp::key;
use crate::harness::jwt::{changed, jwt};
use crate::harness::{Answer, FakeIdp, World};

pub const API: &str = "https://api.example";
/// What Contoso calls us, and the workload.
pub const AUDIENCE: &str = "api://APP";
pub const WORKLOAD: &str = "11111111-2222-3333-4444-555555555555";
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The client `app`, who is the workload of the issuer. `more` is for the identity, `client` for the client, one a line.
pub async fn federated(world: &World, issuer: &str, more: &str, client: &str) {
    let resources =
        format!("[{{ identifier: {API}, scopes: [read, write] }}, {{ identifier: influx-prod, scopes: [query] }}]");
    let indented = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let subject = if more.contains("subject") { String::new() } else { format!("        subject: {WORKLOAD}\n") };
    let yaml = format!(
        "resources: {resources}
clients:
  - client_id: app
    kind: machine
    grants: [client_credentials, jwt_bearer, token_exchange]
    audiences: [{API}, influx-prod]
{}    federated_identities:
      - issuer: {issuer}
        audience: {AUDIENCE}
{subject}{}",
        indented(client, "    "),
        indented(more, "        "),
    );
    world.apply(&yaml).await;
}

/// What Contoso says of the workload now, changed.
pub fn claims_of(world: &World, idp: &FakeIdp, change: Value) -> Value {
    let now = world.broker.clock.now().unix_timestamp();
    let claims = json!({
        "iss": idp.issuer, "sub": WORKLOAD, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3599,
        "azp": WORKLOAD, "idtyp": "app", "roles": ["writer"], "ver": "2.0",
    });
    changed(&claims, &change)
}

pub fn token_of(world: &World, idp: &FakeIdp, change: Value) -> String {
    jwt(&key(0), &json!({}), &claims_of(world, idp, change))
}

/// Every way to show the token, with the status and code of a refusal.
pub const WAYS: [(&str, u16, &str); 3] = [
    ("client_assertion", 401, "invalid_client"),
    ("assertion", 400, "invalid_grant"),
    ("subject_token", 400, "invalid_request"),
];

pub async fn show(world: &World, way: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = match way {
        "client_assertion" => vec![("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE)],
        "assertion" => vec![("grant_type", JWT_BEARER)],
        _ => vec![("grant_type", EXCHANGE), ("subject_token_type", JWT)],
    };
    fields.push((way, token));
    fields.extend(more);
    post(&world.shop.token_url(), None, &fields).await
}
