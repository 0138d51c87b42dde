//! User events: their fields, and what comes before what.

use candlewick_exchange::Service;
use serde_json::{Value, json};

use super::{Scene, Socket, around, code, run};
use crate::exchange::{keys, service};

/// Every `executionReport`, as user-data-stream.md has it without its conditional fields.
const REPORT: &str = "e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q V";
const LIST: &str = "e E s g c l L r C T O";
const POSITION: &str = "e E u B";

/// What an event says in short: `NEW 1 NEW`, `list 1 ALL_DONE`, `position BTC USDT`.
fn short(event: &Value) -> String {
    let word = |name: &str| event[name].as_str().map_or(event[name].to_string(), str::to_owned);
    match event["e"].as_str().unwrap() {
        "executionReport" => format!("{} {} {}", word("x"), word("i"), word("X")),
        "listStatus" => format!("list {} {}", word("g"), word("l")),
        "outboundAccountPosition" => {
            let assets = event["B"].as_array().unwrap().iter().map(|held| held["a"].as_str().unwrap());
            format!("position {}", assets.collect::<Vec<_>>().join(" "))
        }
        other => other.to_owned(),
    }
}

pub(super) fn shorts(events: &[Value]) -> Vec<String> {
    events.iter().map(short).collect()
}

pub(super) fn limit(side: &str, price: &str, quantity: &str) -> Value {
    json!({ "symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity })
}

/// Steps until something is told, and what.
async fn next_events(scene: &Scene, socket: &mut Socket) -> Vec<Value> {
    for _ in 0..1_000 {
        scene.step().await;
        socket.ask("ping", json!({})).await;
        if !socket.events.is_empty() {
            return socket.take_events();
        }
    }
    panic!("nothing happens")
}

/// With so little volume for own orders that one is not filled at once.
fn thin() -> Service {
    let mut service = Service { limits_addresses: false, ..service() };
    service.setup.markets[0].fill_model.volume_share = "0.001".parse().unwrap();
    service
}

#[test]
fn an_order_is_new_then_traded_then_changes_what_is_held() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.follow().await;
        let placed = socket
            .place(json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1", "newClientOrderId": "mine", "strategyId": 7 }))
            .await;
        // All of it is there before the answer.
        let events = socket.take_events();
        assert_eq!(shorts(&events), ["NEW 1 NEW", "TRADE 1 FILLED", "position BTC USDT"]);
        let [new, trade, position] = &events[..] else { panic!() };
        assert_eq!(keys(new), format!("{REPORT} W j").split(' ').collect::<Vec<_>>());
        assert_eq!(keys(trade), keys(new));
        assert_eq!(keys(position), POSITION.split(' ').collect::<Vec<_>>());
        assert_eq!(keys(&position["B"][0]), ["a", "f", "l"]);
        let fill = &placed["fills"][0];
        assert_eq!(
            (&new["n"], &new["N"], &new["t"], &new["c"], &new["C"]),
            (&json!("0"), &Value::Null, &json!(-1), &json!("mine"), &json!(""))
        );
        assert_eq!(
            (&trade["L"], &trade["l"], &trade["n"], &trade["N"]),
            (&fill["price"], &fill["qty"], &fill["commission"], &fill["commissionAsset"])
        );
        assert_eq!(
            (&trade["T"], &trade["t"], &trade["z"], &trade["m"]),
            (&placed["transactTime"], &fill["tradeId"], &json!("0.10000000"), &json!(false))
        );
        assert_eq!(position["B"][0], json!({ "a": "BTC", "f": "0.09990000", "l": "0.00000000" }));
        assert!(events.iter().all(|event| event["E"] == placed["transactTime"]), "milliseconds, one instant");
    });
}

