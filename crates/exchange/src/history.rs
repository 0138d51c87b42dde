//! What an account has done: its orders, trades, lists, prevented matches and amendments.
//!
//! For: answering what was. It follows from what the venue says alone. Not for: what is now
//! (balances, the book), which the venue knows.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use candlewick_model::{
    ClientOrderId, ExecutionReport, ExecutionType, ListOrderStatus, ListStatus, Order, OrderId, OrderListId, Prevented,
    Quantity, SelfTradePrevention, Symbol, Timestamp,
};
use candlewick_simulator::VenueEvent;

/// Everything that was said of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// By number, in which order they come.
    orders: Vec<Order>,
    /// The last order that was given a name, by the name's hash: there are millions of them. It may
    /// have another name by now.
    named: HashMap<u64, OrderId>,
    /// Reports of fills, in order.
    trades: Vec<ExecutionReport>,
    /// Lists as they were told of last.
    lists: BTreeMap<OrderListId, ListStatus>,
    prevented: BTreeMap<u64, PreventedMatch>,
    /// The last prevented match of an order.
    last_prevented: BTreeMap<OrderId, u64>,
    amendments: Vec<Amendment>,
}

/// A match that self-trade prevention kept from happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PreventedMatch {
    /// The market.
    pub(crate) symbol: Symbol,
    /// When.
    pub(crate) time: Timestamp,
    /// The arriving order.
    pub(crate) taker: OrderId,
    /// The one on the book.
    pub(crate) maker: OrderId,
    /// What it has taken from either, if anything.
    pub(crate) taker_quantity: Option<Quantity>,
    /// The same of the other one.
    pub(crate) maker_quantity: Option<Quantity>,
    /// The rest.
    pub(crate) told: Prevented,
}

/// A smaller quantity, and perhaps another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amendment {
    /// The report of it.
    pub(crate) report: ExecutionReport,
    /// What the order was until then.
    pub(crate) before: Order,
}

fn hash(symbol: Symbol, name: ClientOrderId) -> u64 {
    let mut hasher = DefaultHasher::new();
    (symbol, name).hash(&mut hasher);
    hasher.finish()
}

impl History {
    /// Takes in what the venue has said.
    pub(crate) fn take_in(&mut self, event: &VenueEvent) {
        match event {
            VenueEvent::Report(report) => self.take_in_report(report),
            VenueEvent::ListStatus(status) => drop(self.lists.insert(status.order_list_id, status.clone())),
            VenueEvent::Refused { .. } | VenueEvent::Tested { .. } => {}
        }
    }

    fn take_in_report(&mut self, report: &ExecutionReport) {
        let order = &report.order;
        let before = self.keep(order);
        if before.is_none_or(|before| before.client_order_id != order.client_order_id) {
            self.named.insert(hash(order.symbol, order.client_order_id), order.order_id);
        }
        if report.fill.is_some() {
            self.trades.push(*report);
        }
        if let (ExecutionType::Replaced, Some(before)) = (report.execution_type, before) {
            self.amendments.push(Amendment { report: *report, before });
        }
        if let Some(told) = report.prevented {
            self.take_in_prevented(report, told);
        }
    }

    /// An order as it is now; what it was before.
    fn keep(&mut self, order: &Order) -> Option<Order> {
        match self.orders.binary_search_by_key(&order.order_id, |known| known.order_id) {
            Ok(at) => Some(std::mem::replace(&mut self.orders[at], *order)),
            Err(at) => {
                self.orders.insert(at, *order);
                None
            }
        }
    }

    /// The side on the book is told of first, unless nothing happens to it.
    fn take_in_prevented(&mut self, report: &ExecutionReport, told: Prevented) {
        let (own, other) = (report.order.order_id, told.counter_order_id);
        self.last_prevented.insert(own, told.match_id);
        if let Some(known) = self.prevented.get_mut(&told.match_id) {
            known.taker_quantity = Some(told.quantity);
            return;
        }
        let is_taker = told.mode == SelfTradePrevention::ExpireTaker;
        let (taker, maker) = if is_taker { (own, other) } else { (other, own) };
        let quantity = Some(told.quantity);
        let (taker_quantity, maker_quantity) = if is_taker { (quantity, None) } else { (None, quantity) };
        let symbol = report.order.symbol;
        let time = report.time;
        let found = PreventedMatch { symbol, time, taker, maker, taker_quantity, maker_quantity, told };
        self.prevented.insert(told.match_id, found);
    }

    /// An order by its number.
    pub(crate) fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.binary_search_by_key(&id, |order| order.order_id).ok().map(|at| &self.orders[at])
    }

    /// The last order of a name on a market.
    pub(crate) fn order_named(&self, symbol: Symbol, name: ClientOrderId) -> Option<&Order> {
        let has = |order: &&Order| order.symbol == symbol && order.client_order_id == name;
        let last = self.order(*self.named.get(&hash(symbol, name))?)?;
        // It was amended, and an earlier one has still that name, or another name has its hash.
        Some(last).filter(has).or_else(|| self.orders.iter().rev().find(has))
    }

    /// All orders, by number.
    pub(crate) fn orders(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.orders.iter()
    }

    /// The last prevented match of an order.
    pub(crate) fn prevented_match_of(&self, order: OrderId) -> Option<u64> {
        self.last_prevented.get(&order).copied()
    }

    /// Reports of all fills, in order.
    pub(crate) fn trades(&self) -> &[ExecutionReport] {
        &self.trades
    }

    /// A list by its number.
    pub(crate) fn list(&self, id: OrderListId) -> Option<&ListStatus> {
        self.lists.get(&id)
    }

    /// The last list of a name.
    pub(crate) fn list_named(&self, name: ClientOrderId) -> Option<&ListStatus> {
        self.lists.values().rev().find(|list| list.list_client_order_id == name)
    }

    /// All lists, by number.
    pub(crate) fn lists(&self) -> impl DoubleEndedIterator<Item = &ListStatus> {
        self.lists.values()
    }

    /// Lists that have an order which is not done.
    pub(crate) fn open_lists(&self) -> impl Iterator<Item = &ListStatus> {
        self.lists.values().filter(|list| list.list_order_status == ListOrderStatus::Executing)
    }

    /// All matches that were prevented, by number.
    pub(crate) fn prevented_matches(&self) -> impl Iterator<Item = &PreventedMatch> {
        self.prevented.values()
    }

    /// All amendments, in order.
    pub(crate) fn amendments(&self) -> &[Amendment] {
        &self.amendments
    }
}
