//! The market's trades, and what of its bars has happened: cut from the bars as in the archives
//! of trades, so that numbers, times and quantities are the same wherever they are told.

use std::sync::{Arc, Mutex, OnceLock};

use candlewick_model::{AggTrade, Amount, Bar, Bars, Interval, Price, Quantity, Side, Timestamp, Trade};

use super::stand::Stand;
use crate::data::trades::{self, Print};

/// The bars of a market as trades. Numbers go on from its first bar.
pub(super) struct Tape {
    bars: Arc<Bars>,
    grid: (Price, Quantity),
    /// How many trades there were before each bar, and last in all of them.
    trades_before: Vec<i64>,
    /// The same for joined ones; most are never asked for.
    joined_before: OnceLock<Vec<i64>>,
    /// Those of the bar that everybody asks for: the last that has opened.
    latest: Mutex<Latest>,
}

/// A bar's row, and its prints.
type Latest = (usize, Arc<[Print]>);

/// Which joined trades are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// From a number on.
    FromId(i64),
    /// The oldest within two instants, both included.
    From(Timestamp, Timestamp),
    /// The most recent ones up to an instant.
    Until(Timestamp),
}

/// One print with its number and that of its first trade.
struct Numbered {
    print: Print,
    id: i64,
    first_trade: i64,
}

impl Tape {
    pub(super) fn new(bars: Arc<Bars>, grid: (Price, Quantity)) -> Self {
        let trades_before = running_sum((0..bars.len()).map(|row| bars.trades.get(row).copied().unwrap_or(0)));
        Self {
            bars,
            grid,
            trades_before,
            joined_before: OnceLock::new(),
            latest: Mutex::new((usize::MAX, Arc::default())),
        }
    }

    /// With other bars, cut in the same way.
    pub(super) fn with_bars(&self, bars: Arc<Bars>) -> Self {
        Self::new(bars, self.grid)
    }

    pub(super) fn bars(&self) -> &Arc<Bars> {
        &self.bars
    }

    fn joined_before(&self) -> &[i64] {
        self.joined_before.get_or_init(|| running_sum(self.bars.iter().map(|bar| trades::count(&bar, Some(self.grid)))))
    }

    /// The prints of a bar that have happened.
    pub(super) fn prints(&self, stand: &Stand, row: usize) -> Vec<Print> {
        let bar = self.bars.bar(row);
        if row + 1 < self.opened(stand) {
            return trades::inside(&bar, Some(self.grid));
        }
        let prints = self.latest(row, &bar);
        if row < stand.closed { prints.to_vec() } else { happened(&prints, stand, row, &bar).to_vec() }
    }

    fn latest(&self, row: usize, bar: &Bar) -> Arc<[Print]> {
        let mut latest = self.latest.lock().expect("nobody panics with it");
        if latest.0 != row {
            *latest = (row, trades::inside(bar, Some(self.grid)).into());
        }
        Arc::clone(&latest.1)
    }

    /// When the first trade lies of the running bar that has not happened; none where there is none.
    pub(super) fn pending(&self, stand: &Stand) -> Option<Timestamp> {
        let row = stand.closed;
        stand.running?;
        let bar = self.bars.bar(row);
        let prints = self.latest(row, &bar);
        prints.get(happened(&prints, stand, row, &bar).len()).map(|print| print.time)
    }

    /// How many bars have opened.
    pub(super) fn opened(&self, stand: &Stand) -> usize {
        stand.closed + usize::from(stand.running.is_some())
    }

    /// How many trades there were before a bar.
    pub(super) fn count_before_bar(&self, row: usize) -> i64 {
        self.trades_before[row]
    }

    /// How many trades there have been.
    pub(super) fn count(&self, stand: &Stand) -> i64 {
        let running =
            stand.running.map_or(0, |_| self.prints(stand, stand.closed).iter().map(|print| print.count).sum());
        self.trades_before[stand.closed] + running
    }

    /// How many trades there were before an instant.
    pub(super) fn count_before(&self, stand: &Stand, instant: Timestamp) -> i64 {
        let row = self.bars.close_time.partition_point(|close| close < instant).min(self.opened(stand));
        if row == self.opened(stand) {
            return self.count(stand);
        }
        let earlier = |print: &Print| print.time < instant;
        let inside = if self.bars.open_time.at(row) < instant { self.prints(stand, row) } else { Vec::new() };
        self.trades_before[row] + inside.iter().take_while(|print| earlier(print)).map(|print| print.count).sum::<i64>()
    }

    /// What of a bar has happened; `None` if it has not opened.
    pub(super) fn happened(&self, stand: &Stand, interval: Interval, bar: &Bar) -> Option<Bar> {
        let row = self.bars.open_time.partition_point(|open| open < bar.open_time);
        if row < stand.closed { Some(*bar) } else { self.running(stand, interval, row) }
    }

    /// What of a bar has happened that has not closed; `None` if it has not opened.
    pub(super) fn running(&self, stand: &Stand, interval: Interval, row: usize) -> Option<Bar> {
        let way = stand.running.filter(|_| row == stand.closed)?;
        let bar = self.bars.bar(row);
        let close_time = interval.close_of(bar.open_time);
        let open = trades::flat(&Bar { close_time, ..bar }, bar.open);
        if bar.volume.is_zero() {
            return Some(open);
        }
        let traded = happened(&self.latest(row, &bar), stand, row, &bar).iter().fold(open, trades::add);
        // Where few trades are told, the path has been further than they have.
        Some(Bar { high: traded.high.max(way.high), low: traded.low.min(way.low), close: way.last, ..traded })
    }

