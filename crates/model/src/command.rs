//! What a sender asks a venue for: orders, lists, cancels, replacements, amendments.
//!
//! For: plain values that are well formed, and nonsense as raw parameters. Not for: judging
//! them (`instrument`, `filter`, the venue).

use serde::{Deserialize, Serialize, Serializer};

use crate::number::{Amount, Price, Quantity};
use crate::order::{
    CancelRestrictions, Order, OrderId, OrderListId, OrderType, Peg, SelfTradePrevention, Side, TimeInForce, words,
};
use crate::request::RawParameters;
use crate::text::{ClientOrderId, Symbol};

/// How much an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSize {
    /// So much base asset.
    Base(Quantity),
    /// What this much quote asset buys, or what brings it (`quoteOrderQty`).
    Quote(Amount),
    /// What the working order of its list receives (OPO).
    Received,
}

/// What an order is on the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// At whatever the market gives.
    Market,
    /// At the limit or better.
    Limit {
        /// The worst price; zero where a peg alone gives it.
        price: Price,
        /// How long.
        time_in_force: TimeInForce,
    },
    /// A limit order that never takes.
    LimitMaker {
        /// The price; zero where a peg alone gives it.
        price: Price,
    },
}

/// Whether a trigger is there to limit a loss or to take a profit: which way the market must
/// go for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerKind {
    /// Against the position: BUY above the market, SELL below it.
    StopLoss,
    /// In favour of the position: BUY below the market, SELL above it.
    TakeProfit,
}

/// What must happen before a contingent order works. At least one of the two is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// Which way.
    pub kind: TriggerKind,
    /// The last price that triggers it, or with a delta starts its trailing.
    pub stop_price: Option<Price>,
    /// By how much the market must turn, in basis points.
    pub trailing_delta: Option<u32>,
}

/// What a sender asks for, well formed but not yet judged by any market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRequest {
    /// The market.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// What it is on the book.
    pub kind: OrderKind,
    /// What must happen before.
    pub trigger: Option<Trigger>,
    /// How much.
    pub size: OrderSize,
    /// How much of it the book shows at a time.
    pub iceberg_quantity: Option<Quantity>,
    /// How its price is taken from the book.
    pub peg: Option<Peg>,
    /// The sender's name for it; the venue makes one up if it is absent.
    pub client_order_id: Option<ClientOrderId>,
    /// What to do about self-trades; absent: the symbol's default.
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// The sender's number of its strategy.
    pub strategy_id: Option<u64>,
    /// The sender's number of its strategy's kind.
    pub strategy_type: Option<u32>,
}

impl OrderRequest {
    /// An order without anything optional.
    #[must_use]
    pub const fn new(symbol: Symbol, side: Side, kind: OrderKind, size: OrderSize) -> Self {
        Self {
            symbol,
            side,
            kind,
            trigger: None,
            size,
            iceberg_quantity: None,
            peg: None,
            client_order_id: None,
            self_trade_prevention: None,
            strategy_id: None,
            strategy_type: None,
        }
    }

    /// The exchange's word for it.
    #[must_use]
    pub const fn order_type(&self) -> OrderType {
        match (self.kind, self.trigger) {
            (OrderKind::LimitMaker { .. }, _) => OrderType::LimitMaker,
            (OrderKind::Market, None) => OrderType::Market,
            (OrderKind::Limit { .. }, None) => OrderType::Limit,
            (OrderKind::Market, Some(trigger)) => match trigger.kind {
                TriggerKind::StopLoss => OrderType::StopLoss,
                TriggerKind::TakeProfit => OrderType::TakeProfit,
            },
            (OrderKind::Limit { .. }, Some(trigger)) => match trigger.kind {
                TriggerKind::StopLoss => OrderType::StopLossLimit,
                TriggerKind::TakeProfit => OrderType::TakeProfitLimit,
            },
        }
    }

    /// The limit that was asked for, where there is one.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        self.kind.price().filter(|price| self.peg.is_none() || !price.is_zero())
    }

    /// The stop price, where there is one.
    #[must_use]
    pub fn stop_price(&self) -> Option<Price> {
        self.trigger.and_then(|trigger| trigger.stop_price)
    }
}

