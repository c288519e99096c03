//! One /authorize request: Pending -> Identified -> Granted -> Redeemed, or Denied. Owns the request as it was checked
//! and the code. It does not talk to upstreams and makes no tokens.

pub mod next_step;
pub mod pushed;
pub mod request;
pub mod requested_claims;
pub mod store;

pub use next_step::{Step, next_step};
pub use request::{AuthorizeRequest, Target};
pub use requested_claims::RequestedClaims;

use time::{Duration, OffsetDateTime};

use crate::client::ClientId;
use crate::db::Conn;
use crate::ids::{AuthorizationId, SessionId, TraceId};

/// Time to sign in, second factors and forgotten passwords included.
pub const LIFETIME: Duration = Duration::hours(1);
/// A code is redeemed at once or not at all (RFC 6749 §4.1.2 allows 10 minutes at most).
pub const CODE_LIFETIME: Duration = Duration::seconds(60);

/// A request on its way, as it stands in storage.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub id: AuthorizationId,
    pub state: State,
    pub client_id: ClientId,
    pub request: AuthorizeRequest,
    pub browser_hash: [u8; 32],
    pub trace_id: TraceId,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// Where it stands. What a state needs it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    /// Somebody signed in for this very request.
    Identified {
        session: SessionId,
    },
    Granted,
    Redeemed,
    Denied,
}

/// The client is told no. False: an answer was given before.
///
/// # Errors
/// the database's.
pub async fn deny(conn: &mut Conn, authorization: &Authorization) -> Result<bool, sqlx::Error> {
    pushed::use_up(conn, &authorization.request).await?;
    store::deny(conn, &authorization.id).await
}
