//! The open orders of a book, and how those are found that matter: the few that the market meets
//! or a command names, among very many.
//!
//! For: keeping orders by id, in chunks so that one that comes or goes moves no more than a few
//! others. Few orders are looked through, which is the fastest; beyond a number of them there is
//! an index. Not for: rules. What is found may be more than what was asked for, never less, and
//! rules look at it themselves.

mod index;
#[cfg(test)]
mod tests;

use std::ops::Index as At;
use std::slice;

use candlewick_model::{ClientOrderId, Order, OrderId, Price, Side};

use super::triggers::waits_above;
use super::{Stage, Working};
use index::{Index, Kind};

/// So many orders are in one chunk.
const CHUNK: usize = 64;
/// From so many on there is an index, which is given up at half of them.
const MANY: usize = 128;

/// Where an order is, until one comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    chunk: usize,
    at: usize,
}

/// Open orders by id.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// None is empty, unless it is the only one.
    chunks: Vec<Vec<Working>>,
    count: usize,
    /// How many have no price at which they are met: remainders, and those that trail.
    restless: usize,
    /// Between which prices no order is touched; `None` where it must be looked up.
    untouched: Option<Untouched>,
    /// How often any of them has come, gone or changed, in this process.
    changes: u64,
    index: Option<Box<Index>>,
    /// From how many on there is an index.
    many: usize,
}

/// The prices between which no order is touched; `None` where every price touches one.
pub(crate) type Untouched = Option<(Price, Price)>;

/// No order, no bounds.
const ANYWHERE: Untouched = Some((Price::from_units(i64::MIN), Price::MAX));

impl Default for Open {
    fn default() -> Self {
        let untouched = Some(ANYWHERE);
        Self { chunks: Vec::new(), count: 0, restless: 0, untouched, changes: 0, index: None, many: MANY }
    }
}

impl FromIterator<Working> for Open {
    fn from_iter<T: IntoIterator<Item = Working>>(orders: T) -> Self {
        let mut open = Self::default();
        orders.into_iter().for_each(|w| open.insert(w));
        open
    }
}

impl At<Place> for Open {
    type Output = Working;

    #[inline]
    fn index(&self, place: Place) -> &Working {
        &self.chunks[place.chunk][place.at]
    }
}

