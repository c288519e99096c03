//! The time, as something that can be handed in. All token times are whole seconds since the epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;

    /// What the machine takes for the time, whatever the clock was turned by on purpose.
    fn machine(&self) -> OffsetDateTime {
        SystemClock.now()
    }

    /// The machine's time is so much ahead of what all replicas go by. Nothing to a clock that stands alone.
    fn is_ahead(&self, _by: Duration) {}
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

/// The clock that replicas share: the machine's, less what it is ahead of their database's. Codes live for a minute, so that
/// machines a minute apart would refuse each other's.
pub struct SharedByReplicas {
    clock: SharedClock,
    /// Microseconds.
    ahead: AtomicI64,
}

/// Below, it is what a question to the database takes, and no reason to turn the clock.
const AGREES: Duration = Duration::seconds(1);

impl SharedByReplicas {
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, ahead: AtomicI64::new(0) }
    }
}

impl Clock for SharedByReplicas {
    fn now(&self) -> OffsetDateTime {
        self.clock.now() - Duration::microseconds(self.ahead.load(Ordering::Relaxed))
    }

    fn machine(&self) -> OffsetDateTime {
        self.clock.machine()
    }

    fn is_ahead(&self, by: Duration) {
        let by = if by.abs() < AGREES { Duration::ZERO } else { by };
        self.ahead.store(i64::try_from(by.whole_microseconds()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// A clock that tests turn: the machine's, moved by an offset, or one that stands still.
#[derive(Default)]
pub struct ShiftedClock {
    seconds: AtomicI64,
    /// Microseconds since the epoch. 0: it runs.
    stands_at: AtomicI64,
    /// Seconds that its machine is ahead by mistake.
    wrong: AtomicI64,
}

impl ShiftedClock {
    /// Black-box tests wait an hour in no time.
    pub fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }

    /// Its machine's clock is so much ahead.
    pub fn is_wrong_by(&self, ahead: Duration) {
        self.wrong.store(ahead.whole_seconds(), Ordering::SeqCst);
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
        let turned = self.seconds.load(Ordering::SeqCst) + self.wrong.load(Ordering::SeqCst);
        unmoved + Duration::seconds(turned)
    }

    fn machine(&self) -> OffsetDateTime {
        SystemClock.now() + Duration::seconds(self.wrong.load(Ordering::SeqCst))
    }
}
