//! From our logout on to the identity provider's, and back. Our own session has ended before: whatever happens on the
//! way, nobody stays signed in here, and the way back leads only to where the application registered it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use time::Duration;

use super::store::{self, NewTrip, Trip};
use super::{LogoutRequest, Redirect};
use crate::audit::Event;
use crate::broker::Broker;
use crate::login::{Problem, Visitor};
use crate::oauth::redirect_uri::RegisteredRedirectUri;
use crate::secret::{Kind, fingerprint, is_well_formed};
use crate::session::Session;
use crate::session::upstream::{StoredUpstreamSession, id_token_place};
use crate::upstream::{Onward, SamlMessage};

/// For a provider that asks "do you want to sign out?" of somebody who is at lunch.
const LIFETIME: Duration = Duration::minutes(30);

/// The answer with which a person came back.
#[derive(Debug)]
pub enum Answer<'a> {
    /// OIDC: nothing but `state`.
    Returned,
    /// A LogoutResponse at this connection.
    Saml { slug: &'a str, message: SamlMessage },
}

/// A trip that ended well enough.
#[derive(Debug)]
pub struct Back {
    /// Where the application wants the person.
    pub redirect: Option<Redirect>,
    /// The connection's name, where the provider confirmed the sign-out.
    pub also_at: Option<String>,
}

/// Where to send the browser to sign out at the provider as well. `None`: nowhere, or it is not possible just now, which
/// the audit log then says.
pub async fn depart(
    broker: &Broker,
    visitor: &Visitor,
    session: &Session,
    upstream: StoredUpstreamSession,
    request: &LogoutRequest,
) -> Option<Onward> {
    match try_depart(broker, visitor, session, upstream, request).await {
        Ok(onward) => onward,
        Err(problem) => {
            tracing::warn!(connection = %session.connection_slug, detail = problem.internal(), "no sign-out upstream");
            let event = Event::failed("logout.upstream", problem.reason(), format!("user:{}", session.user_id));
            broker.audit.record(
                event
                    .about(&session.user_id)
                    .connection(&session.connection_slug)
                    .trace(&visitor.trace_id)
                    .from_addr(visitor.addr)
                    .detail(serde_json::json!({ "detail": problem.internal() })),
            );
            None
        }
    }
}

async fn try_depart(
    broker: &Broker,
    visitor: &Visitor,
    session: &Session,
    upstream: StoredUpstreamSession,
    request: &LogoutRequest,
) -> Result<Option<Onward>, Problem> {
    let ctx = &broker.ctx;
    let Some(connection) = broker.catalog.load().connection(&session.connection_slug) else { return Ok(None) };
    let open = |sealed| ctx.vault.open_text(id_token_place(&session.id), sealed);
    let id_token =
        upstream.id_token.as_ref().map(open).transpose().map_err(|error| Problem::Vault(error.to_string()))?;
    let left = broker.upstreams.leave(ctx, &connection, &upstream.session, id_token.as_ref()).await;
    let left = left.map_err(|error| Problem::Upstream { connection: connection.display_name.clone(), error })?;
    let Some(departure) = left else { return Ok(None) };
    let now = ctx.now();
    let redirect = request.redirect.as_ref();
    let trip = NewTrip {
        handle_hash: fingerprint(departure.handle.expose()),
        browser_hash: visitor.browser_hash(),
        connection: &connection.id,
        request_id: departure.request_id.as_deref(),
        client_id: request.client.as_ref().map(|client| client.client_id.as_str()),
        redirect_uri: redirect.map(|redirect| redirect.uri.as_str()),
        state: redirect.and_then(|redirect| redirect.state.as_deref()),
        trace_id: &visitor.trace_id,
        expires_at: now + LIFETIME,
    };
    let mut conn = ctx.db.acquire().await.map_err(Problem::Database)?;
    store::insert(&mut conn, trip, now).await.map_err(Problem::Database)?;
    Ok(Some(departure.onward))
}

/// The person comes back with this handle. It counts once, in the browser that left with it.
///
/// # Errors
/// a [`Problem`] that names the cause; the person is signed out with us nevertheless.
pub async fn come_back(
    broker: &Broker,
    visitor: &Visitor,
    handle: Option<&str>,
    answer: Answer<'_>,
) -> Result<Back, Problem> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    let handle = handle.filter(|handle| is_well_formed(Kind::UpstreamState, handle)).ok_or(Problem::StateUnknown)?;
    let handle = fingerprint(handle);
    let mut conn = ctx.db.acquire().await.map_err(Problem::Database)?;
    let trip = store::by_handle(&mut conn, &handle).await.map_err(Problem::Database)?.ok_or(Problem::StateUnknown)?;
    // not held while the provider's metadata may be fetched
    drop(conn);
    if verify_slices_are_equal(&trip.browser_hash, &visitor.browser_hash()).is_err() {
        return Err(Problem::StateOfAnotherBrowser);
    }
    if trip.completed {
        return Err(Problem::StateReplayed);
    }
    if now >= trip.expires_at {
        return Err(Problem::Stale);
    }
    let catalog = broker.catalog.load_full();
    let complete = match (answer, &trip.request_id) {
        (Answer::Returned, None) => true,
        (Answer::Saml { slug, message }, Some(request_id)) => {
            let connection = catalog.connection(slug).ok_or(Problem::UnknownConnection)?;
            if slug != trip.connection_slug {
                return Err(Problem::StateOfAnotherConnection);
            }
            let answered = broker.upstreams.logout_response(ctx, &connection, message, request_id).await;
            answered.map_err(|error| Problem::Upstream { connection: connection.display_name.clone(), error })?
        }
        _ => return Err(Problem::StateUnknown),
    };
    let mut conn = ctx.db.acquire().await.map_err(Problem::Database)?;
    if !store::complete(&mut conn, &handle, now).await.map_err(Problem::Database)? {
        return Err(Problem::StateReplayed);
    }
    let connection = catalog.connection(&trip.connection_slug);
    let event = match complete {
        true => Event::success("logout.upstream", "anonymous"),
        false => Event::failed("logout.upstream", "partial_logout", "anonymous"),
    };
    let mut event = event.connection(&trip.connection_slug).trace(&visitor.trace_id).from_addr(visitor.addr);
    event.client_id = trip.client_id.clone();
    broker.audit.record(event);
    Ok(Back {
        redirect: onward(broker, trip),
        also_at: connection.filter(|_| complete).map(|connection| connection.display_name.clone()),
    })
}

/// The application may have been changed while the person was away: its address is checked as if it came now.
fn onward(broker: &Broker, trip: Trip) -> Option<Redirect> {
    let client = broker.catalog.load().client(&trip.client_id?)?;
    let uri = RegisteredRedirectUri::check(&trip.redirect_uri?, &client.post_logout_redirect_uris)?;
    Some(Redirect { uri, state: trip.state })
}
