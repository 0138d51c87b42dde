//! What a market did from an instant on: the numbers of all tickers.

use std::ops::Range;

use candlewick_model::number::ONE;
use candlewick_model::{Amount, Bar, Bars, Price, Quantity, Timestamp};

use super::stand::Stand;
use super::tape::Tape;
use crate::data::trades::{self, Print};

/// A window's statistics. Without a trade in it prices are zero and the numbers of trades -1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statistics {
    pub(crate) open: Price,
    pub(crate) high: Price,
    pub(crate) low: Price,
    pub(crate) close: Price,
    pub(crate) volume: Amount,
    pub(crate) quote_volume: Amount,
    pub(crate) first_id: i64,
    pub(crate) last_id: i64,
    pub(crate) count: i64,
    /// The quantity of the last trade in it.
    pub(crate) last_quantity: Quantity,
    /// The price of the last trade before it; zero if there was none.
    pub(crate) previous_close: Price,
}

impl Statistics {
    const NONE: Self = Self {
        open: Price::ZERO,
        high: Price::ZERO,
        low: Price::ZERO,
        close: Price::ZERO,
        volume: Amount::ZERO,
        quote_volume: Amount::ZERO,
        first_id: -1,
        last_id: -1,
        count: 0,
        last_quantity: Quantity::ZERO,
        previous_close: Price::ZERO,
    };

    /// How the price has changed.
    pub(crate) fn change(&self) -> Amount {
        Amount::from_units(i128::from(self.close.units()) - i128::from(self.open.units()))
    }

    /// Quote volume by volume, rounded at 1e-8.
    pub(crate) fn average(&self) -> Amount {
        let (quote, base) = (self.quote_volume.units(), self.volume.units());
        let scaled = quote.checked_mul(ONE.into()).and_then(|units| units.checked_add(base / 2));
        Amount::from_units(scaled.and_then(|units| units.checked_div(base)).unwrap_or(0))
    }

    /// The last price in it; without a trade that of the last one before.
    pub(crate) fn last_price(&self) -> Price {
        if self.count == 0 { self.previous_close } else { self.close }
    }

    fn with_whole(self, bars: &Bars, rows: Range<usize>) -> Self {
        let has_volume = |row: &usize| !bars.volume.at(*row).is_zero();
        let (first, last) = (rows.clone().find(has_volume), rows.clone().rfind(has_volume));
        let (Some(first), Some(last)) = (first, last) else { return self };
        let reach = (Price::ZERO, Price::MAX);
        let traded = rows.clone().filter(has_volume);
        let (high, low) = traded.fold(reach, |(high, low), row| (high.max(bars.high[row]), low.min(bars.low[row])));
        let (volume, quote_volume) = (bars.volume.sum(rows.clone()), bars.quote_volume.sum(rows));
        let (open, close) = (bars.open[first], bars.close[last]);
        self.with(&Bar { open, high, low, close, volume, quote_volume, ..bars.bar(first) })
    }

    fn with(self, bar: &Bar) -> Self {
        if bar.volume.is_zero() {
            return self;
        }
        let is_first = self.volume.is_zero();
        let sum = |a: Amount, b: Amount| Amount::from_units(a.units() + b.units());
        Self {
            open: if is_first { bar.open } else { self.open },
            high: self.high.max(bar.high),
            low: if is_first { bar.low } else { self.low.min(bar.low) },
            close: bar.close,
            volume: sum(self.volume, bar.volume),
            quote_volume: sum(self.quote_volume, bar.quote_volume),
            ..self
        }
    }
}

impl Tape {
    /// All trades from an instant on.
    pub(super) fn statistics(&self, stand: &Stand, from: Timestamp) -> Statistics {
        let (bars, opened) = (self.bars(), self.opened(stand));
        let first = bars.close_time.partition_point(|close| close < from).min(opened);
        let part = |sum: Statistics, row| sum.with(&traded(&bars.bar(row), &self.prints(stand, row), from));
        // Bars that begin before it, whole ones, and the one that runs.
        let inside = bars.open_time.partition_point(|open| open < from).min(opened).max(first);
        let closed = stand.closed.max(inside);
        let begun = (first..inside).fold(Statistics::NONE, part);
        let whole = (closed..opened).fold(begun.with_whole(bars, inside..closed), part);
        let previous_close = self.last_before(stand, first, from).unwrap_or_default();
        let (before, all) = (self.count_before(stand, from), self.count(stand));
        if before == all {
            return Statistics { previous_close, ..Statistics::NONE };
        }
        let last_quantity = self.last_trade(stand).map_or(Quantity::ZERO, |trade| trade.quantity);
        Statistics { first_id: before, last_id: all - 1, count: all - before, last_quantity, previous_close, ..whole }
    }

    /// The price of the last trade before an instant that lies in a bar or right before it.
    fn last_before(&self, stand: &Stand, row: usize, instant: Timestamp) -> Option<Price> {
        let bars = self.bars();
        let is_inside = row < self.opened(stand) && bars.open_time.at(row) < instant;
        let inside = if is_inside { self.prints(stand, row) } else { Vec::new() };
        let last = inside.iter().rev().find(|print| print.time < instant).map(|print| Price::from_units(print.price));
        let earlier = || (0..row).rev().find(|row| !bars.volume.at(*row).is_zero()).map(|row| bars.close[row]);
        last.or_else(earlier)
    }
}

/// What of a bar's prints was traded from an instant on.
fn traded(bar: &Bar, prints: &[Print], from: Timestamp) -> Bar {
    let inside = prints.iter().filter(|print| print.time >= from);
    inside.fold(trades::flat(bar, bar.open), trades::add)
}
