//! Confluent Cloud: the issuer byte for byte as its discovery document was imported, then an identity pool's filter over
//! the claims, in CEL. `claims.aud == "..."` is the usual filter, so one audience has to be a string.

use avouch::cel::Expression;
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{Trust, forged, machine, text, token_for};
use crate::harness::World;

pub struct Confluent<'a> {
    trust: &'a Trust,
    filter: Expression,
}

impl<'a> Confluent<'a> {
    pub fn pool(trust: &'a Trust, filter: &str) -> Self {
        Self { trust, filter: Expression::parse(filter).expect("CEL") }
    }

    /// The identity: `claims.sub`.
    pub fn admits(&self, token: &str) -> Result<String, String> {
        let (_, claims) = self.trust.signed(token, &[Algorithm::RS256, Algorithm::ES256])?;
        self.trust.issued(&claims)?;
        self.trust.lasting(&claims)?;
        match self.filter.is_true(&[("claims", &claims)]) {
            Ok(true) => text(&claims, "sub"),
            Ok(false) => Err("the filter says no".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[tokio::test]
async fn confluent_filters_by_audience_and_own_claims() {
    let world = World::new().await;
    let robot = machine(&world, &[("confluent-prod", json!({})), ("confluent-test", json!({}))]).await;
    let claims = "clients: [{ client_id: robot, kind: machine, audiences: [confluent-prod, confluent-test], client_secret: { file: robot }, claims: { access_token: [team], custom: { team: \"'orders'\" } } }]";
    world.apply(claims).await;
    let trust = Trust::of(&world.broker).await;
    let token = token_for(&robot, "confluent-prod").await;
    let by_audience = Confluent::pool(&trust, r#"claims.aud == "confluent-prod""#);
    assert_eq!(by_audience.admits(&token).as_deref(), Ok("robot"));
    assert_eq!(by_audience.admits(&token_for(&robot, "confluent-test").await), Err("the filter says no".into()));
    by_audience.admits(&forged(&token)).unwrap_err();
    Confluent::pool(&trust, r#"claims.team == "orders" && claims.client_id in ["robot"]"#).admits(&token).unwrap();
    Confluent::pool(&trust, r#"claims.absent == "orders""#).admits(&token).unwrap_err();
    for typed in [format!("{}/", trust.issuer), trust.issuer.to_uppercase()] {
        let other = Trust { issuer: typed, ..trust.clone() };
        assert!(Confluent::pool(&other, "true").admits(&token).unwrap_err().starts_with("iss is "));
    }
}
