//! `authorization_code` (RFC 6749 §4.1.3): a code becomes tokens once. A code that comes again revokes what it made,
//! unless the same client with the same verifier merely stumbled (two requests in one breath).

use time::Duration;

use super::request::CodeRequest;
use super::signed_in::{self, Grounds};
use super::{GrantError, TokenResponse, possession, told};
use crate::authorization::store::{self as authorizations, Code};
use crate::broker::{Broker, Catalog};
use crate::client::{AuthenticatedClient, Client};
use crate::db::{self, Conn};
use crate::oauth::jkt::Jkt;
use crate::oauth::pkce;
use crate::secret::{Kind, fingerprint, is_well_formed};
use crate::token::store as tokens;

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
    key: Option<&Jkt>,
) -> Result<(TokenResponse, crate::ids::UserId), GrantError> {
    let unknown =
        || GrantError::invalid_grant("code_unknown", "the code is unknown; start again at the authorization endpoint");
    if !is_well_formed(Kind::AuthorizationCode, request.code.expose()) {
        return Err(unknown());
    }
    let hash = fingerprint(request.code.expose());
    let client = &**authenticated.client();
    let mut login = None;
    let outcome = db::in_tx(&broker.ctx.db, async |conn| {
        let Some(code) = authorizations::by_code(conn, &hash).await? else { return Err(unknown()) };
        login = Some(code.trace_id.clone());
        check(client, &code, &request)?;
        possession::held(code.request.dpop_jkt.as_ref(), key)?;
        if code.redeemed.is_some() {
            return reused(broker, conn, &code).await;
        }
        issue(broker, catalog, conn, client, code, key).await
    })
    .await;
    let redeemed = outcome.and_then(|outcome| match outcome {
        Outcome::Issued(issued) => Ok(*issued),
        Outcome::Refused(reason, description) => Err(GrantError::invalid_grant(reason, description)),
    });
    match (&redeemed, &login) {
        (Ok((response, _)), Some(login)) => told::redeemed(broker, login, response),
        (Err(error), Some(login)) => told::refused(broker, login, error),
        (_, None) => {}
    }
    redeemed
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
    key: Option<&Jkt>,
) -> Result<Outcome, GrantError> {
    let now = broker.ctx.now();
    if now >= code.expires_at {
        return Ok(Outcome::Refused("code_expired", "the code has expired; redeem it within a minute"));
    }
    let grounds = Grounds {
        session: &code.session_id,
        scopes: &code.scopes,
        audiences: &code.request.audiences,
        nonce: code.request.nonce.as_deref(),
        asked: &code.request.claims.id_token,
        key,
    };
    let minted = match signed_in::mint(broker, catalog, conn, client, grounds).await? {
        Ok(minted) => minted,
        Err((reason, description)) => return Ok(Outcome::Refused(reason, description)),
    };
    if !authorizations::redeem(conn, &code.id, &minted.jti, minted.family(), now).await? {
        return Ok(Outcome::Refused(
            "code_already_redeemed",
            "the code was used before; start again at the authorization endpoint",
        ));
    }
    minted.keep(broker, conn).await?;
    Ok(Outcome::Issued(Box::new((minted.response, minted.user))))
}
