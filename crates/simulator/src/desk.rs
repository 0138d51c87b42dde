//! What all markets of an account share: its money, its numbers, what it has said.

use candlewick_model::Action;
use candlewick_model::run::CommandId;
use candlewick_model::{
    Bars, ClientOrderId, Counts, ExecutionReport, Ledger, ListStatus, OrderId, OrderLimit, OrderListId, Price, Refusal,
    Timestamp, TradeId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::averages::gallop;
use crate::rate_limit::UnfilledOrders;
use crate::setup::Limits;
use crate::timeline::Timeline;
use crate::trace::{About, Fact, Readings, Tracing};

/// What the venue says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "reports are the rule, all else the exception")]
pub enum VenueEvent {
    /// An order changed.
    Report(ExecutionReport),
    /// An order list changed.
    ListStatus(ListStatus),
    /// A command was refused: no order, no id, no report; of a replacement perhaps one half.
    Refused {
        /// When it was taken up.
        time: Timestamp,
        /// Which.
        command: CommandId,
        /// What it was about.
        action: Action,
        /// Code and text.
        refusal: Refusal,
    },
    /// An order that was only to be tested would be taken.
    Tested {
        /// When it was taken up.
        time: Timestamp,
        /// Which.
        command: CommandId,
    },
}

impl VenueEvent {
    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::Report(report) => report.time,
            Self::ListStatus(status) => status.time,
            Self::Refused { time, .. } | Self::Tested { time, .. } => *time,
        }
    }
}

/// What is skipped follows from the books, or from the setup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Desk {
    pub(crate) now: Timestamp,
    pub(crate) ledger: Ledger,
    pub(crate) events: Vec<VenueEvent>,
    /// Open orders and lists of all markets.
    #[serde(skip)]
    pub(crate) open: Counts,
    pub(crate) unfilled: UnfilledOrders,
    /// What is limited beyond one market.
    #[serde(skip)]
    pub(crate) limits: InForce,
    /// Notes, where somebody wants an order explained.
    #[serde(skip)]
    pub(crate) trace: Tracing,
    /// The last number of each kind.
    orders: OrderId,
    lists: OrderListId,
    trades: TradeId,
    executions: u64,
    prevented: u64,
    /// What orders have queued up: the later, the larger.
    queued: u64,
}

/// The limits over time, and those of the present.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    timeline: Timeline<Limits>,
    limits: Arc<Limits>,
    /// When other ones come into force.
    change: Timestamp,
}

impl InForce {
    pub(crate) fn new(timeline: Timeline<Limits>, now: Timestamp) -> Self {
        Self { limits: Arc::clone(timeline.at(now).0), change: timeline.next_change(now), timeline }
    }

    /// When the snapshot was taken that is in force.
    pub(crate) fn since(&self) -> Timestamp {
        self.timeline.time_of(&self.limits).max(self.timeline.first_time())
    }

    /// Whether nothing was known of them yet.
    pub(crate) fn is_assumed(&self, now: Timestamp) -> bool {
        now < self.timeline.first_time()
    }
}

impl Default for InForce {
    fn default() -> Self {
        Self::new(Limits::default().into(), Timestamp::MIN)
    }
}

impl std::ops::Deref for InForce {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        &self.limits
    }
}

impl Desk {
    pub(crate) fn new(ledger: Ledger, limits: Timeline<Limits>, now: Timestamp) -> Self {
        let limits = InForce::new(limits, now);
        Self {
            now,
            ledger,
            events: Vec::new(),
            open: Counts::default(),
            unfilled: UnfilledOrders::new(&limits.orders),
            limits,
            trace: Tracing::default(),
            orders: 0,
            lists: 0,
            trades: 0,
            executions: 0,
            prevented: 0,
            queued: 0,
        }
    }

    /// Time goes on: limits are those of the latest snapshot (rule 5.2).
    #[inline]
    pub(crate) fn go_to(&mut self, now: Timestamp) {
        self.now = now;
        if now >= self.limits.change {
            self.limits = InForce::new(self.limits.timeline.clone(), now);
            self.unfilled.change_to(&self.limits.orders);
        }
    }

    /// Takes a note, where somebody wants an order explained: else it is not made.
    #[inline]
    pub(crate) fn note<F: Into<Option<Fact>>>(&mut self, about: impl Into<About>, fact: impl FnOnce() -> F) {
        self.trace.note(self.now, about, fact);
    }

    /// Where the readings of the filters go that are about an order or a request.
    #[inline]
    pub(crate) fn readings(&mut self, about: impl Into<About>) -> Readings<'_> {
        Readings { trace: &mut self.trace, now: self.now, about: about.into() }
    }

    /// Whether so many more unfilled orders may be placed (rule 8.39).
    pub(crate) fn check_unfilled(&mut self, adding: u32) -> Result<(), Refusal> {
        let Self { now, unfilled, trace, .. } = self;
        unfilled.check(*now, adding, &mut |OrderLimit { interval, interval_num: every, limit }, count, holds| {
            trace.note(*now, About::Request, || Fact::UnfilledOrders { count, adding, limit, every, interval, holds });
        })
    }

    pub(crate) fn next_order(&mut self) -> OrderId {
        next(&mut self.orders)
    }

    pub(crate) fn next_list(&mut self) -> OrderListId {
        next(&mut self.lists)
    }

    /// Another trade begins: both sides of a trade with oneself bear its number.
    pub(crate) fn next_trade(&mut self) -> TradeId {
        next(&mut self.trades)
    }

    pub(crate) fn next_execution(&mut self) -> u64 {
        next(&mut self.executions)
    }

    /// A name for a cancel that was given none: that of the change which it causes first.
    pub(crate) fn name_for_cancel(&self) -> ClientOrderId {
        ExecutionReport::name_for_cancel(self.executions + 1)
    }

    pub(crate) fn next_prevented(&mut self) -> u64 {
        next(&mut self.prevented)
    }

    /// The place at the end of a queue.
    pub(crate) fn queue(&mut self) -> u64 {
        next(&mut self.queued)
    }
}

fn next(last: &mut u64) -> u64 {
    *last += 1;
    *last
}

/// The price of the discount's asset in a quote asset, from bars of that market (rule 5.8): the
/// last close, or the open of a bar that has opened since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiscountPrices {
    #[serde(skip)]
    pub(crate) bars: Arc<Bars>,
    /// How many of them had opened when a price was last asked for.
    pub(crate) opened: usize,
}

impl DiscountPrices {
    /// From the bars of the discount's market.
    #[must_use]
    pub fn new(bars: Arc<Bars>) -> Self {
        Self { bars, opened: 0 }
    }

    pub(crate) fn at(&mut self, now: Timestamp) -> Option<Price> {
        let bars = &self.bars;
        self.opened = gallop(self.opened, |row| bars.open_time.get(row).is_some_and(|open| open <= now));
        let row = self.opened.checked_sub(1)?;
        Some(if bars.close_time.at(row) <= now { bars.close[row] } else { bars.open[row] })
    }
}
