//! One symbol's book: the account's orders on it, and where its price stands. Every rule that
//! decides about an order is in one of the files below.
//!
//! | question | file |
//! |---|---|
//! | is an order taken? | `judge` |
//! | what becomes of a command? | `commands` |
//! | what is bid and ask, what does a taker pay? | `prices` |
//! | whom does a taker meet, and what rests? | `taking` |
//! | what does a move of the market do? | `moves` |
//! | when does a stop work, and how does it trail? | `triggers` |
//! | what becomes of the other orders of a list? | `lists` |
//! | what is reported, booked and charged? | `booking` |
//! | which of the open orders is meant? | `open` |
//! | what of it is written down, to go on from? | `state` |
//! | what is said of all that where an order is explained? | `notes` |

mod booking;
mod commands;
mod judge;
mod lists;
mod moves;
mod notes;
pub(crate) mod open;
mod prices;
mod state;
mod taking;
mod triggers;

use std::sync::Arc;

use candlewick_model::run::{Assumptions, FillModel};
use candlewick_model::{
    Amount, Bar, Bars, Counts, Instrument, OpenPosition, Order, Ordinary, Pair, Price, Quantity, Side, SymbolStatus,
    Timestamp,
};

use crate::averages::Averages;
use crate::desk::{Desk, DiscountPrices};
use crate::reference::{PriceRange, Reference};
use crate::timeline::Timeline;
use crate::trace::Within;
use serde::{Deserialize, Serialize};

pub(crate) use lists::List;
use open::{Open, Place};
pub(crate) use state::BookState;
pub use state::Mismatch;

/// Where an open order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// It waits for the working order of its list.
    Pending,
    /// It waits for its trigger.
    Contingent,
    /// A marketable rest that still takes (rule 4.2); once it has rested it never takes again.
    Remainder,
    /// It rests on the book.
    Resting,
}

/// An open order with what the matcher needs to know of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Working {
    pub(crate) order: Order,
    pub(crate) stage: Stage,
    /// The best price since it trails.
    extreme: Price,
    /// What is left of the part that the book shows; all of it unless it is an iceberg.
    shown: Quantity,
    /// Its place in the queue at its price.
    queued: u64,
    /// The last step in which it had its turn to fill.
    tried: u64,
    /// The step in which it came onto the book, and where the market stood there.
    came: (u64, Price),
    /// How often it was amended.
    amended: u32,
}

impl Working {
    /// An order that is made here, so that it is made in its place, where the market stands.
    #[inline]
    fn new(order: impl FnOnce() -> Order, stage: Stage, last: Price) -> Self {
        Self {
            order: order(),
            stage,
            extreme: last,
            shown: Quantity::ZERO,
            queued: 0,
            tried: 0,
            came: (0, Price::ZERO),
            amended: 0,
        }
    }

    /// Whether others can meet it.
    fn is_on_book(&self) -> bool {
        matches!(self.stage, Stage::Resting | Stage::Remainder)
    }

    /// What it counts for in the filters.
    fn counts(order: &Order) -> Counts {
        Counts::of(order.order_type.is_contingent(), !order.iceberg_quantity.is_zero())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) timeline: Timeline,
    /// The instrument in force.
    pub(crate) instrument: Arc<Instrument>,
    /// What ordinary orders pass with under it.
    ordinary: Ordinary,
    /// When another one comes into force.
    instrument_changes: Timestamp,
    pub(crate) model: FillModel,
    pub(crate) pair: Pair,
    pub(crate) open: Open,
    pub(crate) lists: Vec<List>,
    counts: Counts,
    /// What is still to be done for lists of which an order has changed.
    due: Vec<lists::Due>,
    /// The price of the last trade; before the first one the first open (rule 8.3).
    pub(crate) last: Price,
    /// Whether anything was traded in the running bar.
    pub(crate) has_volume: bool,
    /// What the market moves along, for notes.
    pub(crate) within: Within,
    /// When the running bar opened and will close.
    running: (Timestamp, Timestamp),
    /// What is traded in the running bar.
    volume: Amount,
    /// What own fills may still take of it.
    budget: Quantity,
    /// The number of the step: an order has one turn to fill in each (rule 4.2).
    step: u64,
    /// Where the market stood when the step began.
    step_from: Price,
    averages: Averages,
    reference: Reference,
    price_range: Option<PriceRange>,
    discount: Option<DiscountPrices>,
    assumptions: Assumptions,
}

/// What a book is made of.
pub(crate) struct Made {
    pub(crate) timeline: Timeline,
    pub(crate) model: FillModel,
    pub(crate) pair: Pair,
    pub(crate) averages: Averages,
    pub(crate) reference: Reference,
    pub(crate) price_range: Option<PriceRange>,
    pub(crate) discount: Option<DiscountPrices>,
    pub(crate) start: Timestamp,
    pub(crate) first_price: Price,
}

