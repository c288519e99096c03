//! `authorization_code` (RFC 6749 §4.1.3): a code becomes tokens once. A code that comes again revokes what it made,
//! unless the same client with the same verifier merely stumbled (two requests in one breath).

use time::Duration;

use super::request::CodeRequest;
use super::{GrantError, TokenResponse, today};
use crate::authorization::store::{self as authorizations, Code};
use crate::broker::{Broker, Catalog};
use crate::client::{AuthenticatedClient, Client};
use crate::db::{self, Conn};
use crate::ids::FamilyId;
use crate::oauth::grant_type::GrantType;
use crate::oauth::pkce;
use crate::secret::{Kind, fingerprint, is_well_formed};
use crate::session;
use crate::token::refresh::{self, Family};
use crate::token::{Granted, Person, access, id_token, store as tokens};
use crate::user;

/// Two redemptions this close to each other are one client's accident.
const STUMBLE: Duration = Duration::seconds(5);

enum Outcome {
    Issued(Box<(TokenResponse, crate::ids::UserId)>),
    Refused(&'static str, &'static str),
}

/// # Errors
/// [`GrantError::Refused`] with `invalid_grant`; the database's.
pub async fn redeem(
    broker: &Broker,
    catalog: &Catalog,
    authenticated: &AuthenticatedClient,
    request: CodeRequest,
) -> Result<(TokenResponse, crate::ids::UserId), GrantError> {
    let unknown =
        || GrantError::invalid_grant("code_unknown", "the code is unknown; start again at the authorization endpoint");
    if !is_well_formed(Kind::AuthorizationCode, request.code.expose()) {
        return Err(unknown());
    }
    let hash = fingerprint(request.code.expose());
    let client = &**authenticated.client();
    let outcome = db::in_tx(&broker.ctx.db, async |conn| {
        let Some(code) = authorizations::by_code(conn, &hash).await? else { return Err(unknown()) };
        check(client, &code, &request)?;
        if code.redeemed.is_some() {
            return reused(broker, conn, &code).await;
        }
        issue(broker, catalog, conn, client, code).await
    })
    .await?;
    match outcome {
        Outcome::Issued(issued) => Ok(*issued),
        Outcome::Refused(reason, description) => Err(GrantError::invalid_grant(reason, description)),
    }
}

/// What must hold before the code is touched; none of it burns the code.
fn check(client: &Client, code: &Code, request: &CodeRequest) -> Result<(), GrantError> {
    if code.client_id != client.client_id.as_str() {
        return Err(GrantError::invalid_grant("code_of_another_client", "the code was issued to another client"));
    }
    if request.redirect_uri.as_deref() != Some(code.request.redirect_uri.as_str()) {
        return Err(GrantError::invalid_grant(
            "redirect_uri_differs",
            "redirect_uri is missing or differs from the one of the authorization request",
        ));
    }
    let verifier = request.code_verifier.as_ref().map(|v| v.expose().as_str());
    pkce::check(code.request.code_challenge.as_ref(), verifier)
        .map_err(|error| GrantError::Refused { reason: "pkce_failed", error })
}

async fn reused(broker: &Broker, conn: &mut Conn, code: &Code) -> Result<Outcome, GrantError> {
    let now = broker.ctx.now();
    let description = "the code was used before; start again at the authorization endpoint";
    let Some(earlier) = &code.redeemed else { return Ok(Outcome::Refused("code_already_redeemed", description)) };
    if now - earlier.at <= STUMBLE {
        return Ok(Outcome::Refused("code_already_redeemed", description));
    }
    if let Some(family) = &earlier.family {
        tokens::revoke_family(conn, family, "code_reused", now).await?;
    }
    if let Some(jti) = &earlier.access_jti {
        tokens::revoke_access_token(conn, jti, now + Duration::days(1)).await?;
    }
    Ok(Outcome::Refused("code_reused", "the code was used before; the tokens it made are revoked"))
}

async fn issue(
    broker: &Broker,
    catalog: &Catalog,
    conn: &mut Conn,
    client: &Client,
    code: Code,
) -> Result<Outcome, GrantError> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    if now >= code.expires_at {
        return Ok(Outcome::Refused("code_expired", "the code has expired; redeem it within a minute"));
    }
    let Some(session) = session::store::by_id(conn, &code.session_id).await? else {
        return Ok(Outcome::Refused("session_ended", "the person signed out before the code was redeemed"));
    };
    let Some(user) = user::store::by_id(conn, &session.user_id).await?.filter(user::User::is_active) else {
        return Ok(Outcome::Refused("user_blocked", "the person may not sign in any more"));
    };
    if !catalog.connection(&session.connection_slug).is_some_and(|c| c.may_login() && client.allows_connection(&c.slug))
    {
        return Ok(Outcome::Refused("connection_disabled", "the connection by which the person signed in is disabled"));
    }
    let identity_id = session.identity_id.clone();
    let person =
        Person { user, session_id: session.id, auth_time: session.auth_time, acr: session.acr, amr: session.amr };
    let (scopes, audiences) = today::narrowed(catalog, client, &code.scopes, &code.request.audiences)?;
    let (scopes, audiences) = (&scopes, &audiences);
    let granted = Granted { client, person: Some(&person), scope: scopes, audiences };
    let access = access::mint(broker, catalog, granted)?;
    let nonce = code.request.nonce.as_deref();
    let id_token = scopes
        .contains("openid")
        .then(|| {
            id_token::mint_asked(broker, catalog, granted, &person, nonce, &access.jwt, &code.request.claims.id_token)
        })
        .transpose()?;
    let wants_refresh = scopes.contains("offline_access") && client.may_use(GrantType::RefreshToken);
    let family = wants_refresh.then(|| Family {
        id: FamilyId::new(now, &ctx.rng),
        client_id: client.client_id.to_string(),
        user_id: person.user.id.clone(),
        identity_id,
        session_id: person.session_id.clone(),
        connection_slug: session.connection_slug,
        scopes: scopes.clone(),
        audiences: audiences.clone(),
        auth_time: person.auth_time,
        acr: person.acr.clone(),
        amr: person.amr.clone(),
        expires_at: now + refresh::ABSOLUTE_LIFETIME,
    });
    let first = family.as_ref().map(|family| refresh::new_token(ctx, family.expires_at));
    if !authorizations::redeem(conn, &code.id, &access.jti, family.as_ref().map(|f| &f.id), now).await? {
        return Ok(Outcome::Refused(
            "code_already_redeemed",
            "the code was used before; start again at the authorization endpoint",
        ));
    }
    if let (Some(family), Some(first)) = (&family, &first) {
        tokens::insert_family(conn, family, now).await?;
        tokens::insert_token(conn, &family.id, first, now).await?;
    }
    let response = TokenResponse {
        access_token: access.jwt,
        token_type: "Bearer",
        expires_in: access.expires_in,
        scope: scopes.to_string(),
        refresh_token: first.map(|token| token.value.expose().clone()),
        id_token,
    };
    Ok(Outcome::Issued(Box::new((response, person.user.id))))
}
