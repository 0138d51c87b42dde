use super::*;
use crate::command::Trigger;
use crate::order::TimeInForce;
use crate::text::Symbol;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}
fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}
fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn limit(side: Side, at: &str) -> OrderRequest {
    let kind = OrderKind::Limit { price: price(at), time_in_force: TimeInForce::Gtc };
    OrderRequest::new(Symbol::new("BTCUSDT").unwrap(), side, kind, OrderSize::Base(Quantity::ZERO))
}

fn market(size: OrderSize) -> OrderRequest {
    OrderRequest { kind: OrderKind::Market, size, ..limit(Side::Buy, "1") }
}

/// The text of the failure, or "ok".
fn verdict(filters: &Filters, request: &OrderRequest, qty: &str, average: &str) -> String {
    let average = price(average);
    let judged = Judged::of(request, Some(quantity(qty)), None);
    match filters.check(request, judged, &OpenPosition::default(), Counts::default(), &mut |_| average, &mut ()) {
        Ok(()) => "ok".into(),
        Err(refusal) => {
            assert_eq!(refusal.code, -1013);
            refusal.text.replace("Filter failure: ", "")
        }
    }
}

#[test]
fn steps_of_market_orders_obey_both_filters() {
    let step = |lot: &str, market: &str| {
        let lot_size = |step: &str| Some(LotSize { step_size: step.parse().unwrap(), ..LotSize::default() });
        let filters = Filters { lot_size: lot_size(lot), market_lot_size: lot_size(market), ..Filters::default() };
        filters.market_step().to_string()
    };
    assert_eq!([step("0.001", "0.01"), step("0.01", "0.001"), step("0.01", "0")], ["0.01000000"; 3]);
    assert_eq!(step("0.06", "0.04"), "0.12000000", "neither is a multiple of the other");
    assert_eq!(step("0", "0.5"), "0.50000000");
    assert_eq!(step("92233720368.54775807", "0.5"), "92233720368.54775807", "beyond all quantities");
}

#[test]
fn price_filter_at_its_bounds() {
    let f = PriceFilter { min_price: price("0.02"), max_price: price("100"), tick_size: price("0.01") };
    let filters = Filters { price_filter: Some(f), ..Filters::default() };
    for (at, expected) in [
        ("0.02", "ok"),
        ("0.01", "PRICE_FILTER"),
        ("100", "ok"),
        ("100.01", "PRICE_FILTER"),
        ("50.005", "PRICE_FILTER"),
        ("50.01", "ok"),
    ] {
        assert_eq!(verdict(&filters, &limit(Side::Buy, at), "1", "50"), expected, "{at}");
    }
    let off = Filters { price_filter: Some(PriceFilter::default()), ..Filters::default() };
    assert_eq!(verdict(&off, &limit(Side::Buy, "0.00000001"), "1", "50"), "ok");
}

#[test]
fn percent_price_by_side_at_its_bounds() {
    let band = |up: &str, down: &str| PercentBand {
        multiplier_up: up.parse().unwrap(),
        multiplier_down: down.parse().unwrap(),
    };
    let f = PercentPrice { buy: band("1.2", "0.5"), sell: band("2", "0.8"), avg_price_mins: 5 };
    let filters = Filters { percent_price_by_side: Some(f), ..Filters::default() };
    for (side, at, expected) in [
        (Side::Buy, "120", "ok"),
        (Side::Buy, "120.00000001", "PERCENT_PRICE_BY_SIDE"),
        (Side::Buy, "50", "ok"),
        (Side::Buy, "49.99999999", "PERCENT_PRICE_BY_SIDE"),
        (Side::Sell, "200", "ok"),
        (Side::Sell, "200.00000001", "PERCENT_PRICE_BY_SIDE"),
        (Side::Sell, "80", "ok"),
        (Side::Sell, "79.99999999", "PERCENT_PRICE_BY_SIDE"),
    ] {
        assert_eq!(verdict(&filters, &limit(side, at), "1", "100"), expected, "{side} {at}");
    }
    let both = Filters { percent_price: Some(f), ..Filters::default() };
    assert_eq!(verdict(&both, &limit(Side::Buy, "121"), "1", "100"), "PERCENT_PRICE");
    assert_eq!(verdict(&both, &market(OrderSize::Base(Quantity::ZERO)), "1", "100"), "ok");
}

