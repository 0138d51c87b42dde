//! The limits of an IP address: weight a minute, requests in five, and bans for who goes on.
//!
//! Windows are those of the clock (minute boundaries), not sliding. Durations are server time.

use std::collections::HashMap;
use std::net::IpAddr;

use candlewick_model::time::{DAY, MINUTE, SECOND};
use candlewick_model::{Refusal, Timestamp};

/// How much an address may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Weight a minute.
    pub weight: u32,
    /// Requests in five minutes.
    pub requests: u32,
    /// So many refused requests of a minute are forgiven; the next one is a ban.
    pub refusals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { weight: 6_000, requests: 300_000, refusals: 20 }
    }
}

/// Bans begin with two minutes, are four times as long each time, and end at three days.
const FIRST_BAN: i64 = 2 * MINUTE;
const LONGEST_BAN: i64 = 3 * DAY;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may pass; so much weight is used now.
    Passed { used: u32 },
    /// It may not: 429.
    Refused { used: u32, retry_after_s: i64, refusal: Refusal },
    /// The address is banned: 418.
    Banned { retry_after_s: i64, refusal: Refusal },
}

/// What every address has used.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    addresses: HashMap<IpAddr, Account>,
}

#[derive(Debug, Default)]
struct Account {
    weight: Window,
    requests: Window,
    refused: Window,
    bans: u32,
    banned_until: Option<Timestamp>,
}

/// A count that begins anew with every window of the clock.
#[derive(Debug, Default)]
struct Window {
    number: i64,
    used: u32,
}

impl Window {
    fn add(&mut self, amount: u32, length: i64, now: Timestamp) -> u32 {
        let number = now.micros().div_euclid(length);
        if number != self.number {
            *self = Self { number, used: 0 };
        }
        self.used = self.used.saturating_add(amount);
        self.used
    }
}

impl Ledger {
    /// Books a request of an address.
    pub(super) fn book(&mut self, address: IpAddr, weight: u32, now: Timestamp, limits: &Limits) -> Verdict {
        let account = self.addresses.entry(address).or_default();
        if let Some(until) = account.banned_until.filter(|until| now < *until) {
            return banned(until, now);
        }
        let used = account.weight.add(weight, MINUTE, now);
        let requests = account.requests.add(1, 5 * MINUTE, now);
        let window = match (used > limits.weight, requests > limits.requests) {
            (false, false) => return Verdict::Passed { used },
            (_, true) => 5 * MINUTE,
            (true, false) => MINUTE,
        };
        if account.refused.add(1, MINUTE, now) > limits.refusals {
            let length = FIRST_BAN.saturating_mul(4_i64.saturating_pow(account.bans)).min(LONGEST_BAN);
            account.bans += 1;
            account.banned_until = Some(now.plus(length));
            return banned(now.plus(length), now);
        }
        let text = if window == MINUTE {
            format!(
                "Too much request weight used; current limit is {} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                limits.weight
            )
        } else {
            "Too many requests queued.".to_owned()
        };
        let left = window - now.micros().rem_euclid(window);
        Verdict::Refused { used, retry_after_s: seconds(left), refusal: Refusal::naming(-1003, text) }
    }
}

fn banned(until: Timestamp, now: Timestamp) -> Verdict {
    let text = format!(
        "Way too much request weight used; IP banned until {}. Please use WebSocket Streams for live updates to avoid bans.",
        until.millis()
    );
    Verdict::Banned { retry_after_s: seconds(until.micros() - now.micros()), refusal: Refusal::naming(-1003, text) }
}

/// Whole seconds, never too few.
fn seconds(micros: i64) -> i64 {
    (micros + SECOND - 1).div_euclid(SECOND).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(text: &str) -> Timestamp {
        format!("2023-03-01T{text}Z").parse().unwrap()
    }

    #[test]
    fn windows_are_those_of_the_clock() {
        let limits = Limits { weight: 10, ..Limits::default() };
        let mut ledger = Ledger::default();
        let mut book = |time: &str, weight| match ledger.book(HOME, weight, at(time), &limits) {
            Verdict::Passed { used } => Ok(used),
            Verdict::Refused { used, retry_after_s, .. } => Err((used, retry_after_s)),
            Verdict::Banned { .. } => panic!("a ban"),
        };
        for (time, weight, expected) in [
            ("00:00:30", 4, Ok(4)),
            ("00:00:59.999", 6, Ok(10)),
            ("00:00:59.999", 1, Err((11, 1))),
            ("00:01:00", 10, Ok(10)),
            ("00:01:00", 2, Err((12, 60))),
            ("00:01:30.5", 2, Err((14, 30))),
            ("00:02:00", 2, Ok(2)),
            ("00:09:00", 2, Ok(2)),
        ] {
            assert_eq!(book(time, weight), expected, "{time}");
        }
    }

    #[test]
    fn who_goes_on_is_banned_for_longer_and_longer() {
        let limits = Limits { weight: 10, refusals: 2, ..Limits::default() };
        let mut ledger = Ledger::default();
        let mut now = at("00:00:00");
        let mut lengths = Vec::new();
        for _ in 0..8 {
            for expected in ["429", "429", "418"] {
                let status = match ledger.book(HOME, 11, now, &limits) {
                    Verdict::Passed { .. } => "200",
                    Verdict::Refused { .. } => "429",
                    Verdict::Banned { retry_after_s, refusal } => {
                        lengths.push(retry_after_s);
                        let until = now.plus(retry_after_s * SECOND).millis();
                        assert!(refusal.text.contains(&format!("banned until {until}.")), "{refusal}");
                        "418"
                    }
                };
                assert_eq!(status, expected);
            }
            let Verdict::Banned { .. } = ledger.book(HOME, 1, now.plus(SECOND), &limits) else { panic!("it lasts") };
            now = now.plus(lengths[lengths.len() - 1] * SECOND);
        }
        assert_eq!(lengths, [120, 480, 1_920, 7_680, 30_720, 122_880, 259_200, 259_200]);
        let other = "127.0.0.2".parse().unwrap();
        assert_eq!(ledger.book(other, 1, at("00:00:00"), &limits), Verdict::Passed { used: 1 });
    }
}
