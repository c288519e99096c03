//! Spring Security's resource server, which Camunda 8 is made of: `typ` is JWT or absent (so a resource says
//! `access_token: { typ: JWT }`), `iss` is exact, `aud` contains the configured audience, a minute of skew. Camunda then
//! reads who it is from `client_id` for machines and `preferred_username` for people.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{Trust, forged, machine, names, text, token_for};
use crate::harness::World;

pub struct Spring<'a> {
    trust: &'a Trust,
    audience: &'a str,
}

impl<'a> Spring<'a> {
    pub fn expecting(trust: &'a Trust, audience: &'a str) -> Self {
        Self { trust, audience }
    }

    /// The claims.
    pub fn validate(&self, token: &str) -> Result<Value, String> {
        let (header, claims) = self.trust.signed(token, &[Algorithm::RS256])?;
        match header["typ"].as_str() {
            None => {}
            Some(typ) if typ.eq_ignore_ascii_case("jwt") => {}
            Some(typ) => return Err(format!("typ is {typ}")),
        }
        self.trust.lasting(&claims)?;
        self.trust.issued(&claims)?;
        if claims["nbf"].as_i64().is_some_and(|nbf| nbf > self.trust.now + super::SKEW) {
            return Err("nbf is to come".into());
        }
        if names(&claims["aud"], self.audience) { Ok(claims) } else { Err(format!("aud is {}", claims["aud"])) }
    }
}

#[tokio::test]
async fn spring_takes_a_machines_token_of_type_jwt_for_itself() {
    let world = World::new().await;
    let jwt = json!({ "typ": "JWT" });
    let robot =
        machine(&world, &[("orchestration-api", jwt.clone()), ("optimize-api", jwt), ("rfc9068", json!({}))]).await;
    let trust = Trust::of(&world.broker).await;
    let token = token_for(&robot, "orchestration-api").await;
    let claims = Spring::expecting(&trust, "orchestration-api").validate(&token).unwrap();
    assert_eq!((text(&claims, "client_id"), text(&claims, "azp")), (Ok("robot".into()), Ok("robot".into())));
    let refusal = Spring::expecting(&trust, "optimize-api").validate(&token).unwrap_err();
    assert_eq!(refusal, r#"aud is "orchestration-api""#);
    Spring::expecting(&trust, "orchestration-api").validate(&forged(&token)).unwrap_err();
    let at_jwt = token_for(&robot, "rfc9068").await;
    assert_eq!(Spring::expecting(&trust, "rfc9068").validate(&at_jwt), Err("typ is at+jwt".into()));
    let typed = Trust { issuer: format!("{}/", trust.issuer), ..trust.clone() };
    assert!(Spring::expecting(&typed, "orchestration-api").validate(&token).unwrap_err().starts_with("iss is "));
    let both = [("grant_type", "client_credentials"), ("resource", "orchestration-api"), ("resource", "optimize-api")];
    let both = robot.token(&both).await;
    for component in ["orchestration-api", "optimize-api"] {
        Spring::expecting(&trust, component).validate(both.text("access_token")).expect("it is for both");
    }
}

#[tokio::test]
async fn spring_finds_a_persons_name_where_the_client_sends_it() {
    let world = World::new().await;
    world.idp.tell(|script| script.userinfo["preferred_username"] = json!("marty"));
    world.apply("resources: [{ identifier: orchestration-api, access_token: { typ: JWT } }]").await;
    let operate = world
        .app(
            "operate",
            "kind: spa\naudiences: [orchestration-api]\nclaims: { access_token: [preferred_username, groups] }",
        )
        .await;
    let tokens = operate.tokens(&mut operate.browser(), &[]).await;
    let trust = Trust::of(&world.broker).await;
    let spring = Spring::expecting(&trust, "orchestration-api");
    let claims = spring.validate(tokens["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(
        (text(&claims, "preferred_username"), text(&claims, "client_id")),
        (Ok("marty".into()), Ok("operate".into()))
    );
    assert_eq!(claims["groups"], json!(["staff"]));
    // an ID token is for its application and for no API
    assert_eq!(spring.validate(tokens["id_token"].as_str().unwrap()), Err(r#"aud is "operate""#.into()));
}
