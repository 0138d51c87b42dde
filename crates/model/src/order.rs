//! Orders: the exchange's words for them, and what the venue holds of each.
//!
//! For: plain values. Not for: what is asked for (`command`), nor matching it.

use serde::{Deserialize, Serialize};

use crate::number::{Amount, Price, Quantity};
use crate::text::{ClientOrderId, Symbol};
use crate::time::Timestamp;

/// Declares an enum whose variants are spelled as the exchange spells them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As the exchange spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// From the exchange's spelling; case counts.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Which way an order trades.
    Side {
        /// Base asset comes in, quote asset goes out.
        Buy = "BUY",
        /// Base asset goes out, quote asset comes in.
        Sell = "SELL",
    }
}

words! {
    /// The kinds of orders (`enums.md`, Order types).
    OrderType {
        /// At the limit or better.
        Limit = "LIMIT",
        /// At whatever the market gives.
        Market = "MARKET",
        /// Market order once the stop is reached.
        StopLoss = "STOP_LOSS",
        /// Limit order once the stop is reached.
        StopLossLimit = "STOP_LOSS_LIMIT",
        /// Market order once the target is reached.
        TakeProfit = "TAKE_PROFIT",
        /// Limit order once the target is reached.
        TakeProfitLimit = "TAKE_PROFIT_LIMIT",
        /// A limit order that is refused where it would take.
        LimitMaker = "LIMIT_MAKER",
    }
}

words! {
    /// How long an order stays active.
    TimeInForce {
        /// Until cancelled.
        Gtc = "GTC",
        /// What can be had at once, the rest expires.
        Ioc = "IOC",
        /// All at once or nothing.
        Fok = "FOK",
    }
}

words! {
    /// Where an order stands.
    OrderStatus {
        /// Accepted, nothing filled.
        New = "NEW",
        /// Waits for its working order to fill.
        PendingNew = "PENDING_NEW",
        /// Some filled, the rest works on.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// All filled.
        Filled = "FILLED",
        /// Ended by its owner.
        Canceled = "CANCELED",
        /// Not accepted.
        Rejected = "REJECTED",
        /// Ended by the rules of its kind or by the exchange.
        Expired = "EXPIRED",
        /// Ended because it would have traded with an order of the same owner.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }
}

impl OrderStatus {
    /// Whether nothing more can happen to the order.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::New | Self::PendingNew | Self::PartiallyFilled => false,
            Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::ExpiredInMatch => true,
        }
    }
}

words! {
    /// What an execution report tells (`enums.md`, Execution types).
    ExecutionType {
        /// Accepted.
        New = "NEW",
        /// Cancelled by its owner.
        Canceled = "CANCELED",
        /// Amended.
        Replaced = "REPLACED",
        /// Refused after it had an id.
        Rejected = "REJECTED",
        /// A fill.
        Trade = "TRADE",
        /// Ended by rule.
        Expired = "EXPIRED",
        /// Ended by self-trade prevention.
        TradePrevention = "TRADE_PREVENTION",
    }
}

words! {
    /// Why an order expired (`enums.md`, Expiry reasons).
    ExpiryReason {
        /// No reason is given.
        None = "NONE",
        /// A contingent order failed its checks when it was to go onto the book.
        Rejected = "REJECTED",
        /// The exchange cancelled it.
        ExchangeCanceled = "EXCHANGE_CANCELED",
        /// Its partner in an OCO was touched or triggered.
        OcoTrigger = "OCO_TRIGGER",
        /// The working order of its list expired.
        OtoPhaseOneExpired = "OTO_PHASE_ONE_EXPIRED",
        /// The part of an IOC that found nobody.
        UnfilledIocQuantityExpired = "UNFILLED_IOC_QUANTITY_EXPIRED",
        /// A FOK that could not be filled whole.
        UnfilledFokOrderExpired = "UNFILLED_FOK_ORDER_EXPIRED",
        /// The part of a market order that found nobody.
        InsufficientLiquidity = "INSUFFICIENT_LIQUIDITY",
        /// The price left the band of the execution rule.
        ExecutionRulePriceRangeExceeded = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
    }
}

words! {
    /// Why an order was rejected (`user-data-stream.md`, Order Reject Reason).
    RejectReason {
        /// Not enough funds.
        InsufficientBalances = "INSUFFICIENT_BALANCES",
        /// The market is at its stop price, or beyond.
        StopPriceWouldTriggerImmediately = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
        /// It may not take, and would.
        WouldMatchImmediately = "WOULD_MATCH_IMMEDIATELY",
        /// The prices of a pair are not in their relation.
        OcoBadPrices = "OCO_BAD_PRICES",
    }
}

