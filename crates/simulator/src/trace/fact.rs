//! What a note says: plain values, as they were compared.

use candlewick_model::order::RateInterval;
use candlewick_model::{
    Action, Amount, Asset, Balance, CancelRestrictions, ClientOrderId, ExecutionReport, FilterName, Liquidity,
    ListStatus, OrderId, OrderStatus, OrderType, Peg, Price, Quantity, Rate, Reading, Refusal, SelfTradePrevention,
    Side, SymbolStatus, Timestamp,
};
use serde::Serialize;

use super::Note;

/// What the volume that own fills share is that of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// A bar of the market.
    #[default]
    Bar,
    /// A finer bar inside of it (rule 8.32).
    FinerBar,
    /// A trade inside of it (rule 8.33).
    Trade,
}

/// Where a market stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stand {
    /// What the market moves along.
    pub within: Within,
    /// When the running bar, or the finer one, opened.
    pub opened: Timestamp,
    /// When it closes.
    pub closes: Timestamp,
    /// The price of the last trade.
    pub last: Price,
    /// What sellers get.
    pub bid: Price,
    /// What buyers pay.
    pub ask: Price,
    /// What own fills may still take of this bar, or this trade.
    pub budget: Quantity,
    /// Whether anything is traded in it.
    pub has_volume: bool,
}

/// A move of the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Way {
    /// From here.
    pub from: Price,
    /// To here.
    pub to: Price,
    /// Between two bars, not through every tick.
    pub jumps: bool,
}

/// A discount of commission, taken or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Discounted {
    /// In what is paid.
    pub asset: Asset,
    /// How much is off the standard part.
    pub rate: Rate,
    /// What that asset costs; `None` where nobody knows.
    pub price: Option<Price>,
    /// The commission in it.
    pub needed: Option<Amount>,
    /// What there is of it.
    pub free: Amount,
    /// Whether that covers it.
    pub is_taken: bool,
}

/// One thing that was looked at, or came of it. `holds` says whether a check was passed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are named as what they are")]
pub enum Fact {
    /// A command is taken up, and this is where its market stands.
    TakenUp {
        action: Action,
        #[serde(flatten)]
        stand: Stand,
    },
    /// Of a list, the order that is looked at next.
    Leg { number: usize, side: Side, order_type: OrderType },
    /// Orders of a window of the clock that are not filled.
    UnfilledOrders { count: u32, adding: u32, limit: u32, every: u32, interval: RateInterval, holds: bool },
    /// Precision, status, permissions, kinds of orders; and the filters that will count.
    Symbol {
        status: Option<SymbolStatus>,
        /// When the exchange said so.
        snapshot: Timestamp,
        /// Whether that was later.
        is_assumed: bool,
        /// When the exchange told its own limits that count, which may be another time.
        exchange_snapshot: Timestamp,
        exchange_is_assumed: bool,
        filters: Vec<FilterName>,
        holds: bool,
    },
    /// What stands for the market in filters: the reference price, else the average, else the
    /// last price.
    Average { minutes: u32, reference: Option<Price>, average: Option<Price>, last: Price },
    /// What a size in quote asset comes to; without a price where own orders are taken first.
    Sized { money: Amount, price: Option<Price>, quantity: Quantity },
    /// What a peg comes to, with the order's own price as its bound; `inside` are own orders that
    /// are better than the market. `None` where the book is too thin.
    Pegged { peg: Peg, own: Option<Price>, bid: Price, ask: Price, inside: Vec<Price>, price: Option<Price> },
    /// A filter.
    Filter(Reading),
    /// The name of an order; none was given where it is `None`.
    Name { name: Option<ClientOrderId>, holds: bool },
    /// What must be free, at so much for a unit of base (zero: base itself, or an amount that
    /// was given), with what is about to be released.
    Funds { asset: Asset, needed: Amount, price: Price, free: Amount, released: Amount, holds: bool },
    /// Whether a stop is not reached yet.
    Stop { stop: Price, is_above: bool, last: Price, holds: bool },
    /// Whether an order that must not take would not; `own` is the best own order within reach.
    PostOnly { limit: Price, bid: Price, ask: Price, own: Option<Price>, holds: bool },
    /// The prices of a pair around the last one.
    Relation { above: Vec<Price>, below: Vec<Price>, last: Price, holds: bool },
    /// What the book must hold for an order that is sized in quote asset.
    Depth { budget: Quantity, least: Vec<Quantity>, holds: bool },
    /// In which state a cancel may end it.
    Restricted { restrictions: CancelRestrictions, status: OrderStatus, holds: bool },
    /// A smaller quantity is asked for.
    Amended { from: Quantity, to: Quantity, name: Option<ClientOrderId> },
    /// A command names it when it is not open any more.
    Missed,
    /// A command names an order that is not open: the last one that was meant, if there ever was one.
    NotOpen { named: Option<OrderId>, name: Option<ClientOrderId>, last: Option<(OrderId, OrderStatus, Timestamp)> },
    /// The command at hand was refused.
    Refused(Refusal),
    /// It would be taken.
    Tested,
    /// The order has changed; what there is of the assets concerned afterwards.
    Report { report: Box<ExecutionReport>, balances: Vec<(Asset, Balance)> },
    /// Its list has changed.
    List(Box<ListStatus>),
    /// Whether a limit reaches the other side; `own` is the best own order within reach.
    Reach { limit: Price, bid: Price, ask: Price, own: Option<Price>, takes: bool },
    /// Whether all of it can be had at once.
    AllOrNothing { needed: Quantity, available: Quantity, holds: bool },
    /// How a taker's price is made up.
    TakerPrice { last: Price, half_spread: Price, slippage: Price, limit: Option<Price>, price: Price, side: Side },
    /// Where takers may trade: around the reference price, up and down.
    Range { price: Price, reference: Price, up: Option<Rate>, down: Option<Rate>, holds: bool },
    /// What it gets of the budget of a bar, or of a trade.
    Drawn { wanted: Quantity, budget: Quantity, within: Within, has_volume: bool },
    /// Two own orders meet.
    MeetsOwn { taker: OrderId, maker: OrderId, price: Price, quantity: Quantity, mode: SelfTradePrevention },
    /// What a fill costs: a share of an amount, or less in another asset.
    Commission {
        of: Amount,
        asset: Asset,
        liquidity: Liquidity,
        rate: Rate,
        precision: u32,
        commission: Amount,
        charged_in: Asset,
        /// What the rate is made of: standard, special, tax.
        parts: [Rate; 3],
        /// What was traded in quote asset: what a discounted commission is a share of.
        quote_quantity: Amount,
        discount: Option<Discounted>,
    },
    /// It is on the book; so many own orders come before it.
    Rests { limit: Price, remains_taker: bool, before: usize, shown: Quantity },
    /// It waits for the last price to get to a level; one that is dormant trails from there on.
    Waits { level: Price, is_above: bool, is_dormant: bool, extreme: Option<Price> },
    /// The best price since it trails, and where it triggers now.
    Trails { extreme: Price, level: Price, delta: u32 },
    /// A move met its level: it is triggered, or begins to trail.
    Reached { level: Price, way: Way, begins_to_trail: bool },
    /// A move went through its limit.
    Through { limit: Price, way: Way },
    /// The same, and nothing was left of the bar's budget: so often since.
    Dry { limit: Price, within: Within, since: Timestamp, times: u64 },
    /// A price was its limit and not beyond: so often since.
    Touched { limit: Price, since: Timestamp, times: u64 },
    /// The market does not trade, so that nothing is matched: at so many points since.
    Halted { status: Option<SymbolStatus>, since: Timestamp, times: u64 },
    /// A rest that took sees whether it still can, or rests.
    Remains { takes: bool, limit: Price, bid: Price, ask: Price, budget: Quantity },
    /// Its working order is filled, and it goes onto the book if it may; `received` is what pays
    /// for it, where something does.
    Activated { received: Option<Amount>, quantity: Quantity },
}

