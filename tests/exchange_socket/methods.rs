//! Every method: the fields of its answer, and how requests and answers are written.

use candlewick_model::OrderLimit;
use candlewick_model::order::RateInterval;
use candlewick_simulator::Limits;
use serde_json::{Value, json};

use super::{Scene, Socket, code, payload, run};
use crate::exchange::{credentials, keys, service};

const ACK: &str = "symbol orderId orderListId clientOrderId transactTime";
const RESULT: &str = "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty \
     cummulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode";
const FULL: &str = "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty \
     cummulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode fills";
const CANCELLED: &str = "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty \
     executedQty origQuoteOrderQty cummulativeQuoteQty status timeInForce type side selfTradePreventionMode";
const ORDER: &str = "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status \
     timeInForce type side stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty \
     selfTradePreventionMode";
const LIST: &str =
    "orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime symbol orders";
const PLACED: &str = "orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime \
     symbol orders orderReports";
const SESSION: &str = "apiKey authorizedSince connectedSince returnRateLimits serverTime userDataStream";
const REPLACED: &str = "cancelResult newOrderResult cancelResponse newOrderResponse";

const OCO: &str = r#"{"symbol":"BTCUSDT","side":"SELL","quantity":"0.01","aboveType":"LIMIT_MAKER","abovePrice":"30000","belowType":"STOP_LOSS","belowStopPrice":"15000"}"#;
const OTO: &str = r#"{"symbol":"BTCUSDT","workingType":"LIMIT","workingSide":"BUY","workingPrice":"15000","workingQuantity":"0.01","workingTimeInForce":"GTC","pendingType":"MARKET","pendingSide":"SELL","pendingQuantity":"0.01"}"#;
const OTOCO: &str = r#"{"symbol":"BTCUSDT","workingType":"LIMIT","workingSide":"BUY","workingPrice":"15000","workingQuantity":"0.01","workingTimeInForce":"GTC","pendingSide":"SELL","pendingQuantity":"0.01","pendingAboveType":"LIMIT_MAKER","pendingAbovePrice":"30000","pendingBelowType":"STOP_LOSS","pendingBelowStopPrice":"14000"}"#;
const LIMIT: &str =
    r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":0.01,"price":15000.50}"#;

