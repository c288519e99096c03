//! The Kubernetes API server's OpenID Connect authenticator with its flags: RS256 only, `aud` contains the client id,
//! `--oidc-username-claim=email` wants an `email_verified` that is not false, `--oidc-groups-claim=groups` strings. It
//! takes ID tokens. That the issuer must be https is left to the deployment: tests speak plain http.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{Trust, forged, names, text};
use crate::harness::World;

pub struct Kube<'a> {
    trust: &'a Trust,
    /// `--oidc-client-id`.
    client_id: &'a str,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Authenticated {
    pub username: String,
    pub groups: Vec<String>,
}

impl<'a> Kube<'a> {
    pub fn expecting(trust: &'a Trust, client_id: &'a str) -> Self {
        Self { trust, client_id }
    }

    pub fn authenticate(&self, token: &str) -> Result<Authenticated, String> {
        let (_, claims) = self.trust.signed(token, &[Algorithm::RS256])?;
        self.trust.issued(&claims)?;
        self.trust.lasting(&claims)?;
        if !names(&claims["aud"], self.client_id) {
            return Err(format!("aud is {}", claims["aud"]));
        }
        match &claims["email_verified"] {
            Value::Null | Value::Bool(true) => {}
            other => return Err(format!("email_verified is {other}")),
        }
        let strings =
            |list: &Vec<Value>| list.iter().map(|one| one.as_str().map(Into::into)).collect::<Option<Vec<_>>>();
        let groups = match &claims["groups"] {
            Value::Null => Vec::new(),
            Value::Array(list) => strings(list).ok_or("a group is no string")?,
            other => return Err(format!("groups is {other}")),
        };
        Ok(Authenticated { username: text(&claims, "email")?, groups })
    }
}

#[tokio::test]
async fn kubernetes_knows_a_verified_person_and_their_groups_by_rs256() {
    let world = World::new().await;
    world.set_contoso("email_domains: [contoso.example]").await;
    let claims = "claims: { id_token: [email, groups] }";
    let k8s = world.app("k8s", &format!("kind: native\n{claims}")).await;
    let modern = world.app("modern", &format!("kind: native\nid_token_alg: ES256\n{claims}")).await;
    let trust = Trust::of(&world.broker).await;
    let kube = Kube::expecting(&trust, "k8s");
    let id_token = async |app: &crate::harness::App| {
        let tokens = app.tokens(&mut app.browser(), &[]).await;
        tokens["id_token"].as_str().unwrap().to_owned()
    };
    let token = id_token(&k8s).await;
    let marty = Authenticated { username: "marty@contoso.example".into(), groups: vec!["staff".into()] };
    assert_eq!(kube.authenticate(&token), Ok(marty));
    kube.authenticate(&forged(&token)).unwrap_err();
    assert_eq!(Kube::expecting(&trust, "modern").authenticate(&token), Err(r#"aud is "k8s""#.into()));
    let es256 = id_token(&modern).await;
    assert_eq!(Kube::expecting(&trust, "modern").authenticate(&es256), Err("ES256 is not taken".into()));

    world.idp.tell(|script| script.userinfo["groups"] = json!([]));
    assert_eq!(kube.authenticate(&id_token(&k8s).await).unwrap().groups, [""; 0]);
    world.idp.tell(|script| script.userinfo["email_verified"] = json!(false));
    let refusal = kube.authenticate(&id_token(&k8s).await);
    assert_eq!(refusal, Err("email_verified is false".into()), "what the provider did not say is not made up");
}
