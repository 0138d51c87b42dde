//! How much may be sent when.

use candlewick_model::Timestamp;
use candlewick_model::time::{DAY, SECOND};
use serde::{Deserialize, Serialize};

use super::limit::{Kind, Limit};
use super::rain::Rain;

/// A request sent so shortly before a window ends may be counted in the next one.
const ON_THE_WAY: i64 = SECOND;
/// What may be sent at once at a window's beginning, as a part of the whole window.
const BURST: u64 = 50;
/// The exchange bans for three days at most.
const LONGEST_BAN: i64 = 4 * DAY;

/// What an address may send, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Of a hundred parts, how many are ours.
    share_percent: u64,
    windows: Vec<Window>,
    /// Nobody sends before.
    blocked_until: Timestamp,
    /// Whether that is a ban (418) and not just a full window (429).
    is_banned: bool,
    rain: Rain,
}

/// One limit and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    limit: Limit,
    start: Timestamp,
    /// By everybody, as far as is known.
    used: u64,
    /// The part of it that was sent last, and may be counted in the next window.
    late: u64,
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Now; its weight is taken into account.
    Go,
    /// Not before then.
    Wait(Timestamp),
}

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowStatus {
    /// Which limit.
    pub limit: Limit,
    /// How much is used in the running window.
    pub used: u64,
    /// How much may be used by us, everything considered.
    pub allowed: u64,
}

impl Budget {
    /// A budget that knows only the lowest limit that there ever was, until it is told better.
    #[must_use]
    pub fn new(share_percent: u8) -> Self {
        let mut budget = Self {
            share_percent: share_percent.clamp(1, 100).into(),
            windows: Vec::new(),
            blocked_until: Timestamp::from_micros(0),
            is_banned: false,
            rain: Rain::default(),
        };
        budget.set_limits(&[Limit::FIRST]);
        budget
    }

    /// The part of the limits that is ours, in percent.
    pub fn set_share(&mut self, percent: u8) {
        self.share_percent = percent.clamp(1, 100).into();
    }

    /// What the exchange says its limits are. What was used is remembered.
    pub fn set_limits(&mut self, limits: &[Limit]) {
        let known = std::mem::take(&mut self.windows);
        let window = |limit: &Limit| {
            let is_same = |w: &&Window| w.limit.kind == limit.kind && w.limit.window_us == limit.window_us;
            let fresh = Window { limit: *limit, start: Timestamp::from_micros(0), used: 0, late: 0 };
            known.iter().find(is_same).map_or(fresh, |w| Window { limit: *limit, ..*w })
        };
        self.windows = limits.iter().map(window).collect();
    }

