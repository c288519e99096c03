//! Signing in at the operator's desk through a connection: a trip like any other, and at its end the connection's operator
//! rules decide over what the upstream has just said. It makes no single sign-on session, as such a session makes no
//! operator: whoever is signed in to an application is not thereby at the desk, nor the other way round.

use std::sync::Arc;

use serde_json::json;

use super::arrive::admit;
use super::authorize::require_live;
use super::depart::{Why, leave};
use super::store::{Attempt, remember_assertion};
use super::verified::answered;
use super::{Next, Problem, Refusal, Visitor, told};
use crate::audit::Author;
use crate::broker::Broker;
use crate::connection::{Connection, Profile};
use crate::db::{self, Conn};
use crate::oauth::params::Params;
use crate::operator::rule::{self, Vouched};
use crate::operator::session::Browser;
use crate::operator::sign_in::{self, SignIn};
use crate::secret::Secret;
use crate::trace::Word;
use crate::upstream::{StartHints, UpstreamIdentity};
use crate::user::{self, User};

/// Leaves. `then` is the page of the desk to go to, as the caller has checked it, or nothing.
///
/// # Errors
/// [`Problem::UnknownConnection`] where no operator rule is; as a departure.
pub async fn begin(broker: &Broker, visitor: &Visitor, slug: &str, then: &str) -> Result<Next, Refusal> {
    require_live(broker)?;
    let connection = broker.catalog.load().connection(slug).ok_or(Problem::UnknownConnection)?;
    let rules = rule::store::of(&mut *broker.ctx.db.acquire().await?, &connection.id).await?;
    if rules.is_empty() {
        return Err(Problem::UnknownConnection.into());
    }
    leave(broker, visitor, Why::Desk { then }, &connection, &StartHints::default()).await
}

/// Comes back.
pub(super) async fn arrive(
    broker: &Broker,
    visitor: &Visitor,
    mut connection: Arc<Connection>,
    attempt: &Attempt,
    then: &str,
    params: &Params,
) -> Result<Next, Refusal> {
    let identity = answered(broker, visitor, &mut connection, attempt, params).await?;
    let mapped = connection.effective_mapping().mapped(identity.claims(), &connection);
    told::mapped(visitor, &mapped);
    admit(broker, visitor, &connection, None, &identity)?;
    visitor.trace.begin(Word::User);
    let attempt = async |conn: &mut Conn| seat(broker, visitor, &connection, &identity, &mapped.profile, conn).await;
    let seated = match db::in_tx(&broker.ctx.db, attempt).await {
        // the same person's first two sign-ins raced
        Err(Refusal { problem: Problem::Database(error), .. }) if db::on_constraint(&error, "identities_key") => {
            db::in_tx(&broker.ctx.db, attempt).await?
        }
        other => other?,
    };
    match seated {
        Ok(session) => {
            visitor.trace.succeeded();
            let onward = if then.is_empty() { broker.ctx.urls.local("/admin") } else { then.into() };
            Ok(Next::Seated { onward, session })
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn seat(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    identity: &UpstreamIdentity,
    profile: &Profile,
    conn: &mut Conn,
) -> Result<Result<Secret<String>, Problem>, Refusal> {
    let ctx = &broker.ctx;
    if let Some(once) = identity.once()
        && !remember_assertion(conn, &connection.id, &once.id, once.until).await?
    {
        return Err(Problem::AssertionReplayed.into());
    }
    let person = user::login::resolve(ctx, conn, &connection.id, identity.key(), profile).await?.user;
    if !person.is_active() {
        return Ok(Err(Problem::Blocked));
    }
    let for_rules = person.for_rules();
    let vouched = vouched(&person, connection, identity, &for_rules);
    let Some(operator) = rule::admit(ctx, conn, vouched).await? else {
        return Ok(Err(Problem::NoOperator { connection: connection.display_name.clone() }));
    };
    visitor.trace.passed(Word::User, json!({ "user": person.id, "operator": operator.role }));
    visitor.trace.user(&person.id);
    let author =
        Author { actor: operator.actor(), trace_id: Some(visitor.trace_id.clone()), remote_addr: visitor.addr };
    let browser = Browser { user_agent: visitor.user_agent.clone(), addr: visitor.addr };
    match sign_in::seat(ctx, conn, &author, &browser, operator, connection.slug.as_str()).await? {
        SignIn::Seated(secret, _) => Ok(Ok(secret)),
        _ => Err(Problem::Stale.into()),
    }
}

/// What rules decide over.
pub(super) fn vouched<'a>(
    person: &'a User,
    connection: &'a Connection,
    identity: &'a UpstreamIdentity,
    for_rules: &'a serde_json::Value,
) -> Vouched<'a> {
    let profile = &person.profile;
    let name = profile.email.as_deref().or(profile.preferred_username.as_deref()).or(profile.name.as_deref());
    Vouched {
        user: &person.id,
        connection: &connection.id,
        name: name.unwrap_or(person.id.as_str()),
        claims: identity.claims(),
        for_rules,
    }
}
