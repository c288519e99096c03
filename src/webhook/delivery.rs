//! One message to one webhook: owed, delivered or given up.

use time::{Duration, OffsetDateTime};

use crate::errand::Pauses;
use crate::ids::{AuditEventId, WebhookId};

#[derive(Clone, Debug)]
pub struct Delivery {
    pub webhook_id: WebhookId,
    /// The message's id, the same at each attempt and for every webhook.
    pub event_id: AuditEventId,
    pub event: String,
    pub state: DeliveryState,
    pub attempts: i32,
    /// While it is owed.
    pub next_attempt_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub last_attempt_at: Option<OffsetDateTime>,
    /// What was answered last.
    pub status: Option<i32>,
    /// Why it did not go, at the last attempt.
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Owed,
    Delivered,
    GivenUp,
}

impl DeliveryState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Owed, Self::Delivered, Self::GivenUp].into_iter().find(|state| state.as_str() == text)
    }
}

/// For the whole exchange.
pub(super) const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);
/// Whoever took a delivery and is not heard of for so long has died.
pub(super) const LEASE: Duration = Duration::minutes(1);
/// A day and a half in all: somebody is back at work by then.
pub(super) const PAUSES: Pauses = Pauses(&[
    Duration::seconds(5),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(5),
    Duration::hours(10),
    Duration::hours(20),
]);
/// A webhook to which nothing was delivered for so long is switched off when the next message is given up.
pub(super) const PATIENCE: Duration = Duration::days(3);
/// The log of deliveries is kept for so long after they are settled.
pub(super) const KEPT: Duration = Duration::days(30);
