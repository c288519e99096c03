//! Kafka's BrokerJwtValidator: three parts, a signature by the key that `kid` names, numbers in `exp` and `iat`, a string
//! in `sub`, a string or an array in `scope`; issuer and audience where they are configured. It looks at no `typ`.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use time::Duration;

use super::{Trust, forged, machine, names, text, token_for};
use crate::harness::World;

pub struct Kafka<'a> {
    trust: &'a Trust,
    /// `sasl.oauthbearer.expected.audience`.
    audience: &'a str,
}

impl<'a> Kafka<'a> {
    /// With `sasl.oauthbearer.expected.issuer` too.
    pub fn expecting(trust: &'a Trust, audience: &'a str) -> Self {
        Self { trust, audience }
    }

    /// The principal's name.
    pub fn validate(&self, token: &str) -> Result<String, String> {
        if token.split('.').filter(|part| !part.trim().is_empty()).count() != 3 {
            return Err("it has not three parts".into());
        }
        // everything but none
        let (_, claims) =
            self.trust.signed(token, &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA])?;
        self.trust.lasting(&claims)?;
        self.trust.issued(&claims)?;
        claims["iat"].as_i64().ok_or("iat is no number")?;
        if !names(&claims["aud"], self.audience) {
            return Err(format!("aud is {}", claims["aud"]));
        }
        match &claims["scope"] {
            // ClaimValidationUtils takes none that is empty
            Value::String(one) if !one.trim().is_empty() => {}
            Value::Array(many) if many.iter().all(Value::is_string) => {}
            other => return Err(format!("scope is {other}")),
        }
        text(&claims, "sub")
    }
}

#[tokio::test]
async fn kafka_takes_tokens_for_itself_in_every_algorithm_and_no_others() {
    let world = World::new().await;
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
    let audiences: Vec<_> = algorithms.iter().map(|alg| (*alg, json!({ "alg": alg }))).collect();
    let robot = machine(&world, &audiences).await;
    let trust = Trust::of(&world.broker).await;
    for alg in algorithms {
        let token = token_for(&robot, alg).await;
        assert_eq!(Kafka::expecting(&trust, alg).validate(&token).as_deref(), Ok("robot"));
        let other = if alg == "RS256" { "ES256" } else { "RS256" };
        let refusal = Kafka::expecting(&trust, other).validate(&token).unwrap_err();
        assert!(refusal.starts_with("aud is "), "{refusal}");
        Kafka::expecting(&trust, alg).validate(&forged(&token)).unwrap_err();
    }
    let token = token_for(&robot, "RS256").await;
    let typed = Trust { issuer: format!("{}/", trust.issuer), ..trust.clone() };
    assert!(Kafka::expecting(&typed, "RS256").validate(&token).unwrap_err().starts_with("iss is "));
    world.broker.clock.advance(Duration::minutes(62));
    let later = Trust::of(&world.broker).await;
    assert_eq!(Kafka::expecting(&later, "RS256").validate(&token), Err("it has ended".into()));
}
