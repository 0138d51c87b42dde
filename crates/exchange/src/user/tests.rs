//! Listen keys as streams; everything else is followed from outside, over sockets.

use std::sync::Arc;

use candlewick_model::run::FillModel;
use candlewick_model::time::{DAY, HOUR};
use candlewick_model::{Account, Action, Command, ExchangeInfo, Interval, RawParameters, TimeUnit, Timestamp};
use candlewick_simulator::{Market, Setup, Timeline};
use serde_json::{Value, json};

use crate::MarketPlan;
use crate::local::LocalExchange;
use crate::outlet::{Inlet, way};

fn exchange() -> LocalExchange {
    let start: Timestamp = "2023-03-01".parse().unwrap();
    let plan = MarketPlan::bitcoin(5, Interval::OneMinute, start, start.plus(DAY));
    let mut info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
    let instrument = info.instruments.remove(&plan.symbol).unwrap();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let market = Market::new(timeline, FillModel::default(), plan.interval, Arc::new(plan.bars()));
    LocalExchange::new(&Setup::of_one(market, Account::from_iter([(plan.quote_asset, "10000".parse().unwrap())])))
}

fn buy(exchange: &mut LocalExchange) {
    let order = [("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "MARKET"), ("quantity", "0.01")];
    let raw = RawParameters::from_iter(order);
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(raw))).unwrap();
}

fn waiting(inlet: &mut Inlet) -> Vec<Value> {
    std::iter::from_fn(|| inlet.waiting()).map(|text| serde_json::from_str(&text).unwrap()).collect()
}

#[test]
fn a_key_is_a_stream_raw_or_in_an_envelope() {
    let mut exchange = exchange();
    let now = exchange.now();
    let users = &mut exchange.audience.users;
    let key = users.keys.of_account(0, now);
    let ((raw, mut of_raw), (enveloped, mut of_enveloped)) = (way(), way());
    assert!(!users.follow("btcusdt@trade", false, TimeUnit::Milliseconds, &raw, now), "no key");
    assert!(users.follow(&key, false, TimeUnit::Milliseconds, &raw, now));
    assert!(users.follow(&key, true, TimeUnit::Milliseconds, &enveloped, now));
    buy(&mut exchange);
    let (told, wrapped) = (waiting(&mut of_raw), waiting(&mut of_enveloped));
    let names: Vec<_> = told.iter().map(|event| event["e"].as_str().unwrap()).collect();
    assert_eq!(names, ["executionReport", "executionReport", "outboundAccountPosition"]);
    let expected: Vec<_> = told.iter().map(|event| json!({ "stream": key, "data": event })).collect();
    assert_eq!(wrapped, expected);
    exchange.audience.users.leave(Some(&key), &raw);
    exchange.audience.users.leave(Some("another"), &enveloped);
    buy(&mut exchange);
    assert_eq!((waiting(&mut of_raw).len(), waiting(&mut of_enveloped).len()), (0, 3));
    exchange.audience.users.close(&key);
    buy(&mut exchange);
    assert_eq!(waiting(&mut of_enveloped).len(), 0);
}

#[test]
fn a_key_that_nobody_keeps_ends_with_an_event() {
    let mut exchange = exchange();
    let now = exchange.now();
    let users = &mut exchange.audience.users;
    let key = users.keys.of_account(0, now);
    let (outlet, mut inlet) = way();
    assert!(users.follow(&key, false, TimeUnit::Milliseconds, &outlet, now));
    while exchange.now() < now.plus(HOUR) {
        assert_eq!(waiting(&mut inlet), [Value::Null; 0]);
        exchange.step(None).unwrap();
    }
    let over = exchange.now().millis();
    assert_eq!(waiting(&mut inlet), [json!({ "e": "listenKeyExpired", "E": over, "listenKey": key })]);
    assert!(!exchange.audience.users.follow(&key, false, TimeUnit::Milliseconds, &outlet, exchange.now()));
    buy(&mut exchange);
    assert_eq!(waiting(&mut inlet), [Value::Null; 0]);
}

#[test]
fn who_has_gone_is_forgotten() {
    let mut exchange = exchange();
    let (outlet, inlet) = way();
    exchange.audience.users.subscribe(0, 0, TimeUnit::Milliseconds, &outlet);
    drop(inlet);
    buy(&mut exchange);
    assert!(exchange.audience.users.followers.is_empty());
}

#[test]
fn what_is_told_alike_is_made_once_and_the_rest_apart() {
    let mut exchange = exchange();
    let ways: Vec<_> = (0..4).map(|_| way()).collect();
    let wishes = [(0, TimeUnit::Milliseconds), (0, TimeUnit::Microseconds), (3, TimeUnit::Milliseconds)];
    for ((outlet, _), (id, unit)) in ways.iter().zip(wishes.into_iter().chain([wishes[0]])) {
        exchange.audience.users.subscribe(0, id, unit, outlet);
    }
    buy(&mut exchange);
    let [first, micros, third, fourth] =
        <[Vec<Value>; 4]>::try_from(ways.into_iter().map(|(_, mut inlet)| waiting(&mut inlet)).collect::<Vec<_>>())
            .unwrap();
    assert_eq!((first.len(), &first), (3, &fourth));
    let with_id = |id: u64| first.iter().map(move |told| json!({ "subscriptionId": id, "event": told["event"] }));
    assert_eq!(third, with_id(3).collect::<Vec<_>>());
    for (millis, micros) in first.iter().zip(&micros) {
        let time = |told: &Value| told["event"]["E"].as_i64().unwrap();
        assert_eq!((time(millis), &micros["subscriptionId"]), (time(micros) / 1_000, &json!(0)));
    }
}
