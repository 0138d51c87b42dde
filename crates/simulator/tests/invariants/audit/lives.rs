//! The life of an order: what may follow what, and that its quantities add up.

use candlewick_model::{
    ExecutionReport, ExecutionType, ExpiryReason, Liquidity, Order, OrderStatus, OrderType, Quantity, TimeInForce,
};
use candlewick_simulator::Replay;
use proptest::prelude::*;

use super::Orders;

#[derive(Default)]
pub(crate) struct Lives {
    executions: u64,
    trades: u64,
    last_fill: Option<candlewick_model::Fill>,
}

fn sum(order: &Order) -> i64 {
    order.filled_quantity.units() + order.prevented_quantity.units() + order.remaining().units()
}

impl Lives {
    pub(crate) fn report(
        &mut self,
        orders: &Orders,
        before: Option<&Order>,
        report: &ExecutionReport,
    ) -> Result<(), TestCaseError> {
        let order = &report.order;
        self.executions += 1;
        prop_assert_eq!(report.execution_id, self.executions);
        prop_assert_eq!(sum(order), order.quantity.units(), "executed, prevented and what is left");
        prop_assert!(order.remaining() >= Quantity::ZERO, "{:?}", report);
        self.check_trade_id(report)?;
        match before {
            None => is_born(orders, report)?,
            Some(before) => {
                prop_assert!(!before.status.is_final(), "told of after its end: {:?}", report);
                let is_amended = report.execution_type == ExecutionType::Replaced;
                let shown = before.iceberg_quantity;
                let same = Order {
                    // What is shown is never more than the quantity.
                    iceberg_quantity: if is_amended { shown.min(order.quantity) } else { shown },
                    client_order_id: order.client_order_id,
                    quantity: order.quantity,
                    trailing_time: order.trailing_time,
                    pegged_price: order.pegged_price,
                    lock_price: order.lock_price,
                    filled_quantity: order.filled_quantity,
                    filled_quote: order.filled_quote,
                    prevented_quantity: order.prevented_quantity,
                    status: order.status,
                    updated: order.updated,
                    working_time: order.working_time,
                    expiry_reason: order.expiry_reason,
                    ..*before
                };
                prop_assert_eq!(&same, order, "nothing else of an order changes");
                follows(before, report)?;
            }
        }
        if order.status.is_final() { ends_as_its_kind(report) } else { Ok(()) }
    }

    /// Trades count up from 1; the sides of a trade with oneself follow each other, the resting
    /// one first.
    fn check_trade_id(&mut self, report: &ExecutionReport) -> Result<(), TestCaseError> {
        let Some(fill) = report.fill else {
            self.last_fill = None;
            return Ok(());
        };
        if fill.trade_id == self.trades {
            let mirror = self.last_fill.map(|other| (other.liquidity, other.price, other.quantity));
            prop_assert_eq!(mirror, Some((Liquidity::Maker, fill.price, fill.quantity)));
            prop_assert_eq!(fill.liquidity, Liquidity::Taker);
        } else {
            prop_assert_eq!(fill.trade_id, self.trades + 1);
            self.trades += 1;
        }
        self.last_fill = report.fill;
        Ok(())
    }

    /// After a turn: what is told of is what the venue holds, and what cannot wait does not.
    pub(crate) fn end(&self, orders: &Orders, markets: usize, replay: &Replay) -> Result<(), TestCaseError> {
        let mut held = 0;
        for order in (0..markets).flat_map(|market| replay.open_orders(market)) {
            // Since when it trails is not told at once.
            let told = orders.get(&order.order_id).map(|told| Order { trailing_time: order.trailing_time, ..*told });
            prop_assert_eq!(told.as_ref(), Some(order));
            held += 1;
        }
        let open = orders.values().filter(|order| !order.status.is_final());
        prop_assert_eq!(open.clone().count(), held);
        for order in open {
            let works = order.working_time.is_some();
            prop_assert!(
                order.order_type != OrderType::Market || order.status == OrderStatus::PendingNew,
                "{:?}",
                order
            );
            prop_assert!(!works || order.time_in_force == TimeInForce::Gtc, "it waits: {:?}", order);
            prop_assert_eq!(order.status == OrderStatus::PartiallyFilled, !order.filled_quantity.is_zero());
        }
        Ok(())
    }
}

