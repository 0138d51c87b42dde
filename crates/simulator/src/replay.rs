//! The venue on its bars: the market moves point by point, commands are taken up where it
//! stands.
//!
//! For: whoever drives time, the backtest or the local exchange. Not for: deciding when.

use std::cmp::Ordering;
use std::sync::Arc;

use candlewick_model::run::{Assumptions, Command, CommandId, FillModel, PathModel};
use candlewick_model::{Account, Amount, Bars, Ledger, Order, Price, Quantity, Timestamp};

use crate::path::{self, FirstExtreme, POINTS, Point};
use crate::timeline::Timeline;
use crate::venue::{Venue, VenueEvent};

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
}

impl Replay {
    /// A market that is about to open. Panics if there are no bars.
    #[must_use]
    pub fn new(market: &Market) -> Self {
        assert!(!market.bars.is_empty(), "a market without bars");
        let before = market.bars.open_time[0].plus(-1);
        let (instrument, _) = market.timeline.at(before);
        let ledger = Ledger::of(&market.account, instrument.base_asset, instrument.quote_asset);
        let venue = Venue::new(
            market.timeline.clone(),
            market.fill_model,
            ledger,
            Arc::clone(&market.average_bars),
            before,
            market.bars.open[0],
        );
        let bars = Arc::clone(&market.bars);
        Self { venue, bars, row: 0, step: 0, first_extreme: None, point: None }
    }

    /// The instant of the point where the market stands; a microsecond before the first open
    /// until it opens.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.venue.now
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
        Some(Point { time: time.max(self.venue.now), kind: path::kind(self.step), bar: self.row })
    }

    /// Moves the market to the next point; what happens on the way carries that point's time.
    pub fn advance(&mut self) -> Option<Point> {
        let point = self.next_point()?;
        self.venue.go_to(point.time);
        if self.step == 0 {
            self.open_bar();
        } else if self.venue.has_volume {
            let bar = self.bars.bar(self.row);
            if self.step == 1 {
                self.venue.note_path_order(&bar);
            }
            let first = self.first_extreme.unwrap_or_else(|| FirstExtreme::nearest(&bar));
            self.venue.move_to(path::price(&bar, first, self.step));
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
        self.venue.open_bar(&bar);
        if self.venue.has_volume {
            self.venue.jump_to(bar.open);
        }
    }

    /// Whether no order works, so that the rest of a bar can pass without being looked at.
    #[must_use]
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.venue.open.is_empty()
    }

    /// Lets a bar, or what is left of it, pass in which no order works and no command arrives.
    /// The same as [`Self::advance`] to its close, without the work.
    #[inline]
    pub fn pass_bar(&mut self) -> Timestamp {
        debug_assert!(self.is_idle(), "orders work in this bar");
        let close_time = self.bars.close_time[self.row].max(self.venue.now);
        self.venue.now = close_time;
        self.venue.has_volume = !self.bars.volume[self.row].is_zero();
        if self.venue.has_volume {
            self.venue.last = self.bars.close[self.row];
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
        self.venue.execute(id, command);
    }

    /// What the venue has said since the last call, in order.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, VenueEvent> {
        self.venue.events.drain(..)
    }

    /// Whether the venue has said something that was not drained.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.venue.events.is_empty()
    }

    /// The price of the last trade; before the first one the first open.
    #[must_use]
    pub fn last_price(&self) -> Price {
        self.venue.last
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.venue.ledger.account()
    }

    /// Orders that are not done, by id.
    pub fn open_orders(&self) -> impl ExactSizeIterator<Item = &Order> {
        self.venue.open.iter().map(|w| &w.order)
    }

    /// How often assumptions have decided.
    #[must_use]
    pub fn assumptions(&self) -> Assumptions {
        self.venue.assumptions
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
        copy.venue.ledger.equity(copy.venue.last)
    }

    /// As [`Self::advance`], with the path of the bar given from outside.
    pub(crate) fn advance_along(&mut self, first: Option<FirstExtreme>) -> Option<Point> {
        let point = self.advance();
        self.first_extreme = first;
        point
    }
}

impl Venue {
    /// A bar opens with its budget (rule 4.1).
    fn open_bar(&mut self, bar: &candlewick_model::Bar) {
        self.running = (bar.open_time, bar.close_time);
        self.has_volume = !bar.volume.is_zero();
        let share = bar.volume.times_rate_floor(self.model.volume_share);
        self.budget = Quantity::from_amount_saturating(share).floor_to(self.instrument.filters.step());
    }

    /// Counts bars in which own orders lie within reach of both extremes.
    fn note_path_order(&mut self, bar: &candlewick_model::Bar) {
        let reached = |side, by: fn(candlewick_model::Price, &candlewick_model::Bar) -> bool| {
            self.open.iter().any(|w| w.order.side == side && by(w.order.price, bar))
        };
        let buys = reached(candlewick_model::Side::Buy, |limit, bar| limit > bar.low);
        let sells = reached(candlewick_model::Side::Sell, |limit, bar| limit < bar.high);
        self.assumptions.path_order_mattered += u64::from(buys && sells);
    }
}
