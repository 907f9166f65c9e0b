//! The one source of time. A newcomer's usual mistake is to read the system's clock: `now` is taken
//! from here once per request and passed down, so that every deadline becomes a plain test.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Where time comes from. Whole milliseconds: SQLite keeps nanoseconds and PostgreSQL microseconds, and a value must
/// not differ between them.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock: the only one that `ejf serve` can start with.
    System,
    /// A clock that tests and the demo move by hand.
    Fixed(Arc<FixedClock>),
}

/// The hands of a clock that is moved.
#[derive(Debug)]
pub struct FixedClock {
    /// Milliseconds since 1970 that the clock shows, less what has ticked since.
    shown_millis: AtomicI64,
    /// The machine's milliseconds at which it began to tick; 0 while it stands.
    ticking_since_millis: AtomicI64,
}

impl Clock {
    /// A clock that stands at `at` until it is moved.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Clock::Fixed(Arc::new(FixedClock {
            shown_millis: AtomicI64::new(at.timestamp_millis()),
            ticking_since_millis: AtomicI64::new(0),
        }))
    }

    /// The present instant in UTC, in whole milliseconds.
    pub fn now(&self) -> DateTime<Utc> {
        let millis = match self {
            Clock::System => system_millis(),
            Clock::Fixed(fixed) => {
                let since = fixed.ticking_since_millis.load(Ordering::SeqCst);
                let ticked = if since == 0 { 0 } else { system_millis() - since };
                fixed.shown_millis.load(Ordering::SeqCst) + ticked
            }
        };
        DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Moves a fixed clock forward; the system's clock is not ours to move and stays.
    pub fn advance(&self, by: TimeDelta) {
        if let Clock::Fixed(fixed) = self {
            fixed.shown_millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
        }
    }

    /// Lets a fixed clock go on at the rate of the machine's from where it stands.
    pub fn let_tick(&self) {
        if let Clock::Fixed(fixed) = self {
            fixed.ticking_since_millis.store(system_millis(), Ordering::SeqCst);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
fn system_millis() -> i64 {
    Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_until_it_is_moved() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let clock = Clock::fixed(at);
        assert_eq!(clock.now(), at);
        clock.advance(TimeDelta::days(2));
        assert_eq!(clock.now(), at + TimeDelta::days(2));
    }
}
