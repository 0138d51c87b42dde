//! The venue on its bars: its markets move point by point, commands are taken up where it
//! stands.
//!
//! For: whoever drives time, the backtest or the local exchange. Not for: deciding when. Where
//! the bars of a market have got to is in `feed`, what need not be walked along in `passing`,
//! paths that are chosen by their outcome in `choice`, what a replay can be stopped and resumed
//! with in `state`.

mod choice;
mod feed;
mod passing;
mod state;

use std::sync::Arc;

use candlewick_model::run::{Assumptions, CommandId, PathModel};
use candlewick_model::{Account, Bars, Command, Ledger, Order, OrderLimit, Price, Quantity, Side, Timestamp};

use crate::averages::Averages;
use crate::book::open::orders;
use crate::book::{Book, Made};
use crate::desk::{Desk, VenueEvent};
use crate::detail::{DetailError, Inside, Part};
use crate::path::{FirstExtreme, Point, PointKind};
use crate::setup::{Market, Setup, Transfer};
use crate::trace::{Subject, Traced, Tracing};
use crate::venue::Venue;
use feed::{Feed, walk};

pub use state::{ReplayState, ResumeError};

/// The markets, their venue, and how far they have got.
#[derive(Clone)]
pub struct Replay {
    venue: Venue,
    feeds: Vec<Feed>,
}

