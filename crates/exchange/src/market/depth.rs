//! The book: levels one tick apart from bid and ask away (rules 3.1 and 4.5), own resting orders
//! among them.
//!
//! How much stands at a level nobody knows; it is what the venue's share of the volume came to in
//! the last bar that has closed, the same at every level. (What own orders may take of the running
//! bar depends on its whole volume, which has not happened yet.)
//!
//! A side has a thousand such levels and not one more, so that whoever has them all knows the
//! whole book, and what changes in it has a bound.

use candlewick_model::number::ONE;
use candlewick_model::{Amount, Price, Quantity, Rate, Side};

/// The market's own levels of a side.
const MARKET_LEVELS: usize = 1_000;

/// A price and what there is at it.
pub(crate) type Level = (Price, Quantity);

/// More levels than any book has.
pub(super) const ALL_LEVELS: usize = usize::MAX;

/// Both sides of a book, the best prices first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BookNow {
    /// One more with every change.
    pub(crate) last_update_id: u64,
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
}

/// What the market's own levels follow from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) last: Price,
    pub(super) half_spread: i64,
    pub(super) tick: Price,
    pub(super) quantity: Quantity,
}

/// What a level holds: the share of a bar's volume, in steps, and one step at least.
pub(super) fn level_quantity(volume: Amount, share: Rate, step: Quantity) -> Quantity {
    let part = Quantity::from_amount_saturating(volume.times_rate_floor(share)).floor_to(step);
    let least = if step.is_zero() { Quantity::from_units(ONE) } else { step };
    part.max(least)
}

impl Shape {
    /// So many levels of either side. `own` tells the own orders of a side that are as good as a
    /// price or better; what one could not show without crossing the other side is left out: it is
    /// about to trade.
    pub(super) fn book(&self, own: impl Fn(Side, Price) -> Vec<Level>, levels: usize) -> BookNow {
        let (bid, ask) = self.touch();
        let mut bids = self.side((0..).map(|level| bid - level * self.tick_units()), levels);
        let least = worst(&bids, levels).unwrap_or(Price::ZERO);
        bids.extend(own(Side::Buy, least).into_iter().filter(|(price, _)| price.units() < ask));
        bids.sort_by_key(|(price, _)| std::cmp::Reverse(*price));
        let best_bid = bids.first().map_or(0, |(price, _)| price.units());
        let mut asks = self.side((0..).map(|level| ask.saturating_add(level * self.tick_units())), levels);
        let most = worst(&asks, levels).unwrap_or(Price::MAX);
        asks.extend(own(Side::Sell, most).into_iter().filter(|(price, _)| price.units() > best_bid.max(bid)));
        asks.sort_by_key(|(price, _)| *price);
        BookNow { last_update_id: 0, bids: summed(bids, levels), asks: summed(asks, levels) }
    }

    fn tick_units(&self) -> i64 {
        self.tick.units().max(1)
    }

    /// Bid and ask as levels: on the grid, and never the same.
    fn touch(&self) -> (i64, i64) {
        let tick = self.tick_units();
        let grid = Price::from_units(tick);
        let ask = Price::from_units(self.last.units().saturating_add(self.half_spread));
        let ask = ask.ceil_to(grid).unwrap_or(Price::MAX).units();
        let bid = Price::from_units((self.last.units() - self.half_spread).max(tick)).floor_to(grid).units();
        (bid.min(ask - tick), ask)
    }

    fn side(&self, prices: impl Iterator<Item = i64>, levels: usize) -> Vec<Level> {
        let above_zero = prices.take(levels.min(MARKET_LEVELS)).take_while(|price| (1..i64::MAX).contains(price));
        above_zero.map(|price| (Price::from_units(price), self.quantity)).collect()
    }
}

/// The price beyond which no level is wanted, as the market's own ones are enough: very many own
/// orders need not be sorted for it.
fn worst(side: &[Level], levels: usize) -> Option<Price> {
    levels.checked_sub(1).and_then(|last| side.get(last)).map(|(price, _)| *price)
}

