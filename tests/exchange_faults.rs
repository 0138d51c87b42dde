//! Faults of the trading server, switched on while it runs: what a client meets, and what has
//! become of its orders.

use candlewick_lake::Lake;
use candlewick_model::time::{HOUR, SECOND};
use reqwest::Method;
use serde_json::{Value, json};

use super::exchange::{Stranger, run, start};
use super::exchange_time::Program;
use super::portfolio::{CONFIGURATION, fill};

const RESTING: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.01";

async fn switch_on(stranger: &Stranger, faults: Value) {
    let request = stranger.http.post(format!("{}/control/faults", stranger.url)).body(faults.to_string());
    let (status, told) = stranger.answer(request).await;
    assert_eq!(status, 200, "{told}");
}

async fn switch_off(stranger: &Stranger) {
    stranger.http.delete(format!("{}/control/faults", stranger.url)).send().await.unwrap();
}

async fn open_orders(stranger: &Stranger) -> usize {
    stranger.ask("/api/v3/openOrders", "symbol=BTCUSDT").await.1.as_array().unwrap().len()
}

async fn place(stranger: &Stranger) -> (u16, Value) {
    stranger.signed(Method::POST, "/api/v3/order", RESTING).await
}

#[test]
fn an_answer_that_is_lost_says_nothing_about_the_order() {
    run(async |stranger: Stranger| {
        let timeout = |executed: f64| json!({"kind": "timeout", "method": "POST", "executed": executed, "next": 1});
        for (executed, open) in [(0.0, 0), (1.0, 1)] {
            switch_on(&stranger, timeout(executed)).await;
            let (status, answer) = place(&stranger).await;
            assert_eq!((status, answer["code"].as_i64()), (504, Some(-1007)));
            assert_eq!(open_orders(&stranger).await, open, "executed: {executed}");
        }
        for (executed, open) in [(0.0, 1), (1.0, 2)] {
            switch_on(
                &stranger,
                json!({"kind": "status", "status": 503, "path": "/api/v3/order", "executed": executed, "next": 1}),
            )
            .await;
            let request = stranger.signed_request(Method::POST, "/api/v3/order", RESTING).await;
            assert_eq!(request.send().await.unwrap().status(), 503);
            assert_eq!(open_orders(&stranger).await, open, "executed: {executed}");
        }
        switch_on(&stranger, json!({"kind": "lost", "path": "/api/v3/order", "next": 1})).await;
        let request = stranger.signed_request(Method::POST, "/api/v3/order", RESTING).await;
        let error = request.send().await.expect_err("no answer");
        assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        assert_eq!(open_orders(&stranger).await, 3);
    });
}

#[test]
fn chances_come_from_the_seed() {
    run(async |stranger: Stranger| {
        let mut outcomes = Vec::new();
        for seed in [7, 7, 8] {
            switch_off(&stranger).await;
            let fault = json!({"kind": "timeout", "method": "POST", "probability": 0.5, "executed": 0.5});
            switch_on(&stranger, json!({"seed": seed, "faults": [fault]})).await;
            let mut outcome = Vec::new();
            for _ in 0..24 {
                let before = open_orders(&stranger).await;
                let status = place(&stranger).await.0;
                outcome.push((status, open_orders(&stranger).await - before));
            }
            outcomes.push(outcome);
        }
        assert_eq!(outcomes[0], outcomes[1]);
        assert_ne!(outcomes[0], outcomes[2]);
        for met in [(200, 1), (504, 0), (504, 1)] {
            assert!(outcomes[0].contains(&met), "{met:?}: {outcomes:?}");
        }
    });
}

#[test]
fn refusals_that_nobody_meant() {
    run(async |stranger: Stranger| {
        for (fault, status, code) in [
            (json!({"kind": "status", "status": 429, "retry_after": 3}), 429, -1003),
            (json!({"kind": "status", "status": 418, "retry_after": 120}), 418, -1003),
            (
                json!({"kind": "status", "status": 400, "code": -1008, "msg": "Server is currently overloaded."}),
                400,
                -1008,
            ),
        ] {
            let mut fault = fault;
            fault["next"] = json!(1);
            fault["method"] = json!("POST");
            let retry_after = fault["retry_after"].as_i64().map(|seconds| seconds.to_string());
            switch_on(&stranger, fault).await;
            let request = stranger.signed_request(Method::POST, "/api/v3/order", RESTING).await;
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            let told = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(told, retry_after);
            let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
            assert_eq!(answer["code"], code);
            assert_eq!(open_orders(&stranger).await, 0);
        }
    });
}

