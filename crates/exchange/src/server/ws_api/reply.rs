//! Answers of the WebSocket API: `{"id": …, "status": …, "result" or "error": …, "rateLimits": […]}`.
//!
//! For: putting them together. Not for: what is in a result.

use axum::extract::ws::Utf8Bytes;
use candlewick_binance::wire::time_number;
use candlewick_model::{OrderLimit, Refusal, TimeUnit, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::subscriptions::Subscription;
use crate::server::answer::No;

/// What an answer says.
pub(super) struct Outcome {
    pub(super) status: u16,
    /// A result, or an error where the status is none of success.
    pub(super) body: Box<RawValue>,
    /// Counts of unfilled orders, where the request may have changed them.
    pub(super) orders: Vec<(OrderLimit, u32)>,
    /// Whether the request costs nothing.
    pub(super) is_free: bool,
    /// The subscription that begins with this.
    pub(super) begins: Option<Subscription>,
}

impl Outcome {
    pub(super) fn of(body: Box<RawValue>) -> Self {
        Self { status: 200, body, orders: Vec::new(), is_free: false, begins: None }
    }

    pub(super) fn result(result: impl Serialize) -> Self {
        Self::of(to_raw_value(&result).expect("results are plain data"))
    }

    /// With the same status as over HTTP.
    pub(super) fn error(no: &No) -> Self {
        Self { status: no.status().as_u16(), ..Self::result(&no.0) }
    }

    /// A request that may be repeated later, and when.
    pub(super) fn not_before(status: u16, refusal: &Refusal, now: Timestamp, until: Timestamp, unit: TimeUnit) -> Self {
        let time = |time| time_number(time, unit);
        let data = json!({ "serverTime": time(now), "retryAfter": time(until) });
        let body = json!({ "code": refusal.code, "msg": refusal.text, "data": data });
        Self { status, ..Self::result(body) }
    }

    fn is_success(&self) -> bool {
        self.status == 200
    }
}

/// An answer as it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    id: &'a RawValue,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limits: Option<Vec<Value>>,
}

/// The weight that an address has used.
pub(super) struct Used {
    pub(super) weight: u32,
    pub(super) limit: u32,
    pub(super) window: (i64, &'static str),
}

/// Puts an answer together, with limits if they are to be told.
pub(super) fn reply(id: &RawValue, outcome: &Outcome, used: Option<&Used>) -> Utf8Bytes {
    let body = &*outcome.body;
    let (result, error) = if outcome.is_success() { (Some(body), None) } else { (None, Some(body)) };
    let rate_limits = used.map(|used| {
        let orders = outcome.orders.iter().map(|(limit, count)| {
            rate_limit("ORDERS", (limit.interval_num.into(), limit.interval.as_str()), limit.limit, *count)
        });
        orders.chain([rate_limit("REQUEST_WEIGHT", used.window, used.limit, used.weight)]).collect()
    });
    let reply = Reply { id, status: outcome.status, result, error, rate_limits };
    serde_json::to_string(&reply).expect("answers are plain data").into()
}

fn rate_limit(kind: &str, (number, unit): (i64, &str), limit: u32, count: u32) -> Value {
    json!({ "rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit, "count": count })
}
