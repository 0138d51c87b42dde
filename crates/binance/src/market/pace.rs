//! The local clock, how fast it goes, and chance for waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candlewick_model::Timestamp;

use crate::rest::Clock;

/// A clock, and how many of its seconds pass in a real one: 1 everywhere but in front of a local
/// exchange whose time runs faster.
pub struct Pace {
    clock: Clock,
    speed: f64,
}

impl Pace {
    /// A clock that goes as real time does.
    #[must_use]
    pub fn real(clock: Clock) -> Self {
        Self { clock, speed: 1.0 }
    }

    /// A clock that goes faster.
    #[must_use]
    pub fn of_speed(clock: Clock, speed: f64) -> Self {
        Self { clock, speed: speed.max(f64::MIN_POSITIVE) }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Sleeps for a time of this clock. Long sleeps are cut, so that a machine that slept itself
    /// looks at the clock again soon.
    pub(super) async fn sleep(&self, micros: i64) {
        let real = (micros.max(0) as f64 / self.speed).min(5e6);
        // Timers wake up on whole milliseconds; what is less is too long a wait for one.
        tokio::time::sleep(Duration::from_micros(real.ceil() as u64)).await;
    }
}

/// Chance enough to keep clients from trying again in step.
pub(super) struct Jitter(AtomicU64);

impl Jitter {
    pub(super) fn new(seed: i64) -> Self {
        Self(AtomicU64::new(seed.unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32)))
    }

    /// Anything from nothing to a duration.
    pub(super) fn below(&self, most: Duration) -> Duration {
        // Steele, Lea, Flood: "Fast splittable pseudorandom number generators", SplitMix64.
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        most.mul_f64((z >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