    /// The limits that it goes by.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        self.windows.iter().map(|window| window.limit).collect()
    }

    /// Whether a request of some weight may go now.
    pub fn ask(&mut self, weight: u64, now: Timestamp) -> Decision {
        self.roll(now);
        if now < self.blocked_until {
            return Decision::Wait(self.blocked_until);
        }
        self.is_banned = false;
        let wait = self.windows.iter().filter_map(|window| self.wait(window, weight, now)).max();
        if let Some(until) = wait {
            return Decision::Wait(until);
        }
        for window in &mut self.windows {
            let cost = window.cost(weight);
            window.used += cost;
            if now >= window.end().plus(-ON_THE_WAY) {
                window.late += cost;
            }
        }
        Decision::Go
    }

    /// What of a limit is ours.
    fn allowed(&self, limit: Limit, now: Timestamp) -> u64 {
        self.rain.left_of(limit.limit * self.share_percent / 100, now)
    }

    /// Until when a window keeps a request waiting, if it does. What is allowed is spread over
    /// the window; who fell behind may catch up.
    fn wait(&self, window: &Window, weight: u64, now: Timestamp) -> Option<Timestamp> {
        let cost = window.cost(weight);
        // A single request that is dearer than all that is allowed must go some time.
        let allowed = self.allowed(window.limit, now).max(cost);
        let wanted = window.used + cost;
        if wanted > allowed {
            return Some(window.end());
        }
        let burst = (allowed / BURST).max(cost);
        let paced = wanted.saturating_sub(burst);
        let length = i128::from(window.limit.window_us);
        let after = i128::from(paced) * length / i128::from(allowed);
        let due = window.start.plus(i64::try_from(after).unwrap_or(i64::MAX));
        (due > now).then_some(due)
    }

    /// Begins the windows that hold an instant.
    fn roll(&mut self, now: Timestamp) {
        self.follow_clock(now);
        for window in &mut self.windows {
            let start = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(window.limit.window_us));
            // A clock that is set back a little must not forget what was used.
            if start > window.start {
                let is_next = start == window.end();
                *window = Window { start, used: if is_next { window.late } else { 0 }, late: 0, ..*window };
            }
        }
    }

    /// A clock may turn out to be years ahead of the server's once that is asked. What was noted
    /// by it would keep everybody waiting until then.
    fn follow_clock(&mut self, now: Timestamp) {
        if self.blocked_until > now.plus(LONGEST_BAN) {
            self.blocked_until = now;
        }
        self.rain.follow_clock(now);
        for window in self.windows.iter_mut().filter(|window| now < window.start.plus(-window.limit.window_us)) {
            window.start = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(window.limit.window_us));
        }
    }

    /// The server's own count in its answer to a request that was sent at `sent`. Others on the
    /// same address count as well, so a higher word than ours holds.
    pub fn told(&mut self, window_us: i64, used: u64, sent: Timestamp, now: Timestamp) {
        self.roll(now);
        for window in self.windows.iter_mut().filter(|w| w.limit.kind == Kind::Weight && w.limit.window_us == window_us)
        {
            // An answer from across a boundary may speak of either window.
            if sent >= window.start {
                window.used = window.used.max(used);
            }
        }
    }

    /// The server said that it was too much (429), or that the address is banned (418).
    pub fn limited(&mut self, is_ban: bool, retry_after_us: i64, sent: Timestamp, now: Timestamp) {
        let until = now.plus(retry_after_us.max(0));
        self.rain.halve(sent, now, until);
        self.is_banned = is_ban || (self.is_banned && self.blocked_until > now);
        self.blocked_until = self.blocked_until.max(until);
    }

    /// The server failed (5xx). True if that is a burst and the budget was halved.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        self.rain.failed(now)
    }

    /// Until when nobody sends, and whether that is a ban.
    #[must_use]
    pub fn blocked(&self, now: Timestamp) -> Option<(Timestamp, bool)> {
        (now < self.blocked_until).then_some((self.blocked_until, self.is_banned))
    }

    /// What is left in the rain, in percent.
    #[must_use]
    pub fn percent(&self, now: Timestamp) -> u8 {
        self.rain.percent(now)
    }

    /// How many of some requests may be on their way at a time.
    #[must_use]
    pub fn concurrency(&self, of: u32, now: Timestamp) -> u32 {
        u32::try_from(self.rain.left_of(of.into(), now)).unwrap_or(of).clamp(1, of.max(1))
    }

    /// How the limits stand.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Vec<WindowStatus> {
        let status = |w: &Window| {
            let used = if now < w.end() { w.used } else { 0 };
            WindowStatus { limit: w.limit, used, allowed: self.allowed(w.limit, now) }
        };
        self.windows.iter().map(status).collect()
    }
}

impl Window {
    fn end(&self) -> Timestamp {
        self.start.plus(self.limit.window_us)
    }

