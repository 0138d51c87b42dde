//! Prices that do not go on where they were: jumps, and names that mean something else now.

use candlewick_model::time::{DAY, HOUR};
use candlewick_model::{Bar, Bars, Price, Timestamp};
use serde::Serialize;

/// A bar that opens a fifth or more away from the close before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PriceJump {
    /// When it opens.
    pub time: Timestamp,
    /// The close before it.
    pub before: Price,
    /// At what it opens.
    pub after: Price,
}

/// What a discontinuity looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The price changed by about a power of ten: the same asset in other units.
    Redenominated,
    /// After a pause the price is of another order of magnitude: the name may have been given
    /// to another asset.
    Reused,
}

/// Two neighbouring trades that can hardly be of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Discontinuity {
    /// The end of the last bar with trades before it.
    pub last: Timestamp,
    /// Its close.
    pub before: Price,
    /// When the first bar with trades after it opens.
    pub first: Timestamp,
    /// At what.
    pub after: Price,
    /// What it looks like.
    pub likely: Likeness,
}

/// Without trades for so long, another price is no jump of the market.
const PAUSE: i64 = HOUR;

impl PriceJump {
    /// Exactly: after / before ≥ 6/5 or ≤ 4/5. What happens over a gap of days is no jump.
    pub(super) fn between(before: &Bar, bar: &Bar) -> Option<Self> {
        if bar.open_time.micros() - before.close_time.micros() > DAY {
            return None;
        }
        let (from, to) = (i128::from(before.close.units()), i128::from(bar.open.units()));
        let is_jump = to * 5 >= from * 6 || to * 5 <= from * 4;
        is_jump.then_some(Self { time: bar.open_time, before: before.close, after: bar.open })
    }
}

impl Discontinuity {
    /// Those inside of some bars.
    #[must_use]
    pub fn within(bars: &Bars) -> Vec<Self> {
        let mut traded = bars.iter().filter(|bar| !bar.volume.is_zero());
        let Some(mut last) = traded.next() else { return Vec::new() };
        let pairs = traded.filter_map(|bar| Self::between(&std::mem::replace(&mut last, bar), &bar));
        pairs.collect()
    }

    /// Of two bars with trades and none between them.
    #[must_use]
    pub fn between(before: &Bar, bar: &Bar) -> Option<Self> {
        let (from, to) = (i128::from(before.close.units()), i128::from(bar.open.units()));
        let (small, large) = (from.min(to), from.max(to));
        if large < small * 5 {
            return None;
        }
        let pause = bar.open_time.micros() - before.close_time.micros();
        let likely = if is_power_of_ten(small, large) {
            Likeness::Redenominated
        } else if pause >= PAUSE {
            Likeness::Reused
        } else {
            return None;
        };
        let (last, first) = (before.close_time, bar.open_time);
        Some(Self { last, before: before.close, first, after: bar.open, likely })
    }
}

/// Whether one is about 10, 100, … times the other: from four fifths of it to five quarters.
fn is_power_of_ten(small: i128, large: i128) -> bool {
    (1..=9).map(|places| 10_i128.pow(places) * small).any(|times| large * 5 >= times * 4 && large * 4 <= times * 5)
}

#[cfg(test)]
mod tests {
    use candlewick_model::Amount;

    use super::*;

    fn bar(minute: i64, price: i64) -> Bar {
        let (price, open_time) = (Price::from_units(price), Timestamp::from_micros(minute * 60_000_000));
        let one = Amount::from_units(1);
        Bar {
            open_time,
            close_time: open_time.plus(59_999_999),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: one,
            quote_volume: one,
            taker_buy_volume: one,
            taker_buy_quote_volume: one,
            trades: 1,
        }
    }

    #[test]
    fn discontinuities() {
        use Likeness::{Redenominated, Reused};
        for (minutes, before, after, likely) in [
            (1, 100, 119, None),
            (1, 100, 1_000, Some(Redenominated)),
            (1, 100_000, 112, Some(Redenominated)),
            (1, 100, 79_000, None),
            (1, 100, 80_000, Some(Redenominated)),
            (1, 100, 125_000, Some(Redenominated)),
            (1, 100, 125_001, None),
            (60, 100, 400, None),
            (61, 100, 499, None),
            (60, 100, 600, None),
            (61, 100, 600, Some(Reused)),
            (10_000, 90_000, 5, Some(Reused)),
        ] {
            let found = Discontinuity::between(&bar(0, before), &bar(minutes, after));
            assert_eq!(found.map(|d| d.likely), likely, "{before} to {after} after {minutes} minutes");
        }
        let jumps = [119, 120, 81, 80].map(|after| PriceJump::between(&bar(0, 100), &bar(1, after)).is_some());
        assert_eq!(jumps, [false, true, false, true]);
    }
}
