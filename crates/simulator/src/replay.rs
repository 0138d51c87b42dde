//! The venue on its bars: its markets move point by point, commands are taken up where it
//! stands.
//!
//! For: whoever drives time, the backtest or the local exchange. Not for: deciding when. What a
//! replay can be stopped and resumed with is in `state`.

mod state;

use std::cmp::Ordering;
use std::sync::Arc;

use candlewick_model::filter::ExchangeFilters;
use candlewick_model::run::{Assumptions, CommandId, FillModel, Halt, PathModel};
use candlewick_model::{Account, Amount, Asset, Bars, Command, Interval, Ledger, Order, OrderLimit, Price, Timestamp};
use serde::{Deserialize, Serialize};

use crate::averages::Averages;
use crate::book::{Book, Made};
use crate::desk::{Desk, DiscountPrices, VenueEvent};
use crate::detail::{Along, DetailError, DetailSource, Inside, Part, Unreadable};
use crate::path::{self, FirstExtreme, POINTS, Point, PointKind};
use crate::rate_limit::UnfilledOrders;
use crate::reference::{PriceRange, Reference};
use crate::stress::Stress;
use crate::timeline::Timeline;
use crate::trace::{Subject, Traced, Tracing};
use crate::venue::Venue;

pub use state::{ReplayState, ResumeError};

/// What a venue is made of: an account, and the markets that it trades on.
#[derive(Clone)]
pub struct Setup {
    /// What the account holds before the first bar.
    pub account: Account,
    /// What the exchange and the account limit beyond a market.
    pub limits: Limits,
    /// The markets, by symbol; at least one.
    pub markets: Vec<Market>,
    /// Series that only give prices to assets, with base and quote asset.
    pub prices: Vec<(Asset, Asset, Arc<Bars>)>,
    /// The asset that equity is counted in.
    pub counted_in: Asset,
    /// Deposits, and withdrawals, by time.
    pub transfers: Vec<Transfer>,
    /// Trouble with the exchange; [`Setup::under`] brings it in.
    pub stress: Option<Stress>,
}

/// A deposit, or a withdrawal where the amount is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// When it is booked.
    pub time: Timestamp,
    /// Of which asset.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
}

impl Setup {
    /// One market; equity is counted in its quote asset.
    #[must_use]
    pub fn of_one(market: Market, account: Account) -> Self {
        Self {
            account,
            limits: Limits::default(),
            counted_in: market.timeline.last().quote_asset,
            markets: vec![market],
            prices: Vec::new(),
            transfers: Vec::new(),
            stress: None,
        }
    }

    /// Before the first open of all.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        let first = self.markets.iter().filter_map(|market| market.bars.open_time.first()).min();
        first.map_or(Timestamp::MIN, |first| first.plus(-1))
    }
}

/// One market with its bars and how they become fills.
#[derive(Clone)]
pub struct Market {
    /// The instrument's filters over time.
    pub timeline: Timeline,
    /// How bars become fills.
    pub fill_model: FillModel,
    /// The length of the bars.
    pub interval: Interval,
    /// The bars to replay; at least one.
    pub bars: Arc<Bars>,
    /// Longer bars, for the strategy alone, shorter ones first.
    pub longer: Vec<(Interval, Arc<Bars>)>,
    /// The finest bars at hand, for average prices (rule 5.3); may be the same.
    pub average_bars: Arc<Bars>,
    /// Where finer bars and trades come from, the finest first; asked under `detail` alone.
    pub details: Vec<Arc<dyn DetailSource>>,
    /// Where the reference price comes from.
    pub reference: Reference,
    /// How far from it takers may trade.
    pub price_range: Option<PriceRange>,
    /// The price of the asset in which commission is discounted, where it is neither of this
    /// market's own.
    pub discount: Option<DiscountPrices>,
    /// Where its bars and filters are those of a halted market.
    pub halts: Vec<Halt>,
}

