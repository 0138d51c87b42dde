//! The bars of one market and how far they have got: which point comes next, and what has passed
//! unseen.

use std::sync::Arc;

use candlewick_model::{Bars, Price, Timestamp};
use serde::{Deserialize, Serialize};

use crate::book::Book;
use crate::desk::Desk;
use crate::detail::{Along, DetailSource, Inside, Unreadable};
use crate::path::{self, FirstExtreme, Point};

/// The bars of one book, and how far they have got.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Feed {
    #[serde(skip)]
    pub(super) bars: Arc<Bars>,
    /// The bar whose point comes next.
    pub(super) row: usize,
    /// The point of that bar that comes next, 0 to 3.
    pub(super) step: usize,
    /// Which extreme of the running bar comes first; `None` is the nearer one.
    pub(super) first_extreme: Option<FirstExtreme>,
    /// What is known of the inside of that bar.
    #[serde(skip)]
    pub(super) inside: Inside,
    #[serde(skip)]
    pub(super) details: Vec<Arc<dyn DetailSource>>,
    /// Where the market stands; `None` before the first point.
    pub(super) point: Option<Point>,
    /// The first of the bars that have passed without anybody looking at their prices. Only a
    /// backtest leaves such, which nobody takes a state of.
    #[serde(skip)]
    pub(super) unseen: Option<usize>,
}

impl Feed {
    /// The instant of its last point.
    pub(super) fn time(&self) -> Timestamp {
        self.point.map_or(Timestamp::MIN, |point| point.time)
    }

    /// The point that comes next; `None` after the last close.
    #[inline]
    pub(super) fn next_point(&self) -> Option<Point> {
        let (open_time, close_time) = (self.bars.open_time.get(self.row)?, self.bars.close_time.at(self.row));
        let along_bar = || (path::time(open_time, close_time, self.step), path::kind(self.step));
        let (time, kind) = self.inside.point(self.step, close_time).unwrap_or_else(along_bar);
        // Real bars have overlapped; time never goes back (rule 2.3).
        Some(Point { time: time.max(self.time()), kind, bar: self.row })
    }

    /// Looks inside the bar that comes next, unless somebody has; whether it did.
    #[inline]
    pub(super) fn look_inside(&mut self) -> Result<bool, Unreadable> {
        if matches!(self.inside, Inside::Unknown) { self.look_inside_now() } else { Ok(false) }
    }

    fn look_inside_now(&mut self) -> Result<bool, Unreadable> {
        if self.row >= self.bars.len() {
            return Ok(false);
        }
        let bar = self.bars.bar(self.row);
        self.inside = Inside::Absent;
        for source in &self.details {
            let detail = source.inside(bar.open_time, bar.close_time)?;
            if let Some(detail) = detail.filter(|detail| detail.makes(&bar)) {
                self.inside = Inside::Along(Along::new(detail, bar.close_time));
                break;
            }
        }
        Ok(true)
    }

    /// The price of the last trade in bars that nobody has looked at, if there was one.
    pub(super) fn last_unseen(&self) -> Option<Price> {
        let traded = (self.unseen?..self.row).rev().find(|row| !self.bars.volume.at(*row).is_zero());
        traded.map(|row| self.bars.close[row])
    }

    /// The book takes in the bars that nobody has looked at.
    #[inline]
    pub(super) fn see(&mut self, book: &mut Book) {
        if self.unseen.is_some() {
            book.last = self.last_unseen().unwrap_or(book.last);
            book.has_volume = !self.bars.volume.at(self.row - 1).is_zero();
            self.unseen = None;
        }
    }

    /// The next point is done.
    pub(super) fn pass_point(&mut self) {
        let next = self.inside.pass_point(self.step);
        self.step = next.unwrap_or(0);
        if next.is_none() {
            self.row += 1;
            self.inside.forget();
        }
    }

    /// What can be found out about its next bar without an order on the way: that no order is
    /// touched.
    #[inline]
    pub(super) fn is_idle(&self, book: &mut Book) -> bool {
        if book.open.is_empty() && !book.follows_trades() {
            return true;
        }
        let (Some((low, high)), true) = (book.untouched_range(), self.row < self.bars.len()) else { return false };
        low < self.bars.low[self.row] && self.bars.high[self.row] < high
    }
}

/// Moves a book to the next point of a bar. Only what is used is looked at: orders come seldom,
/// and what a bar's columns hold is far away by then.
#[inline]
pub(super) fn walk(
    book: &mut Book,
    desk: &mut Desk,
    (bars, row): (&Bars, usize),
    step: usize,
    first: Option<FirstExtreme>,
) {
    if step == 0 {
        book.open_bar((bars.open_time.at(row), bars.close_time.at(row)), bars.volume.at(row));
        if book.has_volume {
            book.jump_to(desk, bars.open[row]);
        }
    } else if book.has_volume {
        let bar = bars.bar(row);
        if step == 1 {
            book.note_path_order(&bar);
        }
        let first = first.unwrap_or_else(|| FirstExtreme::nearest(&bar));
        book.move_to(desk, path::price(&bar, first, step));
    }
}
