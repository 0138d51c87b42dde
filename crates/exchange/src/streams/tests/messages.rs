//! Payloads member by member, and what clients may send.

use std::sync::Arc;

use candlewick_model::Interval;
use candlewick_simulator::Reference;
use proptest::prelude::*;
use serde_json::Value;

use super::{Ear, exchange, steps};
use crate::local::LocalExchange;
use crate::market::tests::{plan, setup, start};

/// The members of every payload, in the order of the documents; of an inner object behind a dot.
const MEMBERS: [(&str, &str); 20] = [
    ("btcusdt@aggTrade", "e E s a p q f l T m M"),
    ("btcusdt@trade", "e E s t p q T m M"),
    ("btcusdt@kline_1m", "e E s k k.t k.T k.s k.i k.f k.L k.o k.c k.h k.l k.v k.n k.x k.q k.V k.Q k.B"),
    ("btcusdt@kline_1d@+08:00", "e E s k k.t k.T k.s k.i k.f k.L k.o k.c k.h k.l k.v k.n k.x k.q k.V k.Q k.B"),
    ("btcusdt@miniTicker", "e E s c o h l v q"),
    ("!miniTicker@arr", "e E s c o h l v q"),
    ("btcusdt@ticker", "e E s p P w x c Q b B a A o h l v q O C F L n"),
    ("btcusdt@ticker_1h", "e E s p P o h l c w v q O C F L n"),
    ("btcusdt@ticker_4h", "e E s p P o h l c w v q O C F L n"),
    ("btcusdt@ticker_1d", "e E s p P o h l c w v q O C F L n"),
    ("!ticker_1h@arr", "e E s p P o h l c w v q O C F L n"),
    ("!ticker_1d@arr", "e E s p P o h l c w v q O C F L n"),
    ("btcusdt@bookTicker", "u s b B a A"),
    ("btcusdt@avgPrice", "e E s i w T"),
    ("btcusdt@depth5", "lastUpdateId bids asks"),
    ("btcusdt@depth10@100ms", "lastUpdateId bids asks"),
    ("btcusdt@depth20@1000ms", "lastUpdateId bids asks"),
    ("btcusdt@depth", "e E s U u b a"),
    ("btcusdt@depth@100ms", "e E s U u b a"),
    ("btcusdt@referencePrice", "e s r t"),
];

/// Members that are numbers or truths; all others are texts, lists or objects.
const NUMBERS: [&str; 17] =
    ["E", "T", "a", "t", "f", "l", "m", "M", "O", "C", "F", "L", "n", "u", "U", "lastUpdateId", "x"];

fn members(value: &Value) -> Vec<String> {
    let inner = |(name, value): (&String, &Value)| {
        let below = value.as_object().into_iter().flat_map(|inner| inner.keys().map(|key| format!("{name}.{key}")));
        std::iter::once(name.clone()).chain(below).collect::<Vec<_>>()
    };
    value.as_object().unwrap().iter().flat_map(inner).collect()
}

fn with_reference() -> LocalExchange {
    let mut setup = setup(&plan(5, Interval::OneMinute));
    setup.markets[0].reference = Reference::Recorded(Arc::from([(start(), Some("23000".parse().unwrap()))]));
    LocalExchange::new(&setup)
}

#[test]
fn payloads_have_the_documented_members() {
    let mut exchange = with_reference();
    let names: Vec<&str> = MEMBERS.iter().map(|(name, _)| *name).collect();
    let mut ear = Ear::at(&format!("/stream?streams={}", names.join("/")), &mut exchange);
    steps(&mut exchange, 3);
    let heard = ear.heard();
    for (name, expected) in MEMBERS {
        let own: Vec<&Value> = heard.iter().filter(|message| message["stream"] == name).map(|m| &m["data"]).collect();
        assert!(!own.is_empty(), "{name} says nothing");
        for payload in own {
            let payload = if name.ends_with("@arr") { &payload.as_array().unwrap()[0] } else { payload };
            assert_eq!(members(payload).join(" "), expected, "{name}");
            let bars = payload.get("k").and_then(Value::as_object).into_iter().flatten();
            for (member, value) in payload.as_object().unwrap().iter().chain(bars) {
                // Tickers have texts where trades have numbers; of bars only times, counts and x are numbers.
                let is_price = value.as_str().is_some_and(|text| text.contains('.') && text.parse::<f64>().is_ok());
                let is_word = ["e", "s", "i", "B"].contains(&member.as_str());
                let is_other = value.is_array() || value.is_object();
                let is_number = (value.is_number() || value.is_boolean()) && NUMBERS.contains(&member.as_str());
                assert!(
                    is_price || (is_word && value.is_string()) || is_other || is_number,
                    "{name}: {member} {value}"
                );
            }
        }
    }
}

