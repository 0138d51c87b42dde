//! From answers to execution reports: what the venue must have said, rebuilt from what REST
//! tells.
//!
//! For: making a live strategy hear the same reports, in the same order, as a backtested one.
//! Not for: fetching anything.

use candlewick_binance::wire::{Cancelled, MyTrade, Placed, PlacedFill, PlacedResult, time};
use candlewick_model::{
    Amount, ClientOrderId, ExecutionReport, ExecutionType, Fill, Liquidity, Order, OrderStatus, Price, Quantity,
    Timestamp,
};

use crate::LiveError;

/// The order as a FULL answer leaves it, and its fills with their time; `None` for an answer
/// that says less.
pub(crate) fn of_answer(placed: &Placed, quote_precision: u32) -> Option<(Order, Vec<(Timestamp, Fill)>)> {
    let at = time(placed.transact_time)?;
    let (result, fills) = (placed.result.as_ref()?, placed.fills.as_ref()?);
    let fills = fills.iter().map(|fill| (at, taken(fill, quote_precision))).collect();
    Some((order_of(placed, result, at), fills))
}

fn order_of(placed: &Placed, result: &PlacedResult, at: Timestamp) -> Order {
    let told = Order::told(
        (placed.order_id, placed.client_order_id),
        (placed.symbol, result.side),
        (result.order_type, result.time_in_force),
        (result.price, Price::ZERO),
        at,
    );
    Order {
        quantity: result.orig_qty,
        quote_order_quantity: result.orig_quote_order_qty,
        filled_quantity: result.executed_qty,
        filled_quote: result.cummulative_quote_qty,
        status: result.status,
        expiry_reason: result.conditional.expiry_reason,
        self_trade_prevention: result.self_trade_prevention_mode,
        ..told
    }
}

/// A fill of an answer. What it came to is not told: price × quantity, truncated as the
/// exchange does it.
fn taken(fill: &PlacedFill, quote_precision: u32) -> Fill {
    Fill {
        trade_id: fill.trade_id,
        price: fill.price,
        quantity: fill.qty,
        quote_quantity: fill.price.notional_floor(fill.qty).truncate_to(quote_precision),
        commission: fill.commission,
        commission_asset: fill.commission_asset,
        liquidity: Liquidity::Taker,
    }
}

/// The reports of an order's life so far: NEW, a TRADE for every fill, and its end if it has
/// ended otherwise. The sums must come to what the order says.
pub(crate) fn life_of(order: &Order, fills: &[(Timestamp, Fill)]) -> Result<Vec<ExecutionReport>, LiveError> {
    let mut state = Order {
        filled_quantity: Quantity::ZERO,
        filled_quote: Amount::ZERO,
        status: OrderStatus::New,
        updated: order.created,
        expiry_reason: None,
        ..*order
    };
    let mut reports = vec![ExecutionReport::of(&state, 0, ExecutionType::New)];
    for (at, fill) in fills {
        reports.push(fill_of(&mut state, *at, *fill)?);
    }
    if (state.filled_quantity, state.filled_quote) != (order.filled_quantity, order.filled_quote) {
        return Err(LiveError::Order {
            order_id: order.order_id,
            reason: format!(
                "its fills come to {} for {}, but it says {} for {}",
                state.filled_quantity, state.filled_quote, order.filled_quantity, order.filled_quote
            ),
        });
    }
    reports.extend(end_of(&state, order));
    Ok(reports)
}

/// The report of one more fill, which the state takes over.
pub(crate) fn fill_of(state: &mut Order, at: Timestamp, fill: Fill) -> Result<ExecutionReport, LiveError> {
    let sum = state.filled_quantity.checked_add(fill.quantity).filter(|sum| *sum <= state.quantity);
    let (Some(filled), Some(quote)) = (sum, state.filled_quote.checked_add(fill.quote_quantity)) else {
        let reason = format!("trade {} fills it beyond its quantity", fill.trade_id);
        return Err(LiveError::Order { order_id: state.order_id, reason });
    };
    state.filled_quantity = filled;
    state.filled_quote = quote;
    state.status = if state.remaining().is_zero() { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
    state.updated = at;
    Ok(ExecutionReport { fill: Some(fill), ..ExecutionReport::of(state, 0, ExecutionType::Trade) })
}

/// The report of an order's end, if it has ended other than by fills.
pub(crate) fn end_of(state: &Order, ended: &Order) -> Option<ExecutionReport> {
    let execution_type = match ended.status {
        OrderStatus::Canceled => ExecutionType::Canceled,
        OrderStatus::Expired => ExecutionType::Expired,
        OrderStatus::ExpiredInMatch => ExecutionType::TradePrevention,
        OrderStatus::Rejected => ExecutionType::Rejected,
        OrderStatus::New | OrderStatus::PendingNew | OrderStatus::PartiallyFilled | OrderStatus::Filled => return None,
    };
    let (status, updated, expiry_reason) = (ended.status, ended.updated, ended.expiry_reason);
    let last = Order { status, updated, expiry_reason, ..*state };
    Some(ExecutionReport::of(&last, 0, execution_type))
}

/// The report of a cancel. `name` is the name that the sender gave to it, if it gave one.
pub(crate) fn cancelled(answer: &Cancelled, name: Option<ClientOrderId>) -> Option<ExecutionReport> {
    let at = time(answer.transact_time)?;
    let told = Order::told(
        (answer.order_id, answer.orig_client_order_id),
        (answer.symbol, answer.side),
        (answer.order_type, answer.time_in_force),
        (answer.price, Price::ZERO),
        at,
    );
    let order = Order {
        quantity: answer.orig_qty,
        quote_order_quantity: answer.orig_quote_order_qty,
        filled_quantity: answer.executed_qty,
        filled_quote: answer.cummulative_quote_qty,
        status: answer.status,
        self_trade_prevention: answer.self_trade_prevention_mode,
        ..told
    };
    let mut report = ExecutionReport::of(&order, 0, ExecutionType::Canceled);
    report.cancel_client_order_id = name;
    Some(report)
}

/// A trade of the list with its time.
pub(crate) fn listed(trade: &MyTrade) -> Option<(Timestamp, Fill)> {
    Some((time(trade.time)?, trade.fill()))
}