    /// The volume of the last bar that has closed with any.
    pub(super) fn last_volume(&self, stand: &Stand) -> Amount {
        let mut volumes = (0..stand.closed).rev().map(|row| self.bars.volume.at(row));
        volumes.find(|volume| !volume.is_zero()).unwrap_or(Amount::ZERO)
    }

    /// Trades from a number on, the most recent ones without it.
    pub(super) fn trades(&self, stand: &Stand, from: Option<i64>, limit: usize) -> Vec<Trade> {
        let from = from.unwrap_or_else(|| (self.count(stand) - limit as i64).max(0));
        let mut found = Vec::new();
        let mut row = self.row_of(&self.trades_before, from);
        while row < self.opened(stand) && found.len() < limit {
            let mut id = self.trades_before[row];
            for print in self.prints(stand, row) {
                let next = id + print.count;
                if next > from {
                    let parts = (id..next).zip(print.parts()).filter(|(id, _)| *id >= from);
                    found.extend(parts.take(limit - found.len()).map(|(id, part)| trade(id, &print, part)));
                }
                id = next;
            }
            row += 1;
        }
        found
    }

    /// The last trade, if there was any.
    pub(super) fn last_trade(&self, stand: &Stand) -> Option<Trade> {
        self.trades(stand, None, 1).pop()
    }

    /// Joined trades.
    pub(super) fn joined(&self, stand: &Stand, wanted: &Joined, limit: usize) -> Vec<AggTrade> {
        let opened = self.opened(stand);
        match *wanted {
            Joined::FromId(from) => {
                let row = self.row_of(self.joined_before(), from);
                let rows = (row..opened).flat_map(|row| self.numbered(stand, row));
                rows.filter(|numbered| numbered.id >= from).take(limit).map(|numbered| numbered.told()).collect()
            }
            Joined::From(start, end) => {
                let row = self.bars.close_time.partition_point(|close| close < start).min(opened);
                let rows = (row..opened).flat_map(|row| self.numbered(stand, row));
                let wanted = rows.skip_while(|n| n.print.time < start).take_while(|n| n.print.time <= end);
                wanted.take(limit).map(|numbered| numbered.told()).collect()
            }
            Joined::Until(end) => {
                let rows = self.bars.open_time.partition_point(|open| open <= end).min(opened);
                let prints = (0..rows).rev().flat_map(|row| self.numbered(stand, row).into_iter().rev());
                let wanted = prints.skip_while(|n| n.print.time > end).take(limit);
                let mut found: Vec<AggTrade> = wanted.map(|numbered| numbered.told()).collect();
                found.reverse();
                found
            }
        }
    }

    fn numbered(&self, stand: &Stand, row: usize) -> Vec<Numbered> {
        let mut first_trade = self.trades_before[row];
        let number = |(id, print): (i64, Print)| {
            let numbered = Numbered { print, id, first_trade };
            first_trade += print.count;
            numbered
        };
        (self.joined_before()[row]..).zip(self.prints(stand, row)).map(number).collect()
    }

    /// The bar that a number lies in.
    fn row_of(&self, before: &[i64], number: i64) -> usize {
        before[1..].partition_point(|count| *count <= number)
    }
}

/// The prints of a bar that runs that have happened.
fn happened<'a>(prints: &'a [Print], stand: &Stand, row: usize, bar: &Bar) -> &'a [Print] {
    let Some(way) = stand.running.filter(|_| row == stand.closed) else { return &[] };
    let leg = way.points.min(trades::leg_reached(bar, way.low, way.high));
    let has_happened = |print: &&Print| print.leg <= leg && print.time <= stand.time;
    &prints[..prints.iter().take_while(has_happened).count()]
}

impl Numbered {
    fn told(&self) -> AggTrade {
        AggTrade {
            id: self.id,
            price: Price::from_units(self.print.price),
            quantity: quantity(self.print.quantity()),
            first_trade_id: self.first_trade,
            last_trade_id: self.first_trade + self.print.count - 1,
            time: self.print.time,
            aggressor: aggressor(&self.print),
            is_best_match: true,
        }
    }
}

fn trade(id: i64, print: &Print, (base, quote): trades::Part) -> Trade {
    Trade {
        id,
        price: Price::from_units(print.price),
        quantity: quantity(base),
        quote_quantity: Amount::from_units(quote),
        time: print.time,
        aggressor: aggressor(print),
        is_best_match: true,
    }
}

fn aggressor(print: &Print) -> Side {
    if print.is_buy { Side::Buy } else { Side::Sell }
}

fn quantity(units: i128) -> Quantity {
    Quantity::from_amount_saturating(Amount::from_units(units))
}

/// Nothing, the first, the first two, and so on.
fn running_sum(counts: impl Iterator<Item = i64>) -> Vec<i64> {
    let sums = counts.scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    std::iter::once(0).chain(sums).collect()
}