impl Book {
    pub(crate) fn new(made: Made) -> Self {
        let instrument = Arc::clone(made.timeline.at(made.start).0);
        Self {
            ordinary: Ordinary::of(&instrument),
            instrument,
            instrument_changes: made.timeline.next_change(made.start),
            timeline: made.timeline,
            model: made.model,
            pair: made.pair,
            open: Open::default(),
            lists: Vec::new(),
            counts: Counts::default(),
            due: Vec::new(),
            last: made.first_price,
            has_volume: false,
            within: Within::Bar,
            running: (made.start, made.start),
            volume: Amount::ZERO,
            budget: Quantity::ZERO,
            step: 0,
            step_from: made.first_price,
            averages: made.averages,
            reference: made.reference,
            price_range: made.price_range,
            discount: made.discount,
            assumptions: Assumptions::default(),
        }
    }

    /// Time goes on: filters and precisions are those of the latest snapshot (rule 5.2).
    #[inline]
    pub(crate) fn go_to(&mut self, now: Timestamp) {
        if now >= self.instrument_changes {
            self.instrument = Arc::clone(self.timeline.at(now).0);
            self.ordinary = Ordinary::of(&self.instrument);
            self.instrument_changes = self.timeline.next_change(now);
            self.budget = self.budget.floor_to(self.instrument.filters.step());
        }
    }

    /// Goes on with other instruments and bars for averages.
    pub(crate) fn revise(&mut self, now: Timestamp, timeline: Timeline, average_bars: Arc<Bars>) {
        self.timeline = timeline;
        self.averages.bars = average_bars;
        self.instrument_changes = now;
        self.go_to(now);
    }

    /// A bar opens with its budget (rule 4.1).
    pub(crate) fn open_bar(&mut self, times: (Timestamp, Timestamp), volume: Amount) {
        self.running = times;
        self.give_volume(volume);
    }

    /// The volume of which own fills may take their share.
    pub(crate) fn give_volume(&mut self, volume: Amount) {
        self.has_volume = !volume.is_zero();
        self.volume = volume;
        let share = volume.times_rate_floor(self.model.volume_share);
        self.budget = Quantity::from_amount_saturating(share).floor_to(self.instrument.filters.step());
    }

    /// Whether orders are matched at all.
    fn is_trading(&self) -> bool {
        self.instrument.status == Some(SymbolStatus::Trading)
    }

    pub(crate) fn assumptions(&self) -> Assumptions {
        Assumptions { average_replaced: self.averages.replaced, ..self.assumptions }
    }

    pub(crate) fn note_command(&mut self, desk: &Desk) {
        let is_assumed = desk.now < self.timeline.first_time() || desk.limits.is_assumed(desk.now);
        self.assumptions.filters_assumed += u64::from(is_assumed);
    }

    /// What the filters look at besides the order itself.
    fn position(&self, desk: &Desk) -> OpenPosition {
        let buys = self.instrument.filters.max_position.map(|_| OpenPosition::open_buys(open::orders(&self.open)));
        OpenPosition {
            on_symbol: self.counts,
            on_exchange: desk.open,
            base_total: desk.ledger.balance(self.pair.base).total(),
            open_buy_quantity: buys.unwrap_or(Amount::ZERO),
        }
    }

    /// Whether every price matters, even if no order is open.
    #[inline]
    pub(crate) fn follows_trades(&self) -> bool {
        self.reference.follows_trades()
    }

    /// Between which prices the market can move without touching an order; `None` where every
    /// price matters.
    #[inline]
    pub(crate) fn untouched_range(&mut self) -> Option<(Price, Price)> {
        if self.follows_trades() { None } else { self.open.untouched() }
    }

    /// Whether no order is touched where the market comes to a price.
    #[inline]
    fn is_untouched(&mut self, price: Price) -> bool {
        self.open.untouched().is_some_and(|(low, high)| low < price && price < high)
    }

    /// Counts bars along whose inside the market moves, and those whose inside is not known. In
    /// a bar without volume there is nothing to know.
    pub(crate) fn note_detail(&mut self, is_known: bool, has_volume: bool) {
        self.assumptions.bars_with_detail += u64::from(is_known);
        self.assumptions.bars_without_detail += u64::from(!is_known && has_volume);
    }

    /// Counts bars in which own orders lie within reach of both extremes.
    pub(crate) fn note_path_order(&mut self, bar: &Bar) {
        let (mut above, mut below) = (false, false);
        for w in self.open.foremost() {
            let at = match w.stage {
                Stage::Pending => continue,
                Stage::Contingent => self.watched(w),
                Stage::Resting | Stage::Remainder => (w.order.limit(), w.order.side == Side::Sell),
            };
            above |= at.1 && at.0 < bar.high;
            below |= !at.1 && at.0 > bar.low;
        }
        self.assumptions.path_order_mattered += u64::from(above && below);
    }
}
