//! Faults on WebSockets: answers, events and connections that go wrong.

use std::time::{Duration, Instant};

use candlewick_exchange::Service;
use candlewick_exchange::faults::{FaultPlan, Server};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::events::{limit, shorts};
use super::{Scene, Socket, payload, run};
use crate::exchange::{KEY, credentials, service};

fn with(faults: Value) -> Service {
    Service { faults: FaultPlan::from_json(faults.to_string().as_bytes(), Server::Trading).unwrap(), ..service() }
}

#[test]
fn a_request_meets_the_faults_of_rest() {
    let faults = json!([
        {"kind": "timeout", "method": "POST", "executed": 1, "next": 1},
        {"kind": "status", "status": 400, "code": -1008, "msg": "Server is currently overloaded.",
         "path": "/api/v3/order", "method": "POST", "after": 1, "next": 1},
        {"kind": "clock", "path": "/api/v3/account", "offset_ms": -60_000, "next": 1},
    ]);
    run(with(faults), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.follow().await;
        let lost = socket.signed("order.place", limit("BUY", "15000", "0.01")).await;
        assert_eq!((&lost["status"], &lost["error"]["code"]), (&json!(504), &json!(-1007)));
        assert_eq!(shorts(&socket.take_events()), ["NEW 1 NEW", "position BTC USDT"], "it is on the book");
        let refused = socket.signed("order.place", limit("BUY", "15000", "0.01")).await;
        assert_eq!((&refused["status"], &refused["error"]["code"]), (&json!(400), &json!(-1008)));
        assert!(socket.take_events().is_empty());
        let early = socket.signed("account.status", json!({})).await;
        assert_eq!(early["error"]["code"], -1021, "{early}");
        assert_eq!(socket.signed("account.status", json!({})).await["status"], 200);
    });
}

/// Answers that say nothing of limits are the same each time.
const PLAIN: &str = "/ws-api/v3?returnRateLimits=false";

/// The text that comes next within a moment, whatever it is; `None` where nothing comes or the other
/// side has gone without good-bye.
async fn heard(socket: &mut Socket) -> Option<String> {
    let next = tokio::time::timeout(Duration::from_millis(300), socket.stream.next()).await.ok()??;
    Some(next.ok()?.into_text().unwrap().to_string())
}

