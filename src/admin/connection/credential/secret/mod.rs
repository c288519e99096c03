//! The hand-over from one client secret to the next, at the desk: it is rehearsed, takes over, and may be put back. Owns what
//! pages and API do alike; the rules are the noun's.

pub mod api;
pub mod pages;
pub mod shown;

use std::collections::HashMap;

use serde_json::json;

use super::proof;
use crate::admin::Trouble;
use crate::admin::connection::{slug, stored};
use crate::audit::{self, Author, Event};
use crate::broker::Broker;
use crate::connection::Slug;
use crate::connection::credential::client_secret::{self, Ground, KnownSecret, Promoted, UpstreamSecretError};
use crate::connection::credential::handover;
use crate::connection::credential::rehearsal::{Rehearsal, Verdict, store};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::upstream::SecretTrial;

/// What came of a rehearsal, for whoever asked.
pub struct Tried {
    pub rehearsal: Rehearsal,
    trial: SecretTrial,
}

/// Every secret of a connection, the newest first, and what came of rehearsing it last, by its id.
///
/// # Errors
/// [`Trouble::Unknown`], [`Trouble::Conflict`].
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<(Vec<KnownSecret>, HashMap<String, Rehearsal>), Trouble> {
    let known = client_secret::list(conn, slug).await?;
    let connection = stored(conn, slug).await?;
    Ok((known, store::latest(conn, &connection.id).await?))
}

/// Tries the next secret at the provider, beside a wrong one, and keeps what came of it.
///
/// # Errors
/// [`Trouble::Conflict`]: `not_next`; `not_rehearsed` when it was tried too often just now.
pub async fn rehearse(broker: &Broker, author: &Author, name: &str, id: &str) -> Result<Tried, Trouble> {
    let (ctx, slug) = (&broker.ctx, slug(name)?);
    let connection = stored(&mut *ctx.db.acquire().await?, &slug).await?;
    let next = client_secret::next(&connection, id)?;
    proof::may_try(broker, &slug)?;
    let tried = broker.upstreams.rehearse(ctx, &connection, next).await;
    let rehearsal = tried.kept(ctx.now(), &author.actor);
    let verdict = rehearsal.verdict;
    let event = match verdict {
        Verdict::Proven => author.did("connection.secret_rehearsed"),
        Verdict::Refused => author_saw(author, Event::refused, "invalid_client"),
        Verdict::Unclear | Verdict::Unreachable => author_saw(author, Event::failed, verdict.as_str()),
    };
    let detail =
        json!({ "secret": next.id, "method": tried.method, "verdict": verdict, "evidence": rehearsal.evidence });
    let event = event.connection(&slug).detail(detail);
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::keep(conn, &next.id, &rehearsal).await?;
        audit::record(ctx, conn, event.clone()).await
    })
    .await?;
    Ok(Tried { rehearsal, trial: tried.trial })
}

fn author_saw(author: &Author, event: fn(&'static str, String, String) -> Event, reason: &str) -> Event {
    let mut event = event("connection.secret_rehearsed", reason.into(), author.actor.clone());
    event.trace_id.clone_from(&author.trace_id);
    event.remote_addr = author.remote_addr;
    event
}

impl Tried {
    /// The same as a promotion is refused with it.
    fn ground(self) -> Result<Ground, Trouble> {
        let help = "providers may need a minute until a new secret counts: try again, or paste it again";
        proof::proven(self.trial, "secret_refused", "secret", help).map(|()| Ground::Rehearsed)
    }
}

/// The next secret takes over: when a rehearsal within the last hour was green, or else one is now; or because somebody
/// says why it may all the same.
///
/// # Errors
/// [`Trouble::Conflict`]: `not_next`; `secret_refused` and `not_rehearsed` say what the provider answered, and nothing was
/// changed.
pub async fn promote(
    broker: &Broker,
    author: &Author,
    name: &str,
    id: &str,
    reason: Option<&str>,
) -> Result<Promoted, Trouble> {
    let (ctx, slug) = (&broker.ctx, slug(name)?);
    let ground = match reason {
        Some(reason) => Ground::Override(reason.into()),
        None => {
            let (_, mut rehearsals) = list(&mut *ctx.db.acquire().await?, &slug).await?;
            match rehearsals.remove(id) {
                Some(rehearsal) if rehearsal.is_green(ctx.now()) => Ground::Rehearsed,
                _ => rehearse(broker, author, name, id).await?.ground()?,
            }
        }
    };
    Ok(client_secret::promote(ctx, author, &slug, id, &ground).await?)
}

/// The secret before takes over again; the one in use is next once more.
///
/// # Errors
/// [`Trouble::Conflict`]: `not_retiring`, `next_exists`.
pub async fn restore(ctx: &Ctx, author: &Author, name: &str, id: &str) -> Result<Promoted, Trouble> {
    Ok(handover::restore(ctx, author, &slug(name)?, id).await?)
}

impl From<UpstreamSecretError> for Trouble {
    fn from(error: UpstreamSecretError) -> Self {
        let conflict = |word| Self::Conflict(word, error.to_string());
        match error {
            UpstreamSecretError::Database(error) => error.into(),
            UpstreamSecretError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            UpstreamSecretError::NoSuchSecret(_) => Self::Unknown("such secret of this connection".into()),
            UpstreamSecretError::NotOidc(_) => conflict("protocol_mismatch"),
            UpstreamSecretError::Malformed | UpstreamSecretError::Known => super::invalid("value", error.to_string()),
            UpstreamSecretError::Past => super::invalid("expires_at", error.to_string()),
            UpstreamSecretError::NextExists(_) => conflict("next_exists"),
            UpstreamSecretError::NotNext(..) => conflict("not_next"),
            UpstreamSecretError::NotRetiring(..) => conflict("not_retiring"),
            UpstreamSecretError::Active(_) => conflict("secret_active"),
            UpstreamSecretError::NoReason => super::invalid("override", error.to_string()),
        }
    }
}
