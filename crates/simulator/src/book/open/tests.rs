//! Orders in chunks, beside an ordinary map.

use std::collections::BTreeMap;

use candlewick_model::{
    Amount, ClientOrderId, Order, OrderStatus, OrderType, Price, Quantity, SelfTradePrevention, Side, TimeInForce,
    Timestamp,
};
use proptest::prelude::*;

use super::super::{Stage, Working};
use super::Open;

fn working(id: u64, side: Side, price: i64) -> Working {
    let order = Order {
        order_id: id,
        order_list_id: None,
        client_order_id: ClientOrderId::numbered("own-", id),
        symbol: "AB".parse().unwrap(),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price::from_units(price),
        stop_price: Price::ZERO,
        trailing_delta: None,
        trailing_time: None,
        iceberg_quantity: Quantity::ZERO,
        peg: None,
        pegged_price: Price::ZERO,
        lock_price: Price::ZERO,
        strategy_id: None,
        strategy_type: None,
        quantity: Quantity::from_units(1),
        quote_order_quantity: Amount::ZERO,
        filled_quantity: Quantity::ZERO,
        filled_quote: Amount::ZERO,
        prevented_quantity: Quantity::ZERO,
        status: OrderStatus::New,
        created: Timestamp::MIN,
        updated: Timestamp::MIN,
        working_time: None,
        expiry_reason: None,
        self_trade_prevention: SelfTradePrevention::None,
    };
    Working { queued: id, ..Working::new(|| order, Stage::Resting, Price::ZERO) }
}

fn check(open: &Open, known: &BTreeMap<u64, Working>, price: Price) -> Result<(), TestCaseError> {
    let ids: Vec<u64> = open.iter().map(|w| w.order.order_id).collect();
    prop_assert_eq!(&ids, &known.keys().copied().collect::<Vec<_>>());
    prop_assert_eq!(open.iter().len(), known.len());
    for (id, w) in known {
        let by_id = open.at(*id).map(|place| open[place].order);
        let by_name = open.named(w.order.client_order_id).map(|place| open[place].order);
        prop_assert_eq!((by_id, by_name), (Some(w.order), Some(w.order)));
    }
    for (side, is_reached) in [
        (Side::Buy, (|limit, price| limit >= price) as fn(Price, Price) -> bool),
        (Side::Sell, |limit, price| limit <= price),
    ] {
        let has = |w: &&Working| w.order.side == side && is_reached(w.order.price, price);
        let mut found: Vec<u64> =
            open.on_book(side, price).map(|at| &open[at]).filter(has).map(|w| w.order.order_id).collect();
        found.sort_unstable();
        let wanted: Vec<u64> = known.values().filter(has).map(|w| w.order.order_id).collect();
        prop_assert_eq!(found, wanted);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Hundreds of orders that come in any order and go again, with an index and without.
    #[test]
    fn orders_are_where_they_belong(
        steps in prop::collection::vec((0..700_u64, prop::bool::weighted(0.7), any::<bool>(), 90..110_i64), 0..900),
        many in prop_oneof![Just(0), Just(super::MANY), Just(usize::MAX)],
        price in 88..112_i64,
    ) {
        let (mut open, mut known) = (Open::default(), BTreeMap::new());
        open.index_from(many);
        let at_end = steps.len().saturating_sub(1);
        for (number, (id, comes, buys, limit)) in steps.into_iter().enumerate() {
            match (open.at(id), comes) {
                (None, true) => {
                    let w = working(id, if buys { Side::Buy } else { Side::Sell }, limit);
                    open.insert(w);
                    known.insert(id, w);
                }
                (Some(place), false) => prop_assert_eq!(Some(open.remove(place).order), known.remove(&id).map(|w| w.order)),
                (Some(place), true) => {
                    open.change(place, |w| w.order.price = Price::from_units(limit));
                    known.entry(id).and_modify(|w| w.order.price = Price::from_units(limit));
                }
                (None, false) => prop_assert!(!known.contains_key(&id)),
            }
            if number % 100 == 0 || number == at_end {
                check(&open, &known, Price::from_units(price))?;
            }
        }
        while let Some(first) = open.remove_first() {
            prop_assert_eq!(Some(first.order), known.pop_first().map(|(_, w)| w.order));
        }
        prop_assert!(known.is_empty() && open.is_empty());
    }
}
