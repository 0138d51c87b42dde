//! Bars in which nothing can happen but that they close: most bars of most runs pass here.

use candlewick_model::{Price, Timestamp};
use candlewick_strategy::Strategy;

use super::{Backtest, SeriesPlan};

/// How far is looked ahead at a time: most stretches are short.
pub(super) const AHEAD: usize = 64;

impl<S: Strategy> Backtest<S> {
    /// Whether nothing can happen up to an instant but that bars close: no order works, no
    /// command is on its way and no outcome waited for, no timer and no transfer is due.
    #[inline]
    pub(super) fn is_quiet_until(&mut self, close: Timestamp) -> bool {
        self.pending.is_empty()
            && !self.is_deaf()
            && self.session.next_timer().is_none_or(|at| at > close)
            && self.transfers.front().is_none_or(|transfer| transfer.time > close)
            && self.replay.is_idle()
    }

    /// Lets the bars pass that close at an instant.
    #[inline]
    pub(super) fn pass_to(&mut self, close: Timestamp) {
        let mut now = close;
        for at in 0..self.series.len() {
            let series = &self.series[at];
            if !self.close_together && series.next_close() != Some(close) {
                continue;
            }
            if series.moves {
                let market = series.market;
                self.enter_bar(market);
                now = self.replay.pass_bar(market);
            }
            self.series[at].row += 1;
            self.session.next_bar(at, now.max(self.replay.now()));
        }
        self.session.mark(now);
        self.collect();
    }

    /// As [`Self::pass_bars`], of several series that close together: up to the first bar that
    /// the strategy has not taken in. Whether there was any bar to pass.
    pub(super) fn pass_taken_in(&mut self) -> bool {
        if !self.close_together || !self.replay.is_calm() {
            return false;
        }
        let horizon = self.horizon();
        let mut count = usize::MAX;
        for (at, series) in self.series.iter().enumerate() {
            // What was taken in before may reach beyond what comes now.
            let to = series.closing_before(horizon);
            count = count.min(self.session.take_in(at, to).min(to) - series.row);
        }
        if count == 0 {
            return false;
        }
        self.session.pass_taken_in(count);
        for series in &mut self.series {
            series.row += count;
            self.replay.pass_bars(series.market, series.row, self.session.now());
        }
        true
    }

    /// Before which instant nothing comes but bars.
    pub(super) fn horizon(&self) -> Timestamp {
        let timer = self.session.next_timer();
        let transfer = self.transfers.front().map(|transfer| transfer.time);
        let filters = self.markets.iter().map(|market| market.filters_change);
        filters.chain(timer).chain(transfer).min().unwrap_or(Timestamp::MAX)
    }

    /// As [`Self::pass_to`], bar after bar, where there is one series: this is where most
    /// backtests spend their time.
    pub(super) fn pass_bars(&mut self) {
        self.enter_bar(0);
        let to = self.quiet_to();
        self.session.next_bars(to);
        let passed = self.session.context().bar_count();
        // A strategy that says something at every bar is not looked ahead for.
        self.ahead = if passed < to { 1 } else { AHEAD.min(self.ahead * 2) };
        self.replay.pass_bars(0, passed, self.session.now());
        self.series[0].row = passed;
        self.collect();
    }

    /// Up to which row of the only series nothing can happen but that bars close. The next one
    /// is known to be quiet.
    pub(super) fn quiet_to(&mut self) -> usize {
        let calm = self.replay.untouched_range(0);
        let (series, horizon) = (&self.series[0], self.horizon());
        let bars = &series.bars;
        if calm.is_none() && series.latest < horizon {
            return bars.len();
        }
        let (low, high) = calm.unwrap_or((Price::from_units(i64::MIN), Price::MAX));
        let quiet = |row: &usize| bars.close_time.at(*row) < horizon && low < bars.low[*row] && bars.high[*row] < high;
        let ahead = bars.len().min(series.row + self.ahead);
        (series.row + 1..ahead).find(|row| !quiet(row)).unwrap_or(ahead)
    }
}

impl SeriesPlan {
    /// A row before which bars close before an instant; there may be more of them.
    fn closing_before(&self, horizon: Timestamp) -> usize {
        if self.latest < horizon {
            return self.bars.len();
        }
        let ahead = self.bars.len().min(self.row + AHEAD);
        (self.row..ahead).find(|row| self.bars.close_time.at(*row) >= horizon).unwrap_or(ahead)
    }
}
