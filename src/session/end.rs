//! How a session ends before its time. Every end goes through [`end`] or [`end_many`], whoever wants it, so that nothing
//! that must happen then is forgotten: the session is over, refresh tokens that were only good while the person is
//! signed in are over with it, and whoever must be told is told from here.

use time::OffsetDateTime;

use super::{clients, store};
use crate::db::Conn;
use crate::ids::{SessionId, UserId};

/// Why. Stored with the session and with every refresh family that ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out here.
    SignedOut,
    /// Their identity provider says that they signed out there.
    SignedOutUpstream,
    /// They, or an operator, ended all there is of them.
    SignedOutEverywhere,
    /// An operator ended this one.
    SignedOutByOperator,
    /// Asked again, their identity provider or the connection's rule does not vouch for them any more.
    NotVouched,
    /// The identity by which they came in is not theirs any more.
    Unlinked,
    /// A new sign-in in the same browser took its place: nobody asked to be signed out.
    Replaced,
}

impl EndReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SignedOutUpstream => "signed_out_upstream",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::SignedOutByOperator => "signed_out_by_operator",
            Self::NotVouched => "not_vouched",
            Self::Unlinked => "unlinked",
            Self::Replaced => "replaced",
        }
    }

    /// Whether the person is signed out by it, so that what hangs on the session ends too.
    pub const fn is_logout(self) -> bool {
        !matches!(self, Self::Replaced)
    }
}

/// A session that was live until now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub id: SessionId,
    pub user_id: UserId,
    pub connection_slug: String,
}

/// Ends one session. `None`: it was over already.
///
/// # Errors
/// the database's.
pub async fn end(
    conn: &mut Conn,
    id: &SessionId,
    reason: EndReason,
    now: OffsetDateTime,
) -> Result<Option<Ended>, sqlx::Error> {
    Ok(end_many(conn, std::slice::from_ref(id), reason, now).await?.pop())
}

/// Ends those that are not over yet, and says which. In the caller's transaction, so that all of it happens or nothing.
///
/// At a logout every client that got tokens in one of them is owed a logout token from then on, also where the session
/// was only replaced before; at a replacement nobody asked for that.
///
/// Refresh tokens with offline_access outlive a logout: that is what the person agreed to (OIDC Core §11, OIDC
/// Back-Channel Logout §2.7). All others end here.
///
/// # Errors
/// the database's.
pub async fn end_many(
    conn: &mut Conn,
    ids: &[SessionId],
    reason: EndReason,
    now: OffsetDateTime,
) -> Result<Vec<Ended>, sqlx::Error> {
    let ended = store::revoke(conn, ids, reason.as_str(), now).await?;
    if reason.is_logout() {
        store::revoke_refresh_families(conn, &ended, reason.as_str(), now).await?;
        clients::store::owe(conn, ids, now).await?;
    }
    Ok(ended)
}

/// What "everywhere" was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedEverywhere {
    /// Those that were live until now.
    pub sessions: Vec<Ended>,
    /// Grants of refresh tokens, those with offline_access among them.
    pub refresh_families: u64,
}

impl EndedEverywhere {
    /// For the audit log.
    pub fn detail(&self) -> serde_json::Value {
        serde_json::json!({ "sessions": self.sessions.len(), "refresh_families": self.refresh_families })
    }
}

/// Ends every session of a person, in whatever browser, and every refresh token. In the caller's transaction.
///
/// # Errors
/// the database's.
pub async fn everywhere(conn: &mut Conn, user: &UserId, now: OffsetDateTime) -> Result<EndedEverywhere, sqlx::Error> {
    let reason = EndReason::SignedOutEverywhere;
    let ids = store::ids_of_user(conn, user).await?;
    let sessions = end_many(conn, &ids, reason, now).await?;
    clients::store::owe_refresh_families(conn, user, now).await?;
    let offline = store::revoke_refresh_families_of_user(conn, user, reason.as_str(), now).await?;
    Ok(EndedEverywhere { sessions, refresh_families: offline })
}
