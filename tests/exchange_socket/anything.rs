//! Whatever is sent, there is a documented answer or a close frame.

use candlewick_exchange::Service;
use futures_util::SinkExt as _;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{Scene, run};
use crate::exchange::service;

const DOCUMENTED: [i64; 16] =
    [-1002, -1020, -1021, -1022, -1100, -1101, -1102, -1104, -1105, -1108, -1120, -1121, -1128, -1130, -1135, -2014];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("BTCUSDT")),
        Just(json!("1m")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| json!(std::collections::BTreeMap::from_iter(pairs))),
        ]
    })
}

/// Requests that are nearly right, JSON that is none, and text that is no JSON.
fn text() -> impl Strategy<Value = String> {
    let methods = [
        "ping",
        "klines",
        "order.place",
        "session.logon",
        "session.status",
        "ticker",
        "depth",
        "account.status",
        "userDataStream.unsubscribe",
        "userDataStream.subscribe.signature",
        "exchangeInfo",
        "nothing",
    ];
    let names = [
        "symbol",
        "symbols",
        "interval",
        "limit",
        "timestamp",
        "signature",
        "apiKey",
        "recvWindow",
        "returnRateLimits",
        "subscriptionId",
    ];
    let params = proptest::collection::vec((proptest::sample::select(names.to_vec()), value()), 0..6);
    let request = (value(), proptest::sample::select(methods.to_vec()), params).prop_map(|(id, method, params)| {
        let params: serde_json::Map<_, _> = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        json!({ "id": id, "method": method, "params": params }).to_string()
    });
    let request = request.boxed();
    let cut = (request.clone(), any::<proptest::sample::Index>()).prop_map(|(text, at)| {
        let at = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text[..at].to_owned()
    });
    prop_oneof![4 => request, 2 => cut, 1 => value().prop_map(|value| value.to_string()), 1 => ".{0,40}", 1 => "[{}\\[\\]\",:0-9a-z]{0,60}"]
}

#[test]
fn any_text_has_a_documented_answer() {
    run(Service { limits_addresses: false, ..service() }, async |scene: Scene| {
        let mut socket = scene.connect().await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..1_500 {
            let text = text().new_tree(&mut runner).unwrap().current();
            socket.send(text.clone()).await;
            let answer = socket.answer().await;
            let status = answer["status"].as_u64().unwrap();
            let known =
                status == 200 || answer["error"]["code"].as_i64().is_some_and(|code| DOCUMENTED.contains(&code));
            assert!(known && [200, 400, 401].contains(&status), "{text} {answer}");
        }
        assert_eq!(socket.ask("ping", json!({})).await["status"], 200);
    });
}

#[test]
fn large_and_deep_requests_are_answered_in_time() {
    run(Service { limits_addresses: false, ..service() }, async |scene: Scene| {
        let mut socket = scene.connect().await;
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let many: Vec<_> = (0..5_000).map(|n| format!(r#""p{n}":1"#)).collect();
        for (text, expected) in [
            (format!(r#"{{"id":1,"method":"avgPrice","params":{{"symbol":{}}}}}"#, deep(100_000)), -1100),
            (format!(r#"{{"id":1,"method":"avgPrice","params":{{"symbol":"{}"}}}}"#, "A".repeat(200_000)), -1100),
            (format!(r#"{{"id":1,"method":"ping","params":{{{}}}}}"#, many.join(",")), -1101),
            (format!(r#"{{"id":1{},"method":"ping"}}"#, "0".repeat(200_000)), -1100),
            (
                format!(
                    r#"{{"id":1,"method":"trades.recent","params":{{"symbol":"BTCUSDT","limit":1{}}}}}"#,
                    "0".repeat(1_000)
                ),
                -1100,
            ),
            (deep(120_000), -1135),
        ] {
            socket.send(text.clone()).await;
            let answer = socket.answer().await;
            assert_eq!(answer["error"]["code"], expected, "{:.60} {:.300}", text, answer.to_string());
        }
    });
}

#[test]
fn frames_that_break_the_rules_are_closed_with_the_reason() {
    run(service(), async |scene: Scene| {
        for (message, expected) in [
            (Message::text("x".repeat(300_000)), 1009),
            (Message::binary(vec![0; 10]), 1003),
            (Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true)), 1007),
            (Message::Frame(Frame::message(vec![], OpCode::Data(Data::Continue), true)), 1002),
        ] {
            let mut socket = scene.connect().await;
            socket.stream.send(message).await.unwrap();
            assert_eq!(socket.next().await.unwrap_err().0, expected);
        }
    });
}
