//! Stops that a halt held up: history reached their price while their market was halted.

use std::collections::BTreeMap;

use candlewick_model::run::{Event, Halt, Run};
use candlewick_model::{
    ExecutionType, ExpiryReason, Order, OrderId, OrderRequest, OrderStatus, OrderType, Price, Side, Symbol, Timestamp,
    Trigger,
};
use serde::Serialize;

use crate::csv::average_price;
use crate::trips::market_of;

/// A stop, or a take-profit, that could not be triggered in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LateStop {
    /// The order.
    pub order_id: OrderId,
    /// Its market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Its type.
    pub order_type: OrderType,
    /// The price that should have triggered it; zero where it trailed.
    pub stop_price: Price,
    /// Since when the market was halted.
    pub halted: Timestamp,
    /// When it traded again.
    pub reopened: Timestamp,
    /// When it was triggered; never, if history had turned back by then.
    pub triggered: Option<Timestamp>,
    /// What its fills came to.
    pub average_price: Option<Price>,
    /// Where it stood at the end.
    pub status: OrderStatus,
}

/// From when to when an order waited for its trigger.
struct Waited {
    from: Timestamp,
    to: Timestamp,
    triggered: Option<Timestamp>,
}

/// Every stop that a halt held up, by the order's number. One that trails is told of where the
/// reopening triggered it.
#[must_use]
pub fn late_stops(run: &Run) -> Vec<LateStop> {
    if run.markets.iter().all(|market| market.halts.is_empty()) {
        return Vec::new();
    }
    let waited = waited(run);
    let mut late = Vec::new();
    for order in &run.orders {
        let Some(waited) = waited.get(&order.order_id) else { continue };
        let halts = &market_of(run, order.symbol).halts;
        late.extend(halts.iter().filter(|halt| is_late(order, waited, halt)).map(|halt| LateStop {
            order_id: order.order_id,
            symbol: order.symbol,
            side: order.side,
            order_type: order.order_type,
            stop_price: order.stop_price,
            halted: halt.from,
            reopened: halt.to,
            triggered: waited.triggered,
            average_price: average_price(order),
            status: order.status,
        }));
    }
    late
}

fn is_late(order: &Order, waited: &Waited, halt: &Halt) -> bool {
    let throughout = waited.from <= halt.from && halt.to <= waited.to;
    let reached = if order.trailing_delta.is_some() {
        waited.triggered == Some(halt.to)
    } else if OrderRequest::from(order).trigger.is_some_and(|t| Trigger::is_above(t.kind, order.side)) {
        halt.high >= order.stop_price
    } else {
        halt.low <= order.stop_price
    };
    throughout && reached
}

/// When contingent orders waited for their triggers.
fn waited(run: &Run) -> BTreeMap<OrderId, Waited> {
    let mut all: BTreeMap<OrderId, Waited> = BTreeMap::new();
    for event in &run.events {
        let Event::ExecutionReport(report) = event else { continue };
        let order = &report.order;
        if !order.order_type.is_contingent() {
            continue;
        }
        // A pending order of a list begins to wait when it goes onto the book.
        let waits = order.status == OrderStatus::New && order.working_time.is_none();
        if waits && report.execution_type == ExecutionType::New {
            let begins = Waited { from: report.time, to: Timestamp::MAX, triggered: None };
            all.entry(order.order_id).or_insert(begins);
        } else if let Some(waited) = all.get_mut(&order.order_id)
            && !waits
            && waited.to == Timestamp::MAX
        {
            // What fails its checks when it is triggered never works.
            let failed = order.expiry_reason == Some(ExpiryReason::Rejected);
            (waited.to, waited.triggered) = (report.time, order.working_time.or(failed.then_some(report.time)));
        }
    }
    all
}
