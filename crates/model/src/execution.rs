//! What a venue says: execution reports, list statuses and refusals.
//!
//! For: the only way in which an order's state changes, and the exchange's codes. Not for:
//! deciding anything.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::number::{Amount, Price, Quantity};
use crate::order::{
    ContingencyType, ExecutionType, Liquidity, ListOrderStatus, ListStatusType, Order, OrderId, OrderListId,
    RejectReason, SelfTradePrevention, TradeId,
};
use crate::text::{Asset, ClientOrderId, Symbol};
use crate::time::Timestamp;

/// One change of one order, with the order's state after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionReport {
    /// When it happened (transaction time).
    pub time: Timestamp,
    /// The venue's number of this change.
    #[serde(default)]
    pub execution_id: u64,
    /// What happened.
    pub execution_type: ExecutionType,
    /// The order as it is now.
    #[serde(flatten)]
    pub order: Order,
    /// The fill, if this tells of one.
    pub fill: Option<Fill>,
    /// The match that was prevented, if this tells of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prevented: Option<Prevented>,
    /// The order's name until now where this changes it (REPLACED), and the name of the cancel
    /// where this tells of one (CANCELED); absent where [`Self::cancel_name`] follows from the rest.
    pub cancel_client_order_id: Option<ClientOrderId>,
    /// Why the order was rejected when it was to go onto the book, where there is a word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<RejectReason>,
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

/// One side of a match that self-trade prevention kept from happening (`faqs/stp_faq.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prevented {
    /// The venue's number of the prevented match.
    pub match_id: u64,
    /// What it has taken from this order.
    pub quantity: Quantity,
    /// The other order.
    pub counter_order_id: OrderId,
    /// At which price they would have traded.
    pub price: Price,
    /// How much they would have traded.
    pub match_quantity: Quantity,
    /// The mode that decided.
    pub mode: SelfTradePrevention,
}

impl RejectReason {
    /// The refusal of an order that is sent to the book at once.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        let text = match self {
            Self::InsufficientBalances => "Account has insufficient balance for requested action.",
            Self::StopPriceWouldTriggerImmediately => "Order would trigger immediately.",
            Self::WouldMatchImmediately => "Order would immediately match and take.",
            Self::OcoBadPrices => "The relationship of the prices for the orders is not correct.",
        };
        Refusal::new(-2010, text)
    }

    /// The word for a refusal, where there is one.
    #[must_use]
    pub fn of(refusal: &Refusal) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.refusal() == *refusal)
    }
}

impl ExecutionReport {
    /// The report of a change that has just been made to `order`.
    #[must_use]
    #[inline]
    pub const fn of(order: &Order, execution_id: u64, execution_type: ExecutionType) -> Self {
        Self {
            time: order.updated,
            execution_id,
            execution_type,
            order: *order,
            fill: None,
            prevented: None,
            cancel_client_order_id: None,
            reject_reason: None,
        }
    }

    /// The name of a cancel that was given none: made up from the number of the first change that
    /// it causes.
    #[must_use]
    pub fn name_for_cancel(execution_id: u64) -> ClientOrderId {
        ClientOrderId::numbered("cancel-", execution_id)
    }

    /// The name of the cancel that this tells of: its sender's, or a made-up one.
    #[must_use]
    pub fn cancel_name(&self) -> ClientOrderId {
        self.cancel_client_order_id.unwrap_or_else(|| Self::name_for_cancel(self.execution_id))
    }
}

/// One change of one order list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStatus {
    /// When it happened.
    pub time: Timestamp,
    /// The market.
    pub symbol: Symbol,
    /// The venue's number.
    pub order_list_id: OrderListId,
    /// How its orders depend on each other.
    pub contingency_type: ContingencyType,
    /// What this tells.
    pub list_status_type: ListStatusType,
    /// Where the list stands.
    pub list_order_status: ListOrderStatus,
    /// The sender's name for it, or a made-up one.
    pub list_client_order_id: ClientOrderId,
    /// Its orders: number and name.
    pub orders: Vec<(OrderId, ClientOrderId)>,
}

/// The exchange's no: a code of `errors.md` with its text. It is data, not an `Error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For example -1013.
    pub code: i32,
    /// For example `Filter failure: PRICE_FILTER`.
    #[serde(rename = "msg")]
    pub text: Cow<'static, str>,
    /// Of a replacement that failed, what became of its halves.
    #[serde(rename = "data", default, skip_serializing_if = "Option::is_none")]
    pub halves: Option<Box<Halves>>,
}

/// What became of the halves of a replacement that failed, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halves {
    /// The cancel.
    pub cancel: Half,
    /// The new order.
    pub new_order: Half,
}

/// What became of one half of a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Half {
    /// Done; its reports tell the rest.
    Success,
    /// Refused.
    Failure(Refusal),
    /// Not tried, because of the other half.
    NotAttempted,
}

impl Refusal {
    /// A code with a fixed text.
    #[must_use]
    pub const fn new(code: i32, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text), halves: None }
    }

    /// A code with a text that names something.
    #[must_use]
    pub const fn naming(code: i32, text: String) -> Self {
        Self { code, text: Cow::Owned(text), halves: None }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}
