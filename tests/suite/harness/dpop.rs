//! DPoP proofs (RFC 9449) of tests' own making.

use avouch::clock::Clock as _;
use avouch::jose::KeyPair;
use serde_json::{Value, json};

use super::app::{answer, challenge_of, http, random};
use super::jwt::{changed, compact};
use super::{Answer, Broker};

/// Somebody with a key, who makes honest proofs unless told otherwise.
pub struct Prover<'a> {
    pub broker: &'a Broker,
    pub key: &'a KeyPair,
}

impl Prover<'_> {
    pub fn jkt(&self) -> String {
        self.key.public_jwk().key.thumbprint()
    }

    /// For this request; members of header and claims are replaced by those given, and taken away by null.
    pub fn proof(&self, method: &str, path: &str, header: &Value, claims: &Value) -> String {
        let jwk = self.key.public_jwk();
        let usual = json!({ "alg": jwk.alg, "typ": "dpop+jwt", "jwk": jwk.key });
        let now = self.broker.clock.now().unix_timestamp();
        let said = json!({ "htm": method, "htu": self.broker.url(path), "iat": now, "jti": random() });
        compact(&changed(&usual, header), &changed(&said, claims), |message| self.key.sign(message))
    }

    pub fn post(&self, path: &str) -> String {
        self.proof("POST", path, &json!({}), &json!({}))
    }

    /// For the token endpoint.
    pub fn token(&self) -> String {
        self.post("/oauth/token")
    }

    /// Asks UserInfo with this token and an honest proof.
    pub async fn userinfo(&self, token: &str) -> Answer {
        let ath = challenge_of(token);
        let proof = self.proof("GET", "/userinfo", &json!({}), &json!({ "ath": ath }));
        self.show("DPoP", token, &[&proof]).await
    }

    /// Asks UserInfo in this scheme, with these headers `DPoP`.
    pub async fn show(&self, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
        let mut request = http().get(self.broker.url("/userinfo")).header("authorization", format!("{scheme} {token}"));
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        answer(request).await
    }
}
