//! Bars in which nothing can happen pass without being walked along: most bars of most runs.
//!
//! For: the backtest, which knows what is on its way. What passes here leaves the same as
//! [`Replay::advance`] would.

use candlewick_model::{Price, Timestamp};

use super::Replay;
use crate::detail::{DetailError, Inside};
use crate::path::{Point, PointKind};

impl Replay {
    /// Brings a market that was passed over past all points that have come. No order works on it,
    /// so that nothing happens.
    pub(crate) fn catch_up(&mut self, market: usize, has_come: impl Fn(Point) -> bool) -> Result<(), DetailError> {
        while let Some(point) = self.feeds[market].next_point().filter(|point| has_come(*point)) {
            if self.look_inside(market)? {
                continue;
            }
            self.advance(market);
            // It stood there then, not now.
            self.feeds[market].point = Some(point);
        }
        Ok(())
    }

    /// Whether every price of a market matters.
    #[inline]
    pub(crate) fn is_busy(&self, market: usize) -> bool {
        let book = &self.venue.books[market];
        !book.open.is_empty() || book.follows_trades()
    }

    /// Whether no order is touched by the next bar of any market, or what is left of the running
    /// one, so that it can pass without being looked at.
    #[must_use]
    #[inline]
    pub(crate) fn is_idle(&mut self) -> bool {
        self.feeds.iter().zip(&mut self.venue.books).all(|(feed, book)| feed.is_idle(book))
    }

    /// Lets a bar, or what is left of it, pass in which no order works and no command arrives.
    /// The same as [`Self::advance`] to its close, without the work.
    #[inline]
    pub(crate) fn pass_bar(&mut self, market: usize) -> Timestamp {
        let Self { venue, feeds } = self;
        let feed = &mut feeds[market];
        let close_time = feed.bars.close_time.at(feed.row).max(venue.desk.now);
        venue.desk.now = close_time;
        feed.unseen.get_or_insert(feed.row);
        feed.point = Some(Point { time: close_time, kind: PointKind::Close, bar: feed.row });
        feed.row += 1;
        feed.step = 0;
        feed.inside.forget();
        close_time
    }

    /// Lets parts of the only market's way along detail pass in which no order is touched, up to
    /// an instant. The same as [`Self::advance`] without the work.
    pub(crate) fn pass_inside(&mut self, before: impl FnOnce() -> Timestamp) {
        let ([feed], [book]) = (&mut self.feeds[..], &mut self.venue.books[..]) else { return };
        feed.see(book);
        let (Inside::Along(along), 0) = (&mut feed.inside, feed.step) else { return };
        let Some(range) = book.untouched_range() else { return };
        if let Some((time, price)) = along.pass(range, before()) {
            let time = time.max(self.venue.desk.now);
            self.venue.desk.now = time;
            book.last = price.unwrap_or(book.last);
            feed.point = Some(Point { time, kind: PointKind::Between, bar: feed.row });
        }
    }

    /// Lets all bars of a market before a row pass as [`Self::pass_bar`] does; `latest` is when
    /// the last of them has closed.
    pub(crate) fn pass_bars(&mut self, market: usize, to: usize, latest: Timestamp) {
        let feed = &mut self.feeds[market];
        feed.unseen.get_or_insert(feed.row);
        feed.row = to - 1;
        self.venue.desk.now = latest.max(self.venue.desk.now);
        self.pass_bar(market);
    }

    /// Whether markets can move anywhere without touching anything.
    pub(crate) fn is_calm(&self) -> bool {
        !(0..self.feeds.len()).any(|market| self.is_busy(market))
    }

    /// Between which prices a market can move without touching an order; `None` where there is
    /// no order, so that it may move anywhere.
    pub(crate) fn untouched_range(&mut self, market: usize) -> Option<(Price, Price)> {
        let book = &mut self.venue.books[market];
        if book.open.is_empty() { None } else { book.untouched_range() }
    }
}
