//! The person's decision about a third-party client.

pub mod pages;

use std::sync::Arc;

use serde_json::json;

use super::answer::ClientAnswer;
use super::authorize::{actor, find, issue, step, usable_session};
use super::{Next, Problem, Refusal, Visitor};
use crate::audit::{self, Event};
use crate::authorization::{self, Authorization, State, Step};
use crate::broker::Broker;
use crate::client::Client;
use crate::consent::{self, Consent};
use crate::db;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::session::Session;
use crate::trace::{Outcome, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// # Errors
/// [`Problem::Stale`] when the session that the page was shown for is not the browser's any more.
pub async fn decide(broker: &Broker, visitor: &Visitor, id: &str, decision: Decision) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    let (authorization, client, session) = asked(broker, visitor, id).await?;
    let event = match decision {
        Decision::Allow => Event::success("consent", actor(Some(&session))),
        Decision::Deny => Event::refused("consent", "denied_by_person", actor(Some(&session))),
    };
    let event =
        event.client(&client.client_id).about(&session.user_id).trace(&visitor.trace_id).from_addr(visitor.addr);
    match decision {
        Decision::Allow => {
            let request = &authorization.request;
            let allowed = Consent { scopes: request.scope.clone(), audiences: request.audiences.clone() };
            db::in_tx(&ctx.db, async |conn| {
                consent::store::grant(conn, &session.user_id, &client.client_id, &allowed, ctx.now()).await?;
                audit::record(ctx, conn, event).await
            })
            .await?;
            visitor.trace.passed(Word::Consent, json!({ "decision": "allow" }));
            issue(broker, visitor, authorization, &client, &session).await
        }
        Decision::Deny => {
            let denied = db::in_tx(&ctx.db, async |conn| {
                audit::record(ctx, conn, event).await?;
                authorization::deny(conn, &authorization).await
            })
            .await?;
            if !denied {
                return Err(Refusal::from(Problem::Stale).at(&authorization));
            }
            visitor.trace.stopped(Word::Consent, Outcome::Refused, "denied_by_person", json!({}));
            let error = OAuthError::new(ErrorCode::AccessDenied, "the person did not allow it");
            Ok(Next::Client(ClientAnswer::error(&authorization.request, &error, ctx.urls.issuer())))
        }
    }
}

/// The authorization that waits for consent, and the session that may give it: only where consent is the next step.
///
/// # Errors
/// [`Problem::Stale`].
pub async fn asked(
    broker: &Broker,
    visitor: &Visitor,
    id: &str,
) -> Result<(Authorization, Arc<Client>, Session), Refusal> {
    let (authorization, client) = find(broker, visitor, id).await?;
    let catalog = broker.catalog.load_full();
    let session = usable_session(broker, visitor, &catalog, &client).await?;
    let session = session.filter(|s| authorization.state == State::Identified { session: s.id.clone() });
    let session = session.ok_or_else(|| Refusal::from(Problem::Stale).at(&authorization))?;
    if step(broker, &authorization, &client, Some(&session), true).await? != Step::Consent {
        return Err(Refusal::from(Problem::Stale).at(&authorization));
    }
    Ok((authorization, client, session))
}
