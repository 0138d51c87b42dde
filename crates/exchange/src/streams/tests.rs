//! What listeners are told, held against what somebody who asks is told.

mod book;
mod messages;
mod series;

use candlewick_model::Timestamp;
use candlewick_model::time::MINUTE;
use serde_json::Value;

use super::session::{Session, Target};
use crate::local::LocalExchange;
use crate::market::tests::{place, plan, setup, start};
use crate::outlet::{Inlet, way};
use crate::streams::Streams;

/// Somebody who listens.
struct Ear {
    session: Session,
    inlet: Inlet,
}

impl Ear {
    /// Of a URL's path and query.
    fn at(url: &str, exchange: &mut LocalExchange) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (outlet, inlet) = way();
        Self { session: Session::open(Target::read(path, query).unwrap(), outlet, exchange), inlet }
    }

    /// Everything that was said since, as it was written.
    fn texts(&mut self) -> Vec<String> {
        assert!(!self.inlet.has_fallen_behind());
        std::iter::from_fn(|| self.inlet.waiting()).map(|text| text.to_string()).collect()
    }

    /// The same as JSON.
    fn heard(&mut self) -> Vec<Value> {
        self.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// Says something and hears the answer.
    fn ask(&mut self, exchange: &mut LocalExchange, request: &str) -> String {
        self.session.hear(request, exchange);
        self.texts().remove(0)
    }
}

fn streams(exchange: &LocalExchange) -> &Streams {
    &exchange.audience.streams
}

/// An hour of a market.
fn exchange(seed: u64) -> LocalExchange {
    LocalExchange::new(&setup(&plan(seed, candlewick_model::Interval::OneMinute)))
}

fn steps(exchange: &mut LocalExchange, bars: usize) {
    for _ in 0..bars {
        exchange.step(None).unwrap();
    }
}

