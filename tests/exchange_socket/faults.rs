//! Faults on WebSockets: answers, events and connections that go wrong.

use std::time::Duration;

use candlewick_exchange::Service;
use candlewick_exchange::faults::{FaultPlan, Server};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::events::{limit, shorts};
use super::{Scene, run};
use crate::exchange::service;

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
