//! Bars: one, and many as columns.
//!
//! For: the market data that everything here runs on. Not for: where it came from (the lake)
//! or what is missing in it (the lake's check).

use crate::amounts::Amounts;
use crate::number::{Amount, Price};
use crate::time::Timestamp;
use crate::times::Times;

/// One candle. It is known at its close time and not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// First instant.
    pub open_time: Timestamp,
    /// Last instant (…999999 µs in a regular bar).
    pub close_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Base asset traded.
    pub volume: Amount,
    /// Quote asset traded.
    pub quote_volume: Amount,
    /// Base asset that takers bought.
    pub taker_buy_volume: Amount,
    /// Quote asset for which takers bought.
    pub taker_buy_quote_volume: Amount,
    /// Number of trades.
    pub trades: i64,
}

/// Why a bar contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BarError {
    /// A price is zero or below.
    #[error("a price is not above zero")]
    Price,
    /// High is below low, or open or close lie outside of them.
    #[error("open, high, low and close contradict each other")]
    Range,
    /// A volume or the count of trades is below zero.
    #[error("a volume or the number of trades is negative")]
    Volume,
    /// It ends before it begins.
    #[error("close time is before open time")]
    Time,
}

impl Bar {
    /// Whether the bar is consistent in itself: `low ≤ open, close ≤ high`, prices above zero,
    /// volumes not below it, and an end that is not before the beginning.
    pub fn check(&self) -> Result<(), BarError> {
        if self.low <= Price::ZERO {
            return Err(BarError::Price);
        }
        let inside = |p: Price| self.low <= p && p <= self.high;
        if !(inside(self.open) && inside(self.close)) {
            return Err(BarError::Range);
        }
        let volumes = [self.volume, self.quote_volume, self.taker_buy_volume, self.taker_buy_quote_volume];
        if self.trades < 0 || volumes.iter().any(|v| *v < Amount::ZERO) {
            return Err(BarError::Volume);
        }
        if self.close_time < self.open_time {
            return Err(BarError::Time);
        }
        Ok(())
    }
}

/// Many bars of one series, a column for each of their values; all have the same length. Where
/// nobody asked for what takers bought and for numbers of trades, the former are zeros and the
/// latter are left out, and read as zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are the fields of Bar")]
pub struct Bars {
    pub open_time: Times,
    pub close_time: Times,
    pub open: Vec<Price>,
    pub high: Vec<Price>,
    pub low: Vec<Price>,
    pub close: Vec<Price>,
    pub volume: Amounts,
    pub quote_volume: Amounts,
    pub taker_buy_volume: Amounts,
    pub taker_buy_quote_volume: Amounts,
    pub trades: Vec<i64>,
}

