//! A client that keeps a book of its own, as documented, has the book that a snapshot has.

use std::collections::BTreeMap;

use candlewick_model::{Price, Quantity};
use proptest::prelude::*;
use serde_json::Value;

use super::{Ear, exchange};
use crate::local::LocalExchange;
use crate::market::BookNow;
use crate::market::tests::{only, place};

/// A book as the documents say it is to be kept.
#[derive(Default)]
struct Kept {
    last_update_id: u64,
    bids: BTreeMap<Price, Quantity>,
    asks: BTreeMap<Price, Quantity>,
}

impl Kept {
    fn of(snapshot: BookNow) -> Self {
        let (bids, asks) = (snapshot.bids.into_iter().collect(), snapshot.asks.into_iter().collect());
        Self { last_update_id: snapshot.last_update_id, bids, asks }
    }

    fn apply(&mut self, event: &Value) {
        let number = |name: &str| event[name].as_u64().unwrap();
        if number("u") <= self.last_update_id {
            return;
        }
        assert!(number("U") <= self.last_update_id + 1, "events are missing");
        for (side, name) in [(&mut self.bids, "b"), (&mut self.asks, "a")] {
            for level in event[name].as_array().unwrap() {
                let text = |at: usize| level[at].as_str().unwrap();
                let (price, quantity): (Price, Quantity) = (text(0).parse().unwrap(), text(1).parse().unwrap());
                if quantity.is_zero() {
                    side.remove(&price)
                } else {
                    side.insert(price, quantity)
                };
            }
        }
        self.last_update_id = number("u");
    }

    /// The last updates may have left all levels as they were.
    fn assert_is(&self, snapshot: &BookNow) {
        assert!(self.last_update_id <= snapshot.last_update_id);
        for (kept, told) in [(&self.bids, &snapshot.bids), (&self.asks, &snapshot.asks)] {
            let told: BTreeMap<_, _> = told.iter().copied().collect();
            let differing = |(price, quantity): &(&Price, &Quantity)| told.get(price) != Some(*quantity);
            assert_eq!((kept.len(), kept.iter().find(differing)), (told.len(), None));
        }
    }
}

fn snapshot(exchange: &LocalExchange) -> BookNow {
    only(exchange).book(5_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_kept_book_is_the_snapshot(
        seed in 0..1_000_u64,
        is_fast in any::<bool>(),
        joins in 0..6_usize,
        moves in proptest::collection::vec((0..5_u8, -40..40_i64, 1..100_i64), 6..30),
    ) {
        let mut exchange = exchange(seed);
        let stream = if is_fast { "btcusdt@depth@100ms" } else { "btcusdt@depth" };
        // One has listened for long, the other one begins in the middle.
        let _other = Ear::at(&format!("/ws/{stream}"), &mut exchange);
        let mut ear = None;
        let (mut kept, mut buffered, mut last) = (None::<Kept>, Vec::new(), None::<u64>);
        for (at, (kind, offset, seconds)) in moves.into_iter().enumerate() {
            if at == joins {
                ear = Some(Ear::at(&format!("/ws/{stream}"), &mut exchange));
            }
            match kind {
                0 => place(&mut exchange, "BUY", offset),
                1 => place(&mut exchange, "SELL", offset),
                2 | 3 => drop(exchange.step(Some(exchange.now().plus(seconds * 1_000_000))).unwrap()),
                _ => drop(exchange.step(None).unwrap()),
            }
            let Some(ear) = &mut ear else { continue };
            for event in ear.heard() {
                // Each goes on where the last one ended.
                let (first, end) = (event["U"].as_u64().unwrap(), event["u"].as_u64().unwrap());
                prop_assert!(last.is_none_or(|last| first == last + 1) && first <= end);
                last = Some(end);
                let levels = |name: &str| event[name].as_array().unwrap().len();
                prop_assert!(levels("b") + levels("a") > 0, "a change of nothing: {}", event);
                match &mut kept {
                    Some(kept) => kept.apply(&event),
                    None => buffered.push(event),
                }
                if let Some(kept) = kept.as_ref().filter(|kept| kept.last_update_id == snapshot(&exchange).last_update_id) {
                    kept.assert_is(&snapshot(&exchange));
                }
            }
            // The snapshot comes some time after the first event.
            if kept.is_none() && buffered.len() > 1 {
                let mut fresh = Kept::of(snapshot(&exchange));
                prop_assert!(fresh.last_update_id >= buffered[0]["U"].as_u64().unwrap());
                buffered.drain(..).for_each(|event| fresh.apply(&event));
                kept = Some(fresh);
            }
        }
        // Whatever is still to be told is told when there is time.
        exchange.step(Some(exchange.now().plus(2_000_000))).unwrap();
        exchange.step(Some(exchange.now().plus(2_000_000))).unwrap();
        if let (Some(mut kept), Some(mut ear)) = (kept, ear) {
            ear.heard().iter().for_each(|event| kept.apply(event));
            kept.assert_is(&snapshot(&exchange));
        }
    }

    #[test]
    fn best_prices_and_levels_are_those_of_the_book(
        seed in 0..1_000_u64,
        moves in proptest::collection::vec((0..4_u8, -40..40_i64, 1..100_i64), 1..20),
    ) {
        let mut exchange = exchange(seed);
        let mut best = Ear::at("/ws/btcusdt@bookTicker", &mut exchange);
        let mut levels = Ear::at("/ws/btcusdt@depth5@100ms", &mut exchange);
        let mut told = only(&exchange).best();
        for (kind, offset, seconds) in moves {
            match kind {
                0 => place(&mut exchange, "BUY", offset),
                1 => place(&mut exchange, "SELL", offset),
                _ => drop(exchange.step(Some(exchange.now().plus(seconds * 1_000_000))).unwrap()),
            }
            let view = only(&exchange);
            if let Some(last) = best.heard().last() {
                let text = |name: &str| last[name].as_str().unwrap();
                told = [
                    (text("b").parse().unwrap(), text("B").parse().unwrap()),
                    (text("a").parse().unwrap(), text("A").parse().unwrap()),
                ];
            }
            prop_assert_eq!(told, view.best());
            for event in levels.heard() {
                let book = view.book(5);
                if event["lastUpdateId"] == book.last_update_id {
                    let side = |levels: &[(Price, Quantity)]| Value::from_iter(
                        levels.iter().map(|(price, quantity)| vec![price.to_string(), quantity.to_string()])
                    );
                    prop_assert_eq!((&event["bids"], &event["asks"]), (&side(&book.bids), &side(&book.asks)));
                }
            }
        }
    }
}
