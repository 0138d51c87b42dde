//! Orders: the words for them, what is asked for, and what the venue holds.
//!
//! For: plain values. Not for: judging a request (`request`, `filter`) or matching it.

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

/// How much an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSize {
    /// So much base asset.
    Base(Quantity),
    /// What this much quote asset buys, or what brings it (`quoteOrderQty`).
    Quote(Amount),
}

/// What a sender asks for, well formed but not yet judged by any market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRequest {
    /// The market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Kind, with what belongs to it.
    pub kind: OrderKind,
    /// How much.
    pub size: OrderSize,
    /// The sender's name for it; the venue makes one up if it is absent.
    pub client_order_id: Option<ClientOrderId>,
    /// What to do about self-trades; absent: the symbol's default.
    pub self_trade_prevention: Option<SelfTradePrevention>,
}

/// The kinds of orders that the matcher executes, with their parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// At whatever the market gives.
    Market,
    /// At the limit or better.
    Limit {
        /// The worst price.
        price: Price,
        /// How long.
        time_in_force: TimeInForce,
    },
    /// A limit order that never takes.
    LimitMaker {
        /// The price.
        price: Price,
    },
}

impl OrderKind {
    /// The exchange's word for it.
    #[must_use]
    pub const fn order_type(self) -> OrderType {
        match self {
            Self::Market => OrderType::Market,
            Self::Limit { .. } => OrderType::Limit,
            Self::LimitMaker { .. } => OrderType::LimitMaker,
        }
    }

    /// The limit, where it has one.
    #[must_use]
    pub const fn price(self) -> Option<Price> {
        match self {
            Self::Market => None,
            Self::Limit { price, .. } | Self::LimitMaker { price } => Some(price),
        }
    }

    /// Time in force as reports show it: GTC where none can be asked for.
    #[must_use]
    pub const fn time_in_force(self) -> TimeInForce {
        match self {
            Self::Limit { time_in_force, .. } => time_in_force,
            Self::Market | Self::LimitMaker { .. } => TimeInForce::Gtc,
        }
    }
}

/// What a sender wants ended. At least one of the two names is there; with both, the order
/// must bear both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRequest {
    /// The market.
    pub symbol: Symbol,
    /// The venue's number.
    pub order_id: Option<OrderId>,
    /// The sender's name.
    pub original_client_order_id: Option<ClientOrderId>,
    /// A name for the cancel itself.
    pub client_order_id: Option<ClientOrderId>,
    /// Which orders may be ended.
    pub restrictions: Option<CancelRestrictions>,
}

/// An order as the venue knows it. It changes only as execution reports tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The venue's number.
    pub order_id: OrderId,
    /// The sender's name.
    pub client_order_id: ClientOrderId,
    /// The market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Kind.
    pub order_type: OrderType,
    /// How long.
    pub time_in_force: TimeInForce,
    /// The limit; zero for orders without one.
    pub price: Price,
    /// How much was asked for, in base asset.
    pub quantity: Quantity,
    /// How much was asked for in quote asset; zero where it was not.
    pub quote_order_quantity: Amount,
    /// How much is filled.
    pub filled_quantity: Quantity,
    /// What the fills came to.
    pub filled_quote: Amount,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Why it expired, if it did.
    pub expiry_reason: Option<ExpiryReason>,
    /// What it does about self-trades.
    pub self_trade_prevention: SelfTradePrevention,
}

impl Order {
    /// What is neither filled nor ended.
    #[must_use]
    pub fn remaining(&self) -> Quantity {
        self.quantity.checked_sub(self.filled_quantity).expect("an order is never filled beyond its quantity")
    }
}

impl From<&crate::execution::ExecutionReport> for Order {
    /// The order as its first report shows it.
    fn from(report: &crate::execution::ExecutionReport) -> Self {
        Self {
            order_id: report.order_id,
            client_order_id: report.client_order_id,
            symbol: report.symbol,
            side: report.side,
            order_type: report.order_type,
            time_in_force: report.time_in_force,
            price: report.price,
            quantity: report.quantity,
            quote_order_quantity: report.quote_order_quantity,
            filled_quantity: report.filled_quantity,
            filled_quote: report.filled_quote,
            status: report.status,
            created: report.time,
            updated: report.time,
            expiry_reason: report.expiry_reason,
            self_trade_prevention: report.self_trade_prevention,
        }
    }
}

impl Order {
    /// Takes over what a later report of this order tells.
    pub fn apply(&mut self, report: &crate::execution::ExecutionReport) {
        debug_assert_eq!(self.order_id, report.order_id, "a report of another order");
        *self = Self { created: self.created, ..Self::from(report) };
    }
}