#[test]
fn subscriptions_come_and_go() {
    let mut exchange = exchange(1);
    let mut ear = Ear::at("/ws/btcusdt@kline_1m/BTCUSDT@trade/ethusdt@trade/nonsense", &mut exchange);
    let list =
        |ear: &mut Ear, exchange: &mut LocalExchange| ear.ask(exchange, r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#);
    assert_eq!(
        list(&mut ear, &mut exchange),
        r#"{"result":["btcusdt@kline_1m","BTCUSDT@trade","ethusdt@trade","nonsense"],"id":3}"#
    );
    steps(&mut exchange, 1);
    assert!(ear.heard().iter().all(|event| event["e"] == "kline"), "nothing of what means nothing");
    let request = r#"{"method":"UNSUBSCRIBE","params":["btcusdt@kline_1m","nonsense","never"],"id":"x-1"}"#;
    assert_eq!(ear.ask(&mut exchange, request), r#"{"result":null,"id":"x-1"}"#);
    assert!(streams(&exchange).is_empty());
    steps(&mut exchange, 1);
    assert_eq!(ear.texts(), Vec::<String>::new());
    let request = r#"{"method":"SUBSCRIBE","params":["btcusdt@miniTicker","btcusdt@miniTicker"],"id":null}"#;
    assert_eq!(ear.ask(&mut exchange, request), r#"{"result":null,"id":null}"#);
    exchange.step(Some(exchange.now().plus(1))).unwrap();
    assert_eq!(ear.heard().len(), 1, "once is enough");
    ear.session.close(&mut exchange);
    assert!(streams(&exchange).is_empty());
}

#[test]
fn envelopes_are_a_property() {
    let mut exchange = exchange(1);
    let mut ear = Ear::at("/ws/btcusdt@bookTicker", &mut exchange);
    assert_eq!(
        ear.ask(&mut exchange, r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#),
        r#"{"result":false,"id":2}"#
    );
    let request = r#"{"method":"SET_PROPERTY","params":["combined",true],"id":5}"#;
    assert_eq!(ear.ask(&mut exchange, request), r#"{"result":null,"id":5}"#);
    assert_eq!(
        ear.ask(&mut exchange, r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#),
        r#"{"result":true,"id":2}"#
    );
    steps(&mut exchange, 1);
    let heard = ear.heard();
    assert!(!heard.is_empty());
    for message in heard {
        assert_eq!(message.as_object().unwrap().keys().collect::<Vec<_>>(), ["stream", "data"]);
        assert_eq!(
            (message["stream"].as_str(), message["data"]["s"].as_str()),
            (Some("btcusdt@bookTicker"), Some("BTCUSDT"))
        );
    }
}

#[test]
fn a_connection_has_1024_streams() {
    let mut exchange = exchange(1);
    let names: Vec<String> = (0..1_024).map(|at| format!("a{at}@trade")).collect();
    let mut ear = Ear::at(&format!("/stream?streams={}", names[..1_000].join("/")), &mut exchange);
    let mut subscribe = |ear: &mut Ear, names: &[String]| {
        let request = serde_json::json!({ "method": "SUBSCRIBE", "params": names, "id": 1 });
        ear.ask(&mut exchange, &request.to_string())
    };
    assert_eq!(subscribe(&mut ear, &names), r#"{"result":null,"id":1}"#, "those that it has do not count again");
    let refused = r#"{"error":{"code":2,"msg":"Invalid request: too many parameters"},"id":1}"#;
    assert_eq!(subscribe(&mut ear, &["one@trade".to_owned()]), refused);
}

#[test]
fn who_falls_behind_is_forgotten() {
    let mut exchange = exchange(1);
    let mut slow = Ear::at("/ws/btcusdt@trade", &mut exchange);
    let mut quick = Ear::at("/ws/btcusdt@trade", &mut exchange);
    let mut heard = 0;
    while !slow.inlet.has_fallen_behind() {
        steps(&mut exchange, 1);
        heard += quick.texts().len();
    }
    assert!(heard > 1_000);
    slow.session.close(&mut exchange);
    quick.session.close(&mut exchange);
    assert!(streams(&exchange).is_empty());
}

#[test]
fn the_same_happens_twice_in_the_same_bytes() {
    let told = |seed| {
        let mut exchange = exchange(seed);
        let names =
            "btcusdt@trade/btcusdt@kline_5m/btcusdt@depth@100ms/btcusdt@ticker/!miniTicker@arr/btcusdt@avgPrice";
        let mut ear = Ear::at(&format!("/stream?streams={names}&timeUnit=MICROSECOND"), &mut exchange);
        let mut texts = Vec::new();
        for minute in 0..8 {
            place(&mut exchange, "BUY", -minute);
            exchange.step(Some(exchange.now().plus(minute * 7_000_000))).unwrap();
            texts.extend(ear.texts());
        }
        texts
    };
    assert!(told(3).len() > 100);
    assert_eq!(told(3), told(3));
    assert_ne!(told(3), told(4));
}

#[test]
fn nobody_is_told_more_often_than_documented() {
    for (stream, least_us) in
        [("kline_1m", 2_000_000), ("ticker", 1_000_000), ("depth", 1_000_000), ("depth@100ms", 100_000)]
    {
        let plan = plan(2, candlewick_model::Interval::OneSecond);
        let mut exchange = LocalExchange::new(&setup(&plan));
        let mut ear = Ear::at(&format!("/ws/btcusdt@{stream}?timeUnit=MICROSECOND"), &mut exchange);
        steps(&mut exchange, 130);
        let heard = ear.heard();
        let time = |event: &Value| Timestamp::from_micros(event["E"].as_i64().unwrap());
        let is_early = |two: &&[Value]| time(&two[1]) < time(&two[0]).plus(least_us);
        let early: Vec<_> = heard.windows(2).filter(is_early).collect();
        assert!(early.iter().all(|two| two[1]["k"]["x"] == true), "only a bar that has closed: {stream}");
        let expected = 130 * 1_000_000 / least_us;
        assert!((expected / 4..=expected + 4).contains(&(heard.len() as i64)), "{stream}: {}", heard.len());
    }
}

#[test]
fn what_came_too_early_is_told_when_time_goes_on() {
    let mut exchange = exchange(2);
    exchange.step(Some(start())).unwrap();
    let mut ear = Ear::at("/ws/btcusdt@depth", &mut exchange);
    place(&mut exchange, "BUY", -5);
    assert_eq!(ear.heard().len(), 1);
    place(&mut exchange, "BUY", -6);
    assert_eq!(ear.heard().len(), 0, "less than a second later");
    exchange.step(Some(start().plus(2_000_000))).unwrap();
    let late = ear.heard();
    assert_eq!((late.len(), late[0]["b"].as_array().unwrap().len()), (1, 1));
    exchange.step(Some(start().plus(4_000_000))).unwrap();
    assert_eq!(ear.heard().len(), 0, "nothing has changed");
    assert!(exchange.now() < start().plus(MINUTE));
}

#[test]
fn after_a_jump_streams_go_on_from_there() {
    let mut exchange = exchange(2);
    steps(&mut exchange, 3);
    let names =
        ["trade", "kline_5m", "kline_1m", "depth@100ms", "bookTicker", "ticker"].map(|kind| format!("btcusdt@{kind}"));
    let mut ear = Ear::at(&format!("/stream?streams={}", names.join("/")), &mut exchange);
    steps(&mut exchange, 1);
    ear.texts();
    // The same market, earlier and later.
    for minutes in [2, 9] {
        let mut other = LocalExchange::new(&setup(&plan(2, candlewick_model::Interval::OneMinute)));
        steps(&mut other, minutes);
        std::mem::swap(&mut other.audience, &mut exchange.audience);
        exchange = other;
        let mut streams = std::mem::take(&mut exchange.audience.streams);
        streams.jumped(&crate::market::tests::only(&exchange));
        let now = exchange.now().millis();
        exchange.audience.streams = streams;
        let told = ear.heard();
        let of = |kind: &str| told.iter().rfind(|message| message["stream"] == format!("btcusdt@{kind}"));
        assert_eq!(of("ticker").unwrap()["data"]["E"], now);
        assert_eq!(
            of("kline_5m").unwrap()["data"]["k"]["t"],
            start().plus((minutes as i64 - 1) / 5 * 5 * MINUTE).millis()
        );
        assert!(of("trade").is_none(), "what was on the way is not told");
        assert_eq!(of("depth@100ms").is_some(), minutes == 9, "updates go on, never back");
        exchange.step(None).unwrap();
        let told = ear.heard();
        let first = told.iter().find(|message| message["stream"] == "btcusdt@trade").unwrap();
        let bar = told.iter().rfind(|message| message["data"]["k"]["x"] == true).unwrap();
        assert_eq!(first["data"]["t"], bar["data"]["k"]["f"]);
    }
}

#[test]
fn a_listen_key_is_a_stream_too() {
    let mut exchange = exchange(2);
    exchange.step(Some(start())).unwrap();
    let now = exchange.now();
    let key = exchange.audience.users.keys.of_account(0, now);
    let mut raw = Ear::at(&format!("/ws/{key}"), &mut exchange);
    let mut combined = Ear::at("/stream", &mut exchange);
    let request = format!(r#"{{"method":"SUBSCRIBE","params":["{key}","btcusdt@bookTicker"],"id":1}}"#);
    combined.ask(&mut exchange, &request);
    place(&mut exchange, "BUY", -5);
    let raw = raw.heard();
    assert_eq!(raw[0]["e"], "executionReport");
    let combined = combined.heard();
    assert_eq!((&combined[0]["stream"], &combined[0]["data"]), (&Value::from(key), &raw[0]));
}