impl Fact {
    /// The rule that it is about, as `docs/fill-rules.md` numbers them.
    #[must_use]
    pub const fn rule(&self) -> Option<&'static str> {
        Some(match self {
            Self::TakenUp { .. } => "1.5",
            Self::Symbol { is_assumed: true, .. } => "5.2",
            Self::Symbol { .. } | Self::Filter(_) | Self::Name { .. } => "5.1",
            Self::Average { .. } => "5.3",
            Self::Sized { .. } => "5.7",
            Self::Pegged { .. } => "8.18",
            Self::Funds { .. } => "5.6",
            Self::Stop { .. } | Self::Waits { .. } => "3.4",
            Self::Reached { begins_to_trail: true, .. } | Self::Trails { .. } => "3.5",
            Self::Reached { .. } => "3.4",
            Self::PostOnly { .. } | Self::Reach { .. } => "3.2",
            Self::Relation { .. } => "5.9",
            Self::Depth { .. } => "4.4",
            Self::AllOrNothing { .. } => "4.3",
            Self::TakerPrice { .. } => "3.1",
            Self::Drawn { .. } | Self::Dry { .. } => "4.1",
            Self::MeetsOwn { .. } => "4.5",
            Self::Commission { .. } => "5.8",
            Self::Rests { remains_taker: true, .. } | Self::Remains { .. } => "4.2",
            Self::Rests { .. } => "3.6",
            Self::Through { .. } | Self::Touched { .. } => "3.3",
            Self::Halted { .. } => "8.25",
            Self::Activated { .. } => "5.4",
            Self::Missed | Self::NotOpen { .. } => "5.10",
            Self::Leg { .. }
            | Self::UnfilledOrders { .. }
            | Self::Restricted { .. }
            | Self::Amended { .. }
            | Self::Refused(_)
            | Self::Tested
            | Self::Report { .. }
            | Self::List(_)
            | Self::Range { .. } => return None,
        })
    }

    /// Of a check, whether it was passed.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        match self {
            Self::Filter(reading) => Some(reading.holds()),
            Self::Pegged { price, .. } => Some(price.is_some()),
            Self::UnfilledOrders { holds, .. }
            | Self::Symbol { holds, .. }
            | Self::Name { holds, .. }
            | Self::Funds { holds, .. }
            | Self::Stop { holds, .. }
            | Self::PostOnly { holds, .. }
            | Self::Relation { holds, .. }
            | Self::Depth { holds, .. }
            | Self::Restricted { holds, .. }
            | Self::AllOrNothing { holds, .. }
            | Self::Range { holds, .. } => Some(*holds),
            _ => None,
        }
    }

    /// Whether it belongs to the story of another order of the same list or command too.
    pub(super) const fn matters_to_others(&self) -> bool {
        matches!(self, Self::Report { .. } | Self::Reached { .. })
    }

    /// Whether it only goes on with what the last note about the same order says: then it takes
    /// that note's place.
    pub(super) fn goes_on_from(&mut self, last: &Note) -> bool {
        match (self, &last.fact) {
            (Self::Trails { .. }, Self::Trails { .. }) => true,
            (Self::Touched { since, times, .. }, Self::Touched { since: first, times: before, .. })
            | (Self::Dry { since, times, .. }, Self::Dry { since: first, times: before, .. })
            | (Self::Halted { since, times, .. }, Self::Halted { since: first, times: before, .. }) => {
                (*since, *times) = (*first, before + 1);
                true
            }
            _ => false,
        }
    }
}
