//! `refresh_token` (RFC 6749 §6) with rotation: see `token::refresh` for the rules. What the provider says of the person is
//! brought up to date first: see [`recheck`].

use std::sync::Arc;

use super::request::RefreshRequest;
use super::{GrantError, TokenResponse, possession, recheck, today};
use crate::broker::{Broker, Catalog};
use crate::client::{AuthenticatedClient, Client};
use crate::connection::Connection;
use crate::db::{self, Conn};
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::secret::{Kind, Secret, fingerprint, is_well_formed};
use crate::token::refresh::{self, Family, NewRefreshToken, Stored};
use crate::token::{Granted, Person, access, id_token, store as tokens};
use crate::user::{self, User};
use crate::vault::Sealed;

/// A refusal that must be remembered (the family is revoked) travels as a value, or the rollback erases it.
enum Outcome {
    Issued(Box<(TokenResponse, UserId)>),
    Refused(&'static str, &'static str),
}

/// The audit word and the sentence.
type Refused = (&'static str, &'static str);

/// # Errors
/// [`GrantError::Refused`] with `invalid_grant` or `invalid_scope`; the database's.
pub async fn refresh(
    broker: &Arc<Broker>,
    catalog: &Catalog,
    authenticated: &AuthenticatedClient,
    request: RefreshRequest,
    key: Option<&Jkt>,
) -> Result<(TokenResponse, UserId, Option<recheck::Freshness>), GrantError> {
    let unknown = || GrantError::invalid_grant("refresh_token_unknown", "the refresh token is unknown; sign in again");
    if !is_well_formed(Kind::RefreshToken, request.refresh_token.expose()) {
        return Err(unknown());
    }
    let hash = fingerprint(request.refresh_token.expose());
    let client = &**authenticated.client();
    let mut freshness = None;
    if let Some(seen) = promising(broker, catalog, client, &hash).await? {
        let Promising { mut stored, connection } = seen;
        freshness = match recheck::still_fresh(broker, &connection, stored.vouched_at) {
            Some(fresh) => Some(fresh),
            None => {
                let told = recheck::recheck(broker, &connection, &stored.family).await?;
                if told.is_some() {
                    // the provider may have said something new; who is gone has no token that could be replaced
                    let mut conn = broker.ctx.db.acquire().await?;
                    let person = user::store::by_id(&mut conn, &stored.family.user_id).await?;
                    stored.user = person.unwrap_or(stored.user);
                }
                told
            }
        };
        if let Some((response, user)) = at_once(broker, catalog, client, &stored, &request, key).await? {
            return Ok((response, user, freshness));
        }
    }
    let outcome = db::in_tx(&broker.ctx.db, async |conn| {
        let Some(stored) = tokens::lock_by_hash(conn, &hash).await? else { return Err(unknown()) };
        if stored.family.client_id != client.client_id.as_str() {
            return Err(GrantError::invalid_grant(
                "refresh_token_of_another_client",
                "the refresh token was issued to another client",
            ));
        }
        possession::held(stored.family.key.as_ref(), key)?;
        use_token(broker, catalog, conn, client, stored, &request, key).await
    })
    .await?;
    match outcome {
        Outcome::Issued(issued) => {
            let (response, user) = *issued;
            Ok((response, user, freshness))
        }
        Outcome::Refused(reason, description) => Err(GrantError::invalid_grant(reason, description)),
    }
}

/// A token that has every chance to be refreshed, as it was when we looked.
struct Promising {
    stored: Stored,
    connection: Arc<Connection>,
}

/// Whatever will be refused anyway is none: nobody is asked for it.
async fn promising(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    hash: &[u8; 32],
) -> Result<Option<Promising>, GrantError> {
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let Some(stored) = tokens::by_hash(&mut conn, hash).await? else { return Ok(None) };
    let family = &stored.family;
    let unused = !stored.revoked && stored.rotated.is_none() && now < stored.expires_at.min(family.expires_at);
    if !unused || !stored.user.is_active() || family.client_id != client.client_id.as_str() {
        return Ok(None);
    }
    let Some(connection) = admitting(catalog, client, family) else { return Ok(None) };
    Ok(Some(Promising { stored, connection }))
}

/// Without a lock until the token is replaced, in one statement which sees to it that nothing has become of it since.
/// None: something has, and what that means is found out under the locks.
async fn at_once(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    stored: &Stored,
    request: &RefreshRequest,
    key: Option<&Jkt>,
) -> Result<Option<(TokenResponse, UserId)>, GrantError> {
    possession::held(stored.family.key.as_ref(), key)?;
    if !stored.user.is_active() {
        return Ok(None);
    }
    let user = stored.user.clone();
    let Ok(mut response) = make(broker, catalog, client, &stored.family, user, request, key)? else { return Ok(None) };
    let (next, sealed) = successor(broker, stored);
    let mut conn = broker.ctx.db.acquire().await?;
    if !tokens::rotate_of_live_family(&mut conn, stored, &next, &sealed, broker.ctx.now()).await? {
        return Ok(None);
    }
    response.refresh_token = Some(next.value.expose().clone());
    Ok(Some((response, stored.user.id.clone())))
}

/// The connection by which the person signed in, if it still leads to this client.
fn admitting(catalog: &Catalog, client: &Client, family: &Family) -> Option<Arc<Connection>> {
    catalog.connection(&family.connection_slug).filter(|c| c.may_login() && client.allows_connection(&c.slug))
}