impl Market {
    /// A market without anything optional: averages from its own bars.
    #[must_use]
    pub fn new(timeline: Timeline, fill_model: FillModel, interval: Interval, bars: Arc<Bars>) -> Self {
        Self {
            timeline,
            fill_model,
            interval,
            average_bars: Arc::clone(&bars),
            bars,
            longer: Vec::new(),
            details: Vec::new(),
            reference: Reference::Absent,
            price_range: None,
            discount: None,
            halts: Vec::new(),
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

/// The markets, their venue, and how far they have got.
#[derive(Clone)]
pub struct Replay {
    venue: Venue,
    feeds: Vec<Feed>,
}

/// The bars of one book, and how far they have got.
#[derive(Clone, Serialize, Deserialize)]
struct Feed {
    #[serde(skip)]
    bars: Arc<Bars>,
    /// The bar whose point comes next.
    row: usize,
    /// The point of that bar that comes next, 0 to 3.
    step: usize,
    /// Which extreme of the running bar comes first; `None` is the nearer one.
    first_extreme: Option<FirstExtreme>,
    /// What is known of the inside of that bar.
    #[serde(skip)]
    inside: Inside,
    #[serde(skip)]
    details: Vec<Arc<dyn DetailSource>>,
    /// Where the market stands; `None` before the first point.
    point: Option<Point>,
    /// Between which prices no order is touched, since orders last changed: not asked yet, or
    /// the answer.
    #[serde(skip)]
    untouched: Option<Option<(Price, Price)>>,
}

impl Feed {
    /// The instant of its last point.
    fn time(&self) -> Timestamp {
        self.point.map_or(Timestamp::MIN, |point| point.time)
    }

    /// The point that comes next; `None` after the last close.
    #[inline]
    fn next_point(&self) -> Option<Point> {
        let (open_time, close_time) = (*self.bars.open_time.get(self.row)?, self.bars.close_time[self.row]);
        let along_bar = || (path::time(open_time, close_time, self.step), path::kind(self.step));
        let (time, kind) = self.inside.point(self.step, close_time).unwrap_or_else(along_bar);
        // Real bars have overlapped; time never goes back (rule 2.3).
        Some(Point { time: time.max(self.time()), kind, bar: self.row })
    }

    /// Looks inside the bar that comes next, unless somebody has; whether it did.
    fn look_inside(&mut self) -> Result<bool, Unreadable> {
        if !matches!(self.inside, Inside::Unknown) || self.row >= self.bars.len() {
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

    /// The next point is done.
    fn pass_point(&mut self) {
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
    fn is_idle(&mut self, book: &Book) -> bool {
        if book.open.is_empty() && !book.follows_trades() {
            return true;
        }
        let untouched = *self.untouched.get_or_insert_with(|| book.untouched_range());
        let (Some((low, high)), true) = (untouched, self.row < self.bars.len()) else { return false };
        low < self.bars.low[self.row] && self.bars.high[self.row] < high
    }
}

/// Moves a book to the next point of a bar. Only what is used is looked at: orders come seldom,
/// and what a bar's columns hold is far away by then.
#[inline]
fn walk(book: &mut Book, desk: &mut Desk, (bars, row): (&Bars, usize), step: usize, first: Option<FirstExtreme>) {
    if step == 0 {
        book.open_bar((bars.open_time[row], bars.close_time[row]), bars.volume.at(row));
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
        let unfilled = UnfilledOrders::new(&setup.limits.orders);
        let desk = Desk::new(ledger, unfilled, Arc::clone(&setup.limits.filters), before);
        let feed = |market: &Market| {
            let bars = Arc::clone(&market.bars);
            let is_detailed = market.fill_model.path == PathModel::Detail;
            let (inside, details) =
                if is_detailed { (Inside::Unknown, market.details.clone()) } else { (Inside::Never, Vec::new()) };
            Feed { bars, row: 0, step: 0, first_extreme: None, inside, details, point: None, untouched: None }
        };
        Self { venue: Venue { books, desk }, feeds: setup.markets.iter().map(feed).collect() }
    }

    /// The instant that was reached; a microsecond before the first open until it opens.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.venue.desk.now
    }

    /// Whether a market takes up commands here and now.
    #[must_use]
    pub fn takes_commands(&self, market: usize) -> bool {
        self.feeds[market].point.is_some_and(|point| point.kind.takes_commands() && point.time >= self.venue.desk.now)
    }

    /// Whether a command would be taken up here and now; one for an unknown market wherever
    /// commands are taken up at all.
    #[must_use]
    pub(crate) fn takes(&self, command: &Command) -> bool {
        match command.symbol().and_then(|symbol| self.venue.book_of(symbol)) {
            Some(market) => self.takes_commands(market),
            None => (0..self.feeds.len()).any(|market| self.takes_commands(market)),
        }
    }

    /// The market of a command, if it names one that is there.
    #[must_use]
    pub(crate) fn market_of(&self, command: &Command) -> Option<usize> {
        command.symbol().and_then(|symbol| self.venue.book_of(symbol))
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
            open_time: feed.bars.open_time[feed.row],
            source,
        })
    }

    /// When the bar of a market opens, or the finer one inside, if that is its next point.
    #[must_use]
    #[inline]
    pub(crate) fn next_open(&self, market: usize) -> Option<Timestamp> {
        let feed = &self.feeds[market];
        let open_time = *feed.bars.open_time.get(feed.row).filter(|_| feed.step == 0)?;
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
        feed.bars.close_time.get(feed.row).copied()
    }

    /// Whether the next point of a market is an open, along detail also a trade.
    pub(crate) fn opens_next(&self, market: usize) -> bool {
        self.feeds[market].step == 0
    }

    /// Which extreme of the running bar comes first, as it was chosen.
    pub(crate) fn first_extreme(&self, market: usize) -> Option<FirstExtreme> {
        self.feeds[market].first_extreme
    }

    /// When the next point of any market comes.
    pub(crate) fn next_instant(&mut self) -> Result<Option<Timestamp>, DetailError> {
        loop {
            let next = self.feeds.iter().filter_map(|feed| Some(feed.next_point()?.time)).min();
            let Some(next) = next else { return Ok(None) };
            if !self.look_inside_until(next)? {
                return Ok(Some(next));
            }
        }
    }

    /// Looks inside all bars that would open by an instant; whether there was any to look at.
    pub(crate) fn look_inside_until(&mut self, instant: Timestamp) -> Result<bool, DetailError> {
        let mut any = false;
        for market in 0..self.feeds.len() {
            let opens = matches!(self.feeds[market].inside, Inside::Unknown)
                && self.feeds[market].next_point().is_some_and(|point| point.time <= instant);
            any |= opens && self.look_inside(market)?;
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
        feed.untouched = None;
        assert!(!matches!(feed.inside, Inside::Unknown) || feed.next_point().is_none(), "nobody has looked inside");
        let mut point = feed.next_point()?;
        point.time = point.time.max(venue.desk.now);
        venue.go_to(point.time);
        let Venue { books, desk } = venue;
        let book = &mut books[market];
        if !matches!(feed.inside, Inside::Never) && point.kind == PointKind::Open {
            book.note_detail(feed.inside.part().is_some(), !feed.bars.volume.at(feed.row).is_zero());
        }
        if feed.step == 0 {
            feed.first_extreme = None;
        }
        let (bars, row) = (&feed.bars, feed.row);
        match feed.inside.part() {
            None => walk(book, desk, (bars, row), feed.step, feed.first_extreme),
            Some(Part::Bar(finer, row)) => walk(book, desk, (finer, row), feed.step, None),
            Some(Part::Trade(trade)) => {
                book.open_bar((bars.open_time[row], bars.close_time[row]), trade.quantity.into());
                book.jump_to(desk, trade.price);
            }
            Some(Part::Close) => {}
        }
        feed.pass_point();
        feed.point = Some(point);
        Some(point)
    }

    /// Brings markets that were passed over up to now. No order works on them, so that nothing
    /// happens.
    pub(crate) fn catch_up(&mut self) -> Result<(), DetailError> {
        let now = self.venue.desk.now;
        for market in 0..self.feeds.len() {
            while let Some(point) = self.feeds[market].next_point().filter(|point| point.time < now) {
                if self.look_inside(market)? {
                    continue;
                }
                self.advance(market);
                // It stood there then, not now.
                self.feeds[market].point = Some(point);
            }
        }
        Ok(())
    }

    /// Whether no order is touched by the next bar of any market, or what is left of the running
    /// one, so that it can pass without being looked at.
    #[must_use]
    #[inline]
    pub(crate) fn is_idle(&mut self) -> bool {
        self.feeds.iter_mut().zip(&self.venue.books).all(|(feed, book)| feed.is_idle(book))
    }

    /// Lets a bar, or what is left of it, pass in which no order works and no command arrives.
    /// The same as [`Self::advance`] to its close, without the work.
    #[inline]
    pub(crate) fn pass_bar(&mut self, market: usize) -> Timestamp {
        let Self { venue, feeds } = self;
        let (feed, book) = (&mut feeds[market], &mut venue.books[market]);
        let close_time = feed.bars.close_time[feed.row].max(venue.desk.now);
        venue.desk.now = close_time;
        book.has_volume = !feed.bars.volume.at(feed.row).is_zero();
        if book.has_volume {
            book.last = feed.bars.close[feed.row];
        }
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
        let (feed, book) = (&mut self.feeds[market], &mut self.venue.books[market]);
        if let Some(traded) = (feed.row..to).rev().find(|row| !feed.bars.volume.at(*row).is_zero()) {
            book.last = feed.bars.close[traded];
        }
        feed.row = to - 1;
        self.venue.desk.now = latest.max(self.venue.desk.now);
        self.pass_bar(market);
    }

    /// Whether markets can move anywhere without touching anything.
    pub(crate) fn is_calm(&self) -> bool {
        self.venue.books.iter().all(|book| book.open.is_empty() && !book.follows_trades())
    }

    /// Between which prices a market can move without touching an order; `None` where there is
    /// no order, so that it may move anywhere.
    pub(crate) fn untouched_range(&self, market: usize) -> Option<(Price, Price)> {
        let (feed, book) = (&self.feeds[market], &self.venue.books[market]);
        if book.open.is_empty() { None } else { feed.untouched.flatten() }
    }

    /// Takes up a command where its market stands. Panics where commands are not taken up:
    /// whoever drives must have moved the market to an open or an extreme.
    pub fn execute(&mut self, id: CommandId, command: &Command) {
        assert!(self.takes(command), "commands are taken up at opens and extremes only");
        self.feeds.iter_mut().for_each(|feed| feed.untouched = None);
        self.venue.execute(id, command);
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

    /// The price of a market's last trade; before the first one the first open.
    #[must_use]
    pub fn last_price(&self, market: usize) -> Price {
        self.venue.books[market].last
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.venue.desk.ledger.account()
    }

    /// Orders of a market that are not done, by id.
    pub fn open_orders(&self, market: usize) -> impl ExactSizeIterator<Item = &Order> {
        self.venue.books[market].open.iter().map(|w| &w.order)
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

    /// Chooses the path of the bar of a market that is about to open by running it both ways on
    /// copies, with the commands that will meet it (rule 2.2, `pessimistic` and `optimistic`);
    /// `None` is the nearer extreme first. Other markets stand still.
    pub(crate) fn choose_path(
        &self,
        market: usize,
        model: PathModel,
        arriving: &[(Timestamp, CommandId, &Command)],
    ) -> Option<FirstExtreme> {
        let low = self.equity_along(market, FirstExtreme::Low, arriving);
        let high = self.equity_along(market, FirstExtreme::High, arriving);
        match (model, low.cmp(&high)) {
            (PathModel::Nearest | PathModel::Detail, _) | (_, Ordering::Equal) => None,
            (PathModel::Pessimistic, Ordering::Less) | (PathModel::Optimistic, Ordering::Greater) => {
                Some(FirstExtreme::Low)
            }
            _ => Some(FirstExtreme::High),
        }
    }

    fn equity_along(
        &self,
        market: usize,
        first: FirstExtreme,
        arriving: &[(Timestamp, CommandId, &Command)],
    ) -> Amount {
        let mut copy = self.clone();
        let mut arriving = arriving.iter().peekable();
        for _ in 0..POINTS {
            let Some(point) = copy.advance_along(market, Some(first)) else { break };
            if point.kind.takes_commands() {
                while let Some((_, id, command)) = arriving.next_if(|(arrival, ..)| *arrival <= point.time) {
                    copy.execute(*id, command);
                }
            }
        }
        copy.venue.worth_at(market)
    }

    /// As [`Self::advance`], with the path of the bar given from outside.
    pub(crate) fn advance_along(&mut self, market: usize, first: Option<FirstExtreme>) -> Option<Point> {
        let point = self.advance(market);
        self.feeds[market].first_extreme = first;
        point
    }
}