#[test]
fn lot_sizes_at_their_bounds() {
    let lot = LotSize { min_qty: quantity("0.1"), max_qty: quantity("9"), step_size: quantity("0.1") };
    let market_lot = LotSize { min_qty: Quantity::ZERO, max_qty: quantity("5"), step_size: Quantity::ZERO };
    let filters = Filters { lot_size: Some(lot), market_lot_size: Some(market_lot), ..Filters::default() };
    for (qty, as_limit, as_market) in [
        ("0", "LOT_SIZE", "LOT_SIZE"),
        ("0.09999999", "LOT_SIZE", "LOT_SIZE"),
        ("0.1", "ok", "ok"),
        ("0.15", "LOT_SIZE", "LOT_SIZE"),
        ("5", "ok", "ok"),
        ("5.1", "ok", "MARKET_LOT_SIZE"),
        ("9", "ok", "MARKET_LOT_SIZE"),
        ("9.1", "LOT_SIZE", "LOT_SIZE"),
    ] {
        assert_eq!(verdict(&filters, &limit(Side::Sell, "1"), qty, "1"), as_limit, "limit {qty}");
        let request = market(OrderSize::Base(quantity(qty)));
        assert_eq!(verdict(&filters, &request, qty, "1"), as_market, "market {qty}");
    }
}

#[test]
fn notional_at_its_bounds() {
    let f = Notional {
        min_notional: amount("5"),
        apply_min_to_market: true,
        max_notional: Some(amount("100")),
        apply_max_to_market: false,
        avg_price_mins: 5,
    };
    let filters = Filters { notional: Some(f), ..Filters::default() };
    for (qty, expected) in [("4.99999999", "NOTIONAL"), ("5", "ok"), ("100", "ok"), ("100.00000001", "NOTIONAL")] {
        assert_eq!(verdict(&filters, &limit(Side::Buy, "1"), qty, "7"), expected, "{qty}");
    }
    // A market order is worth the average; the maximum does not apply to it here.
    let by_base = market(OrderSize::Base(Quantity::ZERO));
    assert_eq!(verdict(&filters, &by_base, "0.7", "7"), "NOTIONAL");
    assert_eq!(verdict(&filters, &by_base, "1000", "7"), "ok");
    let by_quote = market(OrderSize::Quote(amount("4.99999999")));
    assert_eq!(verdict(&filters, &by_quote, "1000", "7"), "NOTIONAL");
    let min = MinNotional { min_notional: amount("5"), apply_to_market: false, avg_price_mins: 0 };
    let old = Filters { min_notional: Some(min), ..Filters::default() };
    assert_eq!(verdict(&old, &limit(Side::Buy, "1"), "4.99999999", "7"), "MIN_NOTIONAL");
    assert_eq!(verdict(&old, &by_base, "0.00000001", "7"), "ok");
}

#[test]
fn positions_at_their_bound() {
    let filters = Filters { max_position: Some(amount("10")), ..Filters::default() };
    let check = |base: &str, qty: &str, side| {
        let position =
            OpenPosition { base_total: amount(base), open_buy_quantity: amount("1"), ..OpenPosition::default() };
        let request = limit(side, "1");
        let judged = Judged::of(&request, Some(quantity(qty)), None);
        filters.check(&request, judged, &position, Counts::default(), &mut |_| price("1"), &mut ()).map_err(|r| r.text)
    };
    assert_eq!(check("4", "5", Side::Buy), Ok(()));
    assert_eq!(check("4", "5.00000001", Side::Buy), Err("Filter failure: MAX_POSITION".into()));
    assert_eq!(check("40", "5", Side::Sell), Ok(()));
}

#[test]
fn counts_at_their_bounds() {
    let filters = Filters {
        max_num_orders: Some(3),
        max_num_algo_orders: Some(2),
        max_num_iceberg_orders: Some(1),
        max_num_order_lists: Some(1),
        ..Filters::default()
    };
    let list = Counts { orders: 2, algo_orders: 1, iceberg_orders: 0, order_lists: 1 };
    let open =
        |orders, algo_orders, iceberg_orders, order_lists| Counts { orders, algo_orders, iceberg_orders, order_lists };
    let (plain, algo, iceberg) = (Counts::of(false, false), Counts::of(true, false), Counts::of(false, true));
    for (open, adding, expected) in [
        (open(2, 0, 0, 0), plain, "ok"),
        (open(3, 0, 0, 0), plain, "MAX_NUM_ORDERS"),
        (open(1, 1, 0, 0), list, "ok"),
        (open(2, 1, 0, 0), list, "MAX_NUM_ORDERS"),
        (open(2, 2, 0, 0), algo, "MAX_NUM_ALGO_ORDERS"),
        (open(2, 2, 1, 1), plain, "ok"),
        (open(1, 0, 1, 0), iceberg, "MAX_NUM_ICEBERG_ORDERS"),
        (open(1, 1, 0, 1), list, "MAX_NUM_ORDER_LISTS"),
    ] {
        let verdict =
            filters.check_counts(open, adding, &mut ()).map_or_else(|r| r.text.into_owned(), |()| "ok".into());
        assert_eq!(verdict.replace("Filter failure: ", ""), expected, "{open:?} {adding:?}");
    }
}

