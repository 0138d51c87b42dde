//! Sessions: logging on with an Ed25519 key, what that saves, and subscriptions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use candlewick_exchange::{Keys, Service};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{Scene, Socket, code, payload, run};
use crate::exchange::{KEY, credentials, service};

/// A key of its own.
fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

/// Two accounts; the second one's key is an Ed25519 key that may not trade.
fn with_keys() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let public = STANDARD.encode([&prefix, pair().public_key().as_ref()].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let text = format!("[[key]]\napi_key = \"edKey\"\naccount = 1\npublic_key = \"\"\"\n{pem}\"\"\"\n");
    std::fs::write(&file, text).unwrap();
    let own: Keys = credentials().into();
    Service { keys: own.and(Keys::read(&file).unwrap()), ..service() }
}

async fn log_on(socket: &mut Socket) -> Value {
    let mut params = json!({ "apiKey": "edKey", "timestamp": socket.now().await });
    params["signature"] = STANDARD.encode(pair().sign(payload(&params).as_bytes())).into();
    socket.ask("session.logon", params).await
}

#[test]
fn who_is_logged_on_need_not_sign() {
    run(with_keys(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let status = socket.ask("session.status", json!({})).await["result"].clone();
        assert_eq!((&status["apiKey"], &status["authorizedSince"]), (&Value::Null, &Value::Null));
        let begun = status["connectedSince"].clone();
        scene.step().await;
        let on = log_on(&mut socket).await;
        let now = socket.now().await;
        let expected = json!({
            "apiKey": "edKey", "authorizedSince": now, "connectedSince": begun, "returnRateLimits": true,
            "serverTime": now, "userDataStream": false,
        });
        assert_eq!((on["status"].as_u64(), &on["result"]), (Some(200), &expected));
        // A time is still needed, and what the key may not do it may not do.
        assert_eq!(code(&socket.ask("account.status", json!({})).await), (400, -1102));
        let account = socket.ask("account.status", json!({ "timestamp": now })).await;
        assert_eq!((account["status"].as_u64(), &account["result"]["uid"]), (Some(200), &json!(2)));
        let late = json!({ "timestamp": now.as_i64().unwrap() - 9_000 });
        assert_eq!(code(&socket.ask("account.status", late).await), (400, -1021));
        let order =
            json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "timestamp": now });
        assert_eq!(code(&socket.ask("order.place", order.clone()).await), (401, -2015));
        // Another key for one request; it must sign.
        let placed = socket
            .signed("order.place", json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01" }))
            .await;
        assert_eq!(placed["status"], 200, "{placed}");
        let mut unsigned = order;
        unsigned["apiKey"] = KEY.into();
        assert_eq!(code(&socket.ask("order.place", unsigned).await), (400, -1102));
        let off = socket.ask("session.logout", json!({})).await["result"].clone();
        assert_eq!((&off["apiKey"], &off["authorizedSince"]), (&Value::Null, &Value::Null));
        assert_eq!(code(&socket.ask("account.status", json!({ "timestamp": now })).await), (400, -1102));
        assert_eq!(socket.ask("session.logout", json!({})).await["status"], 200);
    });
}

#[test]
fn only_ed25519_keys_log_on() {
    run(with_keys(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        assert_eq!(code(&socket.signed("session.logon", json!({})).await), (401, -2015));
        let now = socket.now().await;
        let mut params = json!({ "apiKey": "edKey", "timestamp": now, "signature": "AAAA" });
        assert_eq!(code(&socket.ask("session.logon", params.clone()).await), (400, -1022));
        params.as_object_mut().unwrap().remove("apiKey");
        assert_eq!(code(&socket.ask("session.logon", params).await), (400, -1102));
        assert_eq!(code(&socket.ask("userDataStream.subscribe", json!({})).await), (400, -1002));
    });
}

#[test]
fn subscriptions_are_numbered_and_end_one_by_one() {
    run(with_keys(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        log_on(&mut socket).await;
        let ids = |answer: &Value| answer["result"].clone();
        assert_eq!(ids(&socket.ask("userDataStream.subscribe", json!({})).await), json!({ "subscriptionId": 0 }));
        assert_eq!(code(&socket.ask("userDataStream.subscribe", json!({})).await), (400, -2035));
        let other = socket.signed("userDataStream.subscribe.signature", json!({})).await;
        assert_eq!(ids(&other), json!({ "subscriptionId": 1 }));
        let both = json!([{ "subscriptionId": 0 }, { "subscriptionId": 1 }]);
        assert_eq!(ids(&socket.ask("session.subscriptions", json!({})).await), both);
        // Only the session's own ends with it.
        socket.ask("session.logout", json!({})).await;
        let told = |socket: &mut Socket| -> Vec<(Value, Value)> {
            socket
                .events
                .drain(..)
                .map(|event| (event["subscriptionId"].clone(), event["event"]["e"].clone()))
                .collect()
        };
        assert_eq!(told(&mut socket), [(json!(0), json!("eventStreamTerminated"))]);
        assert_eq!(socket.ask("session.status", json!({})).await["result"]["userDataStream"], true);
        assert_eq!(socket.ask("userDataStream.unsubscribe", json!({ "subscriptionId": 7 })).await["status"], 200);
        assert_eq!(told(&mut socket), []);
        assert_eq!(ids(&socket.ask("userDataStream.unsubscribe", json!({})).await), json!({}));
        assert_eq!(told(&mut socket), [(json!(1), json!("eventStreamTerminated"))]);
        assert_eq!(ids(&socket.ask("session.subscriptions", json!({})).await), json!([]));
        // A number is never given twice.
        let again = socket.signed("userDataStream.subscribe.signature", json!({})).await;
        assert_eq!(ids(&again), json!({ "subscriptionId": 2 }));
    });
}

#[test]
fn accounts_are_told_of_their_own_only() {
    run(with_keys(), async |scene: Scene| {
        let (mut first, mut second) = (scene.connect().await, scene.connect().await);
        first.follow().await;
        log_on(&mut second).await;
        second.ask("userDataStream.subscribe", json!({})).await;
        first.place(json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01" })).await;
        assert_eq!(first.take_events().len(), 3);
        second.ask("ping", json!({})).await;
        assert_eq!(second.take_events(), [Value::Null; 0]);
    });
}