words! {
    /// Whether a fill added to the book or took from it.
    Liquidity {
        /// The order rested.
        Maker = "MAKER",
        /// The order took.
        Taker = "TAKER",
    }
}

words! {
    /// What happens where two orders of one owner would trade (`faqs/stp_faq.md`).
    SelfTradePrevention {
        /// They trade.
        None = "NONE",
        /// The resting one expires.
        ExpireMaker = "EXPIRE_MAKER",
        /// The arriving one expires.
        ExpireTaker = "EXPIRE_TAKER",
        /// Both expire.
        ExpireBoth = "EXPIRE_BOTH",
        /// The smaller expires, the larger shrinks.
        Decrement = "DECREMENT",
        /// As decrement, with the quantity transferred between accounts of one trade group.
        Transfer = "TRANSFER",
    }
}

words! {
    /// Which orders a cancel may end.
    CancelRestrictions {
        /// Only one that has no fill.
        OnlyNew = "ONLY_NEW",
        /// Only one that has some fill.
        OnlyPartiallyFilled = "ONLY_PARTIALLY_FILLED",
    }
}

words! {
    /// The unit of a rate limit's window.
    RateInterval {
        /// One second.
        Second = "SECOND",
        /// One minute.
        Minute = "MINUTE",
        /// One day (UTC).
        Day = "DAY",
    }
}

words! {
    /// What fixes a pegged price.
    PegPriceType {
        /// The best price of the order's own side.
        Primary = "PRIMARY_PEG",
        /// The best price of the other side.
        Market = "MARKET_PEG",
    }
}

words! {
    /// How the orders of a list depend on each other.
    ContingencyType {
        /// One cancels the other.
        Oco = "OCO",
        /// One triggers the other, or a pair.
        Oto = "OTO",
    }
}

words! {
    /// What a list status tells of.
    ListStatusType {
        /// An answer to an action that failed.
        Response = "RESPONSE",
        /// The list was placed, or goes on.
        ExecStarted = "EXEC_STARTED",
        /// The name of one of its orders has changed.
        Updated = "UPDATED",
        /// It has ended.
        AllDone = "ALL_DONE",
    }
}

words! {
    /// Where a list stands.
    ListOrderStatus {
        /// At work.
        Executing = "EXECUTING",
        /// Ended.
        AllDone = "ALL_DONE",
        /// Refused.
        Reject = "REJECT",
    }
}

words! {
    /// Whether a market trades.
    SymbolStatus {
        /// Everything is possible.
        Trading = "TRADING",
        /// The end of the trading day.
        EndOfDay = "END_OF_DAY",
        /// Stopped for a while.
        Halt = "HALT",
        /// Not trading, for example delisted.
        Break = "BREAK",
        /// Orders may only be cancelled.
        CancelOnly = "CANCEL_ONLY",
    }
}

/// The venue's number for an order; 1 is the first of a run.
pub type OrderId = u64;
/// The venue's number for a trade; 1 is the first of a run.
pub type TradeId = u64;
/// The venue's number for an order list; 1 is the first of a run.
pub type OrderListId = u64;

/// What does not apply is left out of JSON.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A price that is taken from the book when the order enters it (`faqs/pegged_orders.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peg {
    /// Which side's best price.
    #[serde(rename = "peg_price_type")]
    pub price_type: PegPriceType,
    /// How many levels deeper into the book; `None` if it was not asked for.
    #[serde(rename = "peg_offset_value")]
    pub offset: Option<u8>,
}