impl From<&Order> for OrderRequest {
    /// What would ask for such an order, at what is left of it.
    fn from(order: &Order) -> Self {
        let (price, time_in_force) = (order.price, order.time_in_force);
        let kind = match order.order_type {
            OrderType::Market | OrderType::StopLoss | OrderType::TakeProfit => OrderKind::Market,
            OrderType::LimitMaker => OrderKind::LimitMaker { price },
            OrderType::Limit | OrderType::StopLossLimit | OrderType::TakeProfitLimit => {
                OrderKind::Limit { price, time_in_force }
            }
        };
        let trigger = match order.order_type {
            OrderType::StopLoss | OrderType::StopLossLimit => Some(TriggerKind::StopLoss),
            OrderType::TakeProfit | OrderType::TakeProfitLimit => Some(TriggerKind::TakeProfit),
            OrderType::Market | OrderType::Limit | OrderType::LimitMaker => None,
        };
        Self {
            symbol: order.symbol,
            side: order.side,
            kind,
            trigger: trigger.map(|kind| Trigger {
                kind,
                stop_price: Some(order.stop_price).filter(|price| !price.is_zero()),
                trailing_delta: order.trailing_delta,
            }),
            size: if order.awaits_quantity() { OrderSize::Received } else { OrderSize::Base(order.remaining()) },
            iceberg_quantity: Some(order.iceberg_quantity).filter(|quantity| !quantity.is_zero()),
            peg: order.peg,
            client_order_id: Some(order.client_order_id),
            self_trade_prevention: Some(order.self_trade_prevention),
            strategy_id: order.strategy_id,
            strategy_type: order.strategy_type,
        }
    }
}

impl OrderKind {
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

impl Trigger {
    /// Whether it waits for a rise (a fall otherwise): STOP_LOSS BUY and TAKE_PROFIT SELL do.
    #[must_use]
    pub const fn is_above(kind: TriggerKind, side: Side) -> bool {
        matches!((kind, side), (TriggerKind::StopLoss, Side::Buy) | (TriggerKind::TakeProfit, Side::Sell))
    }
}

/// Orders that depend on each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// The sender's name for the list; the venue makes one up if it is absent.
    pub client_order_id: Option<ClientOrderId>,
    /// The orders.
    pub legs: Legs,
    /// What the parameters were called.
    pub form: ListForm,
}

/// By which names a list was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListForm {
    /// Those of the endpoint for such legs.
    Usual,
    /// Those of `POST /api/v3/order/oco`.
    Deprecated,
    /// Those of an OTOCO or OPOCO without an order below.
    AboveAlone,
}

/// The orders of a list, all of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "lists are boxed as a whole")]
pub enum Legs {
    /// One cancels the other.
    Oco {
        /// The one above the market.
        above: OrderRequest,
        /// The one below it.
        below: OrderRequest,
    },
    /// One triggers the other. The pending one is sized `Received` in an OPO.
    Oto {
        /// The one that works from the beginning.
        working: OrderRequest,
        /// The one that works once that is filled.
        pending: OrderRequest,
    },
    /// One triggers a pair of which one cancels the other. Both are sized `Received` in an OPOCO.
    Otoco {
        /// The one that works from the beginning.
        working: OrderRequest,
        /// The pending one above the market.
        above: OrderRequest,
        /// The pending one below it.
        below: OrderRequest,
    },
}

impl Legs {
    /// The order that works from the beginning, of lists that have pending ones.
    #[must_use]
    pub const fn working(&self) -> Option<&OrderRequest> {
        match self {
            Self::Oco { .. } => None,
            Self::Oto { working, .. } | Self::Otoco { working, .. } => Some(working),
        }
    }

    /// The pair of which one cancels the other: the one above and the one below.
    #[must_use]
    pub const fn pair(&self) -> Option<(&OrderRequest, &OrderRequest)> {
        match self {
            Self::Oto { .. } => None,
            Self::Oco { above, below } | Self::Otoco { above, below, .. } => Some((above, below)),
        }
    }

