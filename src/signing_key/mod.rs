//! Our signing keys and their life: next, active, retiring, retired, or revoked. Owns which key signs, which ones the
//! world is shown, and when the one becomes the other. It does not know what is signed.
//!
//! For each algorithm one key is active and one is next. The next one is in the JWKS long before it signs, so that a
//! consumer that caches the JWKS and does not ask again for an unknown `kid` (Envoy, Istio, Grafana) never meets a
//! token it cannot verify.

pub mod consumer;
mod key_set;
mod retirement;
mod revocation;
mod rotation;
pub mod schedule;
pub mod store;

use time::{Duration, OffsetDateTime};

use crate::db::Conn;
use crate::jose::Alg;
use crate::vault::Place;

pub use crate::life::State;
pub use key_set::{KeySet, LoadError, NoActiveKey, VerifiedJwt, VerifyError};
pub use revocation::{RevocationError, revoke};
pub use rotation::{Rotated, RotationError, ensure, keep_schedule, retire_expired, rotate};

/// A key may sign only after it has been published this long: the longest `max-age` that a [`schedule`] gives the JWKS,
/// whatever it says by now, because a cached JWKS without the key lives that long.
pub const MIN_PUBLICATION: Duration = Duration::minutes(15);

/// No token of ours lives longer.
const LONGEST_TOKEN: Duration = Duration::hours(24);

/// Ours and those of consumers may differ by so much.
const CLOCKS: Duration = Duration::hours(1);

/// A key stays published this long after its last signature: the longest token life, the longest that somebody goes on with
/// a JWKS, and an hour for clocks.
pub const RETIREMENT: Duration =
    Duration::seconds(LONGEST_TOKEN.whole_seconds() + consumer::LONGEST_CACHE.whole_seconds() + CLOCKS.whole_seconds());

/// What may be told about a key.
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub kid: String,
    /// The order in which keys appeared: whoever was given this one was given all with a lower number.
    pub number: i64,
    pub alg: Alg,
    pub state: State,
    pub published_at: OffsetDateTime,
    pub activated_at: Option<OffsetDateTime>,
    pub retiring_at: Option<OffsetDateTime>,
    /// Retired or revoked since.
    pub ended_at: Option<OffsetDateTime>,
}

impl SigningKey {
    /// When it may sign without anybody refusing its tokens, while it is next.
    pub fn ready_at(&self) -> OffsetDateTime {
        self.published_at + MIN_PUBLICATION
    }

    /// When it leaves the JWKS, while it is retiring.
    pub fn leaves_at(&self) -> Option<OffsetDateTime> {
        self.retiring_at.map(|at| at + RETIREMENT)
    }
}

/// Where the private key of `kid` is sealed.
fn place(kid: &str) -> Place<'_> {
    Place { table: "signing_keys", column: "sealed", row: kid }
}

/// Every key ever, by algorithm and age.
///
/// # Errors
/// the database's.
pub async fn list(conn: &mut Conn) -> Result<Vec<SigningKey>, sqlx::Error> {
    store::list(conn).await
}