#[test]
fn answers_that_do_not_arrive_as_they_were_said() {
    let of = |kind: &str, more: Value| {
        let mut fault = json!({ "kind": kind, "path": "/api/v3/time", "next": 1 });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault
    };
    run(service(), async |scene: Scene| {
        let meet = async |fault: Value| {
            let faults = format!("{}/control/faults", scene.server.url());
            assert_eq!(scene.http.post(faults).body(fault.to_string()).send().await.unwrap().status(), 200);
        };
        let mut socket = scene.connect_to(PLAIN).await.unwrap();
        let request = r#"{"id":"a","method":"time"}"#;
        socket.send(request).await;
        let whole = heard(&mut socket).await.unwrap();
        assert!(whole.starts_with(r#"{"id":"a","status":200,"result":{"#), "{whole}");
        let half = &whole[..whole.len() / 2];
        for (fault, expected) in [
            (of("lost", json!({})), None),
            (of("truncated", json!({})), Some(half)),
            (of("partial-json", json!({ "bytes": 9 })), Some(r#"{"id":"a""#)),
        ] {
            meet(fault).await;
            socket.send(request).await;
            assert_eq!(heard(&mut socket).await.as_deref(), expected);
            socket.send(request).await;
            assert_eq!(heard(&mut socket).await.unwrap().len(), whole.len(), "the connection goes on");
        }
        meet(of("corrupt", json!({}))).await;
        socket.send(request).await;
        let other = heard(&mut socket).await.unwrap();
        let differ = whole.bytes().zip(other.bytes()).filter(|(one, other)| one != other).count();
        assert_eq!((other.len(), differ), (whole.len(), 1), "{other}");
        meet(of("slow", json!({ "rate": 500 }))).await;
        let begun = Instant::now();
        socket.send(request).await;
        assert_eq!(heard(&mut socket).await.unwrap().len(), whole.len());
        assert!(begun.elapsed() >= Duration::from_millis(2 * whole.len() as u64), "{:?}", begun.elapsed());
        for (fault, expected) in [
            (of("status", json!({ "status": 503 })), json!([503, -1000, null])),
            (of("status", json!({ "status": 429, "retry_after": 7 })), json!([429, -1003, 7_000])),
        ] {
            meet(fault).await;
            let answer = socket.ask("time", json!({})).await;
            let error = &answer["error"];
            let data = error["data"].as_object();
            let wait = data.map(|data| data["retryAfter"].as_i64().unwrap() - data["serverTime"].as_i64().unwrap());
            assert_eq!(json!([answer["status"], error["code"], wait]), expected);
        }
        meet(of("status", json!({ "status": 418, "retry_after": 60 }))).await;
        assert_eq!(socket.ask("time", json!({})).await["status"], 418);
        let end = tokio::time::timeout(Duration::from_secs(20), socket.stream.next()).await.expect("it ends");
        assert!(
            matches!(end, Some(Ok(tokio_tungstenite::tungstenite::Message::Close(_)))),
            "a ban ends the connection: {end:?}"
        );
        for (fault, expected) in
            [(of("cut", json!({ "bytes": 9 })), Some(r#"{"id":"a""#)), (of("wrong-length", json!({})), None)]
        {
            let mut socket = scene.connect_to(PLAIN).await.unwrap();
            meet(fault).await;
            socket.send(request).await;
            assert_eq!(heard(&mut socket).await.as_deref(), expected);
            let end = tokio::time::timeout(Duration::from_secs(20), socket.stream.next()).await.expect("it ends");
            assert!(!matches!(end, Some(Ok(_))), "without a good-bye: {end:?}");
        }
    });
}

/// Nobody is told, and it has happened.
#[test]
fn what_was_executed_without_an_answer_is_there() {
    let faults = json!([
        {"kind": "lost", "path": "/api/v3/order", "method": "POST", "next": 1},
        {"kind": "timeout", "path": "userDataStream.subscribe.signature", "next": 1},
    ]);
    run(with(faults), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let lost = socket.signed("userDataStream.subscribe.signature", json!({})).await;
        assert_eq!(lost["error"]["code"], -1007);
        let mut order = limit("BUY", "15000", "0.01");
        (order["apiKey"], order["timestamp"]) = (KEY.into(), socket.now().await);
        order["signature"] = credentials().sign(&payload(&order)).into();
        socket.send(json!({ "id": 1, "method": "order.place", "params": order }).to_string()).await;
        assert_eq!(socket.signed("openOrders.status", json!({})).await["result"].as_array().unwrap().len(), 1);
        assert_eq!(shorts(&socket.take_events()), ["NEW 1 NEW", "position BTC USDT"]);
    });
}

#[test]
fn events_get_lost_come_twice_and_late() {
    let faults = json!([
        {"kind": "event-lost", "event": "outboundAccountPosition", "next": 1},
        {"kind": "event-twice", "event": "executionReport", "after": 1, "next": 1},
        {"kind": "event-late", "event": "executionReport", "delay_ms": 30_000, "after": 2, "next": 1},
    ]);
    run(with(faults), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.follow().await;
        for expected in
            [vec!["NEW 1 NEW"], vec!["NEW 2 NEW", "NEW 2 NEW", "position BTC USDT"], vec!["position BTC USDT"]]
        {
            socket.place(limit("BUY", "15000", "0.01")).await;
            assert_eq!(shorts(&socket.take_events()), expected);
        }
        // The bar that runs closes later than half a minute from its open.
        scene.step().await;
        socket.ask("ping", json!({})).await;
        assert_eq!(shorts(&socket.take_events()), ["NEW 3 NEW"]);
    });
}

#[test]
fn a_connection_breaks_and_another_falls_silent() {
    let faults = json!([
        {"kind": "lost", "path": "/api/v3/order", "method": "POST", "next": 1},
        {"kind": "socket-silent", "path": "/ws*"},
    ]);
    run(with(faults), async |scene: Scene| {
        let mut silent = scene.connect().await;
        silent.send(r#"{"id":1,"method":"ping"}"#).await;
        let nothing = tokio::time::timeout(Duration::from_millis(200), silent.stream.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        scene.http.delete(format!("{}/control/faults", scene.server.url())).send().await.unwrap();
        let mut socket = scene.connect().await;
        let faults = json!({"kind": "socket-dropped", "next": 1}).to_string();
        scene.http.post(format!("{}/control/faults", scene.server.url())).body(faults).send().await.unwrap();
        socket.send(r#"{"id":1,"method":"ping"}"#).await;
        let end = tokio::time::timeout(Duration::from_secs(20), socket.stream.next()).await.expect("it ends");
        assert!(!matches!(end, Some(Ok(_))), "without an answer or a good-bye: {end:?}");
        assert_eq!(scene.connect().await.ask("ping", json!({})).await["status"], 200);
    });
}

/// Everything that comes on a connection until it breaks, as it was written.
async fn until_broken(socket: &mut Socket) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(Ok(message)) =
        tokio::time::timeout(Duration::from_secs(20), socket.stream.next()).await.expect("it ends")
    {
        texts.extend(message.to_text().ok().filter(|_| message.is_text()).map(str::to_owned));
    }
    texts
}

/// The simulated minutes at which texts were said.
fn minutes(texts: &[String]) -> Vec<i64> {
    let of = |text: &String| {
        let told: Value = serde_json::from_str(text).unwrap();
        let event = if told["event"].is_null() { &told } else { &told["event"] };
        (event["E"].as_i64().unwrap() * 1_000 - crate::exchange::start().micros()) / 60_000_000
    };
    texts.iter().map(of).collect()
}

/// What a stream of bars and one of user events tell in forty minutes that are stepped through in
/// pieces, and then every connection is broken.
fn told_with(fault: &Value, piece: &str, pieces: usize) -> [Vec<String>; 2] {
    let mut told = [Vec::new(), Vec::new()];
    run(with(fault.clone()), async |scene: Scene| {
        let mut bars = scene.connect_to("/ws/btcusdt@kline_1m").await.unwrap();
        let mut user = scene.connect().await;
        let price: f64 = {
            scene.step().await;
            let last = user.ask("ticker.price", json!({ "symbol": "BTCUSDT" })).await["result"]["price"].clone();
            last.as_str().unwrap().parse().unwrap()
        };
        user.place(limit("BUY", &format!("{:.2}", price + 50.0), "0.04")).await;
        for at in 1..=20 {
            for (side, off) in [("BUY", -2.0), ("SELL", 2.0)] {
                user.place(limit(side, &format!("{:.2}", price + off * f64::from(at)), "0.001")).await;
            }
        }
        user.follow().await;
        let step = |body: Value| scene.http.post(format!("{}/control/step", scene.server.url())).json(&body).send();
        for _ in 0..pieces {
            assert_eq!(step(json!({ "for": piece })).await.unwrap().status(), 200);
        }
        let end = json!({ "kind": "socket-dropped" }).to_string();
        scene.http.post(format!("{}/control/faults", scene.server.url())).body(end).send().await.unwrap();
        step(json!({ "for": "1m" })).await.unwrap();
        user.send(r#"{"id":1,"method":"ping"}"#).await;
        told = [until_broken(&mut bars).await, until_broken(&mut user).await];
    });
    told
}

#[test]
fn connections_meet_faults_at_the_time_of_what_is_said() {
    let from_to = |kind: &str| {
        let time = |minute: i64| crate::exchange::start().plus(minute * 60_000_000).to_string();
        json!({ "kind": kind, "from": time(5), "to": time(9) })
    };
    let silent = from_to("socket-silent");
    let by_minutes = told_with(&silent, "1m", 40);
    assert_eq!(told_with(&silent, "40m", 1), by_minutes);
    assert_eq!(told_with(&silent, "8m", 5), by_minutes);
    let dropped = from_to("socket-dropped");
    let broken = told_with(&dropped, "40m", 1);
    assert_eq!(told_with(&dropped, "1m", 40), broken);
    for (silent, broken) in by_minutes.iter().zip(&broken) {
        let heard = minutes(silent);
        assert!(heard.iter().all(|minute| !(5..9).contains(minute)), "{heard:?}");
        let before = heard.iter().filter(|minute| **minute < 5).count();
        assert!(before > 5 && heard.iter().any(|minute| *minute >= 9), "{heard:?}");
        assert_eq!(broken, &silent[..before], "all of before, and nothing more");
    }
}
