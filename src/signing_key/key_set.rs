//! All published keys in memory: parsed, immutable, ready to sign. A change of keys makes a new set.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::schedule::{self, Schedule};
use super::{State, place, store};
use crate::db::Conn;
use crate::jose::{Alg, EncodedHeader, Header, KeyPair, KeyPairError, PublicJwk};
use crate::vault::{OpenError, Vault};
use crate::web::published::Published;

/// The `typ` values whose headers are encoded ahead.
const USUAL_TYPES: [&str; 2] = ["at+jwt", "JWT"];

pub struct KeySet {
    active: HashMap<Alg, Active>,
    published: HashMap<String, PublicJwk>,
    jwks: Published,
    newest: i64,
}

struct Active {
    pair: KeyPair,
    kid: String,
    headers: [EncodedHeader; USUAL_TYPES.len()],
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the signing keys: {0}")]
    Database(#[from] sqlx::Error),
    #[error("signing key {kid} does not open: {cause}")]
    Sealed { kid: String, cause: OpenError },
    #[error("signing key {kid} is unusable: {cause}")]
    Unusable { kid: String, cause: KeyPairError },
    #[error("signing key {0} is not the key its id says; the row was changed, restore it from a backup")]
    Changed(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no active {0} signing key; run `avouch keys rotate --alg {0}`")]
pub struct NoActiveKey(pub Alg);

/// A token of ours whose signature holds. Nothing else is checked: `iss`, `exp`, `aud`, `typ` and revocation are the
/// caller's matter, because each endpoint has its own rules for them.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedJwt {
    pub typ: String,
    pub claims: serde_json::Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("it is not a JWT in compact form")]
    Malformed,
    #[error("it names no key of ours, or one that is withdrawn")]
    UnknownKey,
    #[error("its alg is not that of the key it names")]
    WrongAlg,
    #[error("its signature does not fit")]
    BadSignature,
}

/// A header of ours has these and no others; `crit` in particular is refused (RFC 7515 §4.1.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OurHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl KeySet {
    /// Opens every published key, the public ones of next and retiring keys too: a key that someone wrote into the
    /// table without the master key must neither be published nor believed.
    ///
    /// # Errors
    /// [`LoadError`] naming the key.
    pub async fn load(conn: &mut Conn, vault: &Vault) -> Result<Self, LoadError> {
        let mut keys = Vec::new();
        let max_age = schedule::store::load(conn).await?.max_age();
        let mut newest = 0;
        for row in store::published(conn).await? {
            newest = row.number.max(newest);
            let kid = row.kid;
            let pkcs8 = match vault.open(place(&kid), &row.sealed) {
                Ok(pkcs8) => pkcs8,
                Err(cause) => return Err(LoadError::Sealed { kid, cause }),
            };
            let pair = match KeyPair::from_pkcs8(row.alg, pkcs8.expose()) {
                Ok(pair) => pair,
                Err(cause) => return Err(LoadError::Unusable { kid, cause }),
            };
            if pair.public_jwk().kid != kid {
                return Err(LoadError::Changed(kid));
            }
            keys.push((row.state, pair));
        }
        Ok(Self { newest, ..Self::cached_for(max_age, keys) })
    }

    /// Of keys in the order the JWKS shall list them; states that are not published are left out.
    pub fn new(keys: impl IntoIterator<Item = (State, KeyPair)>) -> Self {
        Self::cached_for(Schedule::default().max_age(), keys)
    }

    fn cached_for(max_age: std::time::Duration, keys: impl IntoIterator<Item = (State, KeyPair)>) -> Self {
        let mut jwks = Vec::new();
        let mut active = HashMap::new();
        for (state, pair) in keys.into_iter().filter(|(state, _)| state.is_published()) {
            let jwk = pair.public_jwk();
            if state == State::Active {
                let headers = USUAL_TYPES.map(|typ| Header::new(jwk.alg, typ).with_kid(&jwk.kid).encode());
                active.insert(jwk.alg, Active { pair, kid: jwk.kid.clone(), headers });
            }
            jwks.push(jwk);
        }
        let body = serde_json::json!({ "keys": jwks }).to_string();
        let published = jwks.into_iter().map(|jwk| (jwk.kid.clone(), jwk)).collect();
        Self { active, published, jwks: Published::new(body, max_age), newest: 0 }
    }

