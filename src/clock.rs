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

/// A clock that tests turn: the machine's, moved by an offset, or one that stands still.
#[derive(Default)]
pub struct ShiftedClock {
    seconds: AtomicI64,
    /// Microseconds since the epoch. 0: it runs.
    stands_at: AtomicI64,
}

impl ShiftedClock {
    /// Black-box tests wait an hour in no time.
    pub fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }

    /// From now on only [`Self::advance`] moves it, so that no machine is too slow for what must happen within seconds.
    /// But for a microsecond each time it is looked at: what happens later has a later time.
    pub fn stand_still(&self) {
        let micros = SystemClock.now().unix_timestamp_nanos() / 1000;
        self.stands_at.store(i64::try_from(micros).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> OffsetDateTime {
        let unmoved = match self.stands_at.load(Ordering::SeqCst) {
            0 => SystemClock.now(),
            _ => OffsetDateTime::UNIX_EPOCH + Duration::microseconds(self.stands_at.fetch_add(1, Ordering::SeqCst)),
        };
        unmoved + Duration::seconds(self.seconds.load(Ordering::SeqCst))
    }
}
