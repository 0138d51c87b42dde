//! A market that stands still as data: bars in which nothing trades, and the status HALT (rule
//! 9.1), or BREAK where it does so for good.
//!
//! A halt lasts whole bars of its market, those that open in the episode: candles do not say
//! what was traded in a part of one. Their prices stand where the last bar before closed, as
//! the exchange's own candles did on 2023-03-24, so that neither the strategy nor the venue
//! learns what history did meanwhile; the first bar after the halt opens with a jump.

use std::ops::Range;
use std::sync::Arc;

use candlewick_model::run::Halt;
use candlewick_model::stress::{Episode, Trouble};
use candlewick_model::{Amount, Bar, Bars, Instrument, Symbol, SymbolStatus, Timestamp};

use crate::setup::Market;

impl Market {
    /// The market as episodes leave it.
    #[must_use]
    pub fn halted(&self, episodes: &[Episode]) -> Self {
        let symbol = self.timeline.last().symbol;
        self.standing_still(rows(&self.bars, episodes, symbol).collect(), SymbolStatus::Halt)
    }

    /// The market as one that is not traded in any more from the bar on that opens next.
    #[must_use]
    pub fn delisted(&self, from: Timestamp) -> Self {
        let first = self.bars.open_time.partition_point(|open| open < from);
        let rows = first..self.bars.len();
        self.standing_still(if rows.is_empty() { Vec::new() } else { vec![rows] }, SymbolStatus::Break)
    }

    /// The market with another instrument from an instant on, until its next snapshot.
    #[must_use]
    pub fn revised(&self, from: Timestamp, instrument: Instrument) -> Self {
        Self { timeline: self.timeline.with(from, instrument), ..self.clone() }
    }

    fn standing_still(&self, stretches: Vec<Range<usize>>, status: SymbolStatus) -> Self {
        let halts: Vec<Halt> = stretches.into_iter().map(|rows| halt(&self.bars, rows)).collect();
        if halts.is_empty() {
            return self.clone();
        }
        let bars = flat(&self.bars, &halts);
        let average_bars = if Arc::ptr_eq(&self.average_bars, &self.bars) {
            Arc::clone(&bars)
        } else {
            flat(&self.average_bars, &halts)
        };
        let longer = self.longer.iter().map(|(interval, longer)| (*interval, gathered(longer, &bars, &halts)));
        Self {
            timeline: self.timeline.halted(&halts, status),
            longer: longer.collect(),
            bars,
            average_bars,
            halts: [self.halts.as_slice(), &halts].concat(),
            ..self.clone()
        }
    }
}

/// The bars that open in halts, stretch by stretch.
fn rows(bars: &Bars, episodes: &[Episode], symbol: Symbol) -> impl Iterator<Item = Range<usize>> {
    let concerns = |episode: &&Episode| episode.trouble == Trouble::Halt && episode.concerns(Some(symbol));
    let opened = |time: Timestamp| bars.open_time.partition_point(|open| open < time);
    let mut all: Vec<Range<usize>> =
        episodes.iter().filter(concerns).map(|episode| opened(episode.from)..opened(episode.to)).collect();
    all.retain(|rows| !rows.is_empty());
    all.sort_by_key(|rows| rows.start);
    all.dedup_by(|next, rows| {
        let touches = next.start <= rows.end;
        rows.end = if touches { rows.end.max(next.end) } else { rows.end };
        touches
    });
    all.into_iter()
}

fn halt(bars: &Bars, rows: Range<usize>) -> Halt {
    let reopens = bars.open_time.get(rows.end);
    Halt {
        from: bars.open_time.at(rows.start),
        to: reopens.unwrap_or_else(|| bars.close_time.at(rows.end - 1).plus(1)),
        bars: rows.len(),
        low: bars.low[rows.clone()].iter().min().copied().unwrap_or_default(),
        high: bars.high[rows].iter().max().copied().unwrap_or_default(),
    }
}

/// Bars without a trade, and at one price, wherever they open in a halt.
fn flat(bars: &Arc<Bars>, halts: &[Halt]) -> Arc<Bars> {
    let mut flat = (**bars).clone();
    for halt in halts {
        let [from, to] = [halt.from, halt.to].map(|time| bars.open_time.partition_point(|open| open < time));
        for row in from..to {
            let price = row.checked_sub(1).map_or(flat.open[row], |before| flat.close[before]);
            let (open_time, close_time) = (flat.open_time.at(row), flat.close_time.at(row));
            flat.set(
                row,
                Bar { open_time, close_time, open: price, high: price, low: price, close: price, ..NO_TRADES },
            );
        }
    }
    Arc::new(flat)
}

const NO_TRADES: Bar = Bar {
    open_time: Timestamp::MIN,
    close_time: Timestamp::MIN,
    open: candlewick_model::Price::ZERO,
    high: candlewick_model::Price::ZERO,
    low: candlewick_model::Price::ZERO,
    close: candlewick_model::Price::ZERO,
    volume: Amount::ZERO,
    quote_volume: Amount::ZERO,
    taker_buy_volume: Amount::ZERO,
    taker_buy_quote_volume: Amount::ZERO,
    trades: 0,
};

/// Longer bars, put together anew from the market's own where they overlap a halt.
fn gathered(longer: &Arc<Bars>, bars: &Bars, halts: &[Halt]) -> Arc<Bars> {
    let mut gathered = (**longer).clone();
    for halt in halts {
        let from = longer.close_time.partition_point(|close| close < halt.from);
        let to = longer.open_time.partition_point(|open| open < halt.to);
        for row in from..to {
            let (open_time, close_time) = (longer.open_time.at(row), longer.close_time.at(row));
            let first = bars.open_time.partition_point(|open| open < open_time);
            let end = bars.open_time.partition_point(|open| open <= close_time);
            let inside = || (first..end).map(|row| bars.bar(row));
            // Where something was traded, the rest says nothing.
            let traded = inside().filter(|bar| !bar.volume.is_zero()).reduce(joined);
            if let Some(whole) = traded.or_else(|| inside().reduce(joined)) {
                gathered.set(row, Bar { open_time, close_time, ..whole });
            }
        }
    }
    Arc::new(gathered)
}

/// Two bars as one.
fn joined(a: Bar, b: Bar) -> Bar {
    let sum = |a: Amount, b: Amount| a.checked_add(b).expect("volumes fit 128 bits");
    Bar {
        open_time: a.open_time,
        close_time: b.close_time,
        open: a.open,
        high: a.high.max(b.high),
        low: a.low.min(b.low),
        close: b.close,
        volume: sum(a.volume, b.volume),
        quote_volume: sum(a.quote_volume, b.quote_volume),
        taker_buy_volume: sum(a.taker_buy_volume, b.taker_buy_volume),
        taker_buy_quote_volume: sum(a.taker_buy_quote_volume, b.taker_buy_quote_volume),
        trades: a.trades + b.trades,
    }
}
