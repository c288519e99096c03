//! The person decides: signed in just now, in the browser in which the code was typed, knowing which application asks
//! for what, from where and since when (RFC 8628 §5.4).

pub mod pages;

use std::sync::Arc;

use serde_json::json;

use super::{DeviceAuthorization, State, UserCode, store};
use crate::audit::{self, Event};
use crate::authorization::{self, Authorization, Step};
use crate::broker::Broker;
use crate::client::Client;
use crate::db;
use crate::login::authorize::{actor, find, step, usable_session};
use crate::login::{Problem, Refusal, Visitor};
use crate::oauth::grant_type::GrantType;
use crate::session::Session;
use crate::trace::{Outcome as Traced, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Deny,
}

/// How things stand with a device.
pub enum Standing {
    /// The person may decide.
    Asked(Box<Asked>),
    /// The sign-in is too old, or it is another one's by now: once more.
    SignIn,
    Over {
        outcome: Outcome,
        app: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Approved,
    Denied,
    Expired,
}

pub struct Asked {
    pub authorization: Authorization,
    pub client: Arc<Client>,
    pub session: Session,
    pub device: DeviceAuthorization,
    pub user_code: UserCode,
}

/// # Errors
/// [`Problem::Stale`] when the authorization is not this browser's or about no device.
pub async fn standing(broker: &Broker, visitor: &Visitor, id: &str) -> Result<Standing, Refusal> {
    let ctx = &broker.ctx;
    let (authorization, client) = find(broker, visitor, id).await?;
    let stale = || Refusal::from(Problem::Stale).at(&authorization);
    let device = authorization.request.device.as_ref().ok_or_else(stale)?;
    let mut conn = ctx.db.acquire().await?;
    let device = store::by_id(&mut conn, device).await?.ok_or_else(stale)?;
    drop(conn);
    let over = |outcome| Ok(Standing::Over { outcome, app: client.name.clone() });
    match device.state {
        State::Approved { .. } | State::Redeemed => return over(Outcome::Approved),
        State::Denied => return over(Outcome::Denied),
        State::Pending if device.is_over(ctx.now()) || !client.may_use(GrantType::DeviceCode) => {
            return over(Outcome::Expired);
        }
        State::Pending => {}
    }
    let catalog = broker.catalog.load_full();
    let session = usable_session(broker, visitor, &catalog, &client).await?;
    let session = session.filter(|s| authorization.state == authorization::State::Identified { session: s.id.clone() });
    let Some(session) = session else { return Ok(Standing::SignIn) };
    if step(broker, &authorization, &client, Some(&session), true).await? != Step::ApproveDevice {
        return Ok(Standing::SignIn);
    }
    let code = ctx.vault.open_text(store::user_code_place(&device.id), &device.user_code);
    let code = code.map_err(|error| Refusal::from(Problem::Vault(error.to_string())).at(&authorization))?;
    let user_code = UserCode::parse(code.expose()).ok_or_else(stale)?;
    Ok(Standing::Asked(Box::new(Asked { authorization, client, session, device, user_code })))
}

/// Carries a decision out, if there is still something to decide. Who decided first has decided.
///
/// # Errors
/// as [`standing`].
pub async fn decide(broker: &Broker, visitor: &Visitor, id: &str, decision: Decision) -> Result<Standing, Refusal> {
    let ctx = &broker.ctx;
    let asked = match standing(broker, visitor, id).await? {
        Standing::Asked(asked) => asked,
        other => return Ok(other),
    };
    let Asked { client, session, device, .. } = &*asked;
    let event = match decision {
        Decision::Approve => Event::success("device.approval", actor(Some(session))),
        Decision::Deny => Event::refused("device.approval", "denied_by_person", actor(Some(session))),
    };
    let event = event
        .client(&client.client_id)
        .about(&session.user_id)
        .connection(&session.connection_slug)
        .trace(&visitor.trace_id)
        .from_addr(visitor.addr)
        .detail(json!({ "requested_from": device.requested_from }));
    let done = db::in_tx(&ctx.db, async |conn| {
        let now = ctx.now();
        let done = match decision {
            Decision::Approve => store::approve(conn, &device.id, &session.id, now).await?,
            Decision::Deny => store::deny(conn, &device.id, now).await?,
        };
        if done {
            audit::record(ctx, conn, event).await?;
        }
        Ok::<_, sqlx::Error>(done)
    })
    .await?;
    match decision {
        _ if !done => {}
        Decision::Approve => {
            visitor.trace.passed(Word::Device, json!({ "decision": "approve" }));
            visitor.trace.succeeded();
        }
        Decision::Deny => visitor.trace.stopped(Word::Device, Traced::Refused, "denied_by_person", json!({})),
    }
    standing(broker, visitor, id).await
}
