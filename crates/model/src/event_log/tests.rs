use proptest::prelude::*;

use super::*;
use crate::command::{CancelRequest, OrderKind, OrderRequest, OrderSize, Trigger, TriggerKind};
use crate::execution::{Fill, Prevented, Refusal};
use crate::number::{Amount, Price, Quantity};
use crate::order::*;
use crate::text::{Asset, ClientOrderId, Symbol};

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![Just(0), any::<i64>(), 0..1_000_i64].prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![Just(0), 0..i64::MAX].prop_map(Quantity::from_units)
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![Just(0), any::<i128>(), 0..1_000_i128].prop_map(Amount::from_units)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn name() -> impl Strategy<Value = ClientOrderId> {
    prop_oneof![Just("cw1"), Just(""), Just("abcdefghijklmnopqrstuvwxyz0123456789")]
        .prop_map(|text| ClientOrderId::new(text).unwrap())
}

fn symbol() -> impl Strategy<Value = Symbol> {
    one_of(&["BTCUSDT", "币安人生USDT"]).prop_map(|text| Symbol::new(text).unwrap())
}

fn peg() -> impl Strategy<Value = Option<Peg>> {
    prop::option::of((one_of(PegPriceType::ALL), any::<Option<u8>>()))
        .prop_map(|peg| peg.map(|(price_type, offset)| Peg { price_type, offset }))
}

fn order() -> impl Strategy<Value = Order> {
    let ids = (any::<u64>(), name(), symbol(), one_of(Side::ALL));
    let kinds = (one_of(OrderType::ALL), one_of(TimeInForce::ALL), price(), price(), time());
    let rest = (prop::option::of(any::<u64>()), any::<Option<u32>>(), prop::option::of(time()), quantity(), peg());
    let filled = (quantity(), quantity(), amount(), quantity(), one_of(OrderStatus::ALL), prop::option::of(time()));
    let last = (prop::option::of(one_of(ExpiryReason::ALL)), one_of(SelfTradePrevention::ALL), any::<Option<u64>>());
    (ids, kinds, rest, filled, last).prop_map(|(ids, kinds, rest, filled, last)| Order {
        order_list_id: rest.0,
        trailing_delta: rest.1,
        trailing_time: rest.2,
        iceberg_quantity: rest.3,
        peg: rest.4,
        quantity: filled.0,
        filled_quantity: filled.1,
        filled_quote: filled.2,
        quote_order_quantity: filled.2,
        prevented_quantity: filled.3,
        status: filled.4,
        working_time: filled.5,
        expiry_reason: last.0,
        self_trade_prevention: last.1,
        strategy_id: last.2,
        ..Order::told((ids.0, ids.1), (ids.2, ids.3), (kinds.0, kinds.1), (kinds.2, kinds.3), kinds.4)
    })
}

fn fill() -> impl Strategy<Value = Fill> {
    (any::<u64>(), price(), quantity(), amount(), amount(), one_of(&["BTC", "BNB"]), one_of(Liquidity::ALL)).prop_map(
        |(trade_id, price, quantity, quote_quantity, commission, asset, liquidity)| Fill {
            trade_id,
            price,
            quantity,
            quote_quantity,
            commission,
            commission_asset: Asset::new(asset).unwrap(),
            liquidity,
        },
    )
}

fn prevented() -> impl Strategy<Value = Prevented> {
    (any::<u64>(), quantity(), any::<u64>(), price(), quantity(), one_of(SelfTradePrevention::ALL)).prop_map(
        |(match_id, quantity, counter_order_id, price, match_quantity, mode)| Prevented {
            match_id,
            quantity,
            counter_order_id,
            price,
            match_quantity,
            mode,
        },
    )
}

