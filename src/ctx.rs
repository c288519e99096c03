//! What every operation needs and none may reach around: database, clock, randomness, vault, the outbound HTTP client
//! and our own URLs. Knows no noun.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::clock::SharedClock;
use crate::db::Pool;
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
}
