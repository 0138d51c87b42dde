//! What time it is: the one place that reads this machine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use candlewick_binance::rest::Clock;
use candlewick_model::Timestamp;

/// The machine's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
pub fn system_clock() -> Clock {
    Box::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

/// A clock that stands where it was put: simulated time, as far as the client knows it.
#[must_use]
pub fn fixed_clock() -> (Clock, ClockHand) {
    let micros = Arc::new(AtomicI64::new(0));
    let shown = Arc::clone(&micros);
    (Box::new(move || Timestamp::from_micros(shown.load(Ordering::Relaxed))), ClockHand(micros))
}

/// Puts a fixed clock.
#[derive(Debug, Clone)]
pub struct ClockHand(Arc<AtomicI64>);

impl ClockHand {
    /// Time goes on to an instant; it never goes back.
    pub fn put(&self, now: Timestamp) {
        self.0.fetch_max(now.micros(), Ordering::Relaxed);
    }
}
