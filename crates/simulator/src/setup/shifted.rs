//! A setup at another time: the same history, some microseconds later or earlier.
//!
//! For: history that is to happen now. Not for: choosing by how much; bars keep their places on
//! grids of minutes, hours or days only where that is a multiple of those.

use std::sync::Arc;

use candlewick_model::run::Halt;
use candlewick_model::{Bars, Times, Timestamp};

use super::{Market, Setup, Transfer};
use crate::desk::DiscountPrices;
use crate::detail::{Detail, DetailSource, Print, Unreadable};
use crate::reference::Reference;

impl Setup {
    /// Everything that has a time has a later one, by some microseconds; trouble is left out.
    #[must_use]
    pub fn shifted(&self, by: i64) -> Self {
        let mut bars = ShiftedBars { by, known: Vec::new() };
        let markets = self.markets.iter().map(|market| market.shifted(by, &mut bars)).collect();
        let prices = self.prices.iter().map(|(base, quote, series)| (*base, *quote, bars.of(series))).collect();
        let transfer = |transfer: &Transfer| Transfer { time: transfer.time.plus(by), ..*transfer };
        Self {
            account: self.account.clone(),
            limits: self.limits.shifted(by),
            markets,
            prices,
            counted_in: self.counted_in,
            transfers: self.transfers.iter().map(transfer).collect(),
            stress: None,
        }
    }
}

impl Market {
    fn shifted(&self, by: i64, bars: &mut ShiftedBars) -> Self {
        let later = |source: &Arc<dyn DetailSource>| {
            Arc::new(ShiftedDetail { source: Arc::clone(source), by }) as Arc<dyn DetailSource>
        };
        Self {
            timeline: self.timeline.shifted(by),
            fill_model: self.fill_model,
            interval: self.interval,
            bars: bars.of(&self.bars),
            longer: self.longer.iter().map(|(interval, series)| (*interval, bars.of(series))).collect(),
            average_bars: bars.of(&self.average_bars),
            details: self.details.iter().map(later).collect(),
            reference: match &self.reference {
                Reference::Recorded(points) => {
                    Reference::Recorded(points.iter().map(|(time, price)| (time.plus(by), *price)).collect())
                }
                other => other.clone(),
            },
            price_range: self.price_range,
            discount: self.discount.as_ref().map(|discount| DiscountPrices::new(bars.of(&discount.bars))),
            halts: self
                .halts
                .iter()
                .map(|halt| Halt { from: halt.from.plus(by), to: halt.to.plus(by), ..*halt })
                .collect(),
        }
    }
}

/// Series that are the same stay the same.
struct ShiftedBars {
    by: i64,
    known: Vec<(Arc<Bars>, Arc<Bars>)>,
}

impl ShiftedBars {
    fn of(&mut self, bars: &Arc<Bars>) -> Arc<Bars> {
        if let Some((_, shifted)) = self.known.iter().find(|(known, _)| Arc::ptr_eq(known, bars)) {
            return Arc::clone(shifted);
        }
        let shifted = Arc::new(shifted(bars, self.by));
        self.known.push((Arc::clone(bars), Arc::clone(&shifted)));
        shifted
    }
}

fn shifted(bars: &Bars, by: i64) -> Bars {
    let later = |times: &Times| times.iter().map(|time| time.plus(by)).collect();
    Bars { open_time: later(&bars.open_time), close_time: later(&bars.close_time), ..bars.clone() }
}

/// A source that is asked for other times than it has.
struct ShiftedDetail {
    source: Arc<dyn DetailSource>,
    by: i64,
}

impl DetailSource for ShiftedDetail {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let found = self.source.inside(open_time.plus(-self.by), close_time.plus(-self.by))?;
        Ok(found.map(|detail| match detail {
            Detail::Bars(bars, rows) => {
                let inside = bars.iter().skip(rows.start).take(rows.len()).collect();
                Detail::Bars(Arc::new(shifted(&inside, self.by)), 0..rows.len())
            }
            Detail::Trades(trades, rows) => {
                let later = |trade: &Print| Print { time: trade.time.plus(self.by), ..*trade };
                let inside: Arc<[Print]> = trades[rows.clone()].iter().map(later).collect();
                Detail::Trades(inside, 0..rows.len())
            }
        }))
    }
}