    /// A JWT with `alg`, `typ` and `kid` in its header.
    ///
    /// # Errors
    /// [`NoActiveKey`], which [`super::ensure`] at start prevents.
    pub fn sign(&self, alg: Alg, typ: &str, claims: &impl Serialize) -> Result<String, NoActiveKey> {
        let key = self.active.get(&alg).ok_or(NoActiveKey(alg))?;
        Ok(match USUAL_TYPES.iter().position(|usual| *usual == typ) {
            Some(index) => key.pair.sign_with(&key.headers[index], claims),
            None => key.pair.sign_jwt(&Header::new(alg, typ).with_kid(&key.kid), claims),
        })
    }

    /// Checks the signature of a token of ours. The algorithm is the key's; the header must agree.
    ///
    /// # Errors
    /// [`VerifyError`]. To the bearer all of them are `invalid_token`.
    pub fn verify(&self, jwt: &str) -> Result<VerifiedJwt, VerifyError> {
        let (signed, signature) = jwt.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(VerifyError::Malformed)?;
        let header: OurHeader = decode(header)?;
        let key = self.published.get(&header.kid).ok_or(VerifyError::UnknownKey)?;
        if key.alg.as_str() != header.alg {
            return Err(VerifyError::WrongAlg);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| VerifyError::Malformed)?;
        if !key.verify(signed.as_bytes(), &signature) {
            return Err(VerifyError::BadSignature);
        }
        Ok(VerifiedJwt { typ: header.typ, claims: decode(claims)? })
    }

    /// The highest [`super::SigningKey::number`] in the JWKS: whoever is given it has every key up to there.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    pub fn signs_with_any(&self, kids: &[&str]) -> bool {
        self.active.values().any(|key| kids.contains(&key.kid.as_str()))
    }

    /// The JWKS document: an object with the one member `keys`.
    pub fn jwks(&self) -> &Published {
        &self.jwks
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, VerifyError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| VerifyError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn keys(state: State) -> KeySet {
        KeySet::new(Alg::ALL.map(|alg| (state, KeyPair::generate(alg).0)))
    }

    #[test]
    fn what_it_signs_it_verifies_with_any_typ() {
        let set = keys(State::Active);
        for (alg, typ) in Alg::ALL.into_iter().zip(["JWT", "at+jwt", "logout+jwt", "JWT"]) {
            let jwt = set.sign(alg, typ, &json!({"sub": "usr_1"})).unwrap();
            let verified = set.verify(&jwt).unwrap();
            assert_eq!((verified.typ.as_str(), &verified.claims["sub"]), (typ, &json!("usr_1")));
            assert_eq!(keys(State::Active).verify(&jwt), Err(VerifyError::UnknownKey));
        }
        assert_eq!(keys(State::Next).sign(Alg::RS256, "JWT", &json!({})), Err(NoActiveKey(Alg::RS256)));
    }

    #[test]
    fn the_jwks_has_next_active_and_retiring_keys_and_nothing_private() {
        let pairs = State::ALL.map(|state| (state, KeyPair::generate(Alg::ES256).0));
        let expected: Vec<_> = pairs[..3].iter().map(|(_, pair)| pair.public_jwk().kid).collect();
        let jwks: Value = serde_json::from_slice(&KeySet::new(pairs).jwks().body).unwrap();
        let kids: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids, expected);
        assert!(jwks["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()));
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let set = keys(State::Active);
        let jwt = set.sign(Alg::RS256, "JWT", &json!({"sub": "usr_1"})).unwrap();
        let (header, rest) = jwt.split_once('.').unwrap();
        let header: Value = decode(header).unwrap();
        let with = |change: Value| {
            let mut header = header.clone();
            header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            set.verify(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string())))
        };
        assert_eq!(with(json!({"alg": "none"})), Err(VerifyError::WrongAlg));
        assert_eq!(with(json!({"alg": "HS256"})), Err(VerifyError::WrongAlg));
        assert_eq!(with(json!({"alg": "PS256"})), Err(VerifyError::WrongAlg));
        assert_eq!(with(json!({"crit": ["exp"]})), Err(VerifyError::Malformed));
        assert_eq!(with(json!({"typ": "at+jwt"})), Err(VerifyError::BadSignature));
        for garbage in ["", ".", "..", "a.b.c", &jwt[..jwt.len() - 4], &format!("{jwt}.")] {
            assert!(set.verify(garbage).is_err(), "{garbage}");
        }
    }
}
