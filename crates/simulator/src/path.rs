//! The path of the price inside a bar (rules 2.1 to 2.3).

use candlewick_model::{Bar, Price, Timestamp};
use serde::{Deserialize, Serialize};

/// Where on the path the market stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// The first price: a jump from the last one, even of length zero.
    Open,
    /// An extreme; along detail the open or an extreme of a finer bar, or a trade.
    Inside,
    /// Along detail the close of a finer bar. No command is taken up here.
    Between,
    /// The last price. No command is taken up here.
    Close,
}

/// A point of a bar's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When it is reached.
    pub time: Timestamp,
    /// Which kind it is.
    pub kind: PointKind,
    /// The bar's row.
    pub bar: usize,
}

impl PointKind {
    /// Whether commands are taken up here (rule 1.5).
    #[must_use]
    pub const fn takes_commands(self) -> bool {
        match self {
            Self::Open | Self::Inside => true,
            Self::Between | Self::Close => false,
        }
    }
}

/// Which extreme comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstExtreme {
    Low,
    High,
}

impl FirstExtreme {
    /// The one nearer to the open in price; at equal distance the low if the bar rises, else
    /// the high (rule 2.2).
    pub(crate) fn nearest(bar: &Bar) -> Self {
        let below = bar.open.units() - bar.low.units();
        let above = bar.high.units() - bar.open.units();
        match below.cmp(&above) {
            std::cmp::Ordering::Less => Self::Low,
            std::cmp::Ordering::Greater => Self::High,
            std::cmp::Ordering::Equal if bar.close > bar.open => Self::Low,
            std::cmp::Ordering::Equal => Self::High,
        }
    }
}

/// The four points of a bar, in order.
pub(crate) const POINTS: usize = 4;

/// Kind of the `step`-th point (0 to 3).
pub(crate) const fn kind(step: usize) -> PointKind {
    match step {
        0 => PointKind::Open,
        1 | 2 => PointKind::Inside,
        _ => PointKind::Close,
    }
}

/// Time of the `step`-th point: the open at open time, the extremes at a third and two thirds
/// of the way, floored, the close at close time.
pub(crate) fn time(open_time: Timestamp, close_time: Timestamp, step: usize) -> Timestamp {
    match step {
        0 => open_time,
        3 => close_time,
        _ => open_time.plus((close_time.micros() - open_time.micros()) * step as i64 / 3),
    }
}

/// Price of the `step`-th point.
pub(crate) fn price(bar: &Bar, first: FirstExtreme, step: usize) -> Price {
    match (step, first) {
        (0, _) => bar.open,
        (1, FirstExtreme::Low) | (2, FirstExtreme::High) => bar.low,
        (1, FirstExtreme::High) | (2, FirstExtreme::Low) => bar.high,
        _ => bar.close,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candlewick_model::Amount;

    fn bar(open: i64, high: i64, low: i64, close: i64) -> Bar {
        let p = Price::from_units;
        Bar {
            open_time: Timestamp::from_micros(0),
            close_time: Timestamp::from_micros(59_999_999),
            open: p(open),
            high: p(high),
            low: p(low),
            close: p(close),
            volume: Amount::ZERO,
            quote_volume: Amount::ZERO,
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 0,
        }
    }

    fn prices(bar: &Bar) -> Vec<i64> {
        let first = FirstExtreme::nearest(bar);
        (0..POINTS).map(|step| price(bar, first, step).units()).collect()
    }

    #[test]
    fn rule_2_2_the_nearer_extreme_comes_first() {
        assert_eq!(prices(&bar(10, 15, 8, 12)), [10, 8, 15, 12]);
        assert_eq!(prices(&bar(10, 12, 5, 6)), [10, 12, 5, 6]);
        assert_eq!(prices(&bar(10, 12, 8, 11)), [10, 8, 12, 11], "equal, rising: low first");
        assert_eq!(prices(&bar(10, 12, 8, 9)), [10, 12, 8, 9], "equal, falling: high first");
        assert_eq!(prices(&bar(10, 12, 8, 10)), [10, 12, 8, 10], "equal, flat: high first");
    }

    #[test]
    fn rule_2_3_times_are_thirds_floored() {
        let times: Vec<_> = (0..POINTS)
            .map(|step| time(Timestamp::from_micros(0), Timestamp::from_micros(59_999_999), step).micros())
            .collect();
        assert_eq!(times, [0, 19_999_999, 39_999_999, 59_999_999]);
    }
}