impl Replay {
    /// Markets that are about to open. Panics if one has no bars.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let before = setup.start();
        let mut ledger = Ledger::of(&setup.account);
        let book = |market: &Market| {
            assert!(!market.bars.is_empty(), "a market without bars");
            let (instrument, _) = market.timeline.at(before);
            let pair = ledger.pair(instrument.base_asset, instrument.quote_asset);
            Book::new(Made {
                timeline: market.timeline.clone(),
                model: market.fill_model,
                pair,
                averages: Averages::new(Arc::clone(&market.average_bars)),
                reference: market.reference.clone(),
                price_range: market.price_range,
                discount: market.discount.clone(),
                start: before,
                first_price: market.bars.open[0],
            })
        };
        let books = setup.markets.iter().map(book).collect();
        let desk = Desk::new(ledger, setup.limits.clone(), before);
        let feed = |market: &Market| {
            let bars = Arc::clone(&market.bars);
            let is_detailed = market.fill_model.path == PathModel::Detail;
            let (inside, details) =
                if is_detailed { (Inside::Unknown, market.details.clone()) } else { (Inside::Never, Vec::new()) };
            Feed { bars, row: 0, step: 0, first_extreme: None, inside, details, point: None, unseen: None }
        };
        Self { venue: Venue { books, desk }, feeds: setup.markets.iter().map(feed).collect() }
    }

    /// The instant that was reached; a microsecond before the first open until it opens.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.venue.desk.now
    }

    /// How many markets there are.
    #[must_use]
    pub fn markets(&self) -> usize {
        self.feeds.len()
    }

    /// Lets time go on to an instant while all markets stand still: those that take up commands
    /// go on doing so. Panics where one would have moved.
    pub fn wait(&mut self, until: Timestamp) {
        let stands_still = |feed: &Feed| feed.next_point().is_none_or(|next| next.time > until);
        assert!(self.feeds.iter().all(stands_still), "a market has a point to pass before {until}");
        if until >= self.venue.desk.now {
            self.venue.go_to(until);
            for point in self.feeds.iter_mut().filter_map(|feed| feed.point.as_mut()) {
                point.time = until;
            }
        }
    }

    /// Whether a market takes up commands here and now.
    #[must_use]
    pub fn takes_commands(&self, market: usize) -> bool {
        self.feeds[market].point.is_some_and(|point| point.kind.takes_commands() && point.time >= self.venue.desk.now)
    }

    /// Whether a command for a market would be taken up here and now; one for none that is there
    /// wherever commands are taken up at all.
    #[must_use]
    pub(crate) fn takes(&self, market: Option<usize>) -> bool {
        match market {
            Some(market) => self.takes_commands(market),
            None => (0..self.feeds.len()).any(|market| self.takes_commands(market)),
        }
    }

    /// The point of a market that comes next; `None` after its last close. A market that moves
    /// along detail looks inside the bar first.
    #[inline]
    pub fn next_point(&mut self, market: usize) -> Result<Option<Point>, DetailError> {
        self.look_inside(market)?;
        Ok(self.feeds[market].next_point())
    }

    /// Whether anything was to be looked at, so that the next point may be another one now.
    #[inline]
    fn look_inside(&mut self, market: usize) -> Result<bool, DetailError> {
        let feed = &mut self.feeds[market];
        feed.look_inside().map_err(|source| DetailError {
            symbol: self.venue.books[market].instrument.symbol,
            open_time: feed.bars.open_time.at(feed.row),
            source,
        })
    }

    /// When the bar of a market opens, or the finer one inside, if that is its next point.
    #[must_use]
    #[inline]
    pub(crate) fn next_open(&self, market: usize) -> Option<Timestamp> {
        let feed = &self.feeds[market];
        let open_time = feed.bars.open_time.get(feed.row).filter(|_| feed.step == 0)?;
        match feed.inside.point(0, open_time) {
            None => Some(open_time),
            Some((time, kind)) => kind.takes_commands().then_some(time),
        }
    }

    /// Whether the last bar of a market has closed.
    pub(crate) fn has_ended(&self, market: usize) -> bool {
        let feed = &self.feeds[market];
        feed.row >= feed.bars.len()
    }

    /// When the bar of a market closes that comes next, or runs.
    pub(crate) fn next_close(&self, market: usize) -> Option<Timestamp> {
        let feed = &self.feeds[market];
        feed.bars.close_time.get(feed.row)
    }

    /// Whether the next point of a market is an open, along detail also a trade.
    pub(crate) fn opens_next(&self, market: usize) -> bool {
        self.feeds[market].step == 0
    }

    /// Which extreme of the running bar comes first, as it was chosen.
    pub(crate) fn first_extreme(&self, market: usize) -> Option<FirstExtreme> {
        self.feeds[market].first_extreme
    }

    /// When the next point of any of these markets comes.
    pub(crate) fn next_instant(&mut self, markets: &[usize]) -> Result<Option<Timestamp>, DetailError> {
        loop {
            let next = markets.iter().filter_map(|market| Some(self.feeds[*market].next_point()?.time)).min();
            let Some(next) = next else { return Ok(None) };
            if !self.look_inside_until(next, markets)? {
                return Ok(Some(next));
            }
        }
    }

    /// Looks inside all bars that would open by an instant; whether there was any to look at.
    fn look_inside_until(&mut self, instant: Timestamp, markets: &[usize]) -> Result<bool, DetailError> {
        let mut any = false;
        for market in markets {
            let feed = &self.feeds[*market];
            let opens =
                matches!(feed.inside, Inside::Unknown) && feed.next_point().is_some_and(|point| point.time <= instant);
            any |= opens && self.look_inside(*market)?;
        }
        Ok(any)
    }

    /// Whether the next point of a market has come by an instant.
    pub(crate) fn is_due(&mut self, market: usize, now: Timestamp) -> Result<bool, DetailError> {
        let is_due = |feed: &Feed| feed.next_point().is_some_and(|point| point.time <= now);
        Ok(is_due(&self.feeds[market]) && (!self.look_inside(market)? || is_due(&self.feeds[market])))
    }

    /// Moves a market to its next point; what happens on the way carries that point's time.
    /// Panics if a market that moves along detail was not asked for that point before.
    pub fn advance(&mut self, market: usize) -> Option<Point> {
        let Self { venue, feeds } = self;
        let feed = &mut feeds[market];
        assert!(!matches!(feed.inside, Inside::Unknown) || feed.next_point().is_none(), "nobody has looked inside");
        let mut point = feed.next_point()?;
        point.time = point.time.max(venue.desk.now);
        venue.go_to(point.time);
        let Venue { books, desk } = venue;
        let book = &mut books[market];
        feed.see(book);
        if !matches!(feed.inside, Inside::Never) {
            book.within = feed.inside.within();
            if point.kind == PointKind::Open {
                book.note_detail(feed.inside.part().is_some(), !feed.bars.volume.at(feed.row).is_zero());
            }
        }
        if feed.step == 0 {
            feed.first_extreme = None;
        }
        let (bars, row) = (&feed.bars, feed.row);
        match feed.inside.part() {
            None => walk(book, desk, (bars, row), feed.step, feed.first_extreme),
            Some(Part::Bar(finer, row)) => walk(book, desk, (finer, row), feed.step, None),
            Some(Part::Trade(trade)) => {
                book.open_bar((bars.open_time.at(row), bars.close_time.at(row)), trade.quantity.into());
                book.jump_to(desk, trade.price);
            }
            Some(Part::Close) => {}
        }
        feed.pass_point();
        feed.point = Some(point);
        Some(point)
    }

    /// Takes up a command where its market stands. Panics where commands are not taken up:
    /// whoever drives must have moved the market to an open or an extreme.
    pub fn execute(&mut self, id: CommandId, command: &Command) {
        self.execute_on(self.venue.book_of(command), id, command);
    }

    /// As [`Self::execute`], where the command's market is known.
    pub(crate) fn execute_on(&mut self, market: Option<usize>, id: CommandId, command: &Command) {
        assert!(self.takes(market), "commands are taken up at opens and extremes only");
        self.venue.execute(market, id, command);
    }

    /// Goes on with another future of a market: other bars from the next open on, other
    /// instruments from now on. Panics where its past is not the same.
    pub fn revise(&mut self, market: usize, revised: &Market) {
        let Self { venue, feeds } = self;
        let (feed, book) = (&mut feeds[market], &mut venue.books[market]);
        let begun = feed.row + usize::from(feed.step > 0);
        let is_same = |row: usize| feed.bars.bar(row) == revised.bars.bar(row);
        assert!(begun <= revised.bars.len() && begun.checked_sub(1).is_none_or(is_same), "another past");
        feed.see(book);
        feed.bars = Arc::clone(&revised.bars);
        if !matches!(feed.inside, Inside::Never) && feed.point.is_none_or(|point| point.bar < feed.row) {
            // What was looked up of the next bar may be of another one.
            feed.inside = Inside::Unknown;
        }
        feed.unseen = None;
        book.revise(venue.desk.now, revised.timeline.clone(), Arc::clone(&revised.average_bars));
    }

    /// The exchange cancels all orders of a market.
    pub fn expire_all(&mut self, market: usize) {
        let venue = &mut self.venue;
        venue.books[market].expire_all(&mut venue.desk);
    }

    /// Books a deposit or a withdrawal; `false` where there is not so much free.
    pub fn transfer(&mut self, transfer: &Transfer) -> bool {
        self.venue.desk.ledger.transfer(transfer.asset, transfer.amount)
    }

    /// What the venue has said since the last call, in order.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, VenueEvent> {
        self.venue.desk.events.drain(..)
    }

    /// As [`Self::drain_events`], into a buffer that is empty.
    pub(crate) fn swap_events(&mut self, buffer: &mut Vec<VenueEvent>) {
        std::mem::swap(&mut self.venue.desk.events, buffer);
    }

    /// Whether the venue has said anything since the last call.
    #[inline]
    pub(crate) fn has_said(&self) -> bool {
        !self.venue.desk.events.is_empty()
    }

    /// The price of a market's last trade; before the first one the first open.
    #[must_use]
    pub fn last_price(&self, market: usize) -> Price {
        self.feeds[market].last_unseen().unwrap_or(self.venue.books[market].last)
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.venue.desk.ledger.account()
    }

    /// The limits of unfilled orders, each with how many count at an instant.
    #[must_use]
    pub fn unfilled_orders(&self, now: Timestamp) -> Vec<(OrderLimit, u32)> {
        self.venue.desk.unfilled.counts(now)
    }

    /// Orders of a market that are not done, by id.
    pub fn open_orders(&self, market: usize) -> impl ExactSizeIterator<Item = &Order> {
        orders(&self.venue.books[market].open)
    }

    /// What a side of a market's book shows of own orders that rest on it with a limit as good as
    /// a price or better: limit and quantity (of an iceberg only a part), in no order.
    pub fn shown(&self, market: usize, side: Side, bound: Price) -> impl Iterator<Item = (Price, Quantity)> {
        self.venue.books[market].own_shown(side, bound)
    }

    /// As long as this is the same, so is what a market's book shows of own orders. It begins anew
    /// where a replay goes on from a state.
    #[must_use]
    pub fn order_changes(&self, market: usize) -> u64 {
        self.venue.books[market].open.changes()
    }

    /// From so many open orders on there is an index of them. Nothing comes of it but time, which
    /// is for tests to see.
    #[doc(hidden)]
    pub fn index_orders_from(&mut self, many: usize) {
        self.venue.books.iter_mut().for_each(|book| book.open.index_from(many));
    }

    /// The reference price of a market at an instant, where it has one and it is not null.
    #[must_use]
    pub fn reference_price(&self, market: usize, at: Timestamp) -> Option<Price> {
        self.venue.books[market].reference_at(at)
    }

    /// Takes notes about an order from here on, for its explanation.
    pub(crate) fn trace(&mut self, subject: Subject) {
        self.venue.desk.trace = Tracing::of(subject);
    }

    /// What was noted.
    pub(crate) fn take_trace(&mut self) -> Traced {
        std::mem::take(&mut self.venue.desk.trace).finish()
    }

    /// How often assumptions have decided.
    #[must_use]
    pub fn assumptions(&self) -> Assumptions {
        self.venue.books.iter().map(Book::assumptions).sum()
    }

    /// The bars of a market.
    #[must_use]
    pub fn bars(&self, market: usize) -> &Arc<Bars> {
        &self.feeds[market].bars
    }

    /// As [`Self::advance`], with the path of the bar given from outside.
    pub(crate) fn advance_along(&mut self, market: usize, first: Option<FirstExtreme>) -> Option<Point> {
        let point = self.advance(market);
        self.feeds[market].first_extreme = first;
        point
    }
}
