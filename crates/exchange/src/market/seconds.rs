//! Bars of a second, of a market whose own bars are minutes: made of its trades, as archives and
//! the data server make them.
//!
//! A second is whole once the path has passed it and no trade of it is still to come; sixty of
//! them make their minute.

use candlewick_model::{Bar, Bars, Interval, Timestamp};

use super::View;
use crate::data::aggregate::Grid;
use crate::data::trades;
use crate::data::view::Wanted;

/// A second, and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) bar: Bar,
    /// The number of its first trade, if it has one.
    pub(crate) first_trade: i64,
    pub(crate) is_whole: bool,
}

impl<'a> View<'a> {
    /// Whether bars of a grid are made of the market's trades.
    pub(crate) fn makes(&self, grid: Grid) -> bool {
        grid.interval == Interval::OneSecond && self.market.interval == Interval::OneMinute
    }

    /// The seconds that somebody who asks now is told: the oldest where a start is given, else the
    /// most recent ones.
    pub(super) fn seconds(&self, wanted: &Wanted) -> Bars {
        let end = wanted.end.unwrap_or(Timestamp::MAX);
        if let Some(start) = wanted.start {
            let found = self.seconds_from(start).take_while(|second| second.bar.open_time <= end);
            return found.take(wanted.limit).map(|second| second.bar).collect();
        }
        let opened = self.tape().bars().open_time.partition_point(|open| open <= end);
        let rows = 0..opened.min(self.tape().opened(self.stand()));
        let rows = rows.rev().flat_map(|row| self.seconds_in(row).into_iter().rev());
        let mut found: Vec<Bar> =
            rows.map(|second| second.bar).skip_while(|bar| bar.open_time > end).take(wanted.limit).collect();
        found.reverse();
        found.into_iter().collect()
    }

    /// Seconds that open at an instant or later, up to where the market stands.
    pub(crate) fn seconds_from(self, start: Timestamp) -> impl Iterator<Item = Second> + use<'a> {
        let first = self.tape().bars().close_time.partition_point(|close| close < start);
        let rows = (first..self.tape().opened(self.stand())).flat_map(move |row| self.seconds_in(row));
        rows.skip_while(move |second| second.bar.open_time < start)
    }

    /// The first second that is not whole.
    pub(crate) fn next_second(&self) -> Timestamp {
        Interval::OneSecond.open_at(self.passed().plus(1))
    }

    /// Up to when everything has been traded.
    fn passed(&self) -> Timestamp {
        let pending = self.tape().pending(self.stand()).map_or(Timestamp::MAX, |time| time.plus(-1));
        self.stand().time.min(pending)
    }

    /// Those of one of its bars.
    fn seconds_in(&self, row: usize) -> Vec<Second> {
        if !self.tells_bar(row) {
            return Vec::new();
        }
        let mut next_trade = self.first_trade_of(row);
        let (bar, prints) = (self.tape().bars().bar(row), self.tape().prints(self.stand(), row));
        // With the one in which it goes on.
        let (passed, shown) = (self.passed(), self.passed().plus(1).min(self.stand().time));
        let seconds = trades::seconds_of(&bar, &prints).take_while(|bar| bar.open_time <= shown).map(|bar| {
            let first_trade = next_trade;
            next_trade += bar.trades;
            Second { bar, first_trade, is_whole: bar.close_time <= passed }
        });
        seconds.collect()
    }
}
