//! The index of very many open orders: by name, and by the price at which the market meets them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Included, Unbounded};

use candlewick_model::{ClientOrderId, OrderId, Price, Side};

use super::super::triggers::waits_above;
use super::super::{Stage, Working};

/// How an order is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It waits for another order.
    Pending,
    /// Where its limit is.
    Resting(Side),
    /// Where its stop price is: above the market or below.
    Stop { above: bool },
    /// By any move: a remainder, or one that trails or is about to.
    Restless,
}

impl Kind {
    #[inline]
    pub(super) fn of(w: &Working) -> Self {
        match w.stage {
            Stage::Pending => Self::Pending,
            Stage::Resting => Self::Resting(w.order.side),
            Stage::Remainder => Self::Restless,
            Stage::Contingent if w.order.trailing_delta.is_some() => Self::Restless,
            Stage::Contingent => Self::Stop { above: waits_above(&w.order) },
        }
    }
}

/// How far up or down something lies, in the direction in which the market meets it: the one that
/// it meets first has the smallest.
type Distance = i64;

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    names: BTreeMap<ClientOrderId, OrderId>,
    /// By limit, then by time on the book.
    buys: BTreeSet<(Distance, u64, OrderId)>,
    sells: BTreeSet<(Distance, u64, OrderId)>,
    /// By stop price: of those that a market meets that rises, and of those that one meets that
    /// falls.
    above: BTreeSet<(Distance, OrderId)>,
    below: BTreeSet<(Distance, OrderId)>,
    restless: BTreeSet<OrderId>,
}

impl<'a> FromIterator<&'a Working> for Index {
    fn from_iter<T: IntoIterator<Item = &'a Working>>(orders: T) -> Self {
        let mut index = Self::default();
        orders.into_iter().for_each(|w| index.add(w));
        index
    }
}

fn up(price: Price) -> Distance {
    price.units()
}

fn down(price: Price) -> Distance {
    -price.units()
}

impl Index {
    pub(super) fn add(&mut self, w: &Working) {
        let (id, queued) = (w.order.order_id, w.queued);
        self.names.insert(w.order.client_order_id, id);
        let is_new = match Kind::of(w) {
            Kind::Pending => true,
            Kind::Resting(Side::Buy) => self.buys.insert((down(w.order.limit()), queued, id)),
            Kind::Resting(Side::Sell) => self.sells.insert((up(w.order.limit()), queued, id)),
            Kind::Stop { above: true } => self.above.insert((up(w.order.stop_price), id)),
            Kind::Stop { above: false } => self.below.insert((down(w.order.stop_price), id)),
            Kind::Restless => self.restless.insert(id),
        };
        debug_assert!(is_new, "order {id} is in the index already");
    }

    pub(super) fn remove(&mut self, w: &Working) {
        let (id, queued) = (w.order.order_id, w.queued);
        self.names.remove(&w.order.client_order_id);
        let was_there = match Kind::of(w) {
            Kind::Pending => true,
            Kind::Resting(Side::Buy) => self.buys.remove(&(down(w.order.limit()), queued, id)),
            Kind::Resting(Side::Sell) => self.sells.remove(&(up(w.order.limit()), queued, id)),
            Kind::Stop { above: true } => self.above.remove(&(up(w.order.stop_price), id)),
            Kind::Stop { above: false } => self.below.remove(&(down(w.order.stop_price), id)),
            Kind::Restless => self.restless.remove(&id),
        };
        assert!(was_there, "order {id} is not where the index has it");
    }

    pub(super) fn named(&self, name: ClientOrderId) -> Option<OrderId> {
        self.names.get(&name).copied()
    }

    pub(super) fn restless(&self) -> impl Iterator<Item = OrderId> + '_ {
        self.restless.iter().copied()
    }

    /// Resting orders of a side with a limit as good as a price or better, the best first.
    pub(super) fn resting(&self, side: Side, bound: Price) -> impl Iterator<Item = OrderId> + '_ {
        let (orders, far) = match side {
            Side::Buy => (&self.buys, down(bound)),
            Side::Sell => (&self.sells, up(bound)),
        };
        orders.range((Unbounded, Included((far, u64::MAX, OrderId::MAX)))).map(|(.., id)| *id)
    }

    /// Resting orders of a side, the best first, to the first that is the one.
    pub(super) fn until(&self, side: Side, is_it: impl Fn(OrderId) -> bool) -> impl Iterator<Item = OrderId> {
        let orders = match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        };
        let mut found = false;
        orders.iter().map(|(.., id)| *id).take_while(move |id| !std::mem::replace(&mut found, is_it(*id)))
    }

    /// Everything that a market at a price has reached.
    pub(super) fn reached(&self, price: Price) -> impl Iterator<Item = OrderId> + '_ {
        let resting = self.resting(Side::Buy, price).chain(self.resting(Side::Sell, price));
        resting.chain(passed(&self.below, down(price))).chain(passed(&self.above, up(price)))
    }

    /// The first of each kind that has a price.
    pub(super) fn foremost(&self) -> impl Iterator<Item = OrderId> + '_ {
        let resting = [&self.buys, &self.sells].into_iter().filter_map(|orders| Some(orders.first()?.2));
        let stops = [&self.above, &self.below].into_iter().filter_map(|orders| Some(orders.first()?.1));
        resting.chain(stops)
    }

    /// The stop that a market meets next that stands at a price, and all that it has passed on its
    /// way back.
    pub(super) fn stops(&self, last: Price, rising: bool) -> impl Iterator<Item = OrderId> + '_ {
        let (ahead, behind, far) =
            if rising { (&self.above, &self.below, down(last)) } else { (&self.below, &self.above, up(last)) };
        ahead.first().map(|(_, id)| *id).into_iter().chain(passed(behind, far))
    }
}

/// Stops up to a distance.
fn passed(stops: &BTreeSet<(Distance, OrderId)>, far: Distance) -> impl Iterator<Item = OrderId> + '_ {
    stops.range((Unbounded, Included((far, OrderId::MAX)))).map(|(_, id)| *id)
}
