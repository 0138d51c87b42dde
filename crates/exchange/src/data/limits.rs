//! The limits of an IP address: weight a minute, requests in five, and bans for who goes on.
//! Both servers count by them.
//!
//! Windows are those of the clock (minute boundaries), not sliding. Durations are server time.

use std::collections::HashMap;
use std::net::IpAddr;

use candlewick_binance::weight::{Kind, limits_of};
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use candlewick_model::{Refusal, Timestamp};
use serde_json::{Value, json};

/// How much an address may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Weight in a window.
    pub weight: u32,
    /// How long that window is, in microseconds: a minute.
    pub weight_window: i64,
    /// Requests in a window.
    pub requests: u32,
    /// How long that window is, in microseconds: five minutes.
    pub requests_window: i64,
    /// So many refused requests of a minute are forgiven; the next one is a ban.
    pub refusals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { weight: 6_000, weight_window: MINUTE, requests: 300_000, requests_window: 5 * MINUTE, refusals: 20 }
    }
}

impl Limits {
    /// The limits that an answer of `exchangeInfo` promises; what it does not name is not limited.
    pub(crate) fn of_exchange_info(text: &str) -> Result<Self, serde_json::Error> {
        let named = limits_of(text.as_bytes())?;
        let of = |kind: Kind, usual: i64| {
            let found = named.iter().find(|limit| limit.kind == kind);
            let limit = found.map_or(u32::MAX, |limit| u32::try_from(limit.limit).unwrap_or(u32::MAX));
            (limit, found.map_or(usual, |limit| limit.window_us))
        };
        let usual = Self::default();
        let (weight, weight_window) = of(Kind::Weight, usual.weight_window);
        let (requests, requests_window) = of(Kind::Requests, usual.requests_window);
        Ok(Self { weight, weight_window, requests, requests_window, ..usual })
    }

    /// As `rateLimits` of exchangeInfo tells them.
    pub(super) fn told(&self) -> Value {
        json!([
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": self.requests}
        ])
    }

    /// What nobody exceeds.
    pub(crate) fn none() -> Self {
        Self { weight: u32::MAX, requests: u32::MAX, ..Self::default() }
    }
}

/// How many of which unit a window is: 5 and `MINUTE`.
pub(crate) fn interval(window: i64) -> (i64, &'static str) {
    let units = [(DAY, "DAY"), (HOUR, "HOUR"), (MINUTE, "MINUTE"), (SECOND, "SECOND")];
    let (length, word) = units.into_iter().find(|(length, _)| window % length == 0).unwrap_or((SECOND, "SECOND"));
    (window / length, word)
}

/// Bans begin with two minutes, are four times as long each time, and end at three days.
const FIRST_BAN: i64 = 2 * MINUTE;
const LONGEST_BAN: i64 = 3 * DAY;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may pass; so much weight is used now.
    Passed { used: u32 },
    /// It may not: 429.
    Refused { used: u32, retry_after_s: i64, until: Timestamp, refusal: Refusal },
    /// The address is banned: 418.
    Banned { used: u32, retry_after_s: i64, until: Timestamp, refusal: Refusal },
}

/// What every address has used.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
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
    pub(crate) fn book(&mut self, address: IpAddr, weight: u32, now: Timestamp, limits: &Limits) -> Verdict {
        let account = self.addresses.entry(address).or_default();
        if let Some(until) = account.banned_until.filter(|until| now < *until) {
            return banned(account.weight.used, until, now);
        }
        let used = account.weight.add(weight, limits.weight_window, now);
        let requests = account.requests.add(1, limits.requests_window, now);
        let (over_weight, over_requests) = (used > limits.weight, requests > limits.requests);
        let window = match (over_weight, over_requests) {
            (false, false) => return Verdict::Passed { used },
            (_, true) => limits.requests_window,
            (true, false) => limits.weight_window,
        };
        if account.refused.add(1, MINUTE, now) > limits.refusals {
            let length = FIRST_BAN.saturating_mul(4_i64.saturating_pow(account.bans)).min(LONGEST_BAN);
            account.bans += 1;
            account.banned_until = Some(now.plus(length));
            return banned(used, now.plus(length), now);
        }
        let text = if over_requests {
            "Too many requests queued.".to_owned()
        } else {
            let (number, unit) = interval(window);
            format!(
                "Too much request weight used; current limit is {} request weight per {number} {unit}. Please use WebSocket Streams for live updates to avoid polling the API.",
                limits.weight
            )
        };
        let refusal = Refusal::naming(-1003, text);
        Verdict::Refused { used, retry_after_s: seconds_left(window, now), until: window_end(window, now), refusal }
    }
}

