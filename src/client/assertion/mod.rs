//! A JWT in place of a secret (RFC 7521, RFC 7523): the rules, and the evidence that they were kept. Which keys there are,
//! and whether it was shown before, the caller finds out; nothing here does I/O.

mod federated;
mod microsoft;
mod own_key;
pub mod store;
mod times;

pub use federated::{Candidate, FederatedAssertion};
pub use own_key::OwnAssertion;

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use time::OffsetDateTime;

use crate::client::key::KeyName;
use crate::jose::{Jwt, JwtError, Signed, VerificationKey};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Evidence: a client's keys, or an issuer that it trusts, signed this JWT, it is for us, and its time is now. Whether it may be used again is told by
/// [`VerifiedAssertion::once`].
#[derive(Debug)]
pub struct VerifiedAssertion {
    once: Option<Once>,
    key: Option<KeyName>,
}

/// What must be remembered of an assertion that counts once.
#[derive(Debug, PartialEq, Eq)]
pub struct Once {
    /// Of its issuer and `jti`.
    pub fingerprint: [u8; 32],
    /// By then it does not hold any more by itself.
    pub until: OffsetDateTime,
}

impl VerifiedAssertion {
    pub fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    /// The client's own key that signed it; none of an issuer's.
    pub fn key(&self) -> Option<&KeyName> {
        self.key.as_ref()
    }
}

impl Once {
    /// `None` when it has no `jti`, which RFC 7523 §3 leaves to the sender.
    fn of(jwt: &Jwt, expires: i64) -> Option<Self> {
        let mut digest = Context::new(&SHA256);
        digest.update(jwt.text("iss")?.as_bytes());
        digest.update(&[0]);
        digest.update(jwt.text("jti")?.as_bytes());
        let fingerprint = digest.finish().as_ref().try_into().ok()?;
        let until = OffsetDateTime::from_unix_timestamp(expires + times::SKEW).ok()?;
        Some(Self { fingerprint, until })
    }
}

/// Why it does not count: a word for audit, and a sentence for the sender, who is told what is wrong with what it sent and
/// nothing about anybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: &'static str,
    pub description: Cow<'static, str>,
}

impl Refusal {
    pub fn new(reason: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, description: description.into() }
    }

    /// It was shown before.
    pub fn replayed() -> Self {
        Self::new("assertion_replayed", "this assertion (jti) was used before; make a new one for each request")
    }
}

impl From<JwtError> for Refusal {
    fn from(error: JwtError) -> Self {
        let reason = match error {
            JwtError::AlgNotAllowed(_) => "assertion_alg",
            _ => "assertion_malformed",
        };
        Self::new(reason, format!("the assertion cannot be used: {error}"))
    }
}

/// Why the keys at hand do not prove it.
#[derive(Debug, PartialEq, Eq)]
pub enum Unproven {
    /// None of them signed it; newer ones perhaps.
    PerhapsNewer,
    /// None of them signed it.
    Unsigned,
    /// It is signed, and does not count all the same.
    Refused(Refusal),
}

/// The key that made it.
fn signature<'k>(
    jwt: &Jwt,
    keys: &mut dyn Iterator<Item = &'k VerificationKey>,
    issuer: Option<&str>,
) -> Result<&'k VerificationKey, Unproven> {
    jwt.signer(keys, issuer).map_err(|signed| match signed {
        Signed::UnknownKey => Unproven::PerhapsNewer,
        // without a name in the header every key was tried, and the right one may be new
        Signed::No if jwt.header.kid.is_none() => Unproven::PerhapsNewer,
        Signed::Yes | Signed::No => Unproven::Unsigned,
    })
}

/// A value that is repeated to its sender.
fn cut(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}
