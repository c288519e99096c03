//! Which connection a person signs in by: what the request itself points to, and what the person may pick.

pub mod pages;

use std::sync::Arc;

use super::authorize::{find, resume, step, usable_session};
use super::{Next, Problem, Refusal, Visitor};
use crate::authorization::next_step::SignIn;
use crate::authorization::{self, Authorization, AuthorizeRequest, Step};
use crate::broker::Broker;
use crate::client::Client;
use crate::connection::Connection;
use crate::session::Session;

/// The connection that the request itself points to, most explicit first.
pub fn preselected(
    possible: &[Arc<Connection>],
    request: &AuthorizeRequest,
    session: Option<&Session>,
    kind: SignIn,
) -> Option<Arc<Connection>> {
    let by_slug = |slug: &str| possible.iter().find(|c| c.slug.as_str() == slug);
    if let Some(connection) = request.connection_hint.as_deref().and_then(by_slug) {
        return Some(connection.clone());
    }
    if let [only] = possible {
        return Some(only.clone());
    }
    let again = session.filter(|_| kind == SignIn::Again).and_then(|s| by_slug(&s.connection_slug));
    if let Some(connection) = again {
        return Some(connection.clone());
    }
    let hinted = [request.login_hint.as_deref(), request.domain_hint.as_deref()];
    hinted.into_iter().flatten().find_map(|hint| by_domain(possible, hint))
}

/// Home-realm discovery: the connection that owns the domain of an e-mail address, or the domain itself.
pub fn by_domain(possible: &[Arc<Connection>], hint: &str) -> Option<Arc<Connection>> {
    let domain = hint.rsplit_once('@').map_or(hint, |(_, domain)| domain).trim();
    possible.iter().find(|c| c.email_domains.iter().any(|d| d.eq_ignore_ascii_case(domain))).cloned()
}

/// With `prompt=select_account`: the session that would do, if the person chooses it.
///
/// # Errors
/// the database's.
pub async fn may_continue(
    broker: &Broker,
    visitor: &Visitor,
    authorization: &Authorization,
    client: &Client,
) -> Result<Option<Session>, sqlx::Error> {
    let catalog = broker.catalog.load_full();
    let Some(session) = usable_session(broker, visitor, &catalog, client).await? else { return Ok(None) };
    let before = step(broker, authorization, client, Some(&session), false).await?;
    let mut chosen = authorization.clone();
    chosen.request.prompt.select_account = false;
    let after = step(broker, &chosen, client, Some(&session), false).await?;
    let only_asks_to_choose = before == Step::SignIn(SignIn::Choose) && !matches!(after, Step::SignIn(_));
    Ok(only_asks_to_choose.then_some(session))
}

/// The person chose the account that is signed in.
///
/// # Errors
/// [`Problem::Stale`] when that account does not do.
pub async fn continue_as(broker: &Broker, visitor: &Visitor, id: &str) -> Result<Next, Refusal> {
    let (authorization, client) = find(broker, visitor, id).await?;
    let session = may_continue(broker, visitor, &authorization, &client).await?;
    let session = session.ok_or_else(|| Refusal::from(Problem::Stale).at(&authorization))?;
    let mut conn = broker.ctx.db.acquire().await?;
    if !authorization::store::identify(&mut conn, &authorization.id, &session.id).await? {
        return Err(Refusal::from(Problem::Stale).at(&authorization));
    }
    drop(conn);
    resume(broker, visitor, id).await
}
