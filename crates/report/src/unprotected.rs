//! Orders that waited, and failed a check when they were to go onto the book (rule 5.4): what
//! they were to protect was left without them.
//!
//! For: naming each of them wherever a report is read. Not for: which check it was
//! (`candlewick explain` tells).

use candlewick_model::run::Run;
use candlewick_model::{
    ClientOrderId, ExpiryReason, Order, OrderId, OrderType, Price, Quantity, Side, Symbol, Timestamp,
};
use serde::Serialize;

use crate::csv::unless_zero;
use crate::format::{count, short, time};

/// How many are told of one by one, before a table says the rest.
const TOLD: usize = 5;

/// An order that was rejected when it was triggered, or when its working order was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unprotected {
    /// When it was rejected.
    pub time: Timestamp,
    /// The venue's number.
    pub order_id: OrderId,
    /// The sender's name.
    pub client_order_id: ClientOrderId,
    /// Its market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Its type.
    pub order_type: OrderType,
    /// What it was for.
    pub quantity: Quantity,
    /// Its limit, if it has one.
    pub price: Option<Price>,
    /// What it waited for, if that was a price.
    pub stop_price: Option<Price>,
    /// How far it trailed, in basis points, if it did.
    pub trailing_delta: Option<u32>,
}

/// Whether an order was rejected when it was to go onto the book.
pub(crate) fn is_rejected(order: &Order) -> bool {
    order.expiry_reason == Some(ExpiryReason::Rejected)
}

/// All of them, by the order's number.
#[must_use]
pub fn unprotected(run: &Run) -> Vec<Unprotected> {
    let of = |o: &Order| Unprotected {
        time: o.updated,
        order_id: o.order_id,
        client_order_id: o.client_order_id,
        symbol: o.symbol,
        side: o.side,
        order_type: o.order_type,
        quantity: o.quantity,
        price: unless_zero(o.price.is_zero(), o.price),
        stop_price: unless_zero(o.stop_price.is_zero(), o.stop_price),
        trailing_delta: o.trailing_delta,
    };
    run.orders.iter().filter(|order| is_rejected(order)).map(of).collect()
}

/// A sentence for each of the first, and how many more there are.
pub(crate) fn told(run: &Run) -> Vec<String> {
    let all = unprotected(run);
    let mut told: Vec<_> = all.iter().take(TOLD).map(sentence).collect();
    if let Some(more) = all.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told.push(format!("{} more orders were rejected so (REJECTED in orders.csv).", count(more as u64)));
    }
    told
}

fn sentence(o: &Unprotected) -> String {
    let waits = o.order_type.is_contingent();
    let stop = o.stop_price.map(|stop| format!(", stop {}", short(stop))).unwrap_or_default();
    let delta = o.trailing_delta.map(|delta| format!(", trailing {delta} basis points")).unwrap_or_default();
    let limit = o.price.map(|price| format!(" at {}", short(price))).unwrap_or_default();
    format!(
        "Order {} ({}), {} {} {} {}{limit}{stop}{delta}, was rejected {} at {}: the position was left unprotected (candlewick explain says why).",
        o.order_id,
        o.client_order_id,
        o.side,
        o.order_type,
        short(o.quantity),
        o.symbol,
        if waits { "at its trigger" } else { "when it was to go onto the book" },
        time(o.time),
    )
}
