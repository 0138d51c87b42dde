//! Price, then time: which of several own orders trades first (rules 1.6, 3.6, 4.2, 4.5 and 8.20).

use std::collections::{BTreeMap, BTreeSet};

use candlewick_model::{ExecutionReport, Liquidity, Order, OrderId, Quantity, Side};
use candlewick_simulator::PointKind;
use proptest::prelude::*;

use super::{Orders, Scene};

#[derive(Default)]
pub(crate) struct Priority {
    /// Orders on the book: since when, and what is left of the part that is shown.
    book: BTreeMap<OrderId, Place>,
    clock: u64,
    /// Orders that rested before the move began, and that it meets.
    waiting: Vec<OrderId>,
    /// Which orders have had their turn in it: a fill, of an iceberg one that did not use up what it
    /// shows.
    filled: BTreeSet<OrderId>,
    /// The prevented match that was told of last.
    last_match: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    since: u64,
    shown: Quantity,
}

/// The better, the smaller.
fn rank(order: &Order) -> i64 {
    if order.side == Side::Buy { -order.limit().units() } else { order.limit().units() }
}

impl Priority {
    /// Notes who waits for the move that comes, and will be met: orders that did not reach the other
    /// side before it and so rest.
    pub(crate) fn begin(&mut self, scene: &Scene<'_>, orders: &Orders) {
        self.filled.clear();
        self.waiting.clear();
        let Some((_, from)) = scene.moved else { return };
        let spread = scene.instrument.filters.tick().units() * i64::from(scene.market.fill_model.half_spread_ticks);
        let rests = |order: &Order| match order.side {
            Side::Buy => order.limit().units() < from.units() + spread,
            Side::Sell => order.limit().units() > from.units() - spread,
        };
        let of_market = |order: &Order| order.symbol == scene.instrument.symbol;
        let met = |id: &&OrderId| {
            let order = &orders[*id];
            of_market(order) && rests(order) && scene.reaches(order)
        };
        self.waiting = self.book.keys().filter(met).copied().collect();
    }

    /// Where the move meets an order: along the path inside a bar, and first whom it is beyond where
    /// it begins (at a jump: where it ends), the limit furthest beyond first. Then by time.
    fn meeting(&self, scene: &Scene<'_>, order: &Order) -> Option<(i64, i64, u64)> {
        let (point, from) = scene.moved?;
        let begins = if point.kind == PointKind::Open { scene.last } else { from };
        let limit = order.limit().units();
        let not_beyond = if order.side == Side::Buy { begins.units() - limit } else { limit - begins.units() };
        let along = (limit - begins.units()) * if scene.last >= from { 1 } else { -1 };
        let along = if not_beyond <= 0 || point.kind == PointKind::Open { 0 } else { along };
        Some((along, not_beyond.min(0), self.book.get(&order.order_id)?.since))
    }

    /// Whether a move comes upon an order's limit on its way, and not before.
    fn lies_ahead(scene: &Scene<'_>, order: &Order) -> bool {
        let Some((point, from)) = scene.moved else { return false };
        let towards = if scene.last >= from { Side::Sell } else { Side::Buy };
        point.kind != PointKind::Open && order.side == towards
    }

    pub(crate) fn report(
        &mut self,
        scene: &Scene<'_>,
        orders: &Orders,
        report: &ExecutionReport,
    ) -> Result<(), TestCaseError> {
        let order = &report.order;
        self.clock += 1;
        if let Some(fill) = report.fill
            && fill.liquidity == Liquidity::Maker
        {
            let is_own = scene.own.contains(&fill.trade_id);
            let is_its_turn = if is_own { self.is_best(orders, order) } else { self.is_next(scene, orders, order) };
            prop_assert!(is_its_turn, "not its turn: {:?} of {:?}", report, self.book);
            let shown = self.book.get(&order.order_id).map_or(Quantity::MAX, |place| place.shown);
            prop_assert!(fill.quantity <= shown, "more than is shown: {:?} of {:?}", report, self.book);
            // The next part of an iceberg has a turn of its own.
            if !is_own && (order.iceberg_quantity.is_zero() || fill.quantity < shown) {
                prop_assert!(self.filled.insert(order.order_id), "rested and filled twice in a step: {:?}", report);
            }
        }
        self.keep(report);
        Ok(())
    }

    /// Whether all that the path meets before the order have had their turn.
    fn is_next(&self, scene: &Scene<'_>, orders: &Orders, order: &Order) -> bool {
        let Some(own) = self.meeting(scene, order) else { return false };
        // An order that has come in this move lies where it came, or ahead of that; where the former
        // was, reports do not tell.
        if !self.waiting.contains(&order.order_id) && !Self::lies_ahead(scene, order) {
            return true;
        }
        let passed_over = |id: &OrderId| {
            let other = &orders[id];
            !other.status.is_final()
                && !self.filled.contains(id)
                && self.meeting(scene, other).is_some_and(|at| at < own)
        };
        !self.waiting.iter().any(passed_over)
    }

    /// Whether no order of its side has a better price, or the same for a longer time.
    fn is_best(&self, orders: &Orders, order: &Order) -> bool {
        let own = (rank(order), self.book.get(&order.order_id).map_or(u64::MAX, |place| place.since));
        self.book.iter().all(|(id, place)| {
            let other = &orders[id];
            *id == order.order_id
                || other.side != order.side
                || other.symbol != order.symbol
                || (rank(other), place.since) > own
        })
    }

    /// Keeps the queue: an order comes to its end when it goes onto the book, and again when the
    /// part of an iceberg that is shown is used up; an amendment changes nothing.
    fn keep(&mut self, report: &ExecutionReport) {
        let order = &report.order;
        if !order.is_on_book() {
            self.last_match = report.prevented.map_or(self.last_match, |prevented| prevented.match_id);
            self.book.remove(&order.order_id);
            return;
        }
        let part = order.iceberg_quantity;
        let shown = if part.is_zero() { order.remaining() } else { part.min(order.remaining()) };
        let clock = self.clock;
        let place = self.book.entry(order.order_id).or_insert(Place { since: clock, shown });
        // Of a prevented match the resting order is told first.
        let met_resting = report.prevented.filter(|prevented| prevented.match_id > self.last_match);
        self.last_match = report.prevented.map_or(self.last_match, |prevented| prevented.match_id);
        let used = match (report.fill, met_resting) {
            (Some(fill), _) if fill.liquidity == Liquidity::Maker => Some(fill.quantity),
            (None, Some(prevented)) => Some(prevented.quantity),
            _ => None,
        };
        match used {
            Some(used) if !part.is_zero() && used >= place.shown => {
                let into_next = (used.units() - place.shown.units()) % part.units();
                let shown = Quantity::from_units(part.units() - into_next).min(order.remaining());
                *place = Place { since: clock, shown };
            }
            Some(used) => place.shown = Quantity::from_units(place.shown.units() - used.units()),
            // What it took before it rested is not part of what the book shows.
            None if report.fill.is_some() => place.shown = shown,
            None => place.shown = place.shown.min(order.remaining()),
        }
    }
}
