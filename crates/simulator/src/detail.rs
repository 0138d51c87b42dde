//! What happened inside a bar: finer bars, or trades (rules 2.2, `detail`, and 8.31 to 8.33).
//!
//! For: a market that moves along finer data where they are at hand. Not for: where they come
//! from; a [`DetailSource`] is asked for the bars that are walked, and for no others.

use std::ops::Range;
use std::sync::Arc;

use candlewick_model::{Amount, Bar, Bars, Price, Quantity, Symbol, Timestamp};

use crate::path::{self, POINTS, PointKind};
use crate::trace::Within;

/// A trade of the market: what a jump needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// When.
    pub time: Timestamp,
    /// At which price.
    pub price: Price,
    /// How much base asset.
    pub quantity: Quantity,
}

/// What happened inside a bar, in order: some rows of a longer stretch.
#[derive(Debug, Clone)]
pub enum Detail {
    /// Finer bars, of which times, prices and volume are needed.
    Bars(Arc<Bars>, Range<usize>),
    /// Trades.
    Trades(Arc<[Print]>, Range<usize>),
}

/// Where detail comes from.
pub trait DetailSource: Send + Sync {
    /// What happened from one instant to another, both included; `None` where that is not known.
    /// The same question has the same answer.
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable>;
}

/// Why a source has no answer.
pub type Unreadable = Box<dyn std::error::Error + Send + Sync>;

/// What happened inside of a bar cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("what happened inside the bar of {symbol} that opens at {open_time} cannot be read: {source}")]
pub struct DetailError {
    /// Of which market.
    pub symbol: Symbol,
    /// Of which bar.
    pub open_time: Timestamp,
    /// Why.
    pub source: Unreadable,
}

impl Detail {
    fn rows(&self) -> &Range<usize> {
        match self {
            Self::Bars(_, rows) | Self::Trades(_, rows) => rows,
        }
    }

    /// Whether these make up a bar: its open, high, low, close and volume. Finer bars without
    /// volume move nothing, so that their prices do not count.
    pub(crate) fn makes(&self, bar: &Bar) -> bool {
        let made = match self {
            Self::Bars(bars, rows) => {
                let finer = rows.clone().map(|row| bars.bar(row));
                if finer.clone().any(|fine| fine.open_time < bar.open_time || fine.close_time > bar.close_time) {
                    return false;
                }
                let mut traded = finer.filter(|fine| !fine.volume.is_zero());
                if bar.volume.is_zero() {
                    return !rows.is_empty() && traded.next().is_none();
                }
                Made::of(traded.map(|fine| (fine.open, fine.high, fine.low, fine.close, fine.volume)))
            }
            Self::Trades(trades, rows) => {
                Made::of(trades[rows.clone()].iter().map(|t| (t.price, t.price, t.price, t.price, t.quantity.into())))
            }
        };
        made.is_some_and(|made| {
            (made.open, made.high, made.low, made.close) == (bar.open, bar.high, bar.low, bar.close)
                && made.volume == bar.volume.units()
        })
    }
}

/// What parts come to.
struct Made {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: i128,
}

impl Made {
    fn of(parts: impl Iterator<Item = (Price, Price, Price, Price, Amount)>) -> Option<Self> {
        parts.fold(None, |made: Option<Self>, (open, high, low, close, volume)| {
            let Some(made) = made else { return Some(Self { open, high, low, close, volume: volume.units() }) };
            let volume = made.volume + volume.units();
            Some(Self { open: made.open, high: made.high.max(high), low: made.low.min(low), close, volume })
        })
    }
}

/// What is known of the inside of the bar that comes next or runs.
#[derive(Debug, Clone, Default)]
pub(crate) enum Inside {
    /// Its market never moves along detail.
    #[default]
    Never,
    /// Nobody has looked yet.
    Unknown,
    /// There is no detail.
    Absent,
    /// All of it.
    Along(Along),
}

/// A way along detail, and how far it has been gone.
#[derive(Debug, Clone)]
pub(crate) struct Along {
    detail: Detail,
    /// The row that comes next.
    at: usize,
    /// Whether the last finer bar closes when the bar does, so that one close is the other.
    ends_together: bool,
}