#[test]
fn times_are_in_the_unit_of_the_connection() {
    let mut exchange = exchange(5);
    let mut millis = Ear::at("/ws/btcusdt@trade", &mut exchange);
    let mut micros = Ear::at("/ws/btcusdt@trade?timeUnit=microsecond", &mut exchange);
    steps(&mut exchange, 1);
    let (millis, micros) = (millis.heard(), micros.heard());
    assert!(!millis.is_empty() && millis.len() == micros.len());
    for (a, b) in millis.iter().zip(&micros) {
        for member in ["E", "T"] {
            assert_eq!(a[member].as_i64().unwrap(), b[member].as_i64().unwrap() / 1_000);
        }
        assert_eq!(a["t"], b["t"]);
    }
}

#[test]
fn words_as_documented() {
    let mut exchange = exchange(5);
    let names = "btcusdt@kline_1h/btcusdt@ticker_4h/btcusdt@avgPrice/btcusdt@ticker";
    let mut ear = Ear::at(&format!("/stream?streams={names}"), &mut exchange);
    exchange.step(Some(start())).unwrap();
    let heard = ear.heard();
    let of = |name: &str| &heard.iter().find(|message| message["stream"] == name).unwrap()["data"];
    let kline = of("btcusdt@kline_1h");
    assert_eq!((kline["e"].as_str(), kline["k"]["i"].as_str()), (Some("kline"), Some("1h")));
    assert_eq!((kline["k"]["t"].as_i64(), kline["k"]["x"].as_bool()), (Some(start().millis()), Some(false)));
    assert_eq!(kline["E"].as_i64(), Some(start().millis()));
    assert_eq!(of("btcusdt@ticker_4h")["e"], "4hTicker");
    assert_eq!(
        (of("btcusdt@avgPrice")["e"].as_str(), of("btcusdt@avgPrice")["i"].as_str()),
        (Some("avgPrice"), Some("5m"))
    );
    let day = of("btcusdt@ticker");
    assert_eq!(
        (day["e"].as_str(), day["x"].as_str(), day["F"].as_i64()),
        (Some("24hrTicker"), Some("0.00000000"), Some(0))
    );
    assert_eq!(day["C"].as_i64().unwrap() - day["O"].as_i64().unwrap(), 86_400_000);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z@_!0-9]{0,12}".prop_map(Value::from),
        Just(Value::from("combined")),
        Just(Value::from("btcusdt@kline_1m")),
        Just(Value::from("btcusdt@depth")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names = prop_oneof![Just("method"), Just("params"), Just("id"), Just("x")].prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every text is answered once, and the exchange goes on.
    #[test]
    fn any_text_is_answered(
        texts in proptest::collection::vec(prop_oneof!["\\PC{0,60}", any_json().prop_map(|json| json.to_string())], 1..6),
        method in "SUBSCRIBE|UNSUBSCRIBE|LIST_SUBSCRIPTIONS|SET_PROPERTY|GET_PROPERTY|[A-Z_]{1,9}",
        params in any_json(),
        id in any_json(),
    ) {
        let mut exchange = exchange(1);
        let mut ear = Ear::at("/ws", &mut exchange);
        let request = serde_json::json!({ "method": method, "params": params, "id": id }).to_string();
        for text in texts.iter().chain([&request, &request[..request.len() / 2].to_owned()].into_iter().filter(|t| !t.is_empty())) {
            ear.session.hear(text, &mut exchange);
            let answers = ear.heard();
            prop_assert_eq!(answers.len(), 1);
            prop_assert!(answers[0].get("result").is_some() != answers[0].get("error").is_some());
            prop_assert!(answers[0].get("id").is_some());
        }
        exchange.step(None).unwrap();
        ear.session.close(&mut exchange);
        prop_assert!(super::streams(&exchange).is_empty());
    }

    /// No URL is too strange.
    #[test]
    fn any_url_is_read(path in "/(ws|stream|wss)?[/%@+a-zA-Z0-9\u{e9}\u{5e01}!_]{0,30}", query in "\\PC{0,40}") {
        let mut exchange = exchange(1);
        if let Some(target) = super::Target::read(&path, &query) {
            let (outlet, _inlet) = super::way();
            super::Session::open(target, outlet, &mut exchange).close(&mut exchange);
        }
        prop_assert!(super::streams(&exchange).is_empty());
    }
}
