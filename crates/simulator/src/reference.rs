//! The reference price and the range around it in which takers may trade
//! (`faqs/price_range_execution_rules.md`).

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::number::ONE;
use candlewick_model::{Price, Rate, Side, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the reference price comes from.
#[derive(Debug, Clone, Default)]
pub enum Reference {
    /// There is none.
    #[default]
    Absent,
    /// As it was recorded: from each instant on; `None` is the exchange's `null`.
    Recorded(Arc<[(Timestamp, Option<Price>)]>),
    /// The matching engine's moving average.
    Mean(MovingMean),
}

/// How far from the reference price takers may trade; a part that is absent is not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PriceRange {
    pub bid_limit_mult_up: Option<Rate>,
    pub bid_limit_mult_down: Option<Rate>,
    pub ask_limit_mult_up: Option<Rate>,
    pub ask_limit_mult_down: Option<Rate>,
}

/// What a taker's prices must lie between; bounds are in units of 1e-16, so that nothing is
/// rounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExecutionLimits {
    low: i128,
    high: i128,
}

impl ExecutionLimits {
    pub(crate) const NONE: Self = Self { low: i128::MIN, high: i128::MAX };

    pub(crate) fn allow(&self, price: Price) -> bool {
        let price = i128::from(price.units()) * i128::from(ONE);
        self.low <= price && price <= self.high
    }
}

impl PriceRange {
    pub(crate) fn around(&self, reference: Price, side: Side) -> ExecutionLimits {
        let (up, down) = match side {
            Side::Buy => (self.bid_limit_mult_up, self.bid_limit_mult_down),
            Side::Sell => (self.ask_limit_mult_up, self.ask_limit_mult_down),
        };
        let times = |rate: Rate| i128::from(reference.units()) * i128::from(rate.units());
        ExecutionLimits { low: down.map_or(i128::MIN, times), high: up.map_or(i128::MAX, times) }
    }
}

impl Reference {
    /// The reference price of an instant, if there is one and it is not null.
    pub(crate) fn at(&mut self, now: Timestamp) -> Option<Price> {
        match self {
            Self::Absent => None,
            Self::Recorded(points) => {
                let after = points.partition_point(|(time, _)| *time <= now);
                points[..after].last().and_then(|(_, price)| *price)
            }
            Self::Mean(mean) => mean.at(now),
        }
    }

    /// The market has traded.
    pub(crate) fn trade(&mut self, now: Timestamp, price: Price) {
        if let Self::Mean(mean) = self {
            mean.trade(now, price);
        }
    }

    /// Whether trades change it.
    pub(crate) fn follows_trades(&self) -> bool {
        matches!(self, Self::Mean(_))
    }
}

/// A simple moving average of trade prices in buckets of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MovingMean {
    width: i64,
    count: i64,
    buckets: VecDeque<Bucket>,
}

/// Trades whose times share an aligned window. Count and sum carry four more decimals.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Bucket {
    close: i64,
    #[serde(with = "digits")]
    trades: i128,
    #[serde(with = "digits")]
    sum: i128,
}

const FOUR_DECIMALS: i128 = 10_000;

/// 128 bits as text: readers of JSON differ in the numbers that they take.
mod digits {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(number: &i128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i128, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|error| de::Error::custom(format!("{text:?}: {error}")))
    }
}

impl MovingMean {
    /// `bucketCount` buckets of `bucketWidthMs` milliseconds. Panics if one of them is zero.
    #[must_use]
    pub fn new(bucket_width_ms: u32, bucket_count: u32) -> Self {
        assert!(bucket_width_ms > 0 && bucket_count > 0, "a moving average without a window");
        Self { width: i64::from(bucket_width_ms) * 1_000, count: bucket_count.into(), buckets: VecDeque::new() }
    }

    /// The width of a bucket in milliseconds, and how many there are.
    #[must_use]
    pub fn window(&self) -> (i64, i64) {
        (self.width / 1_000, self.count)
    }

    /// Whether another one has the same window.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.width, self.count) == (other.width, other.count)
    }

    fn trade(&mut self, now: Timestamp, price: Price) {
        self.drop_expired(now);
        let close = (now.micros().div_euclid(self.width) + 1) * self.width;
        if self.buckets.back().is_none_or(|bucket| bucket.close != close) {
            self.buckets.push_back(Bucket { close, trades: 0, sum: 0 });
        }
        let bucket = self.buckets.back_mut().expect("there is one now");
        bucket.trades += FOUR_DECIMALS;
        bucket.sum += i128::from(price.units()) * FOUR_DECIMALS;
    }

    /// Drops the buckets that lie outside of the window, and says where it begins.
    fn drop_expired(&mut self, now: Timestamp) -> i64 {
        let cutoff = now.micros().saturating_sub(self.width.saturating_mul(self.count));
        while self.buckets.front().is_some_and(|bucket| bucket.close <= cutoff) {
            self.buckets.pop_front();
        }
        cutoff
    }

    fn at(&mut self, now: Timestamp) -> Option<Price> {
        let cutoff = self.drop_expired(now);
        let mut trades: i128 = self.buckets.iter().map(|bucket| bucket.trades).sum();
        let mut sum: i128 = self.buckets.iter().map(|bucket| bucket.sum).sum();
        // Of the oldest the part that is outside does not count (rule 8.37). It is asked for anew each time,
        // so that the answer does not depend on when it was asked for before.
        if let Some(oldest) = self.buckets.front() {
            let expired = i128::from(cutoff.saturating_sub(oldest.close - self.width).max(0));
            trades -= oldest.trades * expired / i128::from(self.width);
            sum -= oldest.sum * expired / i128::from(self.width);
        }
        (trades > 0).then(|| Price::from_units((sum / trades) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn the_oldest_bucket_is_prorated() {
        let mut mean = MovingMean::new(1_000, 2);
        assert_eq!(mean.at(at(0)), None);
        mean.trade(at(100), price("10"));
        mean.trade(at(900), price("12"));
        mean.trade(at(1_500), price("20"));
        assert_eq!(mean.at(at(1_999)), Some(price("14")), "42 / 3, all inside");
        // The window begins at 500: half of the first bucket is out, 1 trade and 11 are left.
        assert_eq!(mean.at(at(2_500)), Some(price("15.5")));
        assert_eq!(mean.at(at(3_000)), Some(price("20")), "the first bucket is gone");
        assert_eq!(mean.at(at(9_000)), None);
    }

    #[test]
    fn a_window_longer_than_all_time_holds_every_trade() {
        let mut mean = MovingMean::new(u32::MAX, u32::MAX);
        mean.trade(Timestamp::from_millis(1_672_531_200_000), price("10"));
        mean.trade(Timestamp::from_millis(1_700_000_000_000), price("20"));
        assert_eq!(mean.at(Timestamp::from_millis(1_700_000_000_000)), Some(price("15")));
    }

    #[test]
    fn ranges_are_inclusive_and_by_side() {
        let rate = |text: &str| Some(text.parse().unwrap());
        let range = PriceRange {
            bid_limit_mult_up: rate("2"),
            bid_limit_mult_down: rate("0.5"),
            ask_limit_mult_up: None,
            ask_limit_mult_down: rate("0.9"),
        };
        let bid = range.around(price("10"), Side::Buy);
        assert!(bid.allow(price("20")) && bid.allow(price("5")));
        assert!(!bid.allow(price("20.00000001")) && !bid.allow(price("4.99999999")));
        let ask = range.around(price("10"), Side::Sell);
        assert!(ask.allow(price("1000")) && ask.allow(price("9")) && !ask.allow(price("8.99999999")));
    }
}
