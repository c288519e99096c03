//! A JWT of an issuer that a client trusts (RFC 7523 §3, RFC 8693 §2.1): a valid signature alone says nothing. It has to be
//! for us alone, about the subject that was registered, young, and no token for another purpose.

use std::sync::Arc;

use super::{Once, Refusal, Unproven, VerifiedAssertion, cut, microsoft, signature, times};
use crate::client::{Client, FederatedIdentity};
use crate::jose::{Jwt, VerificationKey};

const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// A client, and one of its identities elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub client: &'a Arc<Client>,
    pub identity: &'a FederatedIdentity,
}

/// A JWT whose claims fit what was registered; who signed it, and whether the subject rule holds, is still to be seen.
#[derive(Debug)]
pub struct FederatedAssertion<'a> {
    pub candidate: Candidate<'a>,
    jwt: &'a Jwt,
    /// When it counts no more, by `exp` or by its age.
    until: i64,
}

impl<'a> FederatedAssertion<'a> {
    /// Those of the candidates that the claims fit: at least one. The candidates trust the issuer.
    ///
    /// # Errors
    /// [`Refusal`] naming the first claim that fits none. It repeats what was sent and tells nothing that is registered.
    pub fn read(jwt: &'a Jwt, candidates: Vec<Candidate<'a>>, now: i64) -> Result<Vec<Self>, Refusal> {
        microsoft::not_for_graph(jwt)?;
        times::typ(jwt, &TYPES)?;
        if jwt.claims.contains_key("events") {
            return Err(Refusal::new(
                "assertion_typ",
                "this is a security event or logout token (events), which proves nobody",
            ));
        }
        let issuer = cut(jwt.text("iss").unwrap_or_default());
        let left = narrowed(candidates, |_| true).ok_or_else(|| {
            let hint = microsoft::issuer_hint(jwt);
            let text = format!("unknown client, or it has no federated identity with the issuer {issuer}{hint}");
            Refusal::new("assertion_issuer", text)
        })?;
        let left = narrowed(left, |identity| is_for(jwt, &identity.audience)).ok_or_else(|| audience(jwt))?;
        let subject = jwt.text("sub");
        let left = narrowed(left, |identity| identity.subject.as_deref().is_none_or(|known| subject == Some(known)));
        let left = left.ok_or_else(|| {
            let subject = cut(subject.unwrap_or("(none)"));
            let text =
                format!("no federated identity with the issuer {issuer} and this audience has the subject {subject}");
            Refusal::new("assertion_subject", text)
        })?;
        let alg = jwt.header.alg.as_ref().ok();
        let allowed = |identity: &FederatedIdentity| {
            identity.algs.is_empty() || alg.is_some_and(|alg| identity.algs.contains(alg))
        };
        let left = narrowed(left, allowed).ok_or_else(|| {
            Refusal::new("assertion_alg", "the federated identity does not allow the algorithm that signed this token")
        })?;
        times::has_begun(jwt, now)?;
        let expires = times::expires(jwt, now, i64::from(u32::MAX))?;
        let age = times::age(jwt, now)?;
        let left = narrowed(left, |identity| age <= i64::from(identity.max_age) + times::SKEW).ok_or_else(|| {
            let text = format!(
                "the token was issued {age} s ago (iat), longer than the federated identity's max_age; fetch a new one"
            );
            Refusal::new("assertion_too_old", text)
        })?;
        let until = |identity: &FederatedIdentity| expires.min(now - age + i64::from(identity.max_age));
        Ok(left.into_iter().map(|candidate| Self { until: until(candidate.identity), candidate, jwt }).collect())
    }

    /// Whether one of these keys signed it, and the subject rule holds.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn verify<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k VerificationKey>,
    ) -> Result<VerifiedAssertion, Unproven> {
        let identity = self.candidate.identity;
        signature(self.jwt, &mut keys, Some(&identity.issuer))?;
        // an operator's rule is evaluated over claims that the issuer vouches for, never over a stranger's
        if let Some(rule) = &identity.subject_rule {
            let claims = serde_json::Value::Object(self.jwt.claims.clone());
            if !rule.is_true(&[("claims", &claims)]).unwrap_or(false) {
                let text = "the subject rule of the federated identity does not hold for this token";
                return Err(Unproven::Refused(Refusal::new("assertion_subject_rule", text)));
            }
        }
        match (identity.one_use, Once::of(self.jwt, self.until)) {
            (true, None) => {
                let text = "the federated identity takes each token once, and this one has no jti";
                Err(Unproven::Refused(Refusal::new("assertion_jti", text)))
            }
            (true, once) => Ok(VerifiedAssertion { once, key: None }),
            (false, _) => Ok(VerifiedAssertion { once: None, key: None }),
        }
    }
}

/// `None` when none is left.
fn narrowed<'a>(
    mut candidates: Vec<Candidate<'a>>,
    keep: impl Fn(&FederatedIdentity) -> bool,
) -> Option<Vec<Candidate<'a>>> {
    candidates.retain(|candidate| keep(candidate.identity));
    (!candidates.is_empty()).then_some(candidates)
}

/// Alone: as a string, or as Kubernetes writes it, a list of one.
fn is_for(jwt: &Jwt, audience: &str) -> bool {
    match jwt.claims.get("aud") {
        Some(serde_json::Value::Array(list)) => list.len() == 1 && list[0].as_str() == Some(audience),
        Some(one) => one.as_str() == Some(audience),
        None => false,
    }
}

fn audience(jwt: &Jwt) -> Refusal {
    let (sent, several) = match jwt.claims.get("aud") {
        None => ("(none)".to_owned(), false),
        Some(serde_json::Value::String(one)) => (one.clone(), false),
        Some(serde_json::Value::Array(list)) => (serde_json::Value::from(list.clone()).to_string(), list.len() > 1),
        Some(other) => (other.to_string(), false),
    };
    let why =
        if several { "; a token for several audiences is not taken, since the others could use it here" } else { "" };
    let text = format!("no federated identity with this issuer has the audience {}{why}", cut(&sent));
    Refusal::new("assertion_audience", text)
}