/// An order as the venue holds it. What does not apply to its type is zero or `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The venue's number.
    pub order_id: OrderId,
    /// The list that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_list_id: Option<OrderListId>,
    /// The sender's name, or a made-up one.
    pub client_order_id: ClientOrderId,
    /// The market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Kind.
    pub order_type: OrderType,
    /// How long.
    pub time_in_force: TimeInForce,
    /// The limit that was asked for.
    pub price: Price,
    /// The price at which it is triggered, or from which on it trails.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop_price: Price,
    /// By how much the market must turn to trigger it, in basis points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_delta: Option<u32>,
    /// Since when it trails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_time: Option<Timestamp>,
    /// How much of it the book shows at a time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub iceberg_quantity: Quantity,
    /// How its price is taken from the book.
    #[serde(default, skip_serializing_if = "Option::is_none", flatten)]
    pub peg: Option<Peg>,
    /// What the peg came to, once the order is on the book.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pegged_price: Price,
    /// What a BUY sets aside for each unit of base that is left (rule 5.6).
    #[serde(default, skip_serializing_if = "is_default")]
    pub lock_price: Price,
    /// The sender's number of its strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy_id: Option<u64>,
    /// The sender's number of its strategy's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy_type: Option<u32>,
    /// How much was asked for in base asset, or what a quote quantity came to.
    pub quantity: Quantity,
    /// How much was asked for in quote asset; zero where it was not.
    pub quote_order_quantity: Amount,
    /// Filled so far.
    pub filled_quantity: Quantity,
    /// What the fills came to.
    pub filled_quote: Amount,
    /// What self-trade prevention has taken from it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prevented_quantity: Quantity,
    /// Where it stands.
    pub status: OrderStatus,
    /// When the venue accepted it.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Since when it is on the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<Timestamp>,
    /// Why it expired, if it did.
    pub expiry_reason: Option<ExpiryReason>,
    /// What it does about self-trades.
    pub self_trade_prevention: SelfTradePrevention,
}

impl Order {
    /// An order as an answer of REST tells of it, without anything that most orders lack.
    #[must_use]
    pub fn told(
        (order_id, client_order_id): (OrderId, ClientOrderId),
        (symbol, side): (Symbol, Side),
        (order_type, time_in_force): (OrderType, TimeInForce),
        (price, stop_price): (Price, Price),
        at: Timestamp,
    ) -> Self {
        let lock_price = match (side, order_type) {
            (Side::Sell, _) | (_, OrderType::Market) => Price::ZERO,
            (Side::Buy, _) if price.is_zero() => stop_price,
            (Side::Buy, _) => price,
        };
        Self {
            order_id,
            order_list_id: None,
            client_order_id,
            symbol,
            side,
            order_type,
            time_in_force,
            price,
            stop_price,
            trailing_delta: None,
            trailing_time: None,
            iceberg_quantity: Quantity::ZERO,
            peg: None,
            pegged_price: Price::ZERO,
            lock_price,
            strategy_id: None,
            strategy_type: None,
            quantity: Quantity::ZERO,
            quote_order_quantity: Amount::ZERO,
            filled_quantity: Quantity::ZERO,
            filled_quote: Amount::ZERO,
            prevented_quantity: Quantity::ZERO,
            status: OrderStatus::New,
            created: at,
            updated: at,
            working_time: None,
            expiry_reason: None,
            self_trade_prevention: SelfTradePrevention::None,
        }
    }

    /// What can still be executed: neither filled nor prevented.
    #[must_use]
    pub fn remaining(&self) -> Quantity {
        Quantity::from_units(self.quantity.units() - self.filled_quantity.units() - self.prevented_quantity.units())
    }

    /// The limit at which it works: the pegged price where it has one.
    #[must_use]
    pub const fn limit(&self) -> Price {
        if self.pegged_price.is_zero() { self.price } else { self.pegged_price }
    }

    /// Whether it is on the book (`w` of an execution report): it works, and is not done. What a
    /// market order leaves is not on the book once it has begun to fill.
    #[must_use]
    pub const fn is_on_book(&self) -> bool {
        let only_takes = self.order_type.is_market() && !self.filled_quantity.is_zero();
        self.working_time.is_some() && !self.status.is_final() && !only_takes
    }

    /// Whether its quantity is still to be set by what another order receives (OPO).
    #[must_use]
    pub fn awaits_quantity(&self) -> bool {
        self.status == OrderStatus::PendingNew && self.quantity.is_zero()
    }
}

impl OrderType {
    /// Whether it waits for a trigger: an "algo" order (`filters.md`, MAX_NUM_ALGO_ORDERS).
    #[must_use]
    pub const fn is_contingent(self) -> bool {
        match self {
            Self::StopLoss | Self::StopLossLimit | Self::TakeProfit | Self::TakeProfitLimit => true,
            Self::Limit | Self::Market | Self::LimitMaker => false,
        }
    }

    /// Whether it trades at whatever the market gives once it works.
    #[must_use]
    pub const fn is_market(self) -> bool {
        match self {
            Self::Market | Self::StopLoss | Self::TakeProfit => true,
            Self::Limit | Self::LimitMaker | Self::StopLossLimit | Self::TakeProfitLimit => false,
        }
    }
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}