impl Ledger {
    /// Takes back the weight of a request that was booked at a time, where its window still runs;
    /// what is used now.
    pub(crate) fn give_back(&mut self, address: IpAddr, weight: u32, booked: Timestamp, limits: &Limits) -> u32 {
        let window = &mut self.addresses.entry(address).or_default().weight;
        if booked.micros().div_euclid(limits.weight_window) == window.number {
            window.used = window.used.saturating_sub(weight);
        }
        window.used
    }
}

fn banned(used: u32, until: Timestamp, now: Timestamp) -> Verdict {
    let text = format!(
        "Way too much request weight used; IP banned until {}. Please use WebSocket Streams for live updates to avoid bans.",
        until.millis()
    );
    let retry_after_s = seconds(until.micros() - now.micros());
    Verdict::Banned { used, retry_after_s, until, refusal: Refusal::naming(-1003, text) }
}

/// Whole seconds until a window of the clock ends.
pub(crate) fn seconds_left(window: i64, now: Timestamp) -> i64 {
    seconds(window_end(window, now).micros() - now.micros())
}

/// When a window of the clock ends.
pub(crate) fn window_end(window: i64, now: Timestamp) -> Timestamp {
    now.plus(window - now.micros().rem_euclid(window))
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
    fn what_is_given_back_is_of_its_own_window() {
        let limits = Limits { weight: 10, ..Limits::default() };
        let mut ledger = Ledger::default();
        ledger.book(HOME, 4, at("00:00:30"), &limits);
        ledger.book(HOME, 3, at("00:00:31"), &limits);
        assert_eq!(ledger.give_back(HOME, 3, at("00:00:31"), &limits), 4);
        ledger.book(HOME, 2, at("00:01:00"), &limits);
        assert_eq!(ledger.give_back(HOME, 4, at("00:00:30"), &limits), 2, "that minute is over");
        assert_eq!(ledger.book(HOME, 8, at("00:01:59"), &limits), Verdict::Passed { used: 10 });
    }

    #[test]
    fn limits_are_those_of_the_answer() {
        let text = r#"{"rateLimits":[
            {"rateLimitType":"REQUEST_WEIGHT","interval":"SECOND","intervalNum":10,"limit":7},
            {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50}]}"#;
        let limits = Limits::of_exchange_info(text).unwrap();
        assert_eq!((limits.weight, limits.weight_window, limits.requests), (7, 10 * SECOND, u32::MAX));
        let mut ledger = Ledger::default();
        assert_eq!(ledger.book(HOME, 7, at("00:00:09"), &limits), Verdict::Passed { used: 7 });
        let Verdict::Refused { retry_after_s, refusal, .. } = ledger.book(HOME, 1, at("00:00:09"), &limits) else {
            panic!("beyond")
        };
        assert_eq!(retry_after_s, 1);
        assert!(refusal.text.contains("current limit is 7 request weight per 10 SECOND."), "{refusal}");
        assert_eq!(ledger.book(HOME, 1, at("00:00:10"), &limits), Verdict::Passed { used: 1 });
        assert_eq!(interval(5 * MINUTE), (5, "MINUTE"));
        assert_eq!(interval(DAY), (1, "DAY"));
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
                    Verdict::Banned { retry_after_s, refusal, .. } => {
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