#[test]
fn an_order_that_is_filled_in_parts_tells_of_each() {
    run(thin(), async |scene: Scene| {
        let mut socket = scene.connect_to("/ws-api/v3?timeUnit=microsecond").await.unwrap();
        socket.follow().await;
        let (above, _) = around(&scene, &mut socket, 500.0).await;
        socket.place(limit("BUY", &above, "0.3")).await;
        let mut events = socket.take_events();
        while events.last().is_none_or(|event| event["e"] != "outboundAccountPosition")
            || !shorts(&events).iter().any(|short| short == "TRADE 1 FILLED")
        {
            events.extend(next_events(&scene, &mut socket).await);
        }
        let told = shorts(&events);
        let trades: Vec<_> = told.iter().filter(|short| short.starts_with("TRADE")).collect();
        assert!(trades.len() >= 2, "{told:?}");
        assert_eq!((told[0].as_str(), trades[0].as_str()), ("NEW 1 NEW", "TRADE 1 PARTIALLY_FILLED"));
        let sum: f64 = events.iter().filter_map(|event| event["l"].as_str()?.parse::<f64>().ok()).sum();
        assert!((sum - 0.3).abs() < 1e-9);
        let numbers: Vec<_> = events.iter().filter_map(|event| event["I"].as_u64()).collect();
        assert!(numbers.is_sorted() && events[0]["T"].as_i64().unwrap() > 1_000_000_000_000_000);
    });
}

#[test]
fn a_cancel_and_an_amendment_have_names() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.follow().await;
        socket.place(limit("BUY", "15000", "0.02")).await;
        socket.take_events();
        socket.signed("order.amend.keepPriority", json!({ "symbol": "BTCUSDT", "orderId": 1, "newQty": "0.01" })).await;
        let cancelled =
            socket.signed("order.cancel", json!({ "symbol": "BTCUSDT", "orderId": 1 })).await["result"].clone();
        let events = socket.take_events();
        assert_eq!(
            shorts(&events),
            ["REPLACED 1 NEW", "position BTC USDT", "CANCELED 1 CANCELED", "position BTC USDT"]
        );
        assert_eq!((&events[0]["C"], &events[0]["q"]), (&json!("auto-1"), &json!("0.01000000")));
        assert_eq!((&events[2]["c"], &events[2]["C"]), (&cancelled["clientOrderId"], &cancelled["origClientOrderId"]));
        assert_eq!(events[3]["B"][1], json!({ "a": "USDT", "f": "10000.00000000", "l": "0.00000000" }));
    });
}

#[test]
fn a_list_is_told_of_after_its_orders() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.place(json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1" })).await;
        socket.follow().await;
        let (above, below) = around(&scene, &mut socket, 5.0).await;
        let below = below.parse::<f64>().unwrap() - 5_000.0;
        let oco = json!({
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER", "abovePrice": above,
            "belowType": "STOP_LOSS", "belowStopPrice": format!("{below:.2}"), "listClientOrderId": "pair",
        });
        let placed = socket.signed("orderList.place.oco", oco).await;
        assert_eq!(placed["status"], 200, "{placed}");
        let begun = socket.take_events();
        assert_eq!(shorts(&begun), ["NEW 2 NEW", "NEW 3 NEW", "list 1 EXEC_STARTED", "position BTC USDT"]);
        assert_eq!(keys(&begun[2]), LIST.split(' ').collect::<Vec<_>>());
        assert_eq!(keys(&begun[2]["O"][0]), ["s", "i", "c"]);
        assert_eq!(
            (&begun[2]["C"], &begun[2]["L"], &begun[2]["r"]),
            (&json!("pair"), &json!("EXECUTING"), &json!("NONE"))
        );
        assert_eq!(begun[0]["w"], false, "a stop is not on the book");
        let ended = next_events(&scene, &mut socket).await;
        assert_eq!(shorts(&ended), ["TRADE 3 FILLED", "EXPIRED 2 EXPIRED", "list 1 ALL_DONE", "position BTC USDT"]);
        assert_eq!((&ended[1]["eR"], &ended[0]["m"], &ended[0]["g"]), (&json!("OCO_TRIGGER"), &json!(true), &json!(1)));
    });
}

