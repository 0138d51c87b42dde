//! The limits as the exchange publishes them, and the names of its windows in headers.

use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The weights of requests, endpoint by endpoint.
    Weight,
    /// Requests, whatever they weigh.
    Requests,
}

/// So much within every window of such a length; windows begin at multiples of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is counted.
    pub kind: Kind,
    /// Length of the window in microseconds.
    pub window_us: i64,
    /// How much is allowed in it.
    pub limit: u64,
}

impl Limit {
    /// What is assumed until the exchange has said its own: the lowest that it ever had.
    pub const FIRST: Self = Self { kind: Kind::Weight, window_us: MINUTE, limit: 1_200 };
}

/// One entry of `rateLimits`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    rate_limit_type: String,
    interval: String,
    interval_num: Option<i64>,
    limit: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeInfo {
    #[serde(default)]
    rate_limits: Vec<Entry>,
}

/// The limits of addresses (`REQUEST_WEIGHT` and `RAW_REQUESTS`) in an answer of
/// `GET /api/v3/exchangeInfo`; none where it names none.
pub fn limits_of(exchange_info: &[u8]) -> Result<Vec<Limit>, serde_json::Error> {
    let info: ExchangeInfo = serde_json::from_slice(exchange_info)?;
    Ok(info.rate_limits.iter().filter_map(limit).collect())
}

fn limit(entry: &Entry) -> Option<Limit> {
    // Answers without `intervalNum` have been seen. What it always was is what is meant.
    let (kind, usual) = match entry.rate_limit_type.as_str() {
        "REQUEST_WEIGHT" => (Kind::Weight, 1),
        "RAW_REQUESTS" => (Kind::Requests, 5),
        _ => return None,
    };
    let unit = match entry.interval.as_str() {
        "SECOND" => SECOND,
        "MINUTE" => MINUTE,
        "HOUR" => HOUR,
        "DAY" => DAY,
        _ => return None,
    };
    let window_us = entry.interval_num.unwrap_or(usual).checked_mul(unit)?;
    (window_us > 0 && entry.limit > 0).then_some(Limit { kind, window_us, limit: entry.limit })
}

/// The length of the window that a header such as `X-MBX-USED-WEIGHT-1M` speaks of; `None` for
/// other headers. Case does not count.
#[must_use]
pub fn window_of_header(name: &str) -> Option<i64> {
    const PREFIX: &str = "x-mbx-used-weight-";
    let window = name.get(..PREFIX.len()).filter(|p| p.eq_ignore_ascii_case(PREFIX)).map(|_| &name[PREFIX.len()..])?;
    let unit = match window.chars().last()?.to_ascii_uppercase() {
        'S' => SECOND,
        'M' => MINUTE,
        'H' => HOUR,
        'D' => DAY,
        _ => return None,
    };
    let number: i64 = window[..window.len() - 1].parse().ok()?;
    number.checked_mul(unit).filter(|length| *length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let text = br#"{"timezone":"UTC","rateLimits":[
            {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000},
            {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50},
            {"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","limit":61000},
            {"rateLimitType":"REQUEST_WEIGHT","interval":"FORTNIGHT","intervalNum":1,"limit":1}],"symbols":[]}"#;
        let weight = Limit { kind: Kind::Weight, window_us: MINUTE, limit: 6_000 };
        let requests = Limit { kind: Kind::Requests, window_us: 5 * MINUTE, limit: 61_000 };
        assert_eq!(limits_of(text).unwrap(), [weight, requests]);
        assert!(limits_of(b"{}").unwrap().is_empty());
        assert!(limits_of(b"<html>").is_err());
    }

    #[test]
    fn headers_name_windows() {
        for (name, expected) in [
            ("X-MBX-USED-WEIGHT-1M", Some(MINUTE)),
            ("x-mbx-used-weight-5m", Some(5 * MINUTE)),
            ("x-mbx-used-weight-10S", Some(10 * SECOND)),
            ("x-mbx-used-weight-1d", Some(DAY)),
            ("x-mbx-used-weight", None),
            ("x-mbx-used-weight-", None),
            ("x-mbx-used-weight-M", None),
            ("x-mbx-used-weight-0M", None),
            ("x-mbx-order-count-10s", None),
            ("x-mbx-used-weight-é", None),
        ] {
            assert_eq!(window_of_header(name), expected, "{name}");
        }
    }
}