/// Method, parameters, and the fields that web-socket-api.md has in its answer: of a list in its
/// first element, of an error in `error`. Those that appear only at times are not in them.
const METHODS: [(&str, &str, &str); 61] = [
    ("ping", "{}", ""),
    ("time", "{}", "serverTime"),
    ("exchangeInfo", r#"{"symbols":["BTCUSDT"]}"#, "timezone serverTime rateLimits exchangeFilters symbols"),
    ("executionRules", r#"{"symbol":"BTCUSDT"}"#, "symbolRules"),
    ("depth", r#"{"symbol":"BTCUSDT","limit":5}"#, "lastUpdateId bids asks"),
    ("trades.recent", r#"{"symbol":"BTCUSDT","limit":2}"#, "id price qty quoteQty time isBuyerMaker isBestMatch"),
    ("trades.historical", r#"{"symbol":"BTCUSDT"}"#, "id price qty quoteQty time isBuyerMaker isBestMatch"),
    ("trades.aggregate", r#"{"symbol":"BTCUSDT"}"#, "a p q f l T m M"),
    ("klines", r#"{"symbol":"BTCUSDT","interval":"1m"}"#, "0 1 2 3 4 5 6 7 8 9 10 11"),
    ("uiKlines", r#"{"symbol":"BTCUSDT","interval":"1m","limit":"1"}"#, "0 1 2 3 4 5 6 7 8 9 10 11"),
    ("avgPrice", r#"{"symbol":"BTCUSDT"}"#, "mins price closeTime"),
    (
        "ticker.24hr",
        r#"{"symbols":[ "BTCUSDT" ]}"#,
        "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty \
         askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count",
    ),
    (
        "ticker.tradingDay",
        r#"{"symbol":"BTCUSDT"}"#,
        "symbol priceChange priceChangePercent weightedAvgPrice openPrice highPrice lowPrice lastPrice volume \
         quoteVolume openTime closeTime firstId lastId count",
    ),
    (
        "ticker",
        r#"{"symbol":"BTCUSDT","windowSize":"1h","type":"MINI"}"#,
        "symbol openPrice highPrice lowPrice lastPrice volume quoteVolume openTime closeTime firstId lastId count",
    ),
    ("ticker.price", r#"{"symbol":"BTCUSDT"}"#, "symbol price"),
    ("ticker.book", r#"{"symbols":"[\"BTCUSDT\"]"}"#, "symbol bidPrice bidQty askPrice askQty"),
    ("referencePrice", r#"{"symbol":"BTCUSDT"}"#, "code msg"),
    ("referencePrice.calculation", r#"{"symbol":"BTCUSDT"}"#, "code msg"),
    ("session.status", "{}", SESSION),
    ("session.logout", "{}", SESSION),
    ("session.subscriptions", "{}", ""),
    ("userDataStream.subscribe", "{}", "code msg"),
    ("!userDataStream.subscribe.signature", "{}", "subscriptionId"),
    ("session.subscriptions", "{}", "subscriptionId"),
    ("userDataStream.unsubscribe", r#"{"subscriptionId":0}"#, ""),
    ("!order.place", LIMIT, FULL),
    ("!order.place", r#"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":0.10}"#, FULL),
    (
        "!order.place",
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT_MAKER","quantity":"0.01","price":"15000","newOrderRespType":"ACK"}"#,
        ACK,
    ),
    ("!v3/order.test", LIMIT, ""),
    (
        "!order.test",
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"1","computeCommissionRates":true}"#,
        "standardCommissionForOrder specialCommissionForOrder taxCommissionForOrder discount",
    ),
    ("!order.status", r#"{"symbol":"BTCUSDT","orderId":1}"#, ORDER),
    ("!openOrders.status", r#"{"symbol":"BTCUSDT"}"#, ORDER),
    ("!allOrders", r#"{"symbol":"BTCUSDT"}"#, ORDER),
    (
        "!order.amend.keepPriority",
        r#"{"symbol":"BTCUSDT","orderId":1,"newQty":"0.005"}"#,
        "transactTime executionId amendedOrder",
    ),
    (
        "!order.amendments",
        r#"{"symbol":"BTCUSDT","orderId":1}"#,
        "symbol orderId executionId origClientOrderId newClientOrderId origQty newQty time",
    ),
    (
        "!order.cancelReplace",
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"15000","cancelReplaceMode":"STOP_ON_FAILURE","cancelOrderId":1}"#,
        REPLACED,
    ),
    (
        "!order.cancelReplace",
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"15000","cancelReplaceMode":"STOP_ON_FAILURE","cancelOrderId":1}"#,
        "code msg data",
    ),
    ("!order.cancel", r#"{"symbol":"BTCUSDT","orderId":4}"#, CANCELLED),
    ("!orderList.place.oco", OCO, PLACED),
    ("!orderList.status", r#"{"orderListId":1}"#, LIST),
    ("!openOrderLists.status", "{}", LIST),
    ("!allOrderLists", "{}", LIST),
    ("!orderList.cancel", r#"{"symbol":"BTCUSDT","orderListId":1}"#, PLACED),
    (
        "!orderList.place",
        r#"{"symbol":"BTCUSDT","side":"SELL","quantity":"0.01","price":"30000","stopPrice":"15000"}"#,
        PLACED,
    ),
    ("!orderList.place.oto", OTO, PLACED),
    ("!orderList.place.otoco", OTOCO, PLACED),
    ("!openOrders.cancelAll", r#"{"symbol":"BTCUSDT"}"#, CANCELLED),
    (
        "!account.status",
        r#"{"omitZeroBalances":true}"#,
        "makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade canWithdraw canDeposit \
         brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions uid",
    ),
    (
        "!myTrades",
        r#"{"symbol":"BTCUSDT"}"#,
        "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch",
    ),
    ("!account.rateLimits.orders", "{}", "rateLimitType interval intervalNum limit count"),
    ("!myPreventedMatches", r#"{"symbol":"BTCUSDT","orderId":1}"#, ""),
    (
        "!account.commission",
        r#"{"symbol":"BTCUSDT"}"#,
        "symbol standardCommission specialCommission taxCommission discount",
    ),
    ("blockTrades.historical", r#"{"symbol":"BTCUSDT","fromId":0}"#, ""),
    ("!sor.order.place", r#"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01"}"#, "code msg"),
    ("!sor.order.test", r#"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01"}"#, "code msg"),
    ("!myAllocations", r#"{"symbol":"BTCUSDT"}"#, ""),
    ("!myFilters", r#"{"symbol":"BTCUSDT"}"#, "exchangeFilters symbolFilters assetFilters"),
    // Keys of this kind cannot log on, and these are not there.
    ("!session.logon", "{}", "code msg"),
    ("!userDataStream.start", "{}", "code msg"),
    ("userDataStream.subscribe.listenToken", "{}", "code msg"),
    ("order.modify", "{}", "code msg"),
];

fn fields(answer: &Value) -> Vec<String> {
    let body = answer.get("result").or(answer.get("error")).unwrap();
    match body.as_array().map(|rows| rows.first()) {
        None => keys(body).into_iter().map(str::to_owned).collect(),
        Some(None) => Vec::new(),
        Some(Some(Value::Array(row))) => (0..row.len()).map(|at| at.to_string()).collect(),
        Some(Some(row)) => keys(row).into_iter().map(str::to_owned).collect(),
    }
}

/// Sends parameters as they stand here, signed where the method is marked.
async fn ask(socket: &mut Socket, method: &str, params: &str) -> Value {
    let Some(method) = method.strip_prefix('!') else {
        socket.send(format!(r#"{{"id":"x","method":"{method}","params":{params}}}"#)).await;
        return socket.answer().await;
    };
    let now = socket.now().await;
    let own = params.trim_start_matches('{').trim_end_matches('}');
    let comma = if own.is_empty() { "" } else { "," };
    let sent = format!(r#"{{{own}{comma}"apiKey":"{}","timestamp":{now}}}"#, crate::exchange::KEY);
    // Floats as they stand there, not as somebody else would write them.
    let raw: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&sent).unwrap();
    let pairs = raw.iter().map(|(name, value)| format!("{name}={}", value.get().trim_matches('"')));
    let signature = credentials().sign(&pairs.collect::<Vec<_>>().join("&"));
    let sent = format!(r#"{},"signature":"{signature}"}}"#, sent.trim_end_matches('}'));
    socket.send(format!(r#"{{"id":"x","method":"{method}","params":{sent}}}"#)).await;
    socket.answer().await
}

#[test]
fn every_method_answers_with_the_documented_fields() {
    let mut service = service();
    let limit = OrderLimit { interval: RateInterval::Day, interval_num: 1, limit: 1_000 };
    service.setup.limits = Limits { orders: vec![limit], ..Limits::default() }.into();
    run(service, async |scene: Scene| {
        let mut socket = scene.connect().await;
        for _ in 0..3 {
            scene.step().await;
        }
        for (method, params, expected) in METHODS {
            let answer = ask(&mut socket, method, params).await;
            let expected: Vec<_> = expected.split_whitespace().collect();
            assert_eq!(fields(&answer), expected, "{method} {answer}");
            let is_error = answer["status"] != 200;
            assert_eq!(is_error, expected.starts_with(&["code"]), "{method} {answer}");
            let around = if is_error { "id status error rateLimits" } else { "id status result rateLimits" };
            assert_eq!(keys(&answer), around.split(' ').collect::<Vec<_>>(), "{method}");
            assert_eq!(answer["id"], "x");
            let limits: Vec<_> =
                answer["rateLimits"].as_array().unwrap().iter().map(|limit| &limit["rateLimitType"]).collect();
            let places = ["place", "cancelReplace"].iter().any(|word| method.contains(word));
            let expected = if places { json!(["ORDERS", "REQUEST_WEIGHT"]) } else { json!(["REQUEST_WEIGHT"]) };
            assert_eq!(json!(limits), expected, "{method}");
            assert_eq!(keys(&answer["rateLimits"][0]), ["rateLimitType", "interval", "intervalNum", "limit", "count"]);
        }
        assert_eq!(RESULT.split_whitespace().count() + 1, FULL.split_whitespace().count());
    });
}

/// They are signed as they stand in the request; what another language calls them is something else.
#[test]
fn booleans_are_those_of_json() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let held = async |socket: &mut Socket, params: &str| {
            let answer = ask(socket, "!account.status", params).await;
            answer["result"]["balances"].as_array().map(Vec::len)
        };
        for (params, expected) in [
            (r#"{"omitZeroBalances":true}"#, Some(1)),
            (r#"{"omitZeroBalances":"true"}"#, Some(1)),
            (r#"{"omitZeroBalances":false}"#, Some(2)),
            (r#"{"omitZeroBalances":"false"}"#, Some(2)),
            (r#"{"omitZeroBalances":false,"returnRateLimits":true}"#, Some(2)),
            (r#"{"omitZeroBalances":"False"}"#, None),
            (r#"{"omitZeroBalances":0}"#, None),
        ] {
            assert_eq!(held(&mut socket, params).await, expected, "{params}");
        }
        let test =
            r#"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01","computeCommissionRates":true}"#;
        assert!(ask(&mut socket, "!order.test", test).await["result"]["discount"].is_object());
        let quiet = ask(
            &mut socket,
            "exchangeInfo",
            r#"{"symbol":"BTCUSDT","showPermissionSets":false,"returnRateLimits":false}"#,
        )
        .await;
        assert_eq!((&quiet["result"]["symbols"][0]["permissionSets"], quiet.get("rateLimits")), (&json!([]), None));
        let now = socket.now().await;
        let signed = format!("apiKey={}&omitZeroBalances=False&timestamp={now}", crate::exchange::KEY);
        let params = json!({ "apiKey": crate::exchange::KEY, "omitZeroBalances": false, "timestamp": now,
            "signature": credentials().sign(&signed) });
        assert_eq!(code(&socket.ask("account.status", params).await), (400, -1022));
    });
}

#[test]
fn requests_and_answers_are_written_as_documented() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        for (sent, expected) in [
            (r#"{"id":null,"method":"ping"}"#, json!({ "id": null, "status": 200, "result": {} })),
            (r#"{"id":-7,"method":"v3/ping","params":{}}"#, json!({ "id": -7, "status": 200, "result": {} })),
            (r#"{"id":"7","method":"ping","params":null}"#, json!({ "id": "7", "status": 200, "result": {} })),
            (
                "{\"id\":1,\"method\":\"ping\"",
                json!({ "id": null, "status": 400, "error": { "code": -1135, "msg": "Invalid JSON Request" } }),
            ),
            (
                r#"{"id":1,"method":"nothing"}"#,
                json!({ "id": 1, "status": 400, "error": { "code": -1020, "msg": "This operation is not supported." } }),
            ),
            (
                r#"{"id":1,"method":"avgPrice"}"#,
                json!({ "id": 1, "status": 400, "error": { "code": -1102, "msg": "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed." } }),
            ),
            (
                r#"{"id":1,"method":"userDataStream.unsubscribe","params":{"x":1}}"#,
                json!({ "id": 1, "status": 400, "error": { "code": -1104, "msg": "Not all sent parameters were read; read '0' parameter(s) but was sent '1'." } }),
            ),
            (
                r#"{"id":1,"method":"userDataStream.unsubscribe","params":{"apiKey":"k","timestamp":1,"recvWindow":5,"signature":"s"}}"#,
                json!({ "id": 1, "status": 200, "result": {} }),
            ),
            (
                r#"{"id":1,"method":"avgPrice","params":{"symbol":"BTCUSDT","symbol":"BTCUSDT"}}"#,
                json!({ "id": 1, "status": 400, "error": { "code": -1101, "msg": "Duplicate values for a parameter detected." } }),
            ),
            (
                r#"{"id":1,"method":"ping","params":{"returnRateLimits":"maybe"}}"#,
                json!({ "id": 1, "status": 400, "error": { "code": -1130, "msg": "Data sent for parameter 'returnRateLimits' is not valid." } }),
            ),
        ] {
            socket.send(sent).await;
            let mut answer = socket.answer().await;
            let limits = answer.as_object_mut().unwrap().shift_remove("rateLimits").unwrap();
            assert_eq!(limits[0]["limit"], 6_000);
            assert_eq!(answer, expected, "{sent}");
        }
    });
}

#[test]
fn what_the_url_wishes_holds_for_all_requests() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect_to("/ws-api/v3?returnRateLimits=false&timeUnit=MICROSECOND").await.unwrap();
        let time = socket.ask("time", json!({})).await;
        assert_eq!(keys(&time), ["id", "status", "result"]);
        assert!(time["result"]["serverTime"].as_i64().unwrap() > 1_000_000_000_000_000, "{time}");
        let told = socket.ask("ping", json!({ "returnRateLimits": true })).await;
        // Two for the connection, one each for the requests.
        assert_eq!(told["rateLimits"][0]["count"], 4);
        assert_eq!(socket.ask("session.status", json!({})).await["result"]["returnRateLimits"], false);
        let mut usual = scene.connect().await;
        assert_eq!(keys(&usual.ask("ping", json!({ "returnRateLimits": false })).await), ["id", "status", "result"]);
        for (query, expected) in [
            ("timeUnit=DAY", -1194),
            ("returnRateLimits=1", -1130),
            ("timeUnit=%FF", -1100),
            ("responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=1", -1155),
        ] {
            let (status, body) = scene.connect_to(&format!("/ws-api/v3?{query}")).await.err().unwrap();
            let no: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status, no["code"].as_i64()), (400, Some(expected)), "{query}");
        }
        let plain = scene.http.get(format!("{}/ws-api/v3", scene.server.url())).send().await.unwrap();
        assert_eq!(plain.status().as_u16(), 400, "no handshake");
    });
}

#[test]
fn errors_are_those_of_rest() {
    run(service(), async |scene: Scene| {
        let mut socket = scene.connect().await;
        let now = socket.now().await;
        let params = |apikey: &str| json!({ "apiKey": apikey, "timestamp": now });
        assert_eq!(code(&socket.ask("account.status", json!({ "timestamp": now })).await), (400, -1102));
        assert_eq!(code(&socket.ask("account.status", params("no key")).await), (401, -2014));
        assert_eq!(code(&socket.ask("account.status", params("other")).await), (401, -2015));
        assert_eq!(code(&socket.ask("account.status", params(crate::exchange::KEY)).await), (400, -1102));
        let mut wrong = params(crate::exchange::KEY);
        wrong["signature"] = credentials().sign("else").into();
        assert_eq!(code(&socket.ask("account.status", wrong).await), (400, -1022));
        let mut old = json!({ "apiKey": crate::exchange::KEY, "timestamp": now.as_i64().unwrap() - 5_001 });
        old["signature"] = credentials().sign(&payload(&old)).into();
        assert_eq!(code(&socket.ask("account.status", old).await), (400, -1021));
        assert_eq!(
            code(
                &socket
                    .signed("order.place", json!({ "symbol": "XYZ", "side": "BUY", "type": "MARKET", "quantity": 1 }))
                    .await
            ),
            (400, -1121)
        );
        let order =
            json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 1, "newOrderRespType": "ACK" });
        let refused = socket.signed("order.place", order).await;
        assert_eq!(code(&refused), (400, -2010));
        assert_eq!(refused["rateLimits"][0]["rateLimitType"], "REQUEST_WEIGHT", "there is no limit of orders here");
        assert_eq!(
            code(&socket.signed("order.cancel", json!({ "symbol": "BTCUSDT", "orderId": 9 })).await),
            (400, -2011)
        );
        assert_eq!(
            code(&socket.signed("order.status", json!({ "symbol": "BTCUSDT", "orderId": 9 })).await),
            (400, -2013)
        );
        assert_eq!(code(&socket.signed("account.status", json!({ "symbol": "BTCUSDT" })).await), (400, -1104));
        // Of two ways to say what is meant the documents let one count; over REST they exclude each other.
        let list = json!({
            "symbol": "BTCUSDT", "listClientOrderId": "both", "workingType": "LIMIT", "workingSide": "BUY",
            "workingTimeInForce": "GTC", "workingPrice": "15000", "workingQuantity": "0.02", "pendingType": "MARKET",
            "pendingSide": "SELL", "pendingQuantity": "0.01",
        });
        assert_eq!(socket.signed("orderList.place.oto", list).await["status"], 200);
        let both = json!({ "orderListId": 99, "origClientOrderId": "both" });
        assert_eq!(socket.signed("orderList.status", both).await["result"]["listClientOrderId"], "both");
        let since = json!({ "fromId": 99, "startTime": now });
        assert_eq!(socket.signed("allOrderLists", since).await["result"][0]["listClientOrderId"], "both");
    });
}
