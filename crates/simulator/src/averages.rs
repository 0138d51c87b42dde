//! The price that stands for the market over some minutes (rule 5.3).

use std::sync::Arc;

use candlewick_model::{Bars, Price, Timestamp};
use serde::{Deserialize, Serialize};

/// The finest bars at hand, and how far they have closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Averages {
    #[serde(skip)]
    pub(crate) bars: Arc<Bars>,
    /// How many of them had closed when an average was last asked for.
    pub(crate) closed: usize,
    /// How often there was no average, so that the last price stood in.
    pub(crate) replaced: u64,
}

impl Averages {
    pub(crate) fn new(bars: Arc<Bars>) -> Self {
        Self { bars, closed: 0, replaced: 0 }
    }

    /// Goes on from where another one stood; the bars are its own.
    pub(crate) fn resume(&mut self, state: Self) {
        *self = Self { bars: std::mem::take(&mut self.bars), ..state };
    }

    /// The average over the last `minutes`; the last price where there is none.
    pub(crate) fn price(
        &mut self,
        minutes: u32,
        now: Timestamp,
        last: Price,
        running: (Timestamp, Timestamp),
    ) -> Price {
        self.average(minutes, now, running).unwrap_or_else(|| {
            self.replaced += u64::from(minutes > 0);
            last
        })
    }

    /// The average over the last `minutes`, where there is one. The running bar (its times) is no
    /// closed one, even where bars overlap and time has passed its end.
    pub(crate) fn average(&mut self, minutes: u32, now: Timestamp, running: (Timestamp, Timestamp)) -> Option<Price> {
        let bars = &*self.bars;
        let runs = |row, close| close == running.1 && bars.open_time.at(row) == running.0;
        let closed = |row| bars.close_time.get(row).is_some_and(|close| close <= now && !runs(row, close));
        let expected = self.expected(now).filter(|row| closed(row - 1) && !closed(*row));
        self.closed = expected.unwrap_or_else(|| gallop(self.closed, closed));
        bars.average_price(self.closed, now, minutes)
    }

    /// How many bars have closed by an instant if they are all as long as the next one that closes,
    /// as most are: to look at few of them, which are far away in memory.
    fn expected(&self, now: Timestamp) -> Option<usize> {
        let (open, close) = (self.bars.open_time.get(self.closed)?, self.bars.close_time.get(self.closed)?);
        let passed = now.micros().checked_sub(close.micros()).filter(|passed| *passed >= 0)?;
        let bars = passed.checked_div(close.micros().checked_sub(open.micros())?.checked_add(1)?)?;
        usize::try_from(bars).ok()?.checked_add(self.closed + 1)
    }
}

/// The first row at or after `from` that is not `closed`; all before it are. Strides grow and
/// shrink, because since the last question one bar may have closed or a thousand.
pub(crate) fn gallop(from: usize, closed: impl Fn(usize) -> bool) -> usize {
    let (mut row, mut stride) = (from, 1);
    while closed(row + stride - 1) {
        row += stride;
        stride *= 2;
    }
    while stride > 1 {
        stride /= 2;
        if closed(row + stride - 1) {
            row += stride;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars of three units each, without those whose place `is_gone`.
    fn bars(is_gone: impl Fn(i64) -> bool) -> Arc<Bars> {
        let mut bars = Bars::default();
        for open in (0..60).filter(|at| !is_gone(*at)).map(|at| at * 3) {
            let price = Price::from_units(1);
            bars.push(candlewick_model::Bar {
                open_time: Timestamp::from_micros(open),
                close_time: Timestamp::from_micros(open + 2),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: candlewick_model::Amount::ZERO,
                quote_volume: candlewick_model::Amount::ZERO,
                taker_buy_volume: candlewick_model::Amount::ZERO,
                taker_buy_quote_volume: candlewick_model::Amount::ZERO,
                trades: 0,
            });
        }
        Arc::new(bars)
    }

    #[test]
    fn bars_that_have_closed_are_found_wherever_the_last_question_was() {
        for bars in [bars(|_| false), bars(|at| at % 7 == 3 || (20..31).contains(&at)), bars(|at| at < 58)] {
            for (before, now) in (0..190).flat_map(|before| (before..190).map(move |now| (before, now))) {
                let mut averages = Averages::new(Arc::clone(&bars));
                for now in [before, now].map(Timestamp::from_micros) {
                    let open = bars.open_time.iter().rposition(|open| open <= now).unwrap_or(0);
                    let running = (bars.open_time.at(open), bars.close_time.at(open));
                    averages.average(1, now, running);
                    let closed = |row: &usize| bars.close_time.at(*row) <= now && *row != open;
                    assert_eq!(averages.closed, (0..bars.len()).filter(closed).count());
                }
            }
        }
    }

    #[test]
    fn galloping_arrives_where_walking_does() {
        for end in 0..200 {
            for from in 0..=end {
                assert_eq!(gallop(from, |row| row < end), end);
            }
        }
    }
}
