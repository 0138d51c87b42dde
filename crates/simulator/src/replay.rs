//! The venue on its bars: the market moves point by point, commands are taken up where it
//! stands.
//!
//! For: whoever drives time, the backtest or the local exchange. Not for: deciding when.

use std::cmp::Ordering;
use std::sync::Arc;

use candlewick_model::filter::ExchangeFilters;
use candlewick_model::run::{Assumptions, CommandId, FillModel, PathModel};
use candlewick_model::{Account, Amount, Bars, Command, Ledger, Order, OrderLimit, Price, Timestamp};

use crate::averages::Averages;
use crate::book::{Book, Made};
use crate::desk::{Desk, DiscountPrices, VenueEvent};

use crate::path::{self, FirstExtreme, POINTS, Point};
use crate::rate_limit::UnfilledOrders;
use crate::reference::{PriceRange, Reference};
use crate::timeline::Timeline;
use crate::venue::Venue;

/// What a venue is made of.
#[derive(Clone)]
pub struct Market {
    /// The instrument's filters over time.
    pub timeline: Timeline,
    /// How bars become fills.
    pub fill_model: FillModel,
    /// What the account holds before the first bar.
    pub account: Account,
    /// The bars to replay; at least one.
    pub bars: Arc<Bars>,
    /// The finest bars at hand, for average prices (rule 5.3); may be the same.
    pub average_bars: Arc<Bars>,
    /// What the exchange and the account limit beyond this market.
    pub limits: Limits,
    /// Where the reference price comes from.
    pub reference: Reference,
    /// How far from it takers may trade.
    pub price_range: Option<PriceRange>,
    /// The price of the asset in which commission is discounted, where it is neither of this
    /// market's own.
    pub discount: Option<DiscountPrices>,
}

impl Market {
    /// A market without anything optional: averages from its own bars, no limits beyond its
    /// own filters.
    #[must_use]
    pub fn new(timeline: Timeline, fill_model: FillModel, account: Account, bars: Arc<Bars>) -> Self {
        Self {
            timeline,
            fill_model,
            account,
            average_bars: Arc::clone(&bars),
            bars,
            limits: Limits::default(),
            reference: Reference::Absent,
            price_range: None,
            discount: None,
        }
    }
}

/// What the exchange and the account limit beyond one market.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// The exchange's and the assets' filters.
    pub filters: Arc<ExchangeFilters>,
    /// How many unfilled orders may be placed.
    pub orders: Vec<OrderLimit>,
}

/// The market, its venue, and how far it has got.
#[derive(Clone)]
pub struct Replay {
    venue: Venue,
    bars: Arc<Bars>,
    /// The bar whose point comes next.
    row: usize,
    /// The point of that bar that comes next, 0 to 3.
    step: usize,
    /// Which extreme of the running bar comes first; `None` is the nearer one.
    first_extreme: Option<FirstExtreme>,
    /// Where the market stands; `None` before the first point.
    point: Option<Point>,
    /// Between which prices no order is touched, since orders last changed: not asked yet, or
    /// the answer.
    untouched: Option<Option<(Price, Price)>>,
}

impl Replay {
    /// A market that is about to open. Panics if there are no bars.
    #[must_use]
    pub fn new(market: &Market) -> Self {
        assert!(!market.bars.is_empty(), "a market without bars");
        let before = market.bars.open_time[0].plus(-1);
        let (instrument, _) = market.timeline.at(before);
        let mut ledger = Ledger::of(&market.account);
        let pair = ledger.pair(instrument.base_asset, instrument.quote_asset);
        let book = Book::new(Made {
            timeline: market.timeline.clone(),
            model: market.fill_model,
            pair,
            averages: Averages::new(Arc::clone(&market.average_bars)),
            reference: market.reference.clone(),
            price_range: market.price_range,
            discount: market.discount.clone(),
            start: before,
            first_price: market.bars.open[0],
        });
        let unfilled = UnfilledOrders::new(&market.limits.orders);
        let desk = Desk::new(ledger, unfilled, Arc::clone(&market.limits.filters), before);
        let venue = Venue { books: vec![book], desk };
        let bars = Arc::clone(&market.bars);
        Self { venue, bars, row: 0, step: 0, first_extreme: None, point: None, untouched: None }
    }

    #[inline]
    fn book(&self) -> &Book {
        &self.venue.books[0]
    }