/// With so wide a spread that own orders are the best.
fn wide() -> Service {
    let mut service = service();
    service.setup.markets[0].fill_model.half_spread_ticks = 50_000;
    service
}

/// Somebody who sells 0.02 inside of the spread, and what anybody pays for it.
async fn selling(scene: &Scene) -> (Socket, String) {
    let mut socket = scene.connect().await;
    socket.place(json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1" })).await;
    let (above, _) = around(scene, &mut socket, 100.0).await;
    socket.follow().await;
    socket.place(limit("SELL", &above, "0.02")).await;
    socket.take_events();
    (socket, above)
}

#[test]
fn an_order_with_two_fills_tells_of_the_nearer_first() {
    run(wide(), async |scene: Scene| {
        let (mut socket, above) = selling(&scene).await;
        let market = json!({
            "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.03", "selfTradePreventionMode": "NONE",
        });
        let placed = socket.place(market).await;
        let events = socket.take_events();
        let expected =
            ["NEW 3 NEW", "TRADE 2 FILLED", "TRADE 3 PARTIALLY_FILLED", "TRADE 3 FILLED", "position BTC USDT"];
        assert_eq!(shorts(&events), expected);
        let told: Vec<_> = events[2..4].iter().map(|trade| json!([trade["L"], trade["l"], trade["t"]])).collect();
        let fills = placed["fills"].as_array().unwrap().iter();
        assert_eq!(told, fills.map(|fill| json!([fill["price"], fill["qty"], fill["tradeId"]])).collect::<Vec<_>>());
        assert_eq!((&events[1]["m"], &events[2]["m"]), (&json!(true), &json!(false)));
        assert!(events[2]["L"].as_str().unwrap().starts_with(&above));
        assert_eq!(events[4]["B"][1]["l"], "0.00000000");
    });
}

#[test]
fn what_self_trade_prevention_does_is_told() {
    run(wide(), async |scene: Scene| {
        let (mut socket, above) = selling(&scene).await;
        let mut taker = limit("BUY", &above, "0.02");
        taker["selfTradePreventionMode"] = "EXPIRE_TAKER".into();
        let placed = socket.place(taker).await;
        let events = socket.take_events();
        assert_eq!(placed["status"], "EXPIRED_IN_MATCH", "{placed}");
        assert_eq!(shorts(&events), ["NEW 3 NEW", "TRADE_PREVENTION 3 EXPIRED_IN_MATCH", "position BTC USDT"]);
        let prevented = &events[1];
        assert_eq!(keys(prevented), format!("{REPORT} W v A B u U Cs pl pL pY").split(' ').collect::<Vec<_>>());
        assert_eq!((&prevented["u"], &prevented["U"], &prevented["Cs"]), (&json!(1), &json!(2), &json!("BTCUSDT")));
        let nothing = json!("0.00000000");
        assert_eq!((&prevented["l"], &prevented["L"], &prevented["Y"]), (&nothing, &nothing, &nothing));
        assert_eq!((&prevented["pl"], &prevented["B"]), (&json!("0.02000000"), &json!("0.02000000")));
    });
}

#[test]
fn what_is_paid_in_or_out_is_told() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        socket.follow().await;
        let pay = async |body: Value| {
            let request = scene.http.post(format!("{}/control/transfer", scene.server.url())).json(&body);
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
        };
        let (status, held) = pay(json!({ "asset": "USDT", "amount": "-2500.5" })).await;
        assert_eq!((status, &held["free"], &held["account"]), (200, &json!("7499.50000000"), &json!(0)), "{held}");
        let now = socket.now().await;
        let events = socket.take_events();
        let account = socket.signed("account.status", json!({})).await;
        assert_eq!([&account["result"]["canDeposit"], &account["result"]["canWithdraw"]], [&json!(true); 2]);
        assert_eq!(shorts(&events), ["balanceUpdate", "position USDT"]);
        assert_eq!(events[0], json!({ "e": "balanceUpdate", "E": now, "a": "USDT", "d": "-2500.50000000", "T": now }));
        assert_eq!(events[1]["B"], json!([{ "a": "USDT", "f": "7499.50000000", "l": "0.00000000" }]));
        let (status, refused) = pay(json!({ "asset": "USDT", "amount": "-7499.51" })).await;
        let why = "the withdrawal of 7499.51000000 USDT from account 0 cannot be made: 7499.50000000 is free";
        assert_eq!((status, &refused["error"]), (400, &json!(why)));
        let (status, refused) = pay(json!({ "asset": "USDT", "amount": "1", "account": 1 })).await;
        assert_eq!((status, &refused["error"]), (400, &json!("there is no account 1; there are 1, from 0 on")));
        socket.ask("ping", json!({})).await;
        assert_eq!(socket.take_events().len(), 0);
    });
}

