//! Many connections at once, the server's end, and listen keys.

use std::time::Duration;

use candlewick_exchange::Service;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, run};
use crate::exchange::{KEY, keys, service};

#[test]
fn a_thousand_may_idle_while_two_hundred_follow() {
    run(Service { limits_addresses: false, ..service() }, async |scene: Scene| {
        let mut idle = Vec::new();
        for _ in 0..1_000 {
            idle.push(scene.connect().await);
        }
        let mut followers = Vec::new();
        for _ in 0..200 {
            let mut socket = scene.connect().await;
            socket.follow().await;
            followers.push(socket);
        }
        let mut trader = scene.connect().await;
        let order = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001" });
        for _ in 0..20 {
            trader.place(order.clone()).await;
        }
        for socket in &mut followers {
            socket.ask("ping", json!({})).await;
            let numbers: Vec<_> = socket.take_events().iter().filter_map(|event| event["I"].as_u64()).collect();
            assert_eq!(numbers, (1..=40).collect::<Vec<_>>(), "none is lost");
        }
        for socket in &mut idle {
            assert_eq!(socket.ask("ping", json!({})).await["status"], 200);
        }
    });
}

#[test]
fn a_server_that_stops_says_so() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let now = socket.now().await;
        let Scene { server, .. } = scene;
        let (_, told) = tokio::join!(server.stop(Duration::from_millis(100)), async {
            let told = socket.next().await.unwrap();
            // There is still time for this.
            assert_eq!(socket.ask("ping", json!({})).await["status"], 200);
            (told, socket.next().await.unwrap_err())
        });
        assert_eq!(told.0, json!({ "event": { "e": "serverShutdown", "E": now } }));
        assert_eq!(told.1, (1001, "Connection expired".to_owned()));
    });
}

/// A request with a key and no signature.
async fn listen_key(scene: &Scene, method: Method, query: &str) -> (u16, String) {
    let url = format!("{}/api/v3/userDataStream{query}", scene.server.url());
    let response = scene.http.request(method, url).header("X-MBX-APIKEY", KEY).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[test]
fn listen_keys_are_gone_unless_they_are_asked_for() {
    run(service(), async |scene: Scene| {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let query = if method == Method::POST { "" } else { "?listenKey=x" };
            let (status, page) = listen_key(&scene, method, query).await;
            assert_eq!((status, page.starts_with("<html>")), (410, true), "{page}");
        }
    });
    run(Service { legacy_listen_keys: true, ..service() }, async |scene: Scene| {
        let (status, body) = listen_key(&scene, Method::POST, "").await;
        let made: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, keys(&made)), (200, vec!["listenKey"]));
        let key = made["listenKey"].as_str().unwrap().to_owned();
        assert_eq!(key.len(), 64);
        assert_eq!(listen_key(&scene, Method::POST, "").await.1, body, "it is the same while it holds");
        assert_eq!(listen_key(&scene, Method::PUT, &format!("?listenKey={key}")).await, (200, "{}".to_owned()));
        let mut socket = scene.connect().await;
        assert_eq!(socket.ask("userDataStream.start", json!({ "apiKey": KEY })).await["result"], made);
        assert_eq!(socket.ask("userDataStream.ping", json!({ "apiKey": KEY, "listenKey": key })).await["status"], 200);
        let unknown = (400, r#"{"code":-1125,"msg":"This listenKey does not exist."}"#.to_owned());
        assert_eq!(listen_key(&scene, Method::PUT, "?listenKey=x").await, unknown);
        // An hour of simulated time later it has ended.
        for _ in 0..61 {
            scene.step().await;
        }
        assert_eq!(listen_key(&scene, Method::PUT, &format!("?listenKey={key}")).await, unknown);
        let other: Value = serde_json::from_str(&listen_key(&scene, Method::POST, "").await.1).unwrap();
        assert_ne!(other, made);
        let query = format!("?listenKey={}", other["listenKey"].as_str().unwrap());
        assert_eq!(listen_key(&scene, Method::DELETE, &query).await, (200, "{}".to_owned()));
        assert_eq!(listen_key(&scene, Method::DELETE, &query).await, unknown);
    });
}

/// A message that nobody asked for.
async fn told(socket: &mut super::Socket) -> Value {
    socket.next().await.unwrap()
}

#[test]
fn a_listen_key_is_a_stream() {
    run(Service { legacy_listen_keys: true, ..service() }, async |scene: Scene| {
        let made: Value = serde_json::from_str(&listen_key(&scene, Method::POST, "").await.1).unwrap();
        let key = made["listenKey"].as_str().unwrap();
        let mut raw = scene.connect_to(&format!("/ws/{key}")).await.unwrap();
        let mut enveloped = scene.connect_to(&format!("/stream?streams={key}")).await.unwrap();
        // As a stream it can be asked for as well, and left.
        let mut asking = scene.connect_to("/ws").await.unwrap();
        asking.send(json!({ "method": "SUBSCRIBE", "params": [key], "id": 1 }).to_string()).await;
        assert_eq!(told(&mut asking).await, json!({ "result": null, "id": 1 }));
        let mut trader = scene.connect().await;
        let order = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01" });
        trader.place(order.clone()).await;
        let mut names = Vec::new();
        for _ in 0..3 {
            let event = told(&mut raw).await;
            assert_eq!(told(&mut enveloped).await, json!({ "stream": key, "data": event }));
            assert_eq!(told(&mut asking).await, event);
            names.push(event["e"].as_str().unwrap().to_owned());
        }
        assert_eq!(names, ["executionReport", "executionReport", "outboundAccountPosition"]);
        asking.send(json!({ "method": "UNSUBSCRIBE", "params": [key], "id": 2 }).to_string()).await;
        assert_eq!(told(&mut asking).await, json!({ "result": null, "id": 2 }));
        trader.place(order).await;
        asking.send(json!({ "method": "LIST_SUBSCRIPTIONS", "id": 3 }).to_string()).await;
        assert_eq!(told(&mut asking).await, json!({ "result": [], "id": 3 }), "and nothing of the order");
        // It ends with an event, raw and enveloped.
        for _ in 0..61 {
            scene.step().await;
        }
        let last = async |socket: &mut super::Socket| loop {
            let message = told(socket).await;
            if message.to_string().contains("listenKeyExpired") {
                return message;
            }
        };
        let ended = last(&mut raw).await;
        assert_eq!(keys(&ended), ["e", "E", "listenKey"]);
        assert_eq!(last(&mut enveloped).await, json!({ "stream": key, "data": ended }));
    });
}
