//! When stops work (rules 3.4 and 3.5; `faqs/trailing-stop-faq.md`): where the path has reached
//! their price or the level that follows it, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use candlewick_model::{Order, OrderId, OrderStatus, OrderType, Price, Side, SymbolStatus};
use candlewick_simulator::PointKind;
use proptest::prelude::*;

use super::{Orders, Scene};

#[derive(Default)]
pub(crate) struct Triggers {
    /// Orders that wait, with the best price since they trail.
    waiting: BTreeMap<OrderId, Option<Price>>,
    /// Trailing orders that came onto the book in the middle of a move: nobody tells from where on
    /// they are followed.
    unknown: BTreeSet<OrderId>,
}

/// Whether the market must rise to it.
fn waits_above(order: &Order) -> bool {
    let stop_loss = matches!(order.order_type, OrderType::StopLoss | OrderType::StopLossLimit);
    stop_loss == (order.side == Side::Buy)
}

fn waits(order: &Order) -> bool {
    order.order_type.is_contingent() && order.status == OrderStatus::New && order.working_time.is_none()
}

/// So many basis points from the best price, to the next tick beyond.
fn level(order: &Order, best: Price, tick: Price) -> Option<Price> {
    let (best, tick) = (i128::from(best.units()), i128::from(tick.units()));
    let delta = i128::from(order.trailing_delta?);
    let ticks = match order.side {
        Side::Sell => best * (10_000 - delta) / (10_000 * tick),
        Side::Buy => (best * (10_000 + delta) + 10_000 * tick - 1) / (10_000 * tick),
    };
    Some(Price::from_units((ticks * tick) as i64))
}

impl Triggers {
    /// After a turn: `orders` as they are now.
    pub(crate) fn end(&mut self, scene: &Scene<'_>, orders: &Orders) -> Result<(), TestCaseError> {
        if let Some((low, high)) = scene.path().filter(|_| scene.instrument.status == Some(SymbolStatus::Trading)) {
            for (id, best) in &mut self.waiting {
                let order = &orders[id];
                if order.symbol == scene.instrument.symbol {
                    follow(scene, order, best, (low, high))?;
                }
            }
        }
        self.waiting.retain(|id, _| waits(&orders[id]));
        for order in orders.values().filter(|order| waits(order)) {
            let (id, trails) = (order.order_id, order.trailing_delta.is_some());
            if trails && scene.moved.is_some() && !self.waiting.contains_key(&id) {
                self.unknown.insert(id);
            }
            if !self.unknown.contains(&id) {
                let begins = (trails && order.stop_price.is_zero()).then_some(scene.last);
                self.waiting.entry(id).or_insert(begins);
            }
        }
        Ok(())
    }
}

/// What a move does to one order that waited before it.
fn follow(
    scene: &Scene<'_>,
    order: &Order,
    best: &mut Option<Price>,
    (low, high): (Price, Price),
) -> Result<(), TestCaseError> {
    let reached = |price: Price, above: bool| if above { high >= price } else { low <= price };
    let still_waits = waits(order);
    if order.trailing_delta.is_none() {
        prop_assert!(!(still_waits && reached(order.stop_price, waits_above(order))), "not triggered: {:?}", order);
        return Ok(());
    }
    if best.is_none() {
        let begins = reached(order.stop_price, waits_above(order));
        if begins {
            // At the stop price inside a bar, at the open where it jumps over it.
            let is_jump = scene.moved.is_some_and(|(point, _)| point.kind == PointKind::Open);
            *best = Some(if is_jump { scene.last } else { order.stop_price });
        }
    }
    let (Some(known), false) = (*best, !still_waits) else { return Ok(()) };
    let level = level(order, known, scene.instrument.filters.tick()).unwrap_or_default();
    let turned = if order.side == Side::Sell { scene.last <= level } else { scene.last >= level };
    prop_assert!(!turned, "not triggered at {}: {:?}, best {}", level, order, known);
    *best = Some(if order.side == Side::Sell { known.max(scene.last) } else { known.min(scene.last) });
    Ok(())
}

/// An order that was told to work was reached by the path.
pub(crate) fn check_reached(scene: &Scene<'_>, before: &Order, order: &Order) -> Result<(), TestCaseError> {
    let begins = waits(before) && order.is_on_book() || waits(before) && !order.filled_quantity.is_zero();
    if !begins || order.trailing_delta.is_some() {
        return Ok(());
    }
    let Some((low, high)) = scene.path() else {
        return Err(TestCaseError::fail(format!("triggered where the market stood still: {order:?}")));
    };
    let reached = if waits_above(order) { high >= order.stop_price } else { low <= order.stop_price };
    prop_assert!(reached, "triggered between {} and {}: {:?}", low, high, order);
    Ok(())
}
