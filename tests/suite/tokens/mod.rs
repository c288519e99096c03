//! What applications get and how they ask for it.

mod claims;
mod client_authentication;
mod client_credentials;
mod cors;
mod custom_claims;
mod discovery;
mod dpop;
mod errors;
mod introspection;
mod own_secrets;
mod par;
mod private_key_jwt;
mod refresh;
mod refresh_upstream;
mod registration;
mod requested_claims;
mod reuse;
mod revocation;
mod userinfo;

use crate::harness::{App, World};

pub const API: &str = "https://api.example";

/// A machine with a secret, and the resources it may have.
async fn machine(world: &World) -> App {
    world.broker.secret("robot", "robot-secret-0123456789");
    let yaml = "
resources:
  - { identifier: https://api.example, scopes: [read, write, admin] }
  - { identifier: https://es256.example, scopes: [read], access_token: { alg: ES256, typ: JWT, ttl: 120 } }
  - { identifier: https://ps256.example, scopes: [read], access_token: { alg: PS256 } }
  - { identifier: https://eddsa.example, scopes: [read], access_token: { alg: EdDSA } }
  - { identifier: https://brief.example, scopes: [read], access_token: { ttl: 60 } }
  - { identifier: https://forbidden.example, scopes: [read] }
clients:
  - client_id: robot
    kind: machine
    audiences: [https://api.example, https://brief.example, https://es256.example, https://ps256.example, https://eddsa.example]
    scopes: [read, write]
    client_secret: { file: robot }
";
    world.apply(yaml).await;
    App::new(&world.broker, "robot", Some("robot-secret-0123456789"))
}
