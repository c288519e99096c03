//! Authorization requests that clients push ahead (RFC 9126): checked when they arrive, kept as they were checked, and
//! used up by the answer. Until then the browser may come with the reference as often as the person reloads the page.

pub mod endpoint;
pub mod store;

use std::sync::Arc;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::request::{RequestUriFault, TargetError};
use super::{AuthorizeRequest, Target};
use crate::broker::{Broker, Catalog};
use crate::client::Client;
use crate::db::{Conn, database_error};
use crate::ids::PushedRequestId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::redirect_uri::RegisteredRedirectUri;
use crate::secret::{Kind, fingerprint, is_well_formed, mint};
use crate::token::dpop::DpopHeader;

/// From the push to the browser's first coming (RFC 9126 §2.2: between 5 and 600 seconds).
pub const LIFETIME: Duration = Duration::seconds(90);
const PATH: &str = "/oauth/par";
/// RFC 9126 §2.2.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A request as it stands in storage.
#[derive(Debug)]
pub struct PushedRequest {
    pub id: PushedRequestId,
    pub client_id: String,
    pub request: AuthorizeRequest,
    pub expires_at: OffsetDateTime,
}

/// RFC 9126 §2.2. `expires_in` is seconds.
#[derive(Debug, Serialize)]
pub struct PushedResponse {
    pub request_uri: String,
    pub expires_in: i64,
}

/// Checks it as `/authorize` would, for a client that authenticated, and keeps it. A proof binds the code to its key.
///
/// # Errors
/// what `/authorize` would have answered; `temporarily_unavailable` without the database.
pub async fn push(
    broker: &Broker,
    client: &Arc<Client>,
    params: &Params,
    proof: &DpopHeader,
) -> Result<PushedResponse, OAuthError> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    let target = Target::of(client.clone(), params).map_err(|error| not_a_target(&error))?;
    let mut request = AuthorizeRequest::check(broker, &broker.catalog.load(), params, &target)?;
    if let Some(key) = proof.key(broker, PATH).await? {
        request = request.bound_to(key)?;
    }
    let reference = mint(Kind::PushedRequest, &ctx.rng);
    let pushed = PushedRequest {
        id: PushedRequestId::new(now, &ctx.rng),
        client_id: client.client_id.to_string(),
        request,
        expires_at: now + LIFETIME,
    };
    let mut conn = ctx.db.acquire().await.map_err(|error| database_error(&error))?;
    let hash = fingerprint(reference.expose());
    store::insert(&mut conn, &pushed, &hash, now).await.map_err(|error| database_error(&error))?;
    Ok(PushedResponse { request_uri: format!("{PREFIX}{}", reference.expose()), expires_in: LIFETIME.whole_seconds() })
}

fn not_a_target(error: &TargetError) -> OAuthError {
    let text = match error {
        TargetError::RedirectUriMissing => "the parameter redirect_uri is missing",
        TargetError::RedirectUriNotRegistered { .. } => {
            "redirect_uri is not one of those registered for this client; it must match byte for byte"
        }
        TargetError::StateTooLong => "state is longer than 2048 bytes",
        _ => "the request cannot be pushed by this client",
    };
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

/// The part of `request_uri` that is ours, if it is a reference to what was pushed here.
pub fn reference(params: &Params) -> Option<&str> {
    params.get("request_uri")?.strip_prefix(PREFIX)
}

/// What stands behind a reference, for the client that the browser names. Whatever else the browser brought along
/// counts for nothing (RFC 9126 §4).
///
/// # Errors
/// [`TargetError`] inside: without a request there is nowhere to redirect to. The database's outside.
pub async fn take_up(
    broker: &Broker,
    catalog: &Catalog,
    params: &Params,
    reference: &str,
) -> Result<Result<(Arc<Client>, AuthorizeRequest), TargetError>, sqlx::Error> {
    let client = match Target::client(params, |id| catalog.client(id)) {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let unusable = |fault| Ok(Err(TargetError::RequestUri(fault)));
    if !is_well_formed(Kind::PushedRequest, reference) {
        return unusable(RequestUriFault::Unknown);
    }
    let mut conn = broker.ctx.db.acquire().await?;
    let Some(pushed) = store::by_reference(&mut conn, &fingerprint(reference)).await? else {
        return unusable(RequestUriFault::Unknown);
    };
    if pushed.client_id != client.client_id.as_str() {
        return unusable(RequestUriFault::OfAnotherClient);
    }
    if broker.ctx.now() >= pushed.expires_at {
        return unusable(RequestUriFault::Expired);
    }
    // an operator may have taken it away meanwhile
    let requested = pushed.request.redirect_uri.as_str();
    if RegisteredRedirectUri::check(requested, &client.redirect_uris).is_none() {
        let client_id = client.client_id.to_string();
        return Ok(Err(TargetError::RedirectUriNotRegistered { client_id, redirect_uri: requested.into() }));
    }
    let request = AuthorizeRequest { pushed: Some(pushed.id), ..pushed.request };
    Ok(Ok((client, request)))
}

/// The answer to `request` is on its way. False: another answer to the same pushed request was given before.
///
/// # Errors
/// the database's.
pub async fn use_up(conn: &mut Conn, request: &AuthorizeRequest) -> Result<bool, sqlx::Error> {
    match &request.pushed {
        Some(id) => store::delete(conn, id).await,
        None => Ok(true),
    }
}
