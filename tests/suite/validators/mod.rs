//! How the systems below us look at our tokens, each by the exact rules of its own validator, and what they must
//! therefore accept and refuse. Their code is Java, Go and Confluent's own; the rules here are theirs, the code is not.

mod confluent;
mod kafka;
mod kube;
mod spring;

use avouch::clock::Clock as _;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

pub use confluent::Confluent;
pub use kafka::Kafka;
pub use kube::Kube;
pub use spring::Spring;

use crate::harness::app::{get, header};
use crate::harness::{App, Broker, World};

/// What each of them knows before a token comes: the issuer as somebody typed it, its keys, and what time it is.
#[derive(Clone)]
pub struct Trust {
    pub issuer: String,
    keys: JwkSet,
    pub now: i64,
}

/// Seconds by which clocks may differ.
const SKEW: i64 = 60;

impl Trust {
    /// By discovery, as of now.
    pub async fn of(broker: &Broker) -> Self {
        let document = get(&broker.url("/.well-known/openid-configuration")).await;
        let keys = get(document.text("jwks_uri")).await.json;
        let keys = serde_json::from_value(keys).expect("a JWKS");
        Self { issuer: document.text("issuer").into(), keys, now: broker.clock.now().unix_timestamp() }
    }

    /// Header and claims, where the key that the header names signed them with one of these algorithms.
    fn signed(&self, token: &str, algorithms: &[Algorithm]) -> Result<(Value, Value), String> {
        let head = decode_header(token).map_err(|error| error.to_string())?;
        if !algorithms.contains(&head.alg) {
            return Err(format!("{:?} is not taken", head.alg));
        }
        let key = head.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or("its kid is in no JWKS")?;
        let mut rules = Validation::new(head.alg);
        // the claims are each validator's own business
        (rules.validate_exp, rules.validate_aud) = (false, false);
        rules.required_spec_claims.clear();
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let decoded = decode::<Value>(token, &key, &rules).map_err(|error| error.to_string())?;
        Ok((header(token), decoded.claims))
    }

    /// The token has not ended.
    fn lasting(&self, claims: &Value) -> Result<(), String> {
        match claims["exp"].as_i64() {
            Some(exp) if exp > self.now - SKEW => Ok(()),
            Some(_) => Err("it has ended".into()),
            None => Err("exp is no number".into()),
        }
    }

    /// `iss` is what was typed, byte for byte.
    fn issued(&self, claims: &Value) -> Result<(), String> {
        if claims["iss"] == self.issuer.as_str() { Ok(()) } else { Err(format!("iss is {}", claims["iss"])) }
    }
}

/// A string, or one of several.
fn names(aud: &Value, wanted: &str) -> bool {
    match aud {
        Value::Array(many) => many.iter().any(|one| one == wanted),
        one => one == wanted,
    }
}

/// A claim that is a string with something in it.
fn text(claims: &Value, name: &str) -> Result<String, String> {
    let value = claims[name].as_str().filter(|value| !value.is_empty());
    value.map(Into::into).ok_or_else(|| format!("{name} is {}", claims[name]))
}

/// The machine `robot`, with these audiences, each with its own settings.
async fn machine(world: &World, audiences: &[(&str, Value)]) -> App {
    world.broker.secret("robot", "robot-secret-0123456789");
    let resource = |(name, profile): &(&str, Value)| json!({ "identifier": name, "scopes": ["read", "write"], "access_token": profile });
    let names: Vec<_> = audiences.iter().map(|(name, _)| name).collect();
    let client =
        json!({ "client_id": "robot", "kind": "machine", "audiences": names, "client_secret": { "file": "robot" } });
    let file = json!({ "resources": audiences.iter().map(resource).collect::<Vec<_>>(), "clients": [client] });
    world.apply(&file.to_string()).await;
    App::new(&world.broker, "robot", Some("robot-secret-0123456789"))
}

/// An access token of the machine for this audience.
async fn token_for(robot: &App, audience: &str) -> String {
    let answer = robot.token(&[("grant_type", "client_credentials"), ("audience", audience)]).await;
    answer.text("access_token").to_owned()
}

/// The token with another signature, but its own key's name.
fn forged(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').expect("a JWT");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{rest}.{first}{}", &signature[1..])
}
