//! Replacements and amendments as REST shows them, and what it tells of both later.

use candlewick_model::{
    Amount, ClientOrderId, ExecutionReport, OrderId, OrderStatus, OrderType, Price, Quantity, SelfTradePrevention,
    Side, Symbol, TimeInForce, TimeUnit,
};
use serde::{Deserialize, Serialize};

use super::order::{iceberg_quantity, stop_price};
use super::{Conditional, ListState, list_number, time_number};

/// What became of one half of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HalfResult {
    /// Done.
    Success,
    /// Refused.
    Failure,
    /// Not tried, because of the other half.
    NotAttempted,
}

/// The answer of `POST /api/v3/order/cancelReplace`; of one that failed, what its `data` holds.
/// The answers of the halves are those of a cancel and of a new order, or refusals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Replaced {
    pub cancel_result: HalfResult,
    pub new_order_result: HalfResult,
    pub cancel_response: serde_json::Value,
    pub new_order_response: serde_json::Value,
}

/// The answer of `PUT /api/v3/order/amend/keepPriority`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Amended {
    pub transact_time: i64,
    pub execution_id: u64,
    pub amended_order: AmendedOrder,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_status: Option<ListState>,
}

/// An order after an amendment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct AmendedOrder {
    pub symbol: Symbol,
    pub order_id: OrderId,
    pub order_list_id: i64,
    pub orig_client_order_id: ClientOrderId,
    pub client_order_id: ClientOrderId,
    pub price: Price,
    pub qty: Quantity,
    pub executed_qty: Quantity,
    pub prevented_qty: Quantity,
    pub quote_order_qty: Amount,
    pub cumulative_quote_qty: Amount,
    pub status: OrderStatus,
    pub time_in_force: TimeInForce,
    #[serde(rename = "type")]
    pub order_type: OrderType,
    pub side: Side,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iceberg_qty: Option<Quantity>,
    /// Absent until it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<i64>,
    pub self_trade_prevention_mode: SelfTradePrevention,
    #[serde(flatten)]
    pub conditional: Conditional,
}

impl Amended {
    /// Of the report of an amendment.
    #[must_use]
    pub fn of(report: &ExecutionReport, list_status: Option<ListState>, unit: TimeUnit) -> Self {
        let order = &report.order;
        let amended_order = AmendedOrder {
            symbol: order.symbol,
            order_id: order.order_id,
            order_list_id: list_number(order.order_list_id),
            orig_client_order_id: report.cancel_client_order_id.unwrap_or(order.client_order_id),
            client_order_id: order.client_order_id,
            price: order.price,
            qty: order.quantity,
            executed_qty: order.filled_quantity,
            prevented_qty: order.prevented_quantity,
            quote_order_qty: order.quote_order_quantity,
            cumulative_quote_qty: order.filled_quote,
            status: order.status,
            time_in_force: order.time_in_force,
            order_type: order.order_type,
            side: order.side,
            stop_price: stop_price(order),
            iceberg_qty: iceberg_quantity(order),
            working_time: order.working_time.map(|since| time_number(since, unit)),
            self_trade_prevention_mode: order.self_trade_prevention,
            conditional: Conditional::of(order, None, unit),
        };
        Self {
            transact_time: time_number(report.time, unit),
            execution_id: report.execution_id,
            amended_order,
            list_status: list_status.map(ListState::beside_amendment),
        }
    }
}

/// One entry of `GET /api/v3/order/amendments`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Amendment {
    pub symbol: Symbol,
    pub order_id: OrderId,
    pub execution_id: u64,
    pub orig_client_order_id: ClientOrderId,
    pub new_client_order_id: ClientOrderId,
    pub orig_qty: Quantity,
    pub new_qty: Quantity,
    pub time: i64,
}

/// One entry of `GET /api/v3/myPreventedMatches`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PreventedMatch {
    pub symbol: Symbol,
    pub prevented_match_id: u64,
    pub taker_order_id: OrderId,
    pub maker_symbol: Symbol,
    pub maker_order_id: OrderId,
    pub trade_group_id: u64,
    pub self_trade_prevention_mode: SelfTradePrevention,
    pub price: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taker_prevented_quantity: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker_prevented_quantity: Option<Quantity>,
    pub transact_time: i64,
}