/// Levels in order, those at one price as one.
pub(super) fn summed(mut side: Vec<Level>, levels: usize) -> Vec<Level> {
    side.dedup_by(|next, level| {
        let is_same = next.0 == level.0;
        if is_same {
            level.1 = level.1.checked_add(next.1).unwrap_or(Quantity::MAX);
        }
        is_same
    });
    side.truncate(levels);
    side
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn shape(last: &str, half_spread: &str) -> Shape {
        Shape { last: p(last), half_spread: p(half_spread).units(), tick: p("0.01"), quantity: q("3") }
    }

    /// Own orders that are as good as a price or better.
    fn among(own: &[(Side, Price, Quantity)]) -> impl Fn(Side, Price) -> Vec<Level> + '_ {
        |side, bound| {
            let is_better = |price: Price| if side == Side::Buy { price >= bound } else { price <= bound };
            let of_side = own.iter().filter(|(other, price, _)| *other == side && is_better(*price));
            of_side.map(|(_, price, quantity)| (*price, *quantity)).collect()
        }
    }

    #[test]
    fn levels_lie_one_tick_apart() {
        let book = shape("100", "0.02").book(among(&[]), 2);
        assert_eq!(book.bids, [(p("99.98"), q("3")), (p("99.97"), q("3"))]);
        assert_eq!(book.asks, [(p("100.02"), q("3")), (p("100.03"), q("3"))]);
        assert_eq!(shape("0.02", "0.01").book(among(&[]), 5).bids, [(p("0.01"), q("3"))], "never under one tick");
        let off_the_grid = shape("100.005", "0.01").book(among(&[]), 1);
        assert_eq!((off_the_grid.bids[0].0, off_the_grid.asks[0].0), (p("99.99"), p("100.02")));
        let without_spread = shape("100", "0").book(among(&[]), 1);
        assert_eq!((without_spread.bids[0].0, without_spread.asks[0].0), (p("99.99"), p("100")));
    }

    #[test]
    fn own_orders_are_part_of_it() {
        let own = [
            (Side::Buy, p("99.99"), q("1")),
            (Side::Buy, p("99.98"), q("0.5")),
            (Side::Buy, p("100.05"), q("9")),
            (Side::Sell, p("100.01"), q("2")),
            (Side::Sell, p("99.99"), q("9")),
        ];
        let book = shape("100", "0.02").book(among(&own), 3);
        assert_eq!(book.bids, [(p("99.99"), q("1")), (p("99.98"), q("3.5")), (p("99.97"), q("3"))]);
        assert_eq!(book.asks, [(p("100.01"), q("2")), (p("100.02"), q("3")), (p("100.03"), q("3"))]);
    }

    #[test]
    fn a_book_has_an_end() {
        let own = [(Side::Buy, p("50"), q("1")), (Side::Buy, p("50"), q("2")), (Side::Sell, p("5000"), q("1"))];
        let book = shape("100", "0.02").book(among(&own), ALL_LEVELS);
        assert_eq!((book.bids.len(), book.asks.len()), (MARKET_LEVELS + 1, MARKET_LEVELS + 1));
        assert_eq!(book.bids[999..], [(p("89.99"), q("3")), (p("50"), q("3"))]);
        assert_eq!(book.asks[1_000], (p("5000"), q("1")));
        assert_eq!(shape("0.05", "0.02").book(among(&[]), ALL_LEVELS).bids.len(), 3, "down to one tick");
    }

    #[test]
    fn a_level_holds_the_share_in_steps() {
        let share: Rate = "0.1".parse().unwrap();
        assert_eq!(level_quantity("12.39".parse().unwrap(), share, q("0.01")), q("1.23"));
        assert_eq!(level_quantity(Amount::ZERO, share, q("0.01")), q("0.01"));
    }

    proptest::proptest! {
        /// However many levels are asked for, they are the first of all.
        #[test]
        fn some_levels_are_the_first_of_all(
            own in proptest::collection::vec((proptest::bool::ANY, 9_900_i64..10_100, 1_i64..5), 0..40),
            levels in 1_usize..30,
            last in 1_i64..10_010,
        ) {
            let order = |(buys, cents, quantity): &(bool, i64, i64)| {
                let side = if *buys { Side::Buy } else { Side::Sell };
                (side, Price::from_units(cents * 1_000_000), Quantity::from_units(quantity * ONE))
            };
            let own: Vec<_> = own.iter().map(order).collect();
            let shape = Shape { last: Price::from_units(last * 1_000_000), ..shape("100", "0.01") };
            let (mut all, some) = (shape.book(among(&own), ALL_LEVELS), shape.book(among(&own), levels));
            all.bids.truncate(levels);
            all.asks.truncate(levels);
            proptest::prop_assert_eq!(some, all);
        }
    }
}
