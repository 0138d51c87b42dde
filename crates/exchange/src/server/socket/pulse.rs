//! When a connection pings, when it has waited long enough for a pong, and when it ends.
//!
//! For: deciding by instants that are passed in. All of this is this machine's time: it is
//! about the connection, not about the market. Not for: sending anything.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// From ping to ping.
    pub(crate) ping: Duration,
    /// From a ping to its pong.
    pub(crate) pong: Duration,
    /// From the beginning to the end.
    pub(crate) life: Duration,
    /// From the farewell to the end.
    pub(crate) farewell: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let [ping, pong, life, farewell] = [20, 60, 24 * 60 * 60, 60].map(Duration::from_secs);
        Self { ping, pong, life, farewell }
    }
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Send a ping with this number in it.
    Ping(u64),
    /// Tell of the end to come.
    Farewell,
    /// No pong has come.
    Unanswered,
    /// The time is over.
    End,
}

/// The time of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    timing: Timing,
    next_ping: Instant,
    last_ping: u64,
    /// Pings without a pong, and when they were sent.
    unanswered: VecDeque<(u64, Instant)>,
    farewell: Option<Instant>,
    end: Instant,
}

impl Pulse {
    pub(super) fn new(timing: Timing, now: Instant) -> Self {
        let end = now + timing.life;
        Self {
            timing,
            next_ping: now + timing.ping,
            last_ping: 0,
            unanswered: VecDeque::new(),
            farewell: Some(end - timing.farewell.min(timing.life)),
            end,
        }
    }

    /// When there is something to do.
    pub(super) fn next(&self) -> Instant {
        let farewell = self.farewell.unwrap_or(self.end);
        self.next_ping.min(farewell).min(self.end).min(self.pong_until())
    }

    /// What there is to do.
    pub(super) fn beat(&mut self, now: Instant) -> Option<Beat> {
        if now >= self.end {
            return Some(Beat::End);
        }
        if now >= self.pong_until() {
            return Some(Beat::Unanswered);
        }
        if self.farewell.is_some_and(|time| now >= time) {
            self.farewell = None;
            return Some(Beat::Farewell);
        }
        (now >= self.next_ping).then(|| {
            self.last_ping += 1;
            self.next_ping = now + self.timing.ping;
            self.unanswered.push_back((self.last_ping, now));
            Beat::Ping(self.last_ping)
        })
    }

    /// Until when the other side must have shown that it is there.
    pub(super) fn pong_until(&self) -> Instant {
        self.unanswered.front().map_or(self.next_ping, |(_, sent)| *sent) + self.timing.pong
    }

    /// A pong: one that nobody asked for counts for nothing.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse::<u64>().ok());
        if let Some(at) = self.unanswered.iter().position(|(ping, _)| Some(*ping) == number) {
            self.unanswered.drain(..=at);
        }
    }

    /// The connection is to end before its time.
    pub(super) fn retire(&mut self, now: Instant, grace: Duration) {
        self.farewell = self.farewell.map(|time| time.min(now));
        self.end = self.end.min(now + grace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn pings_go_on_while_they_are_answered() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(Timing::default(), begun);
        for n in 1..=100 {
            assert_eq!(pulse.next(), begun + seconds(20 * n));
            assert_eq!(pulse.beat(pulse.next()), Some(Beat::Ping(n)));
            assert_eq!(pulse.beat(begun + seconds(20 * n + 1)), None);
            // Two are on their way before the first pong comes.
            pulse.pong((n - 1).to_string().as_bytes());
        }
    }

    #[test]
    fn only_a_copy_of_a_ping_is_an_answer() {
        for (pongs, expected) in [
            (vec![], 80),
            (vec!["", "7", "-1", "\u{ff}"], 80),
            (vec!["1"], 100),
            (vec!["2"], 120),
            (vec!["2", "1"], 120),
            (vec!["1", "2"], 120),
        ] {
            let begun = Instant::now();
            let mut pulse = Pulse::new(Timing::default(), begun);
            let mut beat = None;
            for second in 0..1_000 {
                let now = begun + seconds(second);
                if now >= pulse.next() {
                    beat = pulse.beat(now).map(|beat| (beat, second));
                }
                if beat == Some((Beat::Ping(2), second)) {
                    pongs.iter().for_each(|pong| pulse.pong(pong.as_bytes()));
                }
                if matches!(beat, Some((Beat::Unanswered, _))) {
                    break;
                }
            }
            assert_eq!(beat, Some((Beat::Unanswered, expected)), "{pongs:?}");
        }
    }

    #[test]
    fn a_day_ends_with_a_farewell() {
        let begun = Instant::now();
        let timing = Timing { ping: seconds(1_000_000), ..Timing::default() };
        let mut pulse = Pulse::new(timing, begun);
        let day = seconds(24 * 60 * 60);
        assert_eq!(pulse.next(), begun + day - seconds(60));
        assert_eq!(pulse.beat(pulse.next()), Some(Beat::Farewell));
        assert_eq!(pulse.next(), begun + day);
        assert_eq!(pulse.beat(pulse.next()), Some(Beat::End));
        let mut pulse = Pulse::new(timing, begun);
        pulse.retire(begun, seconds(3));
        assert_eq!(pulse.beat(begun), Some(Beat::Farewell));
        assert_eq!(pulse.beat(begun), None);
        assert_eq!((pulse.next(), pulse.beat(begun + seconds(3))), (begun + seconds(3), Some(Beat::End)));
    }
}
