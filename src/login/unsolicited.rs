//! A sign-in that begins at a SAML identity provider (SAML profiles §4.1.5). Its assertion could have been anybody's, put
//! into this browser by anybody, so it never makes a session: where the connection takes it at all, it makes this
//! browser ask the provider itself, and the answer to that signs in. It ends at a fixed place; the RelayState that came
//! along is not looked at.

use serde_json::json;
use time::Duration;
use url::Url;

use super::depart::{Why, leave};
use super::store;
use super::{Next, Problem, Refusal, Visitor, undecrypted};
use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::connection::{Connection, Protocol};
use crate::ctx::Ctx;
use crate::db;
use crate::metadata;
use crate::oauth::params::Params;
use crate::secret::{Kind, is_well_formed};
use crate::trace::Word;
use crate::upstream::{StartHints, UpstreamError};

/// A provider that answers our request with no answer to it would send the browser round for ever.
const MOST_IN_A_MINUTE: i64 = 3;

/// Whether what came to the assertion consumer service is no answer: its RelayState is none that we make, and it names no
/// request.
pub async fn is_unsolicited(broker: &Broker, relay_state: Option<&str>, params: &Params) -> bool {
    let ours = relay_state.is_some_and(|state| is_well_formed(Kind::UpstreamState, state));
    !ours && broker.upstreams.is_unsolicited(params).await
}

/// # Errors
/// [`Problem::Unsolicited`] where the connection does not take it, [`Problem::AssertionReplayed`],
/// [`Problem::UnsolicitedAgain`], and as a departure.
pub async fn arrive(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    params: &Params,
) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    if !connection.may_login() {
        return Err(Problem::UnknownConnection.into());
    }
    let name = || connection.display_name.clone();
    visitor.trace.connection(&connection.slug);
    if !matches!(&connection.protocol, Protocol::Saml(settings) if settings.allow_idp_initiated) {
        return Err(Problem::Unsolicited { connection: name() }.into());
    }
    undecrypted::may_try(broker, visitor, connection)?;
    let fetched = metadata::needed(broker, connection).await;
    let fetched = fetched.map_err(|error| Problem::Upstream { connection: name(), error })?;
    let connection = fetched.as_deref().unwrap_or(connection);
    let mut vouched = broker.upstreams.unsolicited(ctx, connection, params).await;
    let mut newer = None;
    if vouched.as_ref().is_err_and(UpstreamError::is_about_certificates) {
        newer = metadata::newer(broker, connection).await;
    }
    if let Some(newer) = &newer {
        vouched = broker.upstreams.unsolicited(ctx, newer, params).await;
    }
    let connection = newer.as_deref().unwrap_or(connection);
    let once = vouched.map_err(|error| {
        undecrypted::note(broker, visitor, connection, &error);
        Problem::Upstream { connection: name(), error }
    })?;
    let event = Event::success("login.unsolicited", "anonymous")
        .connection(&connection.slug)
        .trace(&visitor.trace_id)
        .from_addr(visitor.addr);
    visitor.trace.passed(Word::AnswerVerified, json!({ "answers": "no request of ours: it only begins a sign-in" }));
    db::in_tx(&ctx.db, async |conn| {
        if !store::remember_assertion(conn, &connection.id, &once.id, once.until).await? {
            return Err(Refusal::from(Problem::AssertionReplayed));
        }
        let since = ctx.now() - Duration::minutes(1);
        let before = store::count_unsolicited(conn, &visitor.browser_hash(), &connection.id, since).await?;
        if before >= MOST_IN_A_MINUTE {
            return Err(Problem::UnsolicitedAgain { connection: name() }.into());
        }
        Ok(audit::record(ctx, conn, event).await?)
    })
    .await?;
    leave(broker, visitor, Why::Unsolicited, connection, &StartHints::default()).await
}

/// Where such a sign-in ends: the application's own beginning, which is told who asks it to begin (OIDC Core §4), or our
/// page that says who is signed in.
pub fn landing(ctx: &Ctx, connection: &Connection) -> String {
    let configured = match &connection.protocol {
        Protocol::Saml(settings) => settings.initiate_login_uri.as_deref(),
        Protocol::Oidc(_) => None,
    };
    match configured.and_then(|uri| Url::parse(uri).ok()) {
        Some(mut uri) => {
            uri.query_pairs_mut().append_pair("iss", ctx.urls.issuer());
            uri.into()
        }
        None => ctx.urls.local("/"),
    }
}