/// A client that synchronises its clock goes on; one that does not is refused while it lasts.
#[test]
fn a_clock_that_jumps() {
    run(async |stranger: Stranger| {
        stranger.step(Some(start().plus(10 * SECOND))).await;
        let time = async |stranger: &Stranger| stranger.get("/api/v3/time").await.1["serverTime"].as_i64().unwrap();
        let before = time(&stranger).await;
        let to = start().plus(HOUR).to_string();
        switch_on(&stranger, json!({"kind": "clock", "offset_ms": 60_000, "to": to})).await;
        assert_eq!(time(&stranger).await, before + 60_000);
        // Its own time is the exchange's without the jump.
        let query = format!("timestamp={before}");
        let signature = super::exchange::credentials().sign(&query);
        let url = format!("{}/api/v3/account?{query}&signature={signature}", stranger.url);
        let asleep = || stranger.http.get(&url).header("X-MBX-APIKEY", super::exchange::KEY);
        let (status, answer) = stranger.answer(asleep()).await;
        assert_eq!((status, answer["code"].as_i64()), (400, Some(-1021)), "{answer}");
        assert_eq!(stranger.ask("/api/v3/account", "").await.0, 200, "it asks for the time first");
        switch_off(&stranger).await;
        assert_eq!(stranger.answer(asleep()).await.0, 200);
    });
}

#[test]
fn answers_that_are_spoilt() {
    run(async |stranger: Stranger| {
        let whole = stranger.http.get(format!("{}/api/v3/exchangeInfo", stranger.url)).send().await.unwrap();
        let whole = whole.text().await.unwrap();
        let ask = async |fault: Value| {
            switch_off(&stranger).await;
            switch_on(&stranger, fault).await;
            let response = stranger.http.get(format!("{}/api/v3/exchangeInfo", stranger.url)).send().await.unwrap();
            (response.status().as_u16(), response.text().await)
        };
        let (status, part) = ask(json!({"kind": "partial-json"})).await;
        assert_eq!((status, part.unwrap()), (200, whole[..whole.len() / 2].to_owned()));
        let (_, cut) = ask(json!({"kind": "cut", "bytes": 100})).await;
        cut.expect_err("the connection breaks");
        let (_, slow) = ask(json!({"kind": "slow", "rate": 100_000})).await;
        assert_eq!(slow.unwrap(), whole);
        let (status, late) = ask(json!({"kind": "delay", "delay_ms": 20})).await;
        assert_eq!((status, late.unwrap()), (200, whole.clone()));
        // What concerns other paths is not met, and what was is counted.
        switch_on(&stranger, json!({"kind": "cut", "path": "/api/v3/klines"})).await;
        assert_eq!(stranger.get("/api/v3/ping").await.0, 200);
        let told = stranger.get("/control/faults").await.1;
        assert_eq!(
            (&told[0]["fault"]["kind"], &told[0]["met"], &told[1]["met"]),
            (&json!("delay"), &json!(2), &json!(0))
        );
    });
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    run(async |stranger: Stranger| {
        for (body, says) in [
            (r#"{"kind":"empty-page"}"#, "exchange data"),
            (r#"{"kind":"clock"}"#, "offset_ms"),
            (r#"{"kind":"nothing"}"#, "unknown variant"),
            ("{", "EOF"),
        ] {
            let request = stranger.http.post(format!("{}/control/faults", stranger.url)).body(body);
            let (status, answer) = stranger.answer(request).await;
            let reason = answer["error"].as_str().unwrap();
            assert!(status == 400 && reason.contains(says), "{body}: {status} {reason}");
        }
    });
}

/// One configuration for the backtest and for the exchange: what its `[stress]` brings about is
/// met by whoever trades there.
#[test]
fn the_stress_of_a_run_is_met_at_its_exchange() {
    let place = tempfile::tempdir().unwrap();
    fill(&Lake::new(&place.path().join("lake")));
    let stress = r#"
        [stress]
        seed = 5
        episode = [
            { kind = "halt", from = "2023-03-02T00:00:00Z", to = "2023-03-02T01:00:00Z", symbols = ["ETHBTC"] },
            { kind = "timeout", executed = 0, from = "2023-03-02T02:00:00Z", to = "2023-03-02T03:00:00Z" },
        ]
    "#;
    let (config, lake) = (place.path().join("run.toml"), place.path().join("lake"));
    std::fs::write(&config, format!("{CONFIGURATION}{stress}")).unwrap();
    let program = Program::start(&["--config", config.to_str().unwrap(), "--lake", lake.to_str().unwrap()]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let status = async |symbol: &str| {
            program.get(&format!("/api/v3/exchangeInfo?symbol={symbol}")).await["symbols"][0]["status"].clone()
        };
        assert_eq!([status("ETHBTC").await, status("BTCUSDT").await], ["TRADING", "TRADING"]);
        program.told(&["seek", "2023-03-02T00:30:00Z"]);
        assert_eq!([status("ETHBTC").await, status("BTCUSDT").await], ["HALT", "TRADING"]);
        let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100";
        let halted = program.signed(Method::POST, "order", &order.replace("BTCUSDT", "ETHBTC")).await;
        assert_eq!(halted["code"], -1013, "{halted}");
        program.told(&["seek", "2023-03-02T02:30:00Z"]);
        assert_eq!(status("ETHBTC").await, "TRADING");
        assert_eq!(program.signed(Method::POST, "order", order).await["code"], -1007);
        program.told(&["seek", "2023-03-02T03:30:00Z"]);
        assert_eq!(program.signed(Method::POST, "order", order).await["status"], "FILLED");
    });
}