impl Open {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One more whenever what is shown of them may be something else.
    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// All of them, by id.
    #[inline]
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { chunks: self.chunks.iter(), chunk: [].iter(), left: self.count }
    }

    /// The one of an id.
    #[inline]
    pub(crate) fn at(&self, id: OrderId) -> Option<Place> {
        let chunk = self.chunk_of(id)?;
        let at = self.chunks[chunk].binary_search_by_key(&id, |w| w.order.order_id).ok()?;
        Some(Place { chunk, at })
    }

    /// The chunk in which an id is, or would be.
    #[inline]
    fn chunk_of(&self, id: OrderId) -> Option<usize> {
        match self.chunks.len() {
            0 => None,
            1 => Some(0),
            _ => Some(self.chunks.partition_point(|chunk| chunk[0].order.order_id <= id).saturating_sub(1)),
        }
    }

    /// Puts an order where its id belongs.
    pub(crate) fn insert(&mut self, working: Working) {
        self.count += 1;
        self.changes += 1;
        self.restless += usize::from(Kind::of(&working) == Kind::Restless);
        self.untouched = self.untouched.map(|range| both(range, untouched_by(&working)));
        match &mut self.index {
            Some(index) => index.add(&working),
            None if self.count >= self.many => self.index = Some(Box::new(self.iter().chain([&working]).collect())),
            None => {}
        }
        let id = working.order.order_id;
        let Some(chunk) = self.chunk_of(id) else { return self.chunks.push(vec![working]) };
        let orders = &mut self.chunks[chunk];
        let at = orders.partition_point(|w| w.order.order_id < id);
        if orders.len() < CHUNK {
            orders.insert(at, working);
        } else if at == CHUNK {
            self.chunks.insert(chunk + 1, vec![working]);
        } else {
            let behind = orders.split_off(at);
            orders.push(working);
            self.chunks.insert(chunk + 1, behind);
        }
    }

    /// Takes an order out.
    pub(crate) fn remove(&mut self, place: Place) -> Working {
        let working = self.chunks[place.chunk].remove(place.at);
        if self.chunks[place.chunk].is_empty() && self.chunks.len() > 1 {
            self.chunks.remove(place.chunk);
        }
        self.count -= 1;
        self.changes += 1;
        self.untouched = (self.count == 0).then_some(ANYWHERE);
        self.restless -= usize::from(Kind::of(&working) == Kind::Restless);
        if self.count < self.many / 2 {
            self.index = None;
        } else if let Some(index) = &mut self.index {
            index.remove(&working);
        }
        working
    }

    /// Takes the first one out.
    pub(crate) fn remove_first(&mut self) -> Option<Working> {
        (!self.is_empty()).then(|| self.remove(Place { chunk: 0, at: 0 }))
    }

    /// Changes an order, though not its id or name.
    pub(crate) fn change(&mut self, place: Place, change: impl FnOnce(&mut Working)) {
        (self.untouched, self.changes) = (None, self.changes + 1);
        let Self { chunks, restless, index, .. } = self;
        let w = &mut chunks[place.chunk][place.at];
        *restless -= usize::from(Kind::of(w) == Kind::Restless);
        if let Some(index) = index {
            index.remove(w);
            change(w);
            index.add(w);
        } else {
            change(w);
        }
        *restless += usize::from(Kind::of(w) == Kind::Restless);
    }

    /// An order has had its turn in a step.
    #[inline]
    pub(crate) fn had_its_turn(&mut self, place: Place, step: u64) {
        self.chunks[place.chunk][place.at].tried = step;
    }

    /// The one of a name.
    pub(crate) fn named(&self, name: ClientOrderId) -> Option<Place> {
        match &self.index {
            Some(index) => index.named(name).and_then(|id| self.at(id)),
            None => self.places().find(|place| self[*place].order.client_order_id == name),
        }
    }

    /// Places of all, by id.
    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(chunk, orders)| (0..orders.len()).map(move |at| Place { chunk, at }))
    }

    /// Those that the index names, or all of few.
    #[inline]
    fn among<'a, I: Iterator<Item = OrderId> + 'a>(
        &'a self,
        named: impl FnOnce(&'a Index) -> I,
    ) -> impl Iterator<Item = Place> + 'a {
        let found = self.index.as_deref().map(named);
        let all = found.is_none().then(|| self.places());
        let found = found.into_iter().flatten().filter_map(|id| self.at(id));
        all.into_iter().flatten().chain(found)
    }

    /// Orders on the book of a side that are as good as a price or better, and perhaps others.
    pub(crate) fn on_book(&self, side: Side, bound: Price) -> impl Iterator<Item = Place> + '_ {
        self.among(move |index| index.restless().chain(index.resting(side, bound)))
    }

    /// The best of them by price and time, and perhaps others.
    pub(crate) fn best_on_book(&self, side: Side, bound: Price) -> impl Iterator<Item = Place> + '_ {
        self.among(move |index| index.restless().chain(index.resting(side, bound).take(1)))
    }

    /// Orders that a market at a price meets or has passed, and perhaps others.
    pub(crate) fn reached(&self, price: Price) -> impl Iterator<Item = Place> + '_ {
        self.among(move |index| index.restless().chain(index.reached(price)))
    }

    /// Of each kind of order the one that a market meets first that comes its way, and perhaps
    /// others.
    pub(crate) fn foremost(&self) -> impl Iterator<Item = &Working> + '_ {
        self.among(|index| index.restless().chain(index.foremost())).map(|place| &self[place])
    }

    /// The order that a market meets next that stands at a price, on its way up or down in a step,
    /// and perhaps others: of resting ones, those up to the first that can have its turn wherever the
    /// step began.
    pub(crate) fn next(&self, last: Price, rising: bool, step: u64) -> impl Iterator<Item = Place> + '_ {
        let waits = move |id: OrderId| {
            self.at(id).map(|place| &self[place]).is_some_and(|w| w.tried != step && w.came.0 != step)
        };
        self.among(move |index| {
            let resting = [Side::Buy, Side::Sell].into_iter().flat_map(move |side| index.until(side, waits));
            index.restless().chain(index.stops(last, rising)).chain(resting)
        })
    }

    /// Between which prices no order is touched.
    #[inline]
    pub(crate) fn untouched(&mut self) -> Untouched {
        let Some(range) = self.untouched else { return self.look_up_untouched() };
        range
    }

    fn look_up_untouched(&mut self) -> Untouched {
        let range = self.foremost().fold(ANYWHERE, |range, w| both(range, untouched_by(w)));
        self.untouched = Some(range);
        range
    }

    /// Whether any order has no price at which it is met.
    #[inline]
    pub(crate) fn has_restless(&self) -> bool {
        self.restless > 0
    }

    /// Orders that have no price at which they are met, and perhaps others.
    pub(crate) fn restless(&self) -> impl Iterator<Item = Place> + '_ {
        self.among(Index::restless)
    }

    /// The best price of an order that trails is another one.
    pub(crate) fn follow(&mut self, change: impl Fn(&mut Working)) {
        let Self { chunks, index, .. } = self;
        let trails = |w: &&mut Working| w.stage == Stage::Contingent && w.order.trailing_time.is_some();
        if index.is_none() {
            return chunks.iter_mut().flatten().filter(trails).for_each(change);
        }
        let places: Vec<Place> = self.restless().collect();
        for place in places {
            Some(&mut self.chunks[place.chunk][place.at]).filter(trails).into_iter().for_each(&change);
        }
    }

    /// From so many orders on there is an index.
    pub(crate) fn index_from(&mut self, many: usize) {
        self.many = many;
        self.index = (self.count >= many).then(|| Box::new(self.iter().collect()));
    }
}

/// Between which prices the market can move without touching an order: none where it takes,
/// trails, or is otherwise moved by every price.
fn untouched_by(w: &Working) -> Untouched {
    let (low, high) = (Price::from_units(i64::MIN), Price::MAX);
    let (price, above) = match w.stage {
        Stage::Pending => return ANYWHERE,
        Stage::Remainder => return None,
        Stage::Contingent if w.order.trailing_time.is_some() => return None,
        Stage::Contingent => (w.order.stop_price, waits_above(&w.order)),
        Stage::Resting => (w.order.limit(), w.order.side == Side::Sell),
    };
    Some(if above { (low, price) } else { (price, high) })
}

/// What lies in both.
fn both(one: Untouched, other: Untouched) -> Untouched {
    let ((low, high), (other_low, other_high)) = (one?, other?);
    Some((low.max(other_low), high.min(other_high)))
}

/// All open orders, by id.
#[derive(Debug, Clone)]
pub(crate) struct Iter<'a> {
    chunks: slice::Iter<'a, Vec<Working>>,
    chunk: slice::Iter<'a, Working>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Working;

    #[inline]
    fn next(&mut self) -> Option<&'a Working> {
        loop {
            if let Some(working) = self.chunk.next() {
                self.left -= 1;
                return Some(working);
            }
            self.chunk = self.chunks.next()?.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// The orders themselves.
pub(crate) fn orders(open: &Open) -> impl ExactSizeIterator<Item = &Order> + Clone {
    open.iter().map(|w| &w.order)
}
