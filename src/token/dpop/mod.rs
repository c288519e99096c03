//! Proofs that somebody holds a key (DPoP, RFC 9449): what a good one is, and that it counts once on all replicas. What a
//! proof is needed for, its callers know.

pub mod extract;
mod proof;
pub mod store;

pub use proof::{ALGS, Proof, Refusal, Target};

use crate::broker::Broker;
use crate::db::database_error;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;

/// The header `DPoP` as it came (RFC 9449 §4.1).
#[derive(Clone, Debug)]
pub enum DpopHeader {
    Absent,
    Proof(String),
    /// Several, or one that is not ASCII.
    Unreadable,
}

/// Why a proof does not count.
#[derive(Debug)]
pub enum DpopError {
    Refused(Refusal),
    Database(sqlx::Error),
}

impl From<Refusal> for DpopError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DpopError> for OAuthError {
    fn from(error: DpopError) -> Self {
        match error {
            DpopError::Refused(refusal) => refusal.into(),
            DpopError::Database(error) => database_error(&error),
        }
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorCode::InvalidDpopProof, refusal.description)
    }
}

impl DpopHeader {
    /// The proof, if one was sent; it is still to be used up by [`Proof::spend`].
    ///
    /// # Errors
    /// [`Refusal`] naming the rule that it breaks.
    pub fn read(&self, broker: &Broker, target: Target<'_>) -> Result<Option<Proof>, Refusal> {
        match self {
            Self::Absent => Ok(None),
            Self::Proof(jwt) => Proof::check(jwt, target, broker.ctx.now().unix_timestamp()).map(Some),
            Self::Unreadable => {
                Err(Refusal::new("dpop_malformed", "send one DPoP header with one proof, a JWT (RFC 9449 section 4.1)"))
            }
        }
    }

    /// The key that was proven for a POST to an endpoint of ours, if a proof was sent. It is used up.
    ///
    /// # Errors
    /// [`DpopError`].
    pub async fn key(&self, broker: &Broker, path: &str) -> Result<Option<Jkt>, DpopError> {
        let url = broker.ctx.urls.at(path);
        match self.read(broker, Target { method: "POST", url: &url, access_token: None })? {
            Some(proof) => proof.spend(broker).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Proof {
    /// Remembers that it was shown, and yields the key.
    ///
    /// # Errors
    /// [`DpopError`]: it was shown before, or the database's.
    pub async fn spend(self, broker: &Broker) -> Result<Jkt, DpopError> {
        let mut conn = broker.ctx.db.acquire().await.map_err(DpopError::Database)?;
        if store::remember(&mut conn, &self).await.map_err(DpopError::Database)? {
            return Ok(self.key);
        }
        Err(Refusal::new("dpop_replayed", "this DPoP proof (jti) was used before; make a new one for each request")
            .into())
    }
}
