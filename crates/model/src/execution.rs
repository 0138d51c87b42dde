//! What a venue says: execution reports and refusals.
//!
//! For: the only way in which an order's state changes, and the exchange's codes. Not for:
//! deciding anything.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::number::{Amount, Price, Quantity};
use crate::order::{
    ExecutionType, ExpiryReason, Liquidity, Order, OrderId, OrderStatus, OrderType, SelfTradePrevention, Side,
    TimeInForce, TradeId,
};
use crate::text::{Asset, ClientOrderId, Symbol};
use crate::time::Timestamp;

/// One change of one order, with the order's state after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionReport {
    /// When it happened (transaction time).
    pub time: Timestamp,
    /// The market.
    pub symbol: Symbol,
    /// The venue's number of the order.
    pub order_id: OrderId,
    /// The sender's name of the order.
    pub client_order_id: ClientOrderId,
    /// Which way.
    pub side: Side,
    /// Kind.
    pub order_type: OrderType,
    /// How long.
    pub time_in_force: TimeInForce,
    /// What happened.
    pub execution_type: ExecutionType,
    /// Where the order stands now.
    pub status: OrderStatus,
    /// The limit; zero for orders without one.
    pub price: Price,
    /// How much was asked for.
    pub quantity: Quantity,
    /// How much was asked for in quote asset; zero where it was not.
    pub quote_order_quantity: Amount,
    /// Filled so far.
    pub filled_quantity: Quantity,
    /// What the fills came to so far.
    pub filled_quote: Amount,
    /// The fill, if this tells of one.
    pub fill: Option<Fill>,
    /// Why it expired, if it did.
    pub expiry_reason: Option<ExpiryReason>,
    /// The name of the cancel, if this tells of one that had a name.
    pub cancel_client_order_id: Option<ClientOrderId>,
    /// What the order does about self-trades.
    pub self_trade_prevention: SelfTradePrevention,
}

/// A trade of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's number of the trade.
    pub trade_id: TradeId,
    /// At which price.
    pub price: Price,
    /// How much base asset.
    pub quantity: Quantity,
    /// Price × quantity, truncated at the quote asset's precision.
    pub quote_quantity: Amount,
    /// What it cost.
    pub commission: Amount,
    /// In which asset.
    pub commission_asset: Asset,
    /// Whether we rested or took.
    pub liquidity: Liquidity,
}

impl ExecutionReport {
    /// The report of a change that has just been made to `order`.
    #[must_use]
    pub fn of(order: &Order, execution_type: ExecutionType, fill: Option<Fill>) -> Self {
        Self {
            time: order.updated,
            symbol: order.symbol,
            order_id: order.order_id,
            client_order_id: order.client_order_id,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            execution_type,
            status: order.status,
            price: order.price,
            quantity: order.quantity,
            quote_order_quantity: order.quote_order_quantity,
            filled_quantity: order.filled_quantity,
            filled_quote: order.filled_quote,
            fill,
            expiry_reason: order.expiry_reason,
            cancel_client_order_id: None,
            self_trade_prevention: order.self_trade_prevention,
        }
    }
}

/// The exchange's no: a code of `errors.md` with its text. It is data, not an `Error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For example -1013.
    pub code: i32,
    /// For example `Filter failure: PRICE_FILTER`.
    #[serde(rename = "msg")]
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// A code with a fixed text.
    #[must_use]
    pub const fn new(code: i32, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text) }
    }

    /// A code with a text that names something.
    #[must_use]
    pub fn naming(code: i32, text: String) -> Self {
        Self { code, text: Cow::Owned(text) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}