async fn use_token(
    broker: &Broker,
    catalog: &Catalog,
    conn: &mut Conn,
    client: &Client,
    stored: Stored,
    request: &RefreshRequest,
    key: Option<&Jkt>,
) -> Result<Outcome, GrantError> {
    let now = broker.ctx.now();
    let family = &stored.family;
    if stored.revoked {
        return Ok(Outcome::Refused("refresh_family_revoked", "this sign-in was revoked; sign in again"));
    }
    if now >= stored.expires_at || now >= family.expires_at {
        return Ok(Outcome::Refused("refresh_token_expired", "the refresh token has expired; sign in again"));
    }
    let retried = match &stored.rotated {
        None => None,
        Some((at, successor)) => {
            let value =
                broker.ctx.vault.open_text(refresh::successor_place(&stored.id), successor).map_err(|error| {
                    tracing::error!(%error, "a refresh token's successor does not open");
                    GrantError::Broken(OAuthError::new(ErrorCode::ServerError, "the refresh token cannot be read"))
                })?;
            let identical_retry =
                now - *at <= refresh::RETRY_GRACE && tokens::is_unused(conn, &fingerprint(value.expose())).await?;
            if !identical_retry {
                tokens::revoke_family(conn, &family.id, "refresh_token_reused", now).await?;
                return Ok(Outcome::Refused(
                    "refresh_token_reused",
                    "the refresh token was used before, so all tokens of this sign-in are revoked; sign in again",
                ));
            }
            Some(value)
        }
    };
    let Some(user) = user::store::by_id(conn, &family.user_id).await?.filter(User::is_active) else {
        return Ok(Outcome::Refused("user_blocked", "the person may not sign in any more"));
    };
    let id = user.id.clone();
    let mut response = match make(broker, catalog, client, family, user, request, key)? {
        Ok(response) => response,
        Err((reason, description)) => return Ok(Outcome::Refused(reason, description)),
    };
    let refresh_token = match retried {
        Some(value) => value,
        None => rotate(broker, conn, &stored).await?,
    };
    response.refresh_token = Some(refresh_token.expose().clone());
    Ok(Outcome::Issued(Box::new((response, id))))
}

/// The answer but for the refresh token. Asks no storage. Inside, a refusal.
fn make(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    family: &Family,
    user: User,
    request: &RefreshRequest,
    key: Option<&Jkt>,
) -> Result<Result<TokenResponse, Refused>, GrantError> {
    if admitting(catalog, client, family).is_none() {
        return Ok(Err(("connection_disabled", "the connection by which the person signed in is disabled")));
    }
    let (granted, served) = today::narrowed(catalog, client, &family.scopes, &family.audiences)?;
    let mut asked = request.scope.clone().unwrap_or_default();
    let mut targets = request.targets.clone();
    asked.take_default_targets(&mut targets, &served)?;
    let scope = narrowed(Some(&asked).filter(|asked| !asked.is_empty()), &granted)?;
    let audiences = narrowed_audiences(&targets, &served)?;
    let person = Person {
        user,
        session_id: family.session_id.clone(),
        auth_time: family.auth_time,
        acr: family.acr.clone(),
        amr: family.amr.clone(),
    };
    let granted = Granted { client, person: Some(&person), scope: &scope, audiences: &audiences, key };
    let access = access::mint(broker, catalog, granted)?;
    let id_token = scope
        .contains("openid")
        .then(|| id_token::mint(broker, catalog, granted, &person, None, &access.jwt, &family.id_token_claims))
        .transpose()?;
    Ok(Ok(TokenResponse {
        access_token: access.jwt,
        token_type: access.scheme.as_str(),
        expires_in: access.expires_in,
        scope: scope.to_string(),
        refresh_token: None,
        id_token,
    }))
}

/// What replaces the token, and what remembers it for a retry.
fn successor(broker: &Broker, stored: &Stored) -> (NewRefreshToken, Sealed) {
    let ctx = &broker.ctx;
    let next = refresh::new_token(ctx, stored.family.expires_at);
    let sealed = ctx.vault.seal(refresh::successor_place(&stored.id), next.value.expose().as_bytes(), &ctx.rng);
    (next, sealed)
}

/// Makes the successor. The family's row is locked, so nobody else can have rotated meanwhile.
async fn rotate(broker: &Broker, conn: &mut Conn, stored: &Stored) -> Result<Secret<String>, GrantError> {
    let (next, sealed) = successor(broker, stored);
    if !tokens::rotate(conn, &stored.id, &next, &sealed, broker.ctx.now()).await? {
        return Err(GrantError::invalid_grant(
            "refresh_token_raced",
            "the refresh token was used by another request; try again",
        ));
    }
    Ok(next.value)
}

/// RFC 6749 §6: never more than was granted.
fn narrowed(asked: Option<&Scope>, granted: &Scope) -> Result<Scope, OAuthError> {
    let Some(asked) = asked else { return Ok(granted.clone()) };
    match asked.iter().find(|token| !granted.contains(token)) {
        None => Ok(asked.clone()),
        Some(stranger) => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            format!("the scope {stranger} was not granted; this refresh token holds: {granted}"),
        )),
    }
}

fn narrowed_audiences(asked: &[String], granted: &[String]) -> Result<Vec<String>, OAuthError> {
    match asked.iter().find(|a| !granted.contains(a)) {
        _ if asked.is_empty() => Ok(granted.to_vec()),
        None => Ok(asked.to_vec()),
        Some(stranger) => Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            format!("the audience {stranger} was not granted with this refresh token"),
        )),
    }
}
