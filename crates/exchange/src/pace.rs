//! How simulated time follows the machine's: which instant is due.
//!
//! For: lock step, any speed, as fast as it goes, the world's own time, and pauses; a function of
//! what clocks show and of nothing else. Not for: asking clocks, or moving markets (`server::driver`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use candlewick_model::Timestamp;

/// How fast simulated time goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// Not by itself: somebody steps.
    LockStep,
    /// So many times as fast as the machine's; never 0.
    Times(f64),
    /// As fast as it goes and as those who listen can follow.
    Max,
    /// It is the world's time.
    Wall,
}

/// Beyond it nobody could tell the difference to `max`.
const TIMES: std::ops::RangeInclusive<f64> = 1e-6..=1e9;

/// A text that is no speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a speed is a number from 0.000001 to 1000000000, `max` or `lock-step`")]
pub struct SpeedError;

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        match text {
            "lock-step" => Ok(Self::LockStep),
            "max" => Ok(Self::Max),
            _ => Self::times(text.parse().map_err(|_| SpeedError)?),
        }
    }
}

impl Speed {
    /// So many times as fast as real time.
    pub fn times(times: f64) -> Result<Self, SpeedError> {
        if TIMES.contains(&times) { Ok(Self::Times(times)) } else { Err(SpeedError) }
    }

    /// Whether time goes on by itself.
    #[must_use]
    pub fn runs(self) -> bool {
        self != Self::LockStep
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LockStep => f.write_str("lock-step"),
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.write_str("max"),
            Self::Wall => f.write_str("wall"),
        }
    }
}

/// What the machine's clocks show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Since some instant, without jumps.
    pub(crate) elapsed: Duration,
    /// The world's time.
    pub(crate) wall: Timestamp,
}

/// How far time is to go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nowhere.
    Nothing,
    /// To the end of this instant.
    Until(Timestamp),
    /// As far as it gets.
    Everything,
}

/// A speed, since when, and whether it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    speed: Speed,
    is_paused: bool,
    /// How many are about to put time elsewhere.
    held: u32,
    /// Simulated time then, and what had elapsed.
    since: (Timestamp, Duration),
}

impl Pace {
    /// From now on, at a simulated time.
    pub(crate) fn new(speed: Speed, now: Timestamp, reading: Reading) -> Self {
        Self { speed, is_paused: false, held: 0, since: (now, reading.elapsed) }
    }

    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Whether time goes on by itself at present.
    pub(crate) fn goes(&self) -> bool {
        self.speed.runs() && !self.is_paused && self.held == 0
    }

    /// How far time is to go.
    pub(crate) fn due(&self, reading: Reading) -> Due {
        match self.speed {
            _ if !self.goes() => Due::Nothing,
            Speed::LockStep => Due::Nothing,
            Speed::Max => Due::Everything,
            Speed::Wall => Due::Until(reading.wall),
            Speed::Times(times) => {
                let (then, elapsed) = self.since;
                let micros = reading.elapsed.saturating_sub(elapsed).as_micros() as f64 * times;
                Due::Until(then.plus(micros as i64))
            }
        }
    }

    /// Goes on from a simulated time as if nothing had elapsed before.
    pub(crate) fn go_on_from(&mut self, now: Timestamp, reading: Reading) {
        self.since = (now, reading.elapsed);
    }

    pub(crate) fn set_speed(&mut self, speed: Speed, now: Timestamp, reading: Reading) {
        self.speed = speed;
        self.go_on_from(now, reading);
    }

    pub(crate) fn pause(&mut self, is_paused: bool, now: Timestamp, reading: Reading) {
        self.is_paused = is_paused;
        self.go_on_from(now, reading);
    }

    /// Time is put elsewhere by somebody: it does not go by itself until that is done.
    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    /// As it was, from where time was put to.
    pub(crate) fn release(&mut self, now: Timestamp, reading: Reading) {
        self.held = self.held.saturating_sub(1);
        self.go_on_from(now, reading);
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::time::{DAY, SECOND};

    use super::*;

    fn start() -> Timestamp {
        "2023-03-01".parse().unwrap()
    }

    fn after(ms: u64) -> Reading {
        let elapsed = Duration::from_millis(ms);
        Reading { elapsed, wall: start().plus(400 * DAY + ms as i64 * 1_000) }
    }

    #[test]
    fn what_is_due_follows_the_clock() {
        let due = |speed: Speed, ms| Pace::new(speed, start(), after(500)).due(after(ms));
        assert_eq!(due(Speed::LockStep, 9_000), Due::Nothing);
        assert_eq!(due(Speed::Max, 500), Due::Everything);
        assert_eq!(due(Speed::Wall, 700), Due::Until(after(700).wall));
        for (times, ms, seconds) in [
            (1.0, 500, 0),
            (1.0, 2_500, 2),
            (1_000.0, 501, 1),
            (0.5, 4_500, 2),
            (1e9, 1_500, 1_000_000_000),
            (2.0, 0, 0),
        ] {
            assert_eq!(due(Speed::Times(times), ms), Due::Until(start().plus(seconds * SECOND)), "{times} {ms}");
        }
    }

    #[test]
    fn a_pause_costs_no_time_and_a_new_speed_counts_from_now() {
        let mut pace = Pace::new(Speed::Times(10.0), start(), after(0));
        assert_eq!(pace.due(after(100)), Due::Until(start().plus(SECOND)));
        pace.pause(true, start().plus(SECOND), after(100));
        assert_eq!((pace.due(after(900)), pace.goes()), (Due::Nothing, false));
        pace.pause(false, start().plus(SECOND), after(1_000));
        assert_eq!(pace.due(after(1_100)), Due::Until(start().plus(2 * SECOND)));
        pace.set_speed(Speed::Times(1.0), start().plus(2 * SECOND), after(1_100));
        assert_eq!(pace.due(after(2_100)), Due::Until(start().plus(3 * SECOND)));
        pace.hold();
        assert_eq!(pace.due(after(9_999)), Due::Nothing);
        pace.release(start().plus(DAY), after(10_000));
        assert_eq!(pace.due(after(10_000)), Due::Until(start().plus(DAY)), "elsewhere, and from there on");
    }

    #[test]
    fn speeds_are_read_as_they_are_written() {
        for text in ["lock-step", "max", "1", "0.5", "1000", "1000000000"] {
            assert_eq!(text.parse::<Speed>().unwrap().to_string(), text);
        }
        for text in ["", "0", "-1", "NaN", "inf", "1e10", "fast", "wall", "1e-7"] {
            assert_eq!(text.parse::<Speed>(), Err(SpeedError), "{text}");
        }
    }
}