impl Bars {
    /// No bars, with room for some.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            open_time: Times::default(),
            close_time: Times::default(),
            open: Vec::with_capacity(rows),
            high: Vec::with_capacity(rows),
            low: Vec::with_capacity(rows),
            close: Vec::with_capacity(rows),
            volume: Amounts::with_capacity(rows),
            quote_volume: Amounts::with_capacity(rows),
            taker_buy_volume: Amounts::with_capacity(rows),
            taker_buy_quote_volume: Amounts::with_capacity(rows),
            trades: Vec::with_capacity(rows),
        }
    }

    /// How many bars there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.open_time.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open_time.is_empty()
    }

    /// Adds a bar at the end.
    pub fn push(&mut self, bar: Bar) {
        self.open_time.push(bar.open_time);
        self.close_time.push(bar.close_time);
        self.open.push(bar.open);
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        self.volume.push(bar.volume);
        self.quote_volume.push(bar.quote_volume);
        self.taker_buy_volume.push(bar.taker_buy_volume);
        self.taker_buy_quote_volume.push(bar.taker_buy_quote_volume);
        self.trades.push(bar.trades);
    }

    /// Puts a bar in the place of another; panics beyond the end, as indexing does.
    pub fn set(&mut self, row: usize, bar: Bar) {
        self.open_time.set(row, bar.open_time);
        self.close_time.set(row, bar.close_time);
        self.open[row] = bar.open;
        self.high[row] = bar.high;
        self.low[row] = bar.low;
        self.close[row] = bar.close;
        self.volume.set(row, bar.volume);
        self.quote_volume.set(row, bar.quote_volume);
        self.taker_buy_volume.set(row, bar.taker_buy_volume);
        self.taker_buy_quote_volume.set(row, bar.taker_buy_quote_volume);
        if let Some(trades) = self.trades.get_mut(row) {
            *trades = bar.trades;
        }
    }

    /// The bar at a row; panics beyond the end, as indexing does.
    ///
    /// Only the first column is indexed; the others, which are as long, are read without a
    /// panic behind them, so that the replay loop loads no more of a bar than it uses.
    #[must_use]
    #[inline(always)]
    pub fn bar(&self, row: usize) -> Bar {
        let price = |column: &[Price]| column.get(row).copied().unwrap_or_default();
        Bar {
            open_time: self.open_time.at(row),
            close_time: self.close_time.get(row).unwrap_or_default(),
            open: price(&self.open),
            high: price(&self.high),
            low: price(&self.low),
            close: price(&self.close),
            volume: self.volume.get(row).unwrap_or_default(),
            quote_volume: self.quote_volume.get(row).unwrap_or_default(),
            taker_buy_volume: self.taker_buy_volume.get(row).unwrap_or_default(),
            taker_buy_quote_volume: self.taker_buy_quote_volume.get(row).unwrap_or_default(),
            trades: self.trades.get(row).copied().unwrap_or_default(),
        }
    }

    /// Asks for what an order meets at a row, all at once: after bars that were skipped it lies in
    /// columns that are far apart and far away, and memory is then waited for once. Times are nearly always
    /// near. Gives nothing.
    #[inline]
    pub fn fetch(&self, row: usize) {
        let (volume, quote_volume) = (self.volume.get(row), self.quote_volume.get(row));
        std::hint::black_box((
            self.open.get(row).copied(),
            volume.map(|v| v.units() as u64),
            quote_volume.map(|v| v.units() as u64),
        ));
    }

    /// Σ quote volume ÷ Σ base volume of those of the first `rows` bars that closed within
    /// (`now` − `minutes`, `now`], truncated to 8 decimals (rule 5.3); `None` where there is no
    /// such bar, no volume, or no window at all (0 minutes). `rows` should be little more than
    /// the number of bars that have closed: the search goes back from there.
    #[must_use]
    pub fn average_price(&self, rows: usize, now: Timestamp, minutes: u32) -> Option<Price> {
        let after = now.plus(-i64::from(minutes) * crate::time::MINUTE);
        let mut to = rows;
        while self.close_time.at(to.checked_sub(1)?) > now {
            to -= 1;
        }
        let from = self.close_time.rows_after(after, to);
        let (quote, base) = (self.quote_volume.sum(from..to).units(), self.volume.sum(from..to).units());
        let average = quote.checked_mul(crate::number::ONE.into())?.checked_div(base)?;
        i64::try_from(average).ok().map(Price::from_units)
    }

    /// A copy of some rows.
    #[must_use]
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            open_time: self.open_time.slice(rows.clone()),
            close_time: self.close_time.slice(rows.clone()),
            open: self.open[rows.clone()].to_vec(),
            high: self.high[rows.clone()].to_vec(),
            low: self.low[rows.clone()].to_vec(),
            close: self.close[rows.clone()].to_vec(),
            volume: self.volume.slice(rows.clone()),
            quote_volume: self.quote_volume.slice(rows.clone()),
            taker_buy_volume: self.taker_buy_volume.slice(rows.clone()),
            taker_buy_quote_volume: self.taker_buy_quote_volume.slice(rows.clone()),
            trades: self.trades.get(rows).map(<[_]>::to_vec).unwrap_or_default(),
        }
    }

    /// Adds all rows of others at the end.
    pub fn append(&mut self, mut other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        self.open_time.append(other.open_time);
        self.close_time.append(other.close_time);
        self.open.append(&mut other.open);
        self.high.append(&mut other.high);
        self.low.append(&mut other.low);
        self.close.append(&mut other.close);
        self.volume.append(other.volume);
        self.quote_volume.append(other.quote_volume);
        self.taker_buy_volume.append(other.taker_buy_volume);
        self.taker_buy_quote_volume.append(other.taker_buy_quote_volume);
        self.trades.append(&mut other.trades);
    }

    /// All bars in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Bar> + '_ {
        (0..self.len()).map(|row| self.bar(row))
    }
}

impl FromIterator<Bar> for Bars {
    fn from_iter<I: IntoIterator<Item = Bar>>(bars: I) -> Self {
        let bars = bars.into_iter();
        let mut columns = Self::with_capacity(bars.size_hint().0);
        columns.extend(bars);
        columns
    }
}

impl Extend<Bar> for Bars {
    fn extend<I: IntoIterator<Item = Bar>>(&mut self, bars: I) {
        bars.into_iter().for_each(|bar| self.push(bar));
    }
}

/// A stretch without bars between two that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    /// The first regular open time that has no bar.
    pub from: Timestamp,
    /// The open time of the next bar that is there.
    pub to: Timestamp,
    /// How many regular bars are missing (at least one).
    pub missing: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar() -> Bar {
        let p = |n: i64| Price::from_units(n);
        let a = |n: i128| Amount::from_units(n);
        Bar {
            open_time: Timestamp::from_micros(0),
            close_time: Timestamp::from_micros(59_999_999),
            open: p(10),
            high: p(12),
            low: p(9),
            close: p(11),
            volume: a(5),
            quote_volume: a(50),
            taker_buy_volume: a(2),
            taker_buy_quote_volume: a(20),
            trades: 3,
        }
    }

    #[test]
    fn contradictions_are_found() {
        assert_eq!(bar().check(), Ok(()));
        let low = Price::from_units(13);
        assert_eq!(Bar { low, ..bar() }.check(), Err(BarError::Range));
        assert_eq!(Bar { low: Price::ZERO, ..bar() }.check(), Err(BarError::Price));
        assert_eq!(Bar { volume: Amount::from_units(-1), ..bar() }.check(), Err(BarError::Volume));
        assert_eq!(Bar { trades: -1, ..bar() }.check(), Err(BarError::Volume));
        assert_eq!(Bar { close_time: Timestamp::from_micros(-1), ..bar() }.check(), Err(BarError::Time));
    }

    #[test]
    fn columns_give_back_the_bars() {
        let bars: Bars = [bar(), Bar { trades: 9, ..bar() }].into_iter().collect();
        assert_eq!((bars.len(), bars.bar(0), bars.bar(1).trades), (2, bar(), 9));
        assert_eq!(bars.iter().collect::<Bars>(), bars);
    }
}