    fn cost(&self, weight: u64) -> u64 {
        match self.limit.kind {
            Kind::Weight => weight,
            Kind::Requests => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::time::MINUTE;
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_700_000_040 * SECOND;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(START + micros)
    }

    fn budget(limit: u64, share: u8) -> Budget {
        let mut budget = Budget::new(share);
        budget.set_limits(&[Limit { kind: Kind::Weight, window_us: MINUTE, limit }]);
        budget
    }

    /// Sends as soon as it may for some minutes; gives the weight of each minute.
    fn minutes(budget: &mut Budget, weight: u64, count: i64) -> Vec<u64> {
        let mut used = vec![0; count as usize];
        let mut now = at(0);
        while now < at(count * MINUTE) {
            match budget.ask(weight, now) {
                Decision::Go => used[((now.micros() - START) / MINUTE) as usize] += weight,
                Decision::Wait(until) => {
                    assert!(until > now, "a wait ends");
                    now = until;
                }
            }
        }
        used
    }

    #[test]
    fn all_of_the_share_and_not_more() {
        assert_eq!(START % MINUTE, 0);
        for used in minutes(&mut budget(6_000, 80), 2, 10) {
            assert!((4_700..=4_800).contains(&used), "{used}");
        }
        assert!(minutes(&mut budget(100, 100), 30, 3).iter().all(|used| *used == 90));
        assert_eq!(minutes(&mut budget(10, 50), 20, 2), [20, 20], "dearer than all there is, but it must go");
    }

    #[test]
    fn a_window_is_spread() {
        let mut budget = budget(6_000, 100);
        let sent = (0..10_000).take_while(|_| budget.ask(2, at(0)) == Decision::Go).count();
        assert_eq!(sent, 60, "one fiftieth at once");
        let sent = (0..10_000).take_while(|_| budget.ask(2, at(30 * SECOND)) == Decision::Go).count();
        assert_eq!(sent, 1_500, "and who fell behind may catch up");
    }

    #[test]
    fn the_servers_word_counts_if_it_is_of_this_window() {
        let mut budget = budget(6_000, 80);
        assert_eq!(budget.ask(2, at(0)), Decision::Go);
        budget.told(MINUTE, 4_799, at(0), at(SECOND));
        assert_eq!(budget.ask(2, at(59 * SECOND)), Decision::Wait(at(MINUTE)));
        assert_eq!(budget.ask(2, at(MINUTE)), Decision::Go);
        budget.told(MINUTE, 4_799, at(MINUTE - 1), at(MINUTE + 1));
        assert_eq!(budget.ask(2, at(MINUTE + SECOND)), Decision::Go, "a late answer is of no account");
        budget.told(5 * MINUTE, 4_799, at(MINUTE), at(MINUTE + 1));
        assert_eq!(budget.status(at(MINUTE + SECOND))[0].used, 4);
    }

    #[test]
    fn a_clock_that_was_years_ahead() {
        let mut budget = budget(6_000, 80);
        let ahead = |micros| at(1_000 * DAY + micros);
        assert_eq!(budget.ask(2, ahead(0)), Decision::Go);
        budget.limited(true, MINUTE, ahead(0), ahead(SECOND));
        assert_eq!(budget.ask(2, at(SECOND)), Decision::Go);
        assert_eq!(budget.status(at(SECOND))[0].used, 4, "what was used still counts");
        assert_eq!(budget.percent(at(SECOND + 20 * MINUTE)), 100);
    }

    #[test]
    fn what_is_on_its_way_counts_in_both_windows() {
        let mut budget = budget(6_000, 80);
        budget.ask(2, at(0));
        budget.ask(10, at(MINUTE - SECOND / 2));
        assert_eq!(budget.status(at(MINUTE - 1))[0].used, 12);
        budget.ask(2, at(MINUTE));
        assert_eq!(budget.status(at(MINUTE))[0].used, 12, "ten of the window before, two of this");
    }

    #[test]
    fn too_much_is_waited_out_and_then_less() {
        let mut budget = budget(6_000, 80);
        budget.limited(false, 20 * SECOND, at(0), at(SECOND));
        assert_eq!(budget.blocked(at(SECOND)), Some((at(21 * SECOND), false)));
        assert_eq!(budget.ask(2, at(2 * SECOND)), Decision::Wait(at(21 * SECOND)));
        assert_eq!(budget.status(at(22 * SECOND))[0].allowed, 2_400);
        assert_eq!(budget.concurrency(8, at(22 * SECOND)), 4);
        budget.limited(true, 120 * SECOND, at(30 * SECOND), at(31 * SECOND));
        assert_eq!(budget.blocked(at(32 * SECOND)), Some((at(151 * SECOND), true)));
        assert_eq!(budget.ask(2, at(151 * SECOND)), Decision::Go, "resumes by itself");
        assert_eq!(budget.blocked(at(151 * SECOND)), None);
        assert_eq!(budget.percent(at(151 * SECOND + 20 * MINUTE)), 100);
    }

    #[test]
    fn several_limits_hold_at_once() {
        let mut budget = Budget::new(100);
        let weight = Limit { kind: Kind::Weight, window_us: MINUTE, limit: 6_000 };
        let requests = Limit { kind: Kind::Requests, window_us: MINUTE, limit: 20 };
        budget.set_limits(&[weight, requests]);
        assert_eq!(minutes(&mut budget, 2, 3), [40, 40, 40], "twenty requests of two");
        assert_eq!(budget.limits(), [weight, requests]);
    }

    proptest! {
        /// Fixed windows at the server, a clock that is off, latencies: what several clients of
        /// one budget send never exceeds the limit, and what may be used is.
        #[test]
        fn never_over_the_limit(
            share in 50..96_u8,
            weights in proptest::collection::vec(1..40_u64, 1..5),
            latency_us in 0..400_000_i64,
            offset_us in -200_000..200_000_i64,
        ) {
            let limit = 6_000;
            let mut budget = budget(limit, share);
            let mut counted = std::collections::BTreeMap::<i64, u64>::new();
            let (mut now, mut n) = (at(0), 0);
            while now < at(4 * MINUTE) {
                let weight = weights[n % weights.len()];
                match budget.ask(weight, now) {
                    Decision::Go => {
                        n += 1;
                        let arrives = now.micros() + offset_us + latency_us * (n as i64 % 7) / 7;
                        let used = counted.entry(arrives.div_euclid(MINUTE)).or_default();
                        *used += weight;
                        prop_assert!(*used <= limit, "{} used with a share of {}", used, share);
                    }
                    Decision::Wait(until) => now = until,
                }
            }
            let whole = counted.values().skip(1).take(2).copied().collect::<Vec<_>>();
            let wanted = limit * u64::from(share) / 100 * 95 / 100;
            prop_assert!(whole.iter().all(|used| *used >= wanted - 120), "{:?} of {}", whole, wanted);
        }
    }
}