    /// The instant of the point where the market stands; a microsecond before the first open
    /// until it opens.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.venue.desk.now
    }

    /// Where the market stands; `None` before the first point.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        self.point
    }

    /// Whether a command would be taken up where the market stands.
    #[must_use]
    pub fn takes_commands(&self) -> bool {
        self.point.is_some_and(|point| point.kind.takes_commands())
    }

    /// The point that comes next; `None` after the last close.
    #[must_use]
    #[inline]
    pub fn next_point(&self) -> Option<Point> {
        let open_time = *self.bars.open_time.get(self.row)?;
        let time = path::time(open_time, self.bars.close_time[self.row], self.step);
        // Real bars have overlapped; time never goes back (rule 2.3).
        Some(Point { time: time.max(self.venue.desk.now), kind: path::kind(self.step), bar: self.row })
    }

    /// Moves the market to the next point; what happens on the way carries that point's time.
    pub fn advance(&mut self) -> Option<Point> {
        self.untouched = None;
        let point = self.next_point()?;
        self.venue.go_to(point.time);
        if self.step == 0 {
            self.open_bar();
        } else if self.book().has_volume {
            let bar = self.bars.bar(self.row);
            if self.step == 1 {
                self.venue.books[0].note_path_order(&bar);
            }
            let first = self.first_extreme.unwrap_or_else(|| FirstExtreme::nearest(&bar));
            let Venue { books, desk } = &mut self.venue;
            books[0].move_to(desk, path::price(&bar, first, self.step));
        }
        self.step += 1;
        if self.step == POINTS {
            self.step = 0;
            self.row += 1;
        }
        self.point = Some(point);
        Some(point)
    }

    fn open_bar(&mut self) {
        let bar = self.bars.bar(self.row);
        self.first_extreme = None;
        let Venue { books, desk } = &mut self.venue;
        books[0].open_bar(&bar);
        if books[0].has_volume {
            books[0].jump_to(desk, bar.open);
        }
    }

    /// Whether the next bar, or what is left of the running one, touches no order, so that it
    /// can pass without being looked at.
    #[must_use]
    #[inline]
    pub fn is_idle(&mut self) -> bool {
        (self.book().open.is_empty() && !self.book().follows_trades()) || self.leaves_untouched()
    }

    fn leaves_untouched(&mut self) -> bool {
        if self.untouched.is_none() {
            self.untouched = Some(self.book().untouched_range());
        }
        let (Some(Some((low, high))), true) = (self.untouched, self.row < self.bars.len()) else { return false };
        low < self.bars.low[self.row] && self.bars.high[self.row] < high
    }

    /// Lets a bar, or what is left of it, pass in which no order works and no command arrives.
    /// The same as [`Self::advance`] to its close, without the work.
    #[inline]
    pub fn pass_bar(&mut self) -> Timestamp {
        let close_time = self.bars.close_time[self.row].max(self.venue.desk.now);
        self.venue.desk.now = close_time;
        let book = &mut self.venue.books[0];
        book.has_volume = !self.bars.volume[self.row].is_zero();
        if book.has_volume {
            book.last = self.bars.close[self.row];
        }
        self.point = Some(Point { time: close_time, kind: path::PointKind::Close, bar: self.row });
        self.row += 1;
        self.step = 0;
        close_time
    }

    /// Takes up a command where the market stands. Panics where commands are not taken up:
    /// whoever drives must have moved the market to an open or an extreme.
    pub fn execute(&mut self, id: CommandId, command: &Command) {
        assert!(self.takes_commands(), "commands are taken up at opens and extremes only");
        self.untouched = None;
        self.venue.execute(id, command);
    }

    /// What the venue has said since the last call, in order.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, VenueEvent> {
        self.venue.desk.events.drain(..)
    }

    /// Whether the venue has said something that was not drained.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.venue.desk.events.is_empty()
    }

    /// The price of the last trade; before the first one the first open.
    #[must_use]
    pub fn last_price(&self) -> Price {
        self.book().last
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.venue.desk.ledger.account()
    }

    /// Orders that are not done, by id.
    pub fn open_orders(&self) -> impl ExactSizeIterator<Item = &Order> {
        self.book().open.iter().map(|w| &w.order)
    }

    /// The unfilled-order limits with the counts of their running windows.
    pub fn unfilled_orders(&mut self) -> Vec<(OrderLimit, u32)> {
        let now = self.venue.desk.now;
        self.venue.desk.unfilled.counts(now).collect()
    }

    /// How often assumptions have decided.
    #[must_use]
    pub fn assumptions(&self) -> Assumptions {
        self.book().assumptions()
    }

    /// The bars that are replayed.
    #[must_use]
    pub fn bars(&self) -> &Arc<Bars> {
        &self.bars
    }

    /// Chooses the path of the bar that is about to open by running it both ways on copies,
    /// with the commands that will meet it (rule 2.2, `pessimistic` and `optimistic`); `None`
    /// is the nearer extreme first.
    pub(crate) fn choose_path(
        &self,
        model: PathModel,
        arriving: &[(Timestamp, CommandId, &Command)],
    ) -> Option<FirstExtreme> {
        let low = self.equity_along(FirstExtreme::Low, arriving);
        let high = self.equity_along(FirstExtreme::High, arriving);
        match (model, low.cmp(&high)) {
            (PathModel::Nearest, _) | (_, Ordering::Equal) => None,
            (PathModel::Pessimistic, Ordering::Less) | (PathModel::Optimistic, Ordering::Greater) => {
                Some(FirstExtreme::Low)
            }
            _ => Some(FirstExtreme::High),
        }
    }

    fn equity_along(&self, first: FirstExtreme, arriving: &[(Timestamp, CommandId, &Command)]) -> Amount {
        let mut copy = self.clone();
        let mut arriving = arriving.iter().peekable();
        for _ in 0..POINTS {
            let Some(point) = copy.advance_along(Some(first)) else { break };
            if point.kind.takes_commands() {
                while let Some((_, id, command)) = arriving.next_if(|(arrival, ..)| *arrival <= point.time) {
                    copy.execute(*id, command);
                }
            }
        }
        let book = copy.book();
        copy.venue.desk.ledger.valuation(book.pair).equity(book.last)
    }

    /// As [`Self::advance`], with the path of the bar given from outside.
    pub(crate) fn advance_along(&mut self, first: Option<FirstExtreme>) -> Option<Point> {
        let point = self.advance();
        self.first_extreme = first;
        point
    }
}