fn report() -> impl Strategy<Value = Event> {
    let rest = (prop::option::of(fill()), prop::option::of(prevented()), prop::option::of(name()));
    let rejected = prop::option::of(one_of(RejectReason::ALL));
    let rest = (rest, rejected);
    (time(), any::<u64>(), one_of(ExecutionType::ALL), order(), rest).prop_map(
        |(time, execution_id, execution_type, order, ((fill, prevented, cancel_client_order_id), reject_reason))| {
            let report = ExecutionReport::of(&order, execution_id, execution_type);
            Event::ExecutionReport(ExecutionReport {
                time,
                fill,
                prevented,
                cancel_client_order_id,
                reject_reason,
                ..report
            })
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let kind = prop_oneof![
        Just(OrderKind::Market),
        price().prop_map(|price| OrderKind::LimitMaker { price }),
        (price(), one_of(TimeInForce::ALL))
            .prop_map(|(price, time_in_force)| OrderKind::Limit { price, time_in_force }),
    ];
    let size = prop_oneof![
        Just(OrderSize::Received),
        quantity().prop_map(OrderSize::Base),
        amount().prop_map(OrderSize::Quote),
    ];
    let trigger = (any::<bool>(), prop::option::of(price()), any::<Option<u32>>()).prop_map(|(loss, stop, delta)| {
        let kind = if loss { TriggerKind::StopLoss } else { TriggerKind::TakeProfit };
        Trigger { kind, stop_price: stop, trailing_delta: delta }
    });
    let rest = (prop::option::of(trigger), prop::option::of(quantity()), peg(), prop::option::of(name()));
    let submit = (symbol(), one_of(Side::ALL), kind, size, rest, any::<Option<u32>>()).prop_map(
        |(symbol, side, kind, size, (trigger, iceberg_quantity, peg, client_order_id), strategy_type)| {
            Command::Submit(OrderRequest {
                trigger,
                iceberg_quantity,
                peg,
                client_order_id,
                strategy_type,
                ..OrderRequest::new(symbol, side, kind, size)
            })
        },
    );
    let restrictions = prop::option::of(one_of(CancelRestrictions::ALL));
    let cancel = (symbol(), any::<Option<u64>>(), prop::option::of(name()), prop::option::of(name()), restrictions)
        .prop_map(|(symbol, order_id, original_client_order_id, client_order_id, restrictions)| {
            let names = (original_client_order_id, client_order_id);
            Command::Cancel(CancelRequest {
                symbol,
                order_id,
                original_client_order_id: names.0,
                client_order_id: names.1,
                restrictions,
            })
        });
    prop_oneof![3 => submit, 2 => cancel, 1 => symbol().prop_map(Command::CancelAll)]
}

fn event() -> impl Strategy<Value = Event> {
    let sent = (time(), any::<u64>(), command()).prop_map(|(time, command, parameters)| Event::Sent {
        time,
        command,
        action: parameters.action(),
        parameters,
    });
    let refused = (time(), any::<u64>()).prop_map(|(time, command)| Event::Refused {
        time,
        command,
        action: crate::Action::New,
        refusal: Refusal::new(-1013, "no"),
    });
    prop_oneof![4 => report(), 3 => sent, 1 => refused]
}

/// What the log is for: the life of a market order in a fraction of what the values take.
#[test]
fn a_log_is_small() {
    let mut log = EventLog::default();
    for n in 1..=1_000 {
        let name = ClientOrderId::numbered("cw", n);
        let time = Timestamp::from_millis(1_700_000_000_000 + n as i64 * 60_000);
        let (symbol, quantity) = (Symbol::new("BTCUSDT").unwrap(), Quantity::from_units(12_345_000 + n as i64));
        let kinds = (OrderType::Market, TimeInForce::Gtc);
        let size = OrderSize::Base(quantity);
        let request = OrderRequest {
            client_order_id: Some(name),
            ..OrderRequest::new(symbol, Side::Buy, OrderKind::Market, size)
        };
        log.push_sent(time, n, &Command::Submit(request));
        let mut order = Order::told((n, name), (symbol, Side::Buy), kinds, (Price::ZERO, Price::ZERO), time);
        order.quantity = quantity;
        log.push_report(&ExecutionReport::of(&order, 2 * n, ExecutionType::New));
        (order.filled_quantity, order.status) = (quantity, OrderStatus::Filled);
        let price = Price::from_units(3_000_000_000_000 + n as i64 * 1_000_000);
        let quote_quantity = price.notional_floor(quantity);
        order.filled_quote = quote_quantity;
        let commission = Amount::from_units(12_345 + i128::from(n));
        let fill = Fill {
            trade_id: n,
            price,
            quantity,
            quote_quantity,
            commission,
            commission_asset: Asset::new("BTC").unwrap(),
            liquidity: Liquidity::Taker,
        };
        let report = ExecutionReport::of(&order, 2 * n + 1, ExecutionType::Trade);
        log.push_report(&ExecutionReport { fill: Some(fill), ..report });
    }
    let per_event = log.end / log.len();
    assert!(per_event * 15 < size_of::<Event>(), "{per_event} bytes an event");
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(events in prop::collection::vec(event(), 0..40)) {
        let log: EventLog = events.iter().cloned().collect();
        prop_assert_eq!(log.len(), events.len());
        prop_assert_eq!(log.iter().collect::<Vec<_>>(), events);
    }

    #[test]
    fn a_cursor_goes_on_where_it_stopped(events in prop::collection::vec(event(), 1..20), cut in 0..20_usize) {
        let cut = cut.min(events.len());
        let mut log: EventLog = events[..cut].iter().cloned().collect();
        let mut cursor = Cursor::default();
        let mut read: Vec<_> = std::iter::from_fn(|| log.read(&mut cursor)).collect();
        log.extend(events[cut..].iter().cloned());
        read.extend(std::iter::from_fn(|| log.read(&mut cursor)));
        prop_assert_eq!(read, events);
    }
}
