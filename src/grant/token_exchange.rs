//! `token-exchange` (RFC 8693). A JWT of an issuer that the client trusts becomes a token for the client itself. An access
//! token of ours becomes one that can do less: for its own client, a part of its audiences and scopes; for an API that
//! received it and is registered to pass people on, one for the APIs behind it. It never outlives what it was made from.

use time::OffsetDateTime;

use super::request::{CredentialsRequest, ExchangeRequest};
use super::{GrantError, TokenResponse, client_credentials, possession, today};
use crate::broker::{Broker, Catalog};
use crate::client::{AuthenticatedClient, Client};
use crate::ids::{SessionId, UserId};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::session;
use crate::token::presented::{PresentedToken, Shown, TokenFault};
use crate::token::{Granted, Person, access};
use crate::user::User;

/// `vouched`: the subject token was verified already, and stands for the client.
///
/// # Errors
/// [`GrantError::Refused`] with `invalid_request` for the subject token (RFC 8693 §2.2.2), `invalid_target` or
/// `invalid_scope`; the database's.
pub async fn exchange(
    broker: &Broker,
    catalog: &Catalog,
    authenticated: &AuthenticatedClient,
    request: ExchangeRequest,
    vouched: bool,
    key: Option<&Jkt>,
) -> Result<(TokenResponse, Option<UserId>), GrantError> {
    if vouched {
        let request = CredentialsRequest { scope: request.scope, targets: request.targets };
        return client_credentials::issue(broker, catalog, authenticated, request, key)
            .map(|response| (response, None));
    }
    let client = &**authenticated.client();
    let subject = PresentedToken::read(broker, request.subject_token.expose(), Shown::ByThirdParty).map_err(refused)?;
    let serves = may_exchange(client, &subject)?;
    if !serves {
        // or a stolen one would be freed of its key
        possession::held(subject.key().as_ref(), key)?;
    }
    let person = standing(broker, catalog, client, &subject).await?;
    let (scope, audiences) = if serves {
        passed_on(catalog, client, &request)?
    } else {
        part_of(broker, catalog, client, &subject, &request)?
    };
    let granted = Granted { client, person: person.as_ref(), scope: &scope, audiences: &audiences, key };
    let token = access::mint_until(broker, catalog, granted, subject.exp)?;
    let response = TokenResponse {
        access_token: token.jwt,
        token_type: token.scheme.as_str(),
        expires_in: token.expires_in,
        scope: scope.to_string(),
        refresh_token: None,
        id_token: None,
    };
    Ok((response, person.map(|person| person.user.id)))
}

fn refused(fault: TokenFault) -> GrantError {
    subject_token("subject_token_invalid", fault.description())
}

fn subject_token(reason: &'static str, text: &'static str) -> GrantError {
    let error = OAuthError::new(ErrorCode::InvalidRequest, format!("the subject_token cannot be exchanged: {text}"));
    GrantError::Refused { reason, error }
}

/// Its own token: false. A token that was sent to the API which this client is: true. A stranger's token, which it can
/// only have come by, is nobody's to exchange.
fn may_exchange(client: &Client, subject: &PresentedToken) -> Result<bool, GrantError> {
    if subject.client_id == client.client_id.as_str() {
        return Ok(false);
    }
    let audiences = subject.audiences();
    let serves = audiences.iter().any(|audience| client.settings.serves.contains(audience));
    if !serves || !client.is_confidential() {
        let text = "it was issued to another client, and is for no audience that this client serves (serves)";
        return Err(subject_token("subject_token_of_another_client", text));
    }
    if subject.is_machine() {
        let text = "it stands for another client and not for a person; use client_credentials for a token of your own";
        return Err(subject_token("subject_token_of_another_client", text));
    }
    Ok(true)
}

/// The person, as far as they may come in here today; none for a machine.
async fn standing(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    subject: &PresentedToken,
) -> Result<Option<Person>, GrantError> {
    let mut conn = broker.ctx.db.acquire().await?;
    let Some(user) = subject.standing(broker, &mut conn).await?.map_err(refused)? else { return Ok(None) };
    let text = |claim: &str| subject.claims[claim].as_str();
    let sid = text("sid").unwrap_or_default();
    let slug = session::store::connection_of(&mut conn, sid).await?;
    let Some(slug) = slug else {
        return Err(subject_token("session_ended", "the sign-in behind it has ended"));
    };
    if !catalog.connection(&slug).is_some_and(|c| c.may_login() && client.allows_connection(&c.slug)) {
        let text = "the connection by which the person signed in is disabled, or not one of this client's";
        return Err(subject_token("connection_disabled", text));
    }
    Ok(Some(person(subject, user, sid)))
}

fn person(subject: &PresentedToken, user: User, sid: &str) -> Person {
    let claims = &subject.claims;
    let auth_time = claims["auth_time"].as_i64().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let amr = claims["amr"].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(Into::into));
    Person {
        user,
        session_id: SessionId::from_stored(sid.to_owned()),
        auth_time: auth_time.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        acr: claims["acr"].as_str().map(Into::into),
        amr: amr.collect(),
    }
}

/// For the client's own token: never more than it holds, and no more than the client may have today.
fn part_of(
    broker: &Broker,
    catalog: &Catalog,
    client: &Client,
    subject: &PresentedToken,
    request: &ExchangeRequest,
) -> Result<(Scope, Vec<String>), GrantError> {
    let (mut asked, mut targets) = (request.scope.clone().unwrap_or_default(), request.targets.clone());
    // a token without an audience of its own is for UserInfo, which every token with openid is
    let mut held = subject.audiences();
    held.retain(|audience| *audience != broker.ctx.urls.at("/userinfo"));
    asked.take_default_targets(&mut targets, &held)?;
    if let Some(stranger) = targets.iter().find(|target| !held.contains(target)) {
        let text =
            format!("the subject_token is not for the audience {stranger}, so no token for it can be made of it");
        return Err(OAuthError::new(ErrorCode::InvalidTarget, text).into());
    }
    let wanted = if targets.is_empty() { &held } else { &targets };
    let (mut scope, audiences) = today::narrowed(catalog, client, &subject.scope, wanted)?;
    if let Some(stranger) = asked.iter().find(|token| !scope.contains(token)) {
        let text = format!("the scope {stranger} is not one that the subject_token holds for this audience: {scope}");
        return Err(OAuthError::new(ErrorCode::InvalidScope, text).into());
    }
    if !asked.is_empty() {
        scope = asked;
    }
    Ok((scope, audiences))
}

/// For an API that passes a person on: what it may have on the audience itself, without OIDC's scopes, which are the
/// sign-in's client's.
fn passed_on(
    catalog: &Catalog,
    client: &Client,
    request: &ExchangeRequest,
) -> Result<(Scope, Vec<String>), GrantError> {
    Ok(client_credentials::granted(catalog, client, request.scope.clone(), request.targets.clone())?)
}
