//! What every operation needs and none may reach around: database, clock, randomness, vault, the outbound HTTP client
//! and our own URLs. Knows no noun.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use crate::clock::SharedClock;
use crate::db::{self, Pool};
use crate::outbound;
use crate::rng::Rng;
use crate::urls::Urls;
use crate::vault::Vault;

#[derive(Clone)]
pub struct Ctx {
    pub db: Pool,
    pub clock: SharedClock,
    pub rng: Rng,
    pub vault: Arc<Vault>,
    pub http: outbound::Client,
    /// Absent: no mail server is set.
    pub mailer: Option<outbound::mailer::Mailer>,
    pub urls: Arc<Urls>,
}

impl Ctx {
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Holds the machine's clock against the database's, and goes by that one from now on. How far it is ahead.
    ///
    /// # Errors
    /// the database's; then nothing changes.
    pub async fn agree_on_the_time(&self) -> Result<Duration, sqlx::Error> {
        let mut conn = self.db.acquire().await?;
        let before = self.clock.machine();
        let shared = db::clock(&mut conn).await?;
        // the question was half way when it was answered
        let ahead = before + (self.clock.machine() - before) / 2 - shared;
        self.clock.is_ahead(ahead);
        Ok(ahead)
    }
}
