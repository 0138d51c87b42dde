//! Rain: after 429s or a burst of server errors, budget and concurrency are halved; time
//! without them gives back a tenth a minute.

use candlewick_model::Timestamp;
use candlewick_model::time::{DAY, MINUTE, SECOND};
use serde::{Deserialize, Serialize};

/// Parts of the whole; that many are fair weather.
const WHOLE: i64 = 1_024;
/// The least that remains: a thirty-second.
const LEAST: i64 = WHOLE / 32;
/// How long nothing comes back after trouble.
const QUIET: i64 = MINUTE;
/// How long it takes from there to give back everything.
const RECOVERY: i64 = 10 * MINUTE;
/// So many server errors within so long are a burst.
const BURST: u32 = 5;
/// No ban is longer.
const FAR_AHEAD: i64 = 4 * DAY;
const BURST_WITHIN: i64 = 10 * SECOND;

/// How hard it rains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rain {
    /// What was left at the last trouble, of [`WHOLE`].
    part: i64,
    /// When that was.
    since: Timestamp,
    /// Server errors lately, and since when they are counted.
    failures: u32,
    failing_since: Timestamp,
}

impl Default for Rain {
    fn default() -> Self {
        let past = Timestamp::from_micros(0);
        Self { part: WHOLE, since: past, failures: 0, failing_since: past }
    }
}

impl Rain {
    /// What is noted for a time that is still far ahead was noted by a wrong clock.
    pub(super) fn follow_clock(&mut self, now: Timestamp) {
        if self.since > now.plus(FAR_AHEAD) {
            self.since = now;
        }
    }

    fn part(&self, now: Timestamp) -> i64 {
        let clean = now.micros().saturating_sub(self.since.micros()).saturating_sub(QUIET).clamp(0, RECOVERY);
        (self.part + clean * WHOLE / RECOVERY).min(WHOLE)
    }

    /// What is left of an amount, rounded down.
    #[must_use]
    pub fn left_of(&self, amount: u64, now: Timestamp) -> u64 {
        u64::try_from(i128::from(amount) * i128::from(self.part(now)) / i128::from(WHOLE)).unwrap_or(0)
    }

    /// What is left, in percent; 100 is fair weather.
    #[must_use]
    pub fn percent(&self, now: Timestamp) -> u8 {
        u8::try_from(self.part(now) * 100 / WHOLE).unwrap_or(100)
    }

    /// A request that was sent at `sent` was over the limit. Answers to requests that were on
    /// their way when it was halved last say nothing new. `clear_at` is when the exchange wants
    /// to hear again.
    pub fn halve(&mut self, sent: Timestamp, now: Timestamp, clear_at: Timestamp) -> bool {
        if self.part < WHOLE && sent <= self.since && now.plus(-QUIET) < self.since {
            return false;
        }
        self.part = (self.part(now) / 2).max(LEAST);
        self.since = now.max(clear_at);
        true
    }

    /// The server failed (5xx). True if that made it a burst.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        if now.micros().saturating_sub(self.failing_since.micros()) > BURST_WITHIN {
            (self.failures, self.failing_since) = (0, now);
        }
        self.failures += 1;
        if self.failures < BURST {
            // What has come back so far stays; what is to come waits again.
            (self.part, self.since) = (self.part(now), self.since.max(now));
            return false;
        }
        self.failures = 0;
        self.halve(now.plus(1), now, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn halves_and_recovers_slowly() {
        let mut rain = Rain::default();
        assert_eq!(rain.percent(at(0)), 100);
        assert!(rain.halve(at(0), at(1), at(10)));
        assert_eq!(rain.left_of(4_800, at(10)), 2_400);
        assert!(!rain.halve(at(0), at(2), at(10)), "was on its way already");
        assert_eq!(rain.percent(at(70)), 50);
        assert_eq!(rain.percent(at(70 + 120)), 69);
        assert_eq!(rain.percent(at(70 + 300)), 100);
    }

    #[test]
    fn never_less_than_a_thirty_second() {
        let mut rain = Rain::default();
        for n in 1..100 {
            rain.halve(at(n * 2), at(n * 2), at(n * 2));
        }
        assert_eq!(rain.left_of(3_200, at(200)), 100);
    }

    #[test]
    fn only_bursts_of_failures_count() {
        let mut rain = Rain::default();
        assert!((0..20).all(|n| !rain.failed(at(n * 11))));
        assert_eq!(rain.percent(at(231)), 100);
        assert!((0..4).all(|n| !rain.failed(at(1_000 + n))));
        assert!(rain.failed(at(1_004)));
        assert_eq!(rain.percent(at(1_004)), 50);
    }
}
