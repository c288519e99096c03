//! What sign-ins found out about our credentials at the providers, written down: how often each was taken, and where one
//! had to stand in for another.

use serde_json::json;
use time::Duration;

use super::Broker;
use crate::audit::{self, Event};
use crate::connection::Slug;
use crate::connection::credential::handover::store;
use crate::db;
use crate::upstream::{STANDBY_WINDOW, StoodIn};

impl Broker {
    /// In a minute, at the provider of one connection.
    pub const CREDENTIAL_TRIES: u32 = 3;

    /// Counts a trial of a credential: each shows the provider a wrong one too, and providers lock out who does that often.
    ///
    /// # Errors
    /// how long to wait, where there were too many just now; then none is counted.
    pub fn may_try_credential(&self, slug: &Slug) -> Result<(), Duration> {
        let now = self.ctx.now();
        if let Some(wait) = self.credential_trials.wait(slug.as_str(), Self::CREDENTIAL_TRIES, now) {
            return Err(wait);
        }
        self.credential_trials.note(slug.to_string(), now);
        Ok(())
    }

    /// # Errors
    /// the database's; what was gathered is then lost.
    pub(super) async fn write_credential_uses(&self) -> Result<(), sqlx::Error> {
        let uses = self.upstreams.take_uses();
        if !uses.is_empty() {
            store::used(&mut *self.ctx.db.acquire().await?, &uses).await?;
        }
        Ok(())
    }

    /// Tells the audit log, and so the webhooks, of credentials that a provider refuses while another one works: once in a
    /// while for each. After every request to a provider's token endpoint; it costs nothing where nothing happened.
    pub async fn tell_stood_in(&self) {
        for one in self.upstreams.take_stood_in() {
            self.metrics.upstream_secret_fallback(one.connection.as_str());
            if let Err(error) = self.alarm(&one).await {
                tracing::error!(%error, connection = %one.connection, "a refused credential could not be told of");
            }
        }
    }

    async fn alarm(&self, one: &StoodIn) -> Result<(), sqlx::Error> {
        db::in_tx(&self.ctx.db, async |conn| {
            if !store::refused(conn, &one.refused, one.at, STANDBY_WINDOW).await? {
                return Ok(());
            }
            tracing::warn!(connection = %one.connection, refused = %one.refused, worked = %one.worked, "the provider refuses the credential in use; another one stands in");
            let detail = json!({
                "secret": one.refused,
                "worked": one.worked,
                "answered": one.said,
                "cause": "The provider does not take the secret in use any more; sign-ins go on by the other one.",
                "remedy": "Promote the one that works, or add and promote a new one from the provider, before the other ends too.",
                "page": format!("/admin/connections/{}/credentials", one.connection),
            });
            let event = Event::failed("connection.secret_fallback", "invalid_client", "system");
            audit::record(&self.ctx, conn, event.connection(&one.connection).detail(detail)).await
        })
        .await
    }
}
