//! One turn: the provider is asked, and what it says is written down, with what follows for the person's tokens.

use std::sync::Arc;

use serde_json::json;
use time::Duration;

use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::connection::{Connection, RefreshPolicy};
use crate::db;
use crate::ids::{SessionId, UserId};
use crate::overage;
use crate::rotation;
use crate::session::upstream_grant::{Failure, Grant, Kept, store};
use crate::session::{self, EndReason};
use crate::token::{refresh::Family, store as tokens};
use crate::upstream::{Renewed, UpstreamError};
use crate::user;

pub struct Turn {
    broker: Arc<Broker>,
    connection: Arc<Connection>,
    session: SessionId,
    user: UserId,
    client_id: String,
    grant: Grant,
}

/// Why there is nothing new, and for the operator the sentence that goes with it.
type Failed = (Failure, String);

impl Turn {
    pub fn new(broker: &Arc<Broker>, connection: &Arc<Connection>, family: &Family, grant: Grant) -> Self {
        Self {
            broker: broker.clone(),
            connection: connection.clone(),
            session: family.session_id.clone(),
            user: family.user_id.clone(),
            client_id: family.client_id.clone(),
            grant,
        }
    }

    /// Afterwards the grant says what came of it. Where not even that can be written, the turn ends by itself.
    pub async fn take(self) {
        let slug = self.connection.slug.as_str();
        let asked = self.ask().await;
        let word = asked.as_ref().map_or_else(|(failure, _)| failure.as_str(), |_| "success");
        let written = match &asked {
            Ok((kept, renewed)) => self.keep(kept, renewed).await,
            Err(failed) => self.give_up(failed).await,
        };
        if let Err(error) = written {
            tracing::error!(connection = slug, %error, "what the provider said at a refresh could not be stored");
        }
        // whoever sees the count finds what came of it
        self.broker.metrics.upstream_refresh(slug, word);
    }

    async fn ask(&self) -> Result<(Kept, Renewed), Failed> {
        let (ctx, upstreams) = (&self.broker.ctx, &self.broker.upstreams);
        let mut connection = self.connection.clone();
        let sealed = self.grant.sealed.as_ref().ok_or((Failure::Missing, String::new()))?;
        let mut kept = Kept::open(ctx, &self.session, sealed).map_err(|why| (Failure::Misconfigured, why))?;
        let mut renewal = upstreams.renew(ctx, &connection, &kept).await;
        if renewal.as_ref().is_err_and(|error| error.reason() == "invalid_client")
            && let Some(newer) = rotation::newer(&self.broker, &connection).await
        {
            connection = newer;
            renewal = upstreams.renew(ctx, &connection, &kept).await;
        }
        let connection = &connection;
        self.broker.tell_stood_in().await;
        let renewal = renewal.map_err(failed)?;
        if let Some(successor) = renewal.refresh_token() {
            kept.refresh_token = successor.clone();
            self.replace(&kept).await.map_err(|error| (Failure::Unavailable, error.to_string()))?;
        }
        let mut renewed = upstreams.renewed(ctx, connection, &kept, &renewal).await.map_err(failed)?;
        if let Some(claims) = &renewed.claims {
            let key = upstreams.key(connection, &kept.claims).map_err(failed)?;
            let completed = overage::completed(&self.broker, connection, &key, claims, None).await.map_err(failed)?;
            renewed.claims = completed.or(renewed.claims);
        }
        if let Some(claims) = &renewed.claims {
            match connection.admits(claims) {
                Ok(true) => {}
                Ok(false) => return Err((Failure::NotAllowed, "the connection's allow rule says no".into())),
                Err(error) => return Err((Failure::NotAllowed, error.to_string())),
            }
        }
        if let Some(id_token) = &renewed.id_token {
            let nonce = kept.claims["nonce"].take();
            kept.claims = id_token.clone();
            kept.claims["nonce"] = nonce;
        }
        Ok((kept, renewed))
    }

    async fn replace(&self, kept: &Kept) -> Result<(), sqlx::Error> {
        let sealed = kept.seal(&self.broker.ctx, &self.session);
        store::replace(&mut *self.broker.ctx.db.acquire().await?, &self.session, &sealed).await
    }

    /// The provider vouched: the profile is as it says now.
    async fn keep(&self, kept: &Kept, renewed: &Renewed) -> Result<(), sqlx::Error> {
        let ctx = &self.broker.ctx;
        let now = ctx.now();
        let profile = renewed.claims.as_ref().map(|claims| {
            let (profile, warnings) = self.connection.effective_mapping().profile(claims, &self.connection);
            for warning in warnings {
                tracing::info!(connection = %self.connection.slug, ?warning, "a claim could not be mapped");
            }
            profile
        });
        let sealed = kept.seal(ctx, &self.session);
        db::in_tx(&ctx.db, async |conn| {
            if let Some(profile) = &profile {
                user::store::write_profile(conn, &self.user, profile, now).await?;
            }
            store::checked(conn, &self.session, &sealed, now).await?;
            let detail = json!({ "profile": if profile.is_some() { "renewed" } else { "as before" } });
            audit::record(ctx, conn, self.sign(Event::success("login.refreshed", self.actor())).detail(detail)).await
        })
        .await
    }

    /// It did not, or could not be asked. What ends the sign-in ends all of it: the session too, or the next
    /// application would get in by it.
    async fn give_up(&self, (failure, why): &Failed) -> Result<(), sqlx::Error> {
        let ctx = &self.broker.ctx;
        let (now, failure) = (ctx.now(), *failure);
        let required = self.connection.refresh().policy == RefreshPolicy::Require;
        let over = failure.is_final() || (required && !failure.passes());
        // an application that waits for us must not wait at every refresh; one that cannot do without asks again soon
        let pause = if required { Duration::seconds(5) } else { Duration::minutes(1) };
        let word = failure.as_str();
        let event = if over { Event::refused } else { Event::failed }("login.refreshed", word, self.actor());
        let age = (now - self.grant.checked_at).whole_seconds();
        let detail =
            json!({ "cause": why, "policy": self.connection.refresh().policy.as_str(), "profile_age_seconds": age });
        db::in_tx(&ctx.db, async |conn| {
            store::failed(conn, &self.session, failure, failure.passes().then_some(now + pause)).await?;
            if over {
                session::end(conn, &self.session, EndReason::NotVouched, now).await?;
                tokens::revoke_families_of_session(conn, &self.session, word, now).await?;
            }
            audit::record(ctx, conn, self.sign(event.clone()).detail(detail.clone())).await
        })
        .await
    }

    fn actor(&self) -> String {
        format!("client:{}", self.client_id)
    }

    fn sign(&self, event: Event) -> Event {
        event.client(&self.client_id).connection(&self.connection.slug).about(&self.user)
    }
}

fn failed(error: UpstreamError) -> Failed {
    let failure = match &error {
        UpstreamError::Refused { .. } => Failure::Refused,
        UpstreamError::Misconfigured { .. } => Failure::Misconfigured,
        _ => match error.reason() {
            "subject_changed" | "userinfo_subject_mismatch" => Failure::OtherPerson,
            "issuer_changed" | "tid_missing" | "tenant_not_allowed" => Failure::OtherIssuer,
            _ => Failure::Unavailable,
        },
    };
    (failure, error.to_string())
}