/// The part of a way that comes next.
pub(crate) enum Part<'a> {
    /// A row of finer bars.
    Bar(&'a Bars, usize),
    Trade(&'a Print),
    /// The close of the bar, later than all of its detail.
    Close,
}

impl Along {
    /// The way through a bar that closes then.
    pub(crate) fn new(detail: Detail, close_time: Timestamp) -> Self {
        let rows = detail.rows();
        let (at, last) = (rows.start, rows.end - 1);
        let ends_together = matches!(&detail, Detail::Bars(bars, _) if bars.close_time.at(last) == close_time);
        Self { detail, at, ends_together }
    }

    fn part(&self) -> Part<'_> {
        match &self.detail {
            Detail::Bars(bars, rows) if self.at < rows.end => Part::Bar(bars, self.at),
            Detail::Trades(trades, rows) if self.at < rows.end => Part::Trade(&trades[self.at]),
            Detail::Bars(..) | Detail::Trades(..) => Part::Close,
        }
    }

    /// Passes parts that stay strictly within two prices and end before an instant, but for the
    /// first and the last part; when the latest of them has ended, and the last price if there was
    /// any.
    pub(crate) fn pass(
        &mut self,
        (low, high): (Price, Price),
        before: Timestamp,
    ) -> Option<(Timestamp, Option<Price>)> {
        let (first, last) = (self.detail.rows().start, self.detail.rows().end - 1);
        let from = self.at;
        let passes = |row: usize| match &self.detail {
            Detail::Bars(bars, _) => low < bars.low[row] && bars.high[row] < high && bars.close_time.at(row) < before,
            Detail::Trades(trades, _) => {
                low < trades[row].price && trades[row].price < high && trades[row].time < before
            }
        };
        let to = (from..last).find(|row| !passes(*row)).unwrap_or(last);
        if from == first || to <= from {
            return None;
        }
        self.at = to;
        Some(match &self.detail {
            Detail::Bars(bars, _) => {
                let traded = (from..to).rev().find(|row| !bars.volume.at(*row).is_zero());
                (bars.close_time.at(to - 1), traded.map(|row| bars.close[row]))
            }
            Detail::Trades(trades, _) => (trades[to - 1].time, Some(trades[to - 1].price)),
        })
    }

    /// Time and kind of the next point.
    fn point(&self, step: usize, close_time: Timestamp) -> (Timestamp, PointKind) {
        let rows = self.detail.rows();
        let open = if self.at == rows.start { PointKind::Open } else { PointKind::Inside };
        let close = if self.ends_together && self.at + 1 == rows.end { PointKind::Close } else { PointKind::Between };
        match self.part() {
            Part::Close => (close_time, PointKind::Close),
            Part::Trade(trade) => (trade.time, open),
            Part::Bar(bars, row) => {
                let kind = match path::kind(step) {
                    PointKind::Open => open,
                    PointKind::Close => close,
                    kind => kind,
                };
                (path::time(bars.open_time.at(row), bars.close_time.at(row), step), kind)
            }
        }
    }
}

impl Inside {
    /// Another bar comes next.
    #[inline]
    pub(crate) fn forget(&mut self) {
        if !matches!(self, Self::Never) {
            *self = Self::Unknown;
        }
    }

    /// How many parts have been gone, where there is detail.
    pub(crate) fn gone(&self) -> Option<usize> {
        match self {
            Self::Along(along) => Some(along.at - along.detail.rows().start),
            Self::Never | Self::Unknown | Self::Absent => None,
        }
    }

    /// Goes on behind so many parts; whether there are so many.
    pub(crate) fn go_on(&mut self, gone: usize) -> bool {
        let Self::Along(along) = self else { return false };
        along.at += gone;
        along.at < along.detail.rows().end + usize::from(!along.ends_together)
    }

    /// The next part, where there is detail.
    #[inline]
    pub(crate) fn part(&self) -> Option<Part<'_>> {
        match self {
            Self::Along(along) => Some(along.part()),
            Self::Never | Self::Unknown | Self::Absent => None,
        }
    }

    /// What the next point belongs to.
    pub(crate) fn within(&self) -> Within {
        match self.part() {
            Some(Part::Bar(..)) => Within::FinerBar,
            Some(Part::Trade(_)) => Within::Trade,
            Some(Part::Close) | None => Within::Bar,
        }
    }

    /// Time and kind of the next point, where there is detail, of a bar that closes then.
    #[inline]
    pub(crate) fn point(&self, step: usize, close_time: Timestamp) -> Option<(Timestamp, PointKind)> {
        match self {
            Self::Along(along) => Some(along.point(step, close_time)),
            Self::Never | Self::Unknown | Self::Absent => None,
        }
    }

    /// The next point is done: the step of the one behind it, `None` behind the last one.
    #[inline]
    pub(crate) fn pass_point(&mut self, step: usize) -> Option<usize> {
        let has_steps = !matches!(self.part(), Some(Part::Trade(_) | Part::Close));
        if has_steps && step + 1 < POINTS {
            return Some(step + 1);
        }
        let Self::Along(along) = self else { return None };
        along.at += 1;
        let parts_end = along.detail.rows().end + usize::from(!along.ends_together);
        (along.at < parts_end).then_some(0)
    }
}
