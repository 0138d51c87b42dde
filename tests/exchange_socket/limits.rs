//! Limits of an address and of an account, as the WebSocket API tells them.

use candlewick_exchange::Service;
use candlewick_model::OrderLimit;
use candlewick_model::order::RateInterval;
use candlewick_simulator::Limits;
use serde_json::{Value, json};

use super::{Scene, code, run};
use crate::exchange::{keys, service};

/// With this weight a minute.
fn limited(weight: u32) -> Service {
    let service = service();
    let mut info: Value = serde_json::from_str(&service.exchange_info).unwrap();
    info["rateLimits"] =
        json!([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight}]);
    Service { exchange_info: info.to_string(), ..service }
}

#[test]
fn too_much_weight_is_told_with_when_to_come_back() {
    run(limited(10), async |scene: Scene| {
        scene.step().await;
        // Two for the connection, two for a status.
        let mut socket = scene.connect().await;
        let begun = socket.ask("session.status", json!({})).await;
        assert_eq!((&begun["rateLimits"][0]["count"], &begun["rateLimits"][0]["limit"]), (&json!(4), &json!(10)));
        assert_eq!(socket.ask("trades.aggregate", json!({ "symbol": "BTCUSDT" })).await["rateLimits"][0]["count"], 8);
        let refused = socket.ask("klines", json!({ "symbol": "BTCUSDT", "interval": "1m" })).await;
        assert_eq!(refused["status"], 200);
        let refused = socket.ask("ping", json!({})).await;
        assert_eq!(code(&refused), (429, -1003));
        let now = begun["result"]["serverTime"].as_i64().unwrap();
        let expected = json!({ "serverTime": now, "retryAfter": now - now.rem_euclid(60_000) + 60_000 });
        assert_eq!(refused["error"]["data"], expected);
        assert_eq!(keys(&refused["error"]), ["code", "msg", "data"]);
        // What cannot be read is counted as well.
        for n in 2..=20 {
            socket.send("{").await;
            let refused = socket.answer().await;
            assert_eq!((refused["status"].as_u64(), &refused["rateLimits"][0]["count"]), (Some(429), &json!(10 + n)));
        }
        let banned = socket.ask("ping", json!({})).await;
        assert_eq!(code(&banned), (418, -1003));
        assert_eq!(banned["error"]["data"]["retryAfter"], now + 120_000);
        assert_eq!(socket.next().await, Err((1008, "IP banned".to_owned())));
        assert_eq!(scene.connect_to("/ws-api/v3").await.err().map(|(status, _)| status), Some(418));
    });
}

#[test]
fn trading_that_succeeds_costs_nothing() {
    run(service(), async |scene: Scene| {
        scene.step().await;
        let mut socket = scene.connect().await;
        let weight =
            |answer: &Value| answer["rateLimits"].as_array().unwrap().last().unwrap()["count"].as_u64().unwrap();
        let order = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "quantity": "0.02", "price": "15000", "newClientOrderId": "a" });
        let amend = json!({ "symbol": "BTCUSDT", "origClientOrderId": "a", "newQty": "0.01", "newClientOrderId": "a" });
        let cancel = json!({ "symbol": "BTCUSDT", "origClientOrderId": "a" });
        // From here on the market stands where it takes orders. Each asks for the time first.
        socket
            .signed("order.place", json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01" }))
            .await;
        let mut expected = weight(&socket.ask("ping", json!({})).await);
        for (method, params, status, cost) in [
            ("order.place", &order, 200, 0),
            ("order.place", &order, 400, 1),
            ("order.test", &order, 200, 1),
            ("order.amend.keepPriority", &amend, 200, 4),
            ("order.cancel", &cancel, 200, 0),
            ("order.cancel", &cancel, 400, 1),
            ("openOrders.cancelAll", &json!({ "symbol": "BTCUSDT" }), 400, 1),
        ] {
            let answer = socket.signed(method, params.clone()).await;
            expected += cost + 1;
            assert_eq!((&answer["status"], weight(&answer)), (&json!(status), expected), "{method}: {answer}");
        }
    });
}

#[test]
fn too_many_orders_are_told_with_when_to_come_back() {
    let mut service = service();
    let limit = OrderLimit { interval: RateInterval::Second, interval_num: 10, limit: 1 };
    service.setup.limits = Limits { orders: vec![limit], ..Limits::default() }.into();
    run(service, async |scene: Scene| {
        let mut socket = scene.connect().await;
        let order = json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "15000" });
        let placed = socket.signed("order.place", order.clone()).await;
        assert_eq!(
            placed["rateLimits"][0],
            json!({ "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1, "count": 1 })
        );
        let refused = socket.signed("order.place", order).await;
        assert_eq!(code(&refused), (429, -1015));
        let now = socket.now().await.as_i64().unwrap();
        let expected = json!({ "serverTime": now, "retryAfter": now - now.rem_euclid(10_000) + 10_000 });
        assert_eq!(refused["error"]["data"], expected);
    });
}

#[test]
fn an_address_may_connect_300_times_in_five_minutes() {
    run(service(), async |scene: Scene| {
        for _ in 0..300 {
            drop(scene.connect().await);
        }
        let (status, body) = scene.connect_to("/ws-api/v3").await.err().unwrap();
        assert_eq!((status, body.contains("-1003")), (429, true), "{body}");
        let forgiven = scene.http.delete(format!("{}/control/limits", scene.server.url())).send().await.unwrap();
        assert_eq!(forgiven.status().as_u16(), 204);
        drop(scene.connect().await);
    });
}
