//! Refresh tokens: every use makes a new one; an old one that comes again revokes its whole family. An identical retry
//! inside a short grace gets the same successor, because answers are lost on the way (RFC 9700 §4.14.2).

use time::{Duration, OffsetDateTime};

use crate::client::UserClaim;
use crate::ctx::Ctx;
use crate::ids::{FamilyId, IdentityId, RefreshTokenId, SessionId, UserId};
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::secret::{Kind, Secret, fingerprint, mint};
use crate::user::User;
use crate::vault::{Place, Sealed};

/// Of the family, whatever its use.
pub const ABSOLUTE_LIFETIME: Duration = Duration::days(30);
/// Of one token that is not used.
pub const IDLE_LIFETIME: Duration = Duration::days(14);
/// In which a retry with the token just rotated is an accident and not a theft.
pub const RETRY_GRACE: Duration = Duration::seconds(10);

/// All that descends from one grant.
#[derive(Clone, Debug)]
pub struct Family {
    pub id: FamilyId,
    pub client_id: String,
    pub user_id: UserId,
    pub identity_id: IdentityId,
    pub session_id: SessionId,
    pub connection_slug: String,
    pub scopes: Scope,
    pub audiences: Vec<String>,
    /// Claims of the ID token that the request asked for by name.
    pub id_token_claims: Vec<UserClaim>,
    pub auth_time: OffsetDateTime,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    /// The key without which its tokens are worth nothing; none for clients that prove themselves (RFC 9449 §5).
    pub key: Option<Jkt>,
    pub expires_at: OffsetDateTime,
}

/// A freshly made token: the value for the client, the fingerprint for storage.
#[derive(Debug)]
pub struct NewRefreshToken {
    pub id: RefreshTokenId,
    pub value: Secret<String>,
    pub hash: [u8; 32],
    pub expires_at: OffsetDateTime,
}

/// One stored token with its family.
#[derive(Debug)]
pub struct Stored {
    pub id: RefreshTokenId,
    pub family: Family,
    pub revoked: bool,
    /// Whose it is.
    pub user: User,
    /// When the provider vouched for the person last, if nothing has failed since.
    pub vouched_at: Option<OffsetDateTime>,
    pub expires_at: OffsetDateTime,
    /// When it was used, and what it was answered with.
    pub rotated: Option<(OffsetDateTime, Sealed)>,
}

pub fn new_token(ctx: &Ctx, family_ends: OffsetDateTime) -> NewRefreshToken {
    let now = ctx.now();
    let value = mint(Kind::RefreshToken, &ctx.rng);
    let hash = fingerprint(value.expose());
    NewRefreshToken {
        id: RefreshTokenId::new(now, &ctx.rng),
        hash,
        value,
        expires_at: (now + IDLE_LIFETIME).min(family_ends),
    }
}

pub fn successor_place(id: &RefreshTokenId) -> Place<'_> {
    Place { table: "refresh_tokens", column: "successor", row: id.as_str() }
}
