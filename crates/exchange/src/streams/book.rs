//! The book: best prices at every change, some levels, and the changes from which a client keeps
//! a book of its own.
//!
//! Changes join the snapshot of `GET /depth`: they begin with the update after the last one that
//! was told of, and end with the one that a snapshot now has.

use candlewick_model::{Price, Quantity};

use super::Topic;
use super::listeners::{Listeners, Pace};
use super::text::Text;
use crate::audience::Change;
use crate::market::{BookNow, Level, View};

/// `<symbol>@bookTicker`.
pub(super) struct BestPrices {
    last: [Level; 2],
}

impl BestPrices {
    pub(super) fn begin(view: &View<'_>) -> Self {
        Self { last: view.best() }
    }
}

impl Topic for BestPrices {
    fn tell(&mut self, view: &View<'_>, _change: Change, listeners: &mut Listeners) {
        let best = view.best();
        if best == self.last {
            return;
        }
        self.last = best;
        let [bid, ask] = best;
        listeners.say(view.now(), |text| {
            text.put(r#"{"u":"#).whole(number(view.last_update_id())).put(r#","s":"#).put(view.market.symbol_json());
            text.put(r#","b":"#).price(bid.0).put(r#","B":"#).quantity(bid.1);
            text.put(r#","a":"#).price(ask.0).put(r#","A":"#).quantity(ask.1).put("}");
        });
    }

    fn jump(&mut self, _view: &View<'_>) {}
}

/// `<symbol>@depth<levels>`.
pub(super) struct Levels {
    levels: usize,
    pace: Pace,
}

impl Levels {
    pub(super) fn begin(levels: usize, speed_us: i64) -> Self {
        Self { levels, pace: Pace::of(speed_us) }
    }
}

impl Topic for Levels {
    fn tell(&mut self, view: &View<'_>, _change: Change, listeners: &mut Listeners) {
        if !self.pace.allows(view.now()) {
            return;
        }
        let book = view.book(self.levels);
        listeners.say(view.now(), |text| {
            text.put(r#"{"lastUpdateId":"#).whole(number(book.last_update_id)).put(r#","bids":"#);
            side(text, &book.bids);
            text.put(r#","asks":"#);
            side(text, &book.asks);
            text.put("}");
        });
    }

    fn jump(&mut self, _view: &View<'_>) {
        self.pace.forget();
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}

/// `<symbol>@depth`.
pub(super) struct Changes {
    /// The book as it was last.
    seen: BookNow,
    own: Own,
    /// The last change that listeners know.
    told: u64,
    /// Levels that have changed since, as they are now: also those that are again what they were,
    /// as a snapshot may have been taken in between.
    bids: Vec<Level>,
    asks: Vec<Level>,
    pace: Pace,
}

/// The own orders in a book, of which there may be very many: gathered anew when one has changed.
struct Own {
    levels: [Vec<Level>; 2],
    changes: u64,
}

impl Own {
    fn of(view: &View<'_>) -> Self {
        Self { levels: view.own_levels(), changes: view.order_changes() }
    }
}

impl Changes {
    pub(super) fn begin(speed_us: i64, view: &View<'_>) -> Self {
        let own = Own::of(view);
        let seen = view.whole_book(&own.levels);
        let (told, pace) = (seen.last_update_id, Pace::of(speed_us));
        Self { told, seen, own, bids: Vec::new(), asks: Vec::new(), pace }
    }

    fn see(&mut self, view: &View<'_>) {
        if view.order_changes() != self.own.changes {
            self.own = Own::of(view);
        }
        let book = view.whole_book(&self.own.levels);
        let (falling, rising) = (|a, b| a > b, |a, b| a < b);
        self.bids = overlaid(&self.bids, changes(&self.seen.bids, &book.bids, falling), falling);
        self.asks = overlaid(&self.asks, changes(&self.seen.asks, &book.asks, rising), rising);
        self.seen = book;
    }
}

impl Topic for Changes {
    fn tell(&mut self, view: &View<'_>, _change: Change, listeners: &mut Listeners) {
        if view.last_update_id() != self.seen.last_update_id {
            self.see(view);
        }
        let last = self.seen.last_update_id;
        // Updates that have left every level as it was are told with the next that has not:
        // clients stumble over messages without a level.
        let is_changed = !self.bids.is_empty() || !self.asks.is_empty();
        if !is_changed || !self.pace.allows(view.now()) {
            return;
        }
        listeners.say(view.now(), |text| {
            text.put(r#"{"e":"depthUpdate","E":"#).time(view.now()).put(r#","s":"#).put(view.market.symbol_json());
            text.put(r#","U":"#).whole(number(self.told + 1)).put(r#","u":"#).whole(number(last));
            text.put(r#","b":"#);
            side(text, &self.bids);
            text.put(r#","a":"#);
            side(text, &self.asks);
            text.put("}");
        });
        self.told = last;
        self.bids.clear();
        self.asks.clear();
    }

    fn jump(&mut self, view: &View<'_>) {
        self.pace.forget();
        // Updates do not go back: who has been told of later ones needs a snapshot.
        if view.last_update_id() < self.seen.last_update_id {
            *self = Self::begin(self.pace.least_us(), view);
        } else {
            // They may be counted anew.
            self.own = Own::of(view);
        }
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}

fn number(id: u64) -> i64 {
    id.cast_signed()
}

fn side(text: &mut Text, levels: &[Level]) {
    text.put("[");
    for (at, (price, quantity)) in levels.iter().enumerate() {
        text.put(if at == 0 { "[" } else { ",[" }).price(*price).put(",").quantity(*quantity).put("]");
    }
    text.put("]");
}

/// What makes one side of a book another: new quantities, zero where a level has gone. Both are
/// in the same order.
fn changes(before: &[Level], after: &[Level], comes_first: impl Fn(Price, Price) -> bool) -> Vec<Level> {
    let mut found = Vec::new();
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return found,
            (Some((a, _)), Some((b, _))) if comes_first(*b, *a) => found.extend(new.next()),
            (Some((a, was)), Some((b, is))) if a == b => {
                found.extend((was != is).then_some((*b, *is)));
                old.next();
                new.next();
            }
            (None, Some(_)) => found.extend(new.next()),
            (Some((gone, _)), _) => {
                found.push((*gone, Quantity::ZERO));
                old.next();
            }
        }
    }
}

/// Changes with later ones put over them.
fn overlaid(before: &[Level], later: Vec<Level>, comes_first: impl Fn(Price, Price) -> bool) -> Vec<Level> {
    if before.is_empty() {
        return later;
    }
    let mut found = Vec::with_capacity(before.len() + later.len());
    let (mut old, mut new) = (before.iter().peekable(), later.into_iter().peekable());
    while let Some((price, _)) = old.peek() {
        match new.peek() {
            Some((later, _)) if later == price => drop(old.next()),
            Some((later, _)) if comes_first(*later, *price) => found.extend(new.next()),
            _ => found.extend(old.next()),
        }
    }
    found.extend(new);
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn levels(prices: &BTreeMap<i64, i64>) -> Vec<Level> {
        let level = |(price, quantity): (&i64, &i64)| (Price::from_units(*price), Quantity::from_units(*quantity));
        prices.iter().map(level).collect()
    }

    proptest! {
        #[test]
        fn changes_make_one_side_another(
            before in proptest::collection::btree_map(1..40_i64, 1..4_i64, 0..20),
            after in proptest::collection::btree_map(1..40_i64, 1..4_i64, 0..20),
        ) {
            let (old, new) = (levels(&before), levels(&after));
            let found = changes(&old, &new, |a, b| a < b);
            prop_assert!(found.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert!(found.iter().all(|level| !old.contains(level)));
            let mut kept: BTreeMap<_, _> = old.into_iter().collect();
            for (price, quantity) in found {
                if quantity.is_zero() {
                    prop_assert!(kept.remove(&price).is_some());
                } else {
                    kept.insert(price, quantity);
                }
            }
            prop_assert_eq!(kept.into_iter().collect::<Vec<_>>(), new);
        }

        #[test]
        fn later_changes_count(
            before in proptest::collection::btree_map(1..40_i64, 0..4_i64, 0..20),
            later in proptest::collection::btree_map(1..40_i64, 0..4_i64, 0..20),
        ) {
            let mut both = before.clone();
            both.extend(later.clone());
            prop_assert_eq!(overlaid(&levels(&before), levels(&later), |a, b| a < b), levels(&both));
        }
    }
}