fn is_born(orders: &Orders, report: &ExecutionReport) -> Result<(), TestCaseError> {
    let order = &report.order;
    prop_assert_eq!(report.execution_type, ExecutionType::New);
    prop_assert_eq!(order.order_id, orders.len() as u64 + 1);
    prop_assert!(matches!(order.status, OrderStatus::New | OrderStatus::PendingNew), "{:?}", report);
    prop_assert!(order.filled_quantity.is_zero() && order.prevented_quantity.is_zero(), "{:?}", report);
    prop_assert!(!order.quantity.is_zero() || order.awaits_quantity(), "{:?}", report);
    let mut open = orders.values().filter(|other| !other.status.is_final() && other.symbol == order.symbol);
    prop_assert!(open.all(|other| other.client_order_id != order.client_order_id), "two of a name: {:?}", report);
    Ok(())
}

/// What a report may say of an order that was there before.
fn follows(before: &Order, report: &ExecutionReport) -> Result<(), TestCaseError> {
    let order = &report.order;
    prop_assert!(order.updated >= before.updated, "{:?}", report);
    let filled = order.filled_quantity.units() - before.filled_quantity.units();
    let value = order.filled_quote.units() - before.filled_quote.units();
    prop_assert_eq!(filled, report.fill.map_or(0, |fill| fill.quantity.units()));
    prop_assert_eq!(value, report.fill.map_or(0, |fill| fill.quote_quantity.units()));
    let prevented = order.prevented_quantity.units() - before.prevented_quantity.units();
    prop_assert_eq!(prevented, report.prevented.map_or(0, |prevented| prevented.quantity.units()));
    prop_assert_eq!(report.execution_type == ExecutionType::Trade, filled > 0);
    prop_assert_eq!(report.execution_type == ExecutionType::TradePrevention, prevented > 0);
    // One that is paid for tells its quantity when that is known, though it may not work.
    let may_not = order.expiry_reason.is_some();
    let received = before.awaits_quantity() && (order.status == OrderStatus::New || may_not);
    let grown = order.quantity > before.quantity;
    prop_assert!(!grown || received, "{:?}", report);
    let is_less = order.quantity < before.quantity;
    prop_assert!(!is_less || report.execution_type == ExecutionType::Replaced, "{:?}", report);
    let nothing_left = order.remaining().is_zero() && !order.awaits_quantity();
    match report.execution_type {
        ExecutionType::New => {
            let triggered = before.order_type.is_contingent() && before.working_time.is_none() && order.is_on_book();
            let activated = before.status == OrderStatus::PendingNew && order.status == OrderStatus::New;
            prop_assert!(triggered || activated, "{:?}", report);
        }
        ExecutionType::Trade => {
            let expected = if nothing_left { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
            prop_assert_eq!(order.status, expected);
        }
        ExecutionType::TradePrevention => {
            let expected = if nothing_left { OrderStatus::ExpiredInMatch } else { before.status };
            prop_assert_eq!(order.status, expected);
        }
        ExecutionType::Replaced => prop_assert_eq!(order.status, before.status),
        ExecutionType::Canceled => prop_assert_eq!(order.status, OrderStatus::Canceled),
        ExecutionType::Expired => prop_assert_eq!(order.status, OrderStatus::Expired),
        ExecutionType::Rejected => prop_assert!(false, "{:?}", report),
    }
    Ok(())
}

/// How an order of each kind may end.
fn ends_as_its_kind(report: &ExecutionReport) -> Result<(), TestCaseError> {
    let order = &report.order;
    prop_assert_eq!(order.status == OrderStatus::Expired, order.expiry_reason.is_some());
    if order.time_in_force == TimeInForce::Fok {
        let whole = order.status == OrderStatus::Filled && order.filled_quantity == order.quantity;
        prop_assert!(whole || order.filled_quantity.is_zero(), "all or nothing: {:?}", report);
    }
    let is_limit = !order.order_type.is_market();
    let fits = match order.expiry_reason {
        None => true,
        Some(ExpiryReason::InsufficientLiquidity) => !is_limit,
        Some(ExpiryReason::UnfilledIocQuantityExpired) => is_limit && order.time_in_force == TimeInForce::Ioc,
        Some(ExpiryReason::UnfilledFokOrderExpired) => is_limit && order.time_in_force == TimeInForce::Fok,
        Some(ExpiryReason::OcoTrigger | ExpiryReason::OtoPhaseOneExpired) => {
            order.order_list_id.is_some() && order.filled_quantity.is_zero()
        }
        Some(ExpiryReason::Rejected) => {
            (order.order_type.is_contingent() || order.order_list_id.is_some()) && order.filled_quantity.is_zero()
        }
        Some(ExpiryReason::ExecutionRulePriceRangeExceeded) => order.order_type != OrderType::LimitMaker,
        // Amended down to what was filled or prevented.
        Some(ExpiryReason::None) => order.remaining().is_zero() && !order.quantity.is_zero(),
        Some(ExpiryReason::ExchangeCanceled) => false,
    };
    prop_assert!(fits, "{:?}", report);
    Ok(())
}
