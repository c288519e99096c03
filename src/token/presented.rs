//! An access token of ours, shown to us again: what it says and whether it holds today.

use serde_json::Value;

use super::store;
use crate::broker::Broker;
use crate::db::Conn;
use crate::ids::UserId;
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::session;
use crate::user::{self, User};

/// An access token whose signature, issuer and time hold. Whether it was revoked, and whether its person may still come
/// in, is asked of storage by [`PresentedToken::standing`].
#[derive(Debug)]
pub struct PresentedToken {
    pub claims: Value,
    pub jti: String,
    pub sub: String,
    pub client_id: String,
    pub scope: Scope,
    /// Seconds since the epoch.
    pub exp: i64,
}

/// In whose hands a token reaches us. Whoever reads one has to say.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// Somebody acts by it, and has proven this key, or none: what is bound to a key counts with that key only (RFC 9449
    /// §7.1, §7.2).
    ByHolder(Option<&'a Jkt>),
    /// A client asks about it, gives it back, or had it sent: not the holder, who alone has the key. Nobody may act by it
    /// for that alone.
    ByThirdParty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    NotOurs,
    NotAnAccessToken,
    OtherIssuer,
    Expired,
    Revoked,
    UserGone,
    ClientGone,
    ConnectionDisabled,
    /// It was shown without a proof of its key.
    BoundToKey,
    /// It is a bearer's, and was shown with a proof.
    BoundToNone,
    BoundToOtherKey,
}

impl TokenFault {
    pub const fn description(self) -> &'static str {
        match self {
            Self::NotOurs => "the access token is not one of ours",
            Self::NotAnAccessToken => "this is not an access token",
            Self::OtherIssuer => "the access token was issued under another issuer",
            Self::Expired => "the access token has expired",
            Self::Revoked => "the access token was revoked",
            Self::UserGone => "the person may not sign in any more",
            Self::ConnectionDisabled => "the connection by which the person signed in is disabled",
            Self::BoundToKey => "the access token is bound to a key; send it as DPoP, with a proof of that key",
            Self::BoundToNone => "the access token is not bound to a key; send it as Bearer",
            Self::BoundToOtherKey => "the access token is bound to another key than the DPoP proof shows",
            Self::ClientGone => "the client of this token is gone or disabled",
        }
    }
}

impl PresentedToken {
    /// # Errors
    /// [`TokenFault`] for what needs no storage.
    pub fn read(broker: &Broker, jwt: &str, shown: Shown<'_>) -> Result<Self, TokenFault> {
        let token = broker.keys.load().verify(jwt).map_err(|_| TokenFault::NotOurs)?;
        let text = |name: &str| token.claims.get(name).and_then(Value::as_str).map(str::to_owned);
        // an ID token is signed by the same keys; ours never has a scope, an access token always has one
        let (Some(jti), Some(scope), Some(sub), Some(client_id)) =
            (text("jti"), text("scope"), text("sub"), text("client_id"))
        else {
            return Err(TokenFault::NotAnAccessToken);
        };
        if text("iss").as_deref() != Some(broker.ctx.urls.issuer()) {
            return Err(TokenFault::OtherIssuer);
        }
        let exp = token.claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
        if exp <= broker.ctx.now().unix_timestamp() {
            return Err(TokenFault::Expired);
        }
        let read = Self { jti, sub, client_id, scope: Scope::parse(&scope), exp, claims: token.claims };
        match shown {
            Shown::ByHolder(proven) => read.held_by(proven).map(|()| read),
            Shown::ByThirdParty => Ok(read),
        }
    }

    /// Whether it was made for the client itself.
    pub fn is_machine(&self) -> bool {
        self.sub == self.client_id
    }

    /// The key that it is bound to (RFC 9449 §6.1).
    pub fn key(&self) -> Option<Jkt> {
        let jkt = self.claims.get("cnf")?.get("jkt")?.as_str()?;
        Some(Jkt::from_thumbprint(jkt.to_owned()))
    }

    fn held_by(&self, proven: Option<&Jkt>) -> Result<(), TokenFault> {
        match (self.key(), proven) {
            (None, None) => Ok(()),
            (Some(own), Some(proven)) if own == *proven => Ok(()),
            (Some(_), Some(_)) => Err(TokenFault::BoundToOtherKey),
            (Some(_), None) => Err(TokenFault::BoundToKey),
            (None, Some(_)) => Err(TokenFault::BoundToNone),
        }
    }

    pub fn audiences(&self) -> Vec<String> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(|a| a.as_str().map(Into::into)).collect(),
            _ => Vec::new(),
        }
    }

    /// Asks storage; answers the person, or none for a machine.
    ///
    /// # Errors
    /// the database's; inside, the [`TokenFault`].
    pub async fn standing(
        &self,
        broker: &Broker,
        conn: &mut Conn,
    ) -> Result<Result<Option<User>, TokenFault>, sqlx::Error> {
        if store::is_revoked(conn, &self.jti).await? {
            return Ok(Err(TokenFault::Revoked));
        }
        if !broker.catalog.load().client(&self.client_id).is_some_and(|c| c.enabled) {
            return Ok(Err(TokenFault::ClientGone));
        }
        if self.is_machine() {
            return Ok(Ok(None));
        }
        if let Some(sid) = self.claims.get("sid").and_then(Value::as_str) {
            let slug = session::store::connection_of(conn, sid).await?;
            let disabled = |slug: String| !broker.catalog.load().connection(&slug).is_some_and(|c| c.may_login());
            if slug.is_some_and(disabled) {
                return Ok(Err(TokenFault::ConnectionDisabled));
            }
        }
        let user = user::store::by_id(conn, &UserId::from_stored(self.sub.clone())).await?;
        Ok(user.filter(User::is_active).map(Some).ok_or(TokenFault::UserGone))
    }
}
