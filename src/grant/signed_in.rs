//! Tokens for a person who signed in and stands behind a code: what every grant that redeems one checks and makes alike.

use super::{GrantError, TokenResponse, today};
use crate::broker::{Broker, Catalog};
use crate::client::{Client, UserClaim};
use crate::db::Conn;
use crate::ids::{FamilyId, SessionId, TokenId, UserId};
use crate::oauth::grant_type::GrantType;
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::session;
use crate::token::refresh::{self, Family, NewRefreshToken};
use crate::token::{Granted, Person, access, id_token, store as tokens};
use crate::user;

/// What the code stands for.
pub struct Grounds<'a> {
    pub session: &'a SessionId,
    pub scopes: &'a Scope,
    pub audiences: &'a [String],
    pub nonce: Option<&'a str>,
    /// Claims of the ID token that the request asked for by name.
    pub asked: &'a [UserClaim],
    /// What whoever asks has proven to hold.
    pub key: Option<&'a Jkt>,
}

/// Made, and nothing stored yet: [`Minted::keep`] does that, once the code is used up.
pub struct Minted {
    pub response: TokenResponse,
    pub user: UserId,
    pub jti: TokenId,
    session: SessionId,
    client_id: String,
    refresh: Option<(Family, NewRefreshToken)>,
}

/// The audit word and the sentence of a refusal that is an answer: the caller may have to remember it.
pub type Refused = (&'static str, &'static str);

/// # Errors
/// the database's, and what cannot be minted.
pub async fn mint(
    broker: &Broker,
    catalog: &Catalog,
    conn: &mut Conn,
    client: &Client,
    grounds: Grounds<'_>,
) -> Result<Result<Minted, Refused>, GrantError> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    let Some(session) = session::store::by_id(conn, grounds.session).await? else {
        return Ok(Err(("session_ended", "the person signed out before the code was redeemed")));
    };
    let Some(user) = user::store::by_id(conn, &session.user_id).await?.filter(user::User::is_active) else {
        return Ok(Err(("user_blocked", "the person may not sign in any more")));
    };
    if !catalog.connection(&session.connection_slug).is_some_and(|c| c.may_login() && client.allows_connection(&c.slug))
    {
        return Ok(Err(("connection_disabled", "the connection by which the person signed in is disabled")));
    }
    let identity_id = session.identity_id.clone();
    let person =
        Person { user, session_id: session.id, auth_time: session.auth_time, acr: session.acr, amr: session.amr };
    let (scopes, audiences) = today::narrowed(catalog, client, grounds.scopes, grounds.audiences)?;
    let granted = Granted { client, person: Some(&person), scope: &scopes, audiences: &audiences, key: grounds.key };
    let access = access::mint(broker, catalog, granted)?;
    let id_token = scopes
        .contains("openid")
        .then(|| id_token::mint(broker, catalog, granted, &person, grounds.nonce, &access.jwt, grounds.asked))
        .transpose()?;
    let wants_refresh = scopes.contains("offline_access") && client.may_use(GrantType::RefreshToken);
    let scope = scopes.to_string();
    let user = person.user.id.clone();
    let refresh = wants_refresh.then(|| {
        let family = Family {
            id: FamilyId::new(now, &ctx.rng),
            client_id: client.client_id.to_string(),
            user_id: person.user.id,
            identity_id,
            session_id: person.session_id,
            connection_slug: session.connection_slug,
            scopes,
            audiences,
            id_token_claims: grounds.asked.to_vec(),
            auth_time: person.auth_time,
            acr: person.acr,
            amr: person.amr,
            key: grounds.key.filter(|_| !client.is_confidential()).cloned(),
            expires_at: now + refresh::ABSOLUTE_LIFETIME,
        };
        let first = refresh::new_token(ctx, family.expires_at);
        (family, first)
    });
    let response = TokenResponse {
        access_token: access.jwt,
        token_type: access.scheme.as_str(),
        expires_in: access.expires_in,
        scope,
        refresh_token: refresh.as_ref().map(|(_, first)| first.value.expose().clone()),
        id_token,
    };
    let (session, client_id) = (grounds.session.clone(), client.client_id.to_string());
    Ok(Ok(Minted { response, user, jti: access.jti, session, client_id, refresh }))
}

impl Minted {
    pub fn family(&self) -> Option<&FamilyId> {
        self.refresh.as_ref().map(|(family, _)| &family.id)
    }

    /// Stores what lives on, in the transaction that used the code up.
    ///
    /// # Errors
    /// the database's.
    pub async fn keep(&self, broker: &Broker, conn: &mut Conn) -> Result<(), sqlx::Error> {
        let now = broker.ctx.now();
        session::clients::store::join(conn, &self.session, &self.client_id, now).await?;
        if let Some((family, first)) = &self.refresh {
            tokens::insert_family(conn, family, now).await?;
            tokens::insert_token(conn, &family.id, first, now).await?;
        }
        Ok(())
    }
}
