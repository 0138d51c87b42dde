//! Server time: this machine's, or one that begins elsewhere and runs faster.
//!
//! For: everything that the data server decides by time. Not for: timeouts of connections,
//! which are the machine's.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use candlewick_model::Timestamp;

/// A clock that all who hold a copy of it share.
#[derive(Debug, Clone)]
pub struct ServerClock(Arc<Mutex<Hand>>);

#[derive(Debug)]
struct Hand {
    shown: Timestamp,
    since: Instant,
    speed: f64,
}

impl ServerClock {
    /// This machine's time.
    #[must_use]
    pub fn wall() -> Self {
        Self::starting(wall_now(), 1.0)
    }

    /// A time that begins at an instant and runs at a speed; 1 is real time, 0 stands still.
    #[must_use]
    pub fn starting(now: Timestamp, speed: f64) -> Self {
        Self(Arc::new(Mutex::new(Hand { shown: now, since: Instant::now(), speed: speed.max(0.0) })))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.hand().now()
    }

    /// How many server seconds pass in one.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.hand().speed
    }

    /// Puts the clock to an instant, from which it goes on at its speed.
    pub fn put(&self, now: Timestamp) {
        let mut hand = self.hand();
        (hand.shown, hand.since) = (now, Instant::now());
    }

    /// Changes the speed from now on.
    pub fn set_speed(&self, speed: f64) {
        let mut hand = self.hand();
        (hand.shown, hand.since, hand.speed) = (hand.now(), Instant::now(), speed.max(0.0));
    }

    fn hand(&self) -> std::sync::MutexGuard<'_, Hand> {
        self.0.lock().expect("nobody panics with it")
    }
}

/// What time it is for the world.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a server's time is the world's unless it is told otherwise")]
pub fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl Hand {
    fn now(&self) -> Timestamp {
        self.shown.plus((self.since.elapsed().as_micros() as f64 * self.speed) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_or_runs() {
        let start: Timestamp = "2023-03-01".parse().unwrap();
        let clock = ServerClock::starting(start, 0.0);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(clock.now(), start);
        clock.set_speed(1_000.0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(clock.now() >= start.plus(5_000_000));
        clock.set_speed(0.0);
        clock.put(start.plus(7));
        assert_eq!(clock.clone().now(), start.plus(7));
    }
}
