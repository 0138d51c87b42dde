//! By what a series of bars is known again.
//!
//! For: telling that a state goes on with the data that it was taken on. Not for: provenance (the
//! hashes of a report cover every value); a look at bars spread over the series is enough here,
//! and costs the same for a day and for ten years.

use std::fmt;

use candlewick_model::{Bars, Timestamp};
use serde::{Deserialize, Serialize};

/// At most about so many bars are looked at.
const LOOKED_AT: usize = 256;

/// How many bars there are, from when to when, and a digest of some of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    bars: usize,
    first_open: Option<Timestamp>,
    last_close: Option<Timestamp>,
    digest: u32,
}

impl Fingerprint {
    pub(crate) fn of(bars: &Bars) -> Self {
        Self::of_first(bars, bars.len())
    }

    fn of_first(bars: &Bars, count: usize) -> Self {
        let rows = (0..count).step_by((count / LOOKED_AT).max(1)).chain(count.checked_sub(1));
        let digest = rows.fold(FNV_BASIS, |digest, row| {
            let bar = bars.bar(row);
            let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.units());
            let times = [bar.open_time, bar.close_time].map(Timestamp::micros);
            prices.iter().chain(&times).fold(mix(digest, bar.volume.units() as i64), |digest, n| mix(digest, *n))
        });
        Self {
            bars: count,
            first_open: bars.open_time.first().filter(|_| count > 0),
            last_close: count.checked_sub(1).map(|last| bars.close_time.at(last)),
            digest: (digest ^ (digest >> 32)) as u32,
        }
    }

    /// Whether a series is the same; it may have grown at its end since.
    pub(crate) fn is_of(&self, bars: &Bars) -> bool {
        self.bars <= bars.len() && *self == Self::of_first(bars, self.bars)
    }
}

/// FNV-1a, a word at a time.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

const fn mix(digest: u64, word: i64) -> u64 {
    (digest ^ word as u64).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bars", self.bars)?;
        if let (Some(first), Some(last)) = (self.first_open, self.last_close) {
            write!(f, " from {first} to {last} (digest {:08x})", self.digest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candlewick_model::{Amount, Bar, Price};

    fn series(count: i64, last_close: i64) -> Bars {
        let price = Price::from_units;
        let bar = |n: i64| Bar {
            open_time: Timestamp::from_micros(n * 60),
            close_time: Timestamp::from_micros(n * 60 + 59),
            open: price(10 + n % 3),
            high: price(20),
            low: price(5),
            close: price(if n == count - 1 { last_close } else { 10 }),
            volume: Amount::from_units(i128::from(n)),
            quote_volume: Amount::ZERO,
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 0,
        };
        (0..count).map(bar).collect()
    }

    #[test]
    fn a_series_may_grow_and_not_change() {
        for count in [0, 1, 2, 255, 256, 257, 1_000] {
            let known = Fingerprint::of(&series(count, 10));
            assert!(known.is_of(&series(count, 10)) && known.is_of(&series(count + 7, 11)), "{count}");
            if count > 0 {
                assert!(!known.is_of(&series(count, 11)), "the last bar has another close");
                assert!(!known.is_of(&series(count - 1, 10)), "a bar is missing");
            }
        }
    }
}
