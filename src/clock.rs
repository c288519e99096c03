//! The time, as something that can be handed in. All token times are whole seconds since the epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;
}

pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that asks the machine
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The machine's clock moved by an offset: lets a black-box test wait an hour in no time.
#[derive(Default)]
pub struct ShiftedClock {
    seconds: AtomicI64,
}

impl ShiftedClock {
    pub fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + Duration::seconds(self.seconds.load(Ordering::SeqCst))
    }
}