#[test]
fn what_others_do_is_told_to_all_who_follow() {
    run(service(), async |scene: Scene| {
        let (mut one, mut other) =
            (scene.connect().await, scene.connect_to("/ws-api/v3?timeUnit=MICROSECOND").await.unwrap());
        one.follow().await;
        other.follow().await;
        one.place(limit("BUY", "15000", "0.02")).await;
        other.ask("ping", json!({})).await;
        let (own, same) = (one.take_events(), other.take_events());
        assert_eq!(shorts(&own), shorts(&same));
        assert_eq!(own[0]["T"].as_i64().unwrap(), same[0]["T"].as_i64().unwrap() / 1_000);
        one.ask("userDataStream.unsubscribe", json!({})).await;
        assert_eq!(shorts(&one.take_events()), ["eventStreamTerminated"]);
        other.place(limit("BUY", "15000", "0.02")).await;
        one.ask("ping", json!({})).await;
        assert_eq!((one.take_events().len(), other.take_events().len()), (0, 2));
    });
}

#[test]
fn a_delisted_market_ends_every_order_and_says_so() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let (above, below) = around(&scene, &mut socket, 500.0).await;
        socket.follow().await;
        socket.place(limit("BUY", &below, "0.01")).await;
        let pair = json!({ "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "aboveType": "STOP_LOSS", "aboveStopPrice": above, "belowType": "LIMIT_MAKER", "belowPrice": below });
        assert_eq!(socket.signed("orderList.place.oco", pair).await["status"], 200);
        socket.take_events();
        let delisted = json!({ "symbol": "BTCUSDT", "delisted": true });
        let request = scene.http.post(format!("{}/control/market", scene.server.url())).json(&delisted);
        assert_eq!(request.send().await.unwrap().status(), 200);
        let info = socket.ask("exchangeInfo", json!({ "symbol": "BTCUSDT" })).await;
        assert_eq!(info["result"]["symbols"][0]["status"], "BREAK");
        let events = socket.take_events();
        let all = ["EXPIRED 1 EXPIRED", "EXPIRED 2 EXPIRED", "EXPIRED 3 EXPIRED", "list 1 ALL_DONE"];
        assert_eq!(shorts(&events[..4]), all, "{events:?}");
        assert_eq!((&events[0]["eR"], &events[1]["eR"]), (&json!("EXCHANGE_CANCELED"), &json!("EXCHANGE_CANCELED")));
        assert!(events[4..].iter().all(|event| event["e"] == "outboundAccountPosition"), "{events:?}");
        let held = events.last().unwrap()["B"].as_array().unwrap();
        assert!(held.iter().all(|asset| asset["l"] == "0.00000000"), "{held:?}");
        let refused = socket.signed("order.place", limit("BUY", &below, "0.01")).await;
        assert_eq!((code(&refused), refused["error"]["msg"].as_str()), ((400, -1013), Some("Market is closed.")));
    });
}