    /// The market.
    #[must_use]
    pub const fn symbol(&self) -> Symbol {
        match self {
            Self::Oco { above, .. } => above.symbol,
            Self::Oto { working, .. } | Self::Otoco { working, .. } => working.symbol,
        }
    }

    /// Whether what the working order receives sizes the pending ones.
    #[must_use]
    pub fn pays(&self) -> bool {
        let pending = match self {
            Self::Oco { .. } => return false,
            Self::Oto { pending, .. } => pending,
            Self::Otoco { above, .. } => above,
        };
        pending.size == OrderSize::Received
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
    /// The sender's name of the order.
    pub original_client_order_id: Option<ClientOrderId>,
    /// The sender's name of the cancel itself.
    pub client_order_id: Option<ClientOrderId>,
    /// In which state it may be.
    pub restrictions: Option<CancelRestrictions>,
}

/// An end to a whole list. At least one of the two names is there; with both, the list must
/// bear both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelListRequest {
    /// The market.
    pub symbol: Symbol,
    /// The venue's number.
    pub order_list_id: Option<OrderListId>,
    /// The sender's name of the list.
    pub list_client_order_id: Option<ClientOrderId>,
    /// The sender's name of the cancel itself.
    pub client_order_id: Option<ClientOrderId>,
}

/// An end to one order and a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelReplaceRequest {
    /// What to end.
    pub cancel: CancelRequest,
    /// What to place.
    pub order: OrderRequest,
    /// Whether the new order depends on the cancel.
    pub mode: CancelReplaceMode,
    /// What is done over the unfilled-order limit.
    pub rate_limit_exceeded: RateLimitExceededMode,
}

words! {
    /// Whether a replacement depends on the cancel.
    CancelReplaceMode {
        /// Without the cancel no new order.
        StopOnFailure = "STOP_ON_FAILURE",
        /// The new order is tried whatever becomes of the cancel.
        AllowFailure = "ALLOW_FAILURE",
    }
}

words! {
    /// What a replacement does over the unfilled-order limit.
    RateLimitExceededMode {
        /// Nothing.
        DoNothing = "DO_NOTHING",
        /// The cancel alone.
        CancelOnly = "CANCEL_ONLY",
    }
}

/// A smaller quantity for an order, which keeps its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmendRequest {
    /// The market.
    pub symbol: Symbol,
    /// The venue's number.
    pub order_id: Option<OrderId>,
    /// The sender's name of the order.
    pub original_client_order_id: Option<ClientOrderId>,
    /// The order's name from now on; the venue makes one up if it is absent.
    pub client_order_id: Option<ClientOrderId>,
    /// What it is for from now on, fills included.
    pub quantity: Quantity,
}

words! {
    /// What a command is about.
    Action {
        /// A new order: `POST /api/v3/order`.
        New = "new",
        /// A new order, judged and not placed: `POST /api/v3/order/test`.
        Test = "test",
        /// A pair in its deprecated form: `POST /api/v3/order/oco`.
        OcoDeprecated = "oco_deprecated",
        /// A pair: `POST /api/v3/orderList/oco`.
        Oco = "oco",
        /// One triggers the other: `POST /api/v3/orderList/oto`.
        Oto = "oto",
        /// One triggers a pair: `POST /api/v3/orderList/otoco`.
        Otoco = "otoco",
        /// One pays the other: `POST /api/v3/orderList/opo`.
        Opo = "opo",
        /// One pays a pair: `POST /api/v3/orderList/opoco`.
        Opoco = "opoco",
        /// An end to one order: `DELETE /api/v3/order`.
        Cancel = "cancel",
        /// An end to a list: `DELETE /api/v3/orderList`.
        CancelList = "cancel_list",
        /// An end to all orders of a symbol: `DELETE /api/v3/openOrders`.
        CancelAll = "cancel_all",
        /// An end to one order and a new one: `POST /api/v3/order/cancelReplace`.
        CancelReplace = "cancel_replace",
        /// A smaller quantity: `PUT /api/v3/order/amend/keepPriority`.
        Amend = "amend",
    }
}

