//! The unfilled-order count in the headers of an answer.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use candlewick_model::order::RateInterval;
use candlewick_model::time::{DAY, MINUTE, SECOND};
use candlewick_model::{OrderLimit, Timestamp};

use super::{named, wait};
use crate::data::limits::{seconds_left, window_end};

/// Puts what counts towards each limit into the answer to an order. A refusal for too many says
/// how long it holds; `placing` is how many it would have been.
pub(crate) fn tell_counts(response: &mut Response, counts: &[(OrderLimit, u32)], placing: u32, now: Timestamp) {
    if response.status().is_success() {
        for (limit, count) in counts {
            let window = (i64::from(limit.interval_num), limit.interval.as_str());
            response.headers_mut().insert(named("x-mbx-order-count", window), HeaderValue::from(*count));
        }
    }
    let is_told = response.headers().contains_key(header::RETRY_AFTER);
    if response.status() == StatusCode::TOO_MANY_REQUESTS && !is_told {
        let full = full(counts, placing);
        wait(response, full.map(|limit| seconds_left(length(limit), now)).max().unwrap_or(1));
    }
}

/// Until when there is no room for so many more.
pub(crate) fn full_until(counts: &[(OrderLimit, u32)], placing: u32, now: Timestamp) -> Timestamp {
    full(counts, placing).map(|limit| window_end(length(limit), now)).max().unwrap_or(now.plus(SECOND))
}

fn full(counts: &[(OrderLimit, u32)], placing: u32) -> impl Iterator<Item = OrderLimit> {
    let full = counts.iter().filter(move |(limit, count)| count.saturating_add(placing) > limit.limit);
    full.map(|(limit, _)| *limit)
}

fn length(limit: OrderLimit) -> i64 {
    let unit = match limit.interval {
        RateInterval::Second => SECOND,
        RateInterval::Minute => MINUTE,
        RateInterval::Day => DAY,
    };
    i64::from(limit.interval_num).saturating_mul(unit)
}