#[test]
fn trailing_deltas_icebergs_and_assets_at_their_bounds() {
    use crate::command::TriggerKind::{StopLoss, TakeProfit};
    let delta = TrailingDelta {
        min_trailing_above_delta: 10,
        max_trailing_above_delta: 2000,
        min_trailing_below_delta: 20,
        max_trailing_below_delta: 1000,
    };
    let filters = Filters { trailing_delta: Some(delta), iceberg_parts: Some(10), ..Filters::default() };
    for (kind, side, delta, expected) in [
        (StopLoss, Side::Buy, 10, "ok"),
        (StopLoss, Side::Buy, 9, "TRAILING_DELTA"),
        (TakeProfit, Side::Sell, 2000, "ok"),
        (TakeProfit, Side::Sell, 2001, "TRAILING_DELTA"),
        (StopLoss, Side::Sell, 20, "ok"),
        (StopLoss, Side::Sell, 19, "TRAILING_DELTA"),
        (TakeProfit, Side::Buy, 1000, "ok"),
        (TakeProfit, Side::Buy, 1001, "TRAILING_DELTA"),
    ] {
        let trigger = Some(Trigger { kind, stop_price: None, trailing_delta: Some(delta) });
        let request = OrderRequest { trigger, ..limit(side, "1") };
        assert_eq!(verdict(&filters, &request, "1", "1"), expected, "{kind:?} {side} {delta}");
    }
    for (shown, expected) in [("0.1", "ok"), ("0.09999999", "ICEBERG_PARTS"), ("0.5", "ok")] {
        let request = OrderRequest { iceberg_quantity: Some(quantity(shown)), ..limit(Side::Buy, "1") };
        assert_eq!(verdict(&filters, &request, "1", "1"), expected, "{shown}");
    }
    let asset = |name| Asset::new(name).unwrap();
    let pair = (asset("BTC"), asset("USDT"));
    for (name, most, expected) in
        [("BTC", "2", true), ("BTC", "1.99999999", false), ("USDT", "14", true), ("USDT", "13.99999999", false)]
    {
        let filters = ExchangeFilters { max_asset: vec![(asset(name), amount(most))], ..ExchangeFilters::default() };
        let request = limit(Side::Buy, "7");
        let judged = Judged::of(&request, Some(quantity("2")), None);
        let verdict = filters.check_assets(pair, judged, &mut |_| price("1"), &mut ());
        assert_eq!(verdict.is_ok(), expected, "{name} {most}");
    }
}

#[test]
fn readings_are_shown_in_order_up_to_the_one_that_does_not_hold() {
    let bounds = PriceFilter { tick_size: price("0.01"), ..PriceFilter::default() };
    let lot = LotSize { min_qty: quantity("1"), max_qty: quantity("9"), step_size: quantity("1") };
    let filters = Filters {
        price_filter: Some(bounds),
        lot_size: Some(lot),
        iceberg_parts: Some(10),
        max_position: Some(amount("5")),
        ..Filters::default()
    };
    let seen = |side, qty: &str| {
        let (mut seen, request) = (Vec::new(), limit(side, "7"));
        let judged = Judged::of(&request, Some(quantity(qty)), None);
        let position = OpenPosition::default();
        let verdict =
            filters.check(&request, judged, &position, Counts::default(), &mut |_| price("1"), &mut |r| seen.push(r));
        let last = seen.pop().unwrap();
        assert!(seen.iter().all(Reading::holds), "{seen:?}");
        assert_eq!(last.holds(), verdict.is_ok(), "{last:?}");
        if let Err(refusal) = verdict {
            assert_eq!(refusal.text, format!("Filter failure: {}", last.filter));
        }
        [&seen[..], &[last]].concat()
    };
    let quantity_of = |qty: &str| Look::Quantity { parameter: "quantity", quantity: quantity(qty), bounds: lot };
    let price_of = Look::Price { parameter: "price", price: price("7"), bounds };
    let (at_price, at_lot) = (Reading { filter: FilterName::PriceFilter, look: price_of }, |qty| Reading {
        filter: FilterName::LotSize,
        look: quantity_of(qty),
    });
    assert_eq!(seen(Side::Sell, "6"), [at_price, at_lot("6")], "positions are judged of BUY only");
    assert_eq!(seen(Side::Sell, "6.5"), [at_price, at_lot("6.5")]);
    let (held, open_buys, at_most) = (Amount::ZERO, Amount::ZERO, amount("5"));
    let look = Look::Position { held, open_buys, quantity: quantity("6"), at_most };
    let position = Reading { filter: FilterName::MaxPosition, look };
    assert_eq!(seen(Side::Buy, "6"), [at_price, at_lot("6"), position]);
    assert_eq!(filters.names().len(), 4);
}