impl Action {
    /// Whether it asks for new orders.
    #[must_use]
    pub const fn places(self) -> bool {
        match self {
            Self::New | Self::OcoDeprecated | Self::Oco | Self::Oto | Self::Otoco | Self::Opo | Self::Opoco => true,
            Self::CancelReplace => true,
            Self::Test | Self::Cancel | Self::CancelList | Self::CancelAll | Self::Amend => false,
        }
    }

    /// Whether it asks for an end and nothing else.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(self, Self::Cancel | Self::CancelList | Self::CancelAll)
    }
}

/// What a strategy tells a venue to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A new order.
    Submit(OrderRequest),
    /// A new order, to be judged and not placed.
    Test(Box<OrderRequest>),
    /// New orders that depend on each other.
    SubmitList(Box<ListRequest>),
    /// An end to an order.
    Cancel(CancelRequest),
    /// An end to a list.
    CancelList(CancelListRequest),
    /// An end to all orders of a symbol.
    CancelAll(Symbol),
    /// An end to an order, and a new one.
    CancelReplace(Box<CancelReplaceRequest>),
    /// A smaller quantity.
    Amend(AmendRequest),
    /// Anything as raw parameters, which may be nonsense.
    Raw(Action, Box<RawParameters>),
}

impl Command {
    /// What it is about.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Submit(_) => Action::New,
            Self::Test(_) => Action::Test,
            Self::SubmitList(list) => match (&list.legs, list.legs.pays()) {
                (Legs::Oco { .. }, _) => Action::Oco,
                (Legs::Oto { .. }, false) => Action::Oto,
                (Legs::Oto { .. }, true) => Action::Opo,
                (Legs::Otoco { .. }, false) => Action::Otoco,
                (Legs::Otoco { .. }, true) => Action::Opoco,
            },
            Self::Cancel(_) => Action::Cancel,
            Self::CancelList(_) => Action::CancelList,
            Self::CancelAll(_) => Action::CancelAll,
            Self::CancelReplace(_) => Action::CancelReplace,
            Self::Amend(_) => Action::Amend,
            Self::Raw(action, _) => *action,
        }
    }

    /// The market that it names.
    #[must_use]
    pub fn symbol(&self) -> Option<Symbol> {
        match self {
            Self::Submit(request) => Some(request.symbol),
            Self::Test(request) => Some(request.symbol),
            Self::SubmitList(list) => Some(list.legs.symbol()),
            Self::Cancel(cancel) => Some(cancel.symbol),
            Self::CancelList(cancel) => Some(cancel.symbol),
            Self::CancelAll(symbol) => Some(*symbol),
            Self::CancelReplace(replace) => Some(replace.order.symbol),
            Self::Amend(amend) => Some(amend.symbol),
            Self::Raw(_, raw) => raw.get("symbol").and_then(|symbol| Symbol::new(symbol).ok()),
        }
    }

    /// Its parameters as REST takes them.
    #[must_use]
    pub fn parameters(&self) -> RawParameters {
        match self {
            Self::Submit(request) => request.to_raw(),
            Self::Test(request) => request.to_raw(),
            Self::SubmitList(request) => request.to_raw(),
            Self::Cancel(request) => request.to_raw(),
            Self::CancelList(request) => request.to_raw(),
            Self::CancelAll(symbol) => [("symbol", symbol.as_str())].into_iter().collect(),
            Self::CancelReplace(request) => request.to_raw(),
            Self::Amend(request) => request.to_raw(),
            Self::Raw(_, raw) => (**raw).clone(),
        }
    }

    /// The name that the sender gave to the new order, if it is one and has one.
    #[must_use]
    pub fn client_order_id(&self) -> Option<ClientOrderId> {
        match self {
            Self::Submit(request) => request.client_order_id,
            Self::CancelReplace(request) => request.order.client_order_id,
            Self::Raw(Action::New | Action::CancelReplace, raw) => {
                raw.get("newClientOrderId").and_then(|id| ClientOrderId::new(id).ok())
            }
            _ => None,
        }
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.parameters().serialize(s)
    }
}
