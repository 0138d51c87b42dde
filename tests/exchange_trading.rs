//! The trading endpoints of the local exchange over HTTP: every action, the lists of fields that
//! the exchange documents for its answers, and what can be asked about it later.

use reqwest::Method;
use serde_json::{Value, json};

use crate::exchange::{Stranger, keys, run};

const LOW: &str = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=15000";

impl Stranger {
    async fn post(&self, path: &str, query: &str) -> (u16, Value) {
        self.signed(Method::POST, path, &format!("symbol=BTCUSDT&{query}")).await
    }

    async fn delete(&self, path: &str, query: &str) -> (u16, Value) {
        self.signed(Method::DELETE, path, &format!("symbol=BTCUSDT&{query}")).await
    }

    /// A price so many dollars off the last one, on the tick.
    async fn price(&self, off: i64) -> String {
        self.step(None).await;
        let klines = self.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1").await.1;
        let close: f64 = klines[0][4].as_str().unwrap().parse().unwrap();
        format!("{}", close as i64 + off)
    }
}

fn names(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

const LIST: &str =
    "orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime symbol orders";
const RESULT: &str = "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty \
     cummulativeQuoteQty status timeInForce type side";
const CANCELLED: &str = "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty \
     executedQty origQuoteOrderQty cummulativeQuoteQty status timeInForce type side";

#[test]
fn a_pair_is_placed_asked_for_and_cancelled_as_a_whole() {
    run(async |stranger: Stranger| {
        stranger.order("side=BUY&type=MARKET&quantity=0.05").await;
        let (above, below) = (stranger.price(900).await, stranger.price(-900).await);
        let oco = format!(
            "side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice={above}&belowType=STOP_LOSS&belowStopPrice={below}&listClientOrderId=pair"
        );
        let (status, placed) = stranger.post("/api/v3/orderList/oco", &oco).await;
        assert_eq!(status, 200, "{placed}");
        assert_eq!(keys(&placed), names(&format!("{LIST} orderReports")));
        assert_eq!(
            (&placed["listStatusType"], &placed["listOrderStatus"]),
            (&json!("EXEC_STARTED"), &json!("EXECUTING"))
        );
        assert_eq!(keys(&placed["orders"][0]), names("symbol orderId clientOrderId"));
        let [stop, limit] = [&placed["orderReports"][0], &placed["orderReports"][1]];
        assert_eq!(keys(stop), names(&format!("{RESULT} stopPrice workingTime selfTradePreventionMode")));
        assert_eq!(keys(limit), names(&format!("{RESULT} workingTime selfTradePreventionMode")));
        assert_eq!((&stop["workingTime"], &stop["orderListId"]), (&json!(-1), &json!(1)));
        let (_, asked) = stranger.ask("/api/v3/orderList", "origClientOrderId=pair").await;
        assert_eq!(keys(&asked), names(LIST));
        assert_eq!(stranger.ask("/api/v3/openOrderList", "").await.1, json!([asked]));
        let (_, order) = stranger.ask("/api/v3/order", &format!("symbol=BTCUSDT&orderId={}", stop["orderId"])).await;
        assert_eq!((&order["orderListId"], &order["isWorking"]), (&json!(1), &json!(false)));
        let (status, ended) = stranger.delete("/api/v3/order", &format!("orderId={}", stop["orderId"])).await;
        assert_eq!((status, keys(&ended)), (200, names(&format!("{LIST} orderReports"))));
        assert_eq!(ended["orderReports"].as_array().unwrap().len(), 2);
        assert_eq!(keys(&ended["orderReports"][1]), names(&format!("{CANCELLED} selfTradePreventionMode")));
        assert_eq!(
            (&ended["listStatusType"], &ended["orderReports"][0]["status"]),
            (&json!("ALL_DONE"), &json!("CANCELED"))
        );
        assert_eq!(stranger.ask("/api/v3/openOrderList", "").await.1, json!([]));
        assert_eq!(stranger.ask("/api/v3/allOrderList", "fromId=1").await.1[0]["listOrderStatus"], "ALL_DONE");
        let (status, gone) = stranger.delete("/api/v3/orderList", "orderListId=1").await;
        assert_eq!((status, gone["code"].as_i64()), (400, Some(-2011)));
        let (status, never) = stranger.ask("/api/v3/orderList", "orderListId=7").await;
        assert_eq!((status, never["code"].as_i64()), (400, Some(-2018)));
    });
}

#[test]
fn a_replacement_tells_of_both_halves() {
    run(async |stranger: Stranger| {
        let (_, first) = stranger.order(LOW).await;
        let path = "/api/v3/order/cancelReplace";
        let replace = |mode: &str, rest: &str| format!("{LOW}&cancelReplaceMode={mode}&{rest}");
        let (status, done) =
            stranger.post(path, &replace("STOP_ON_FAILURE", &format!("cancelOrderId={}", first["orderId"]))).await;
        assert_eq!((status, keys(&done)), (200, names("cancelResult newOrderResult cancelResponse newOrderResponse")));
        assert_eq!((&done["cancelResult"], &done["newOrderResult"]), (&json!("SUCCESS"), &json!("SUCCESS")));
        assert_eq!(keys(&done["cancelResponse"]), names(&format!("{CANCELLED} selfTradePreventionMode")));
        assert_eq!(done["newOrderResponse"]["status"], "NEW");
        let (status, failed) = stranger.post(path, &replace("STOP_ON_FAILURE", "cancelOrderId=99")).await;
        let unknown = json!({ "code": -2011, "msg": "Unknown order sent." });
        let data = json!({ "cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": unknown, "newOrderResponse": null });
        let expected = json!({ "code": -2022, "msg": "Order cancel-replace failed.", "data": data });
        assert_eq!((status, failed), (400, expected));
        let (status, half) = stranger.post(path, &replace("ALLOW_FAILURE", "cancelOrderId=99")).await;
        assert_eq!((status, half["code"].as_i64()), (409, Some(-2021)));
        assert_eq!((&half["data"]["cancelResponse"], &half["data"]["newOrderResult"]), (&unknown, &json!("SUCCESS")));
        assert_eq!(half["data"]["newOrderResponse"]["status"], "NEW");
    });
}

#[test]
fn the_last_order_that_still_has_a_name_is_found_by_it() {
    run(async |stranger: Stranger| {
        let named =
            async |name: &str| stranger.ask("/api/v3/order", &format!("symbol=BTCUSDT&origClientOrderId={name}")).await;
        stranger.order(&format!("{LOW}&newClientOrderId=mine")).await;
        stranger.delete("/api/v3/order", "origClientOrderId=mine").await;
        stranger.order(&format!("{LOW}&newClientOrderId=mine")).await;
        assert_eq!(named("mine").await.1["orderId"], 2);
        let amended = "symbol=BTCUSDT&orderId=2&newQty=0.004&newClientOrderId=other";
        stranger.signed(Method::PUT, "/api/v3/order/amend/keepPriority", amended).await;
        assert_eq!(named("other").await.1["orderId"], 2);
        assert_eq!(named("mine").await.1["orderId"], 1, "the second one is called otherwise now");
        assert_eq!(named("nobody").await.1["code"], -2013);
    });
}

#[test]
fn everything_is_cancelled_with_lists_among_it() {
    run(async |stranger: Stranger| {
        stranger.order("side=BUY&type=MARKET&quantity=0.05").await;
        let (above, below) = (stranger.price(900).await, stranger.price(-900).await);
        let oco = format!(
            "side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice={above}&belowType=STOP_LOSS&belowStopPrice={below}"
        );
        let mut placed = Vec::new();
        for _ in 0..3 {
            placed.push(stranger.order(LOW).await.1["orderId"].clone());
            stranger.post("/api/v3/orderList/oco", &oco).await;
        }
        let (status, ended) = stranger.delete("/api/v3/openOrders", "").await;
        let ended = ended.as_array().unwrap();
        let (lists, alone): (Vec<_>, Vec<_>) = ended.iter().partition(|ended| ended.get("orders").is_some());
        assert_eq!((status, alone.len(), lists.len()), (200, 3, 3));
        assert!(alone.iter().map(|order| &order["orderId"]).eq(&placed), "oldest first");
        assert_eq!(keys(alone[0]), names(&format!("{CANCELLED} selfTradePreventionMode")));
        for list in lists {
            assert_eq!(
                (&list["listOrderStatus"], list["orderReports"].as_array().unwrap().len()),
                (&json!("ALL_DONE"), 2)
            );
        }
        assert_eq!(stranger.ask("/api/v3/openOrders", "").await.1, json!([]));
    });
}

#[test]
fn an_amendment_is_told_and_kept() {
    run(async |stranger: Stranger| {
        stranger.order(&format!("{LOW}&newClientOrderId=big")).await;
        let query = "symbol=BTCUSDT&orderId=1&newQty=0.004&newClientOrderId=small";
        let (status, amended) = stranger.signed(Method::PUT, "/api/v3/order/amend/keepPriority", query).await;
        assert_eq!(status, 200, "{amended}");
        assert_eq!(keys(&amended), names("transactTime executionId amendedOrder"));
        let order = "symbol orderId orderListId origClientOrderId clientOrderId price qty executedQty preventedQty \
             quoteOrderQty cumulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode";
        assert_eq!(keys(&amended["amendedOrder"]), names(order));
        assert_eq!(amended["amendedOrder"]["qty"], "0.00400000");
        let (_, kept) = stranger.ask("/api/v3/order/amendments", "symbol=BTCUSDT&orderId=1").await;
        let fields = "symbol orderId executionId origClientOrderId newClientOrderId origQty newQty time";
        assert_eq!(keys(&kept[0]), names(fields));
        assert_eq!((&kept[0]["origQty"], &kept[0]["newClientOrderId"]), (&json!("0.01000000"), &json!("small")));
        assert_eq!(kept[0]["executionId"], amended["executionId"]);
    });
}

#[test]
fn what_self_trade_prevention_has_kept_from_happening_can_be_asked_for() {
    run(async |stranger: Stranger| {
        // At the ask, where the market order has just bought; time stands still meanwhile.
        let (_, bought) = stranger.order("side=BUY&type=MARKET&quantity=0.05").await;
        let ask = bought["fills"][0]["price"].as_str().unwrap();
        let at_the_ask = format!("type=LIMIT&timeInForce=GTC&quantity=0.01&price={ask}");
        let (_, maker) = stranger.order(&format!("side=SELL&{at_the_ask}")).await;
        assert_eq!(maker["status"], "NEW");
        let (status, taker) =
            stranger.order(&format!("side=BUY&{at_the_ask}&selfTradePreventionMode=EXPIRE_MAKER")).await;
        assert_eq!((status, &taker["status"]), (200, &json!("FILLED")));
        let (_, order) = stranger.ask("/api/v3/order", "symbol=BTCUSDT&orderId=2").await;
        assert_eq!((&order["status"], &order["preventedQuantity"]), (&json!("EXPIRED_IN_MATCH"), &json!("0.01000000")));
        let (_, matches) = stranger.ask("/api/v3/myPreventedMatches", "symbol=BTCUSDT&orderId=2").await;
        let fields = "symbol preventedMatchId takerOrderId makerSymbol makerOrderId tradeGroupId \
             selfTradePreventionMode price makerPreventedQuantity transactTime";
        assert_eq!(keys(&matches[0]), names(fields));
        assert_eq!((&matches[0]["makerOrderId"], &matches[0]["takerOrderId"]), (&json!(2), &json!(3)));
        assert_eq!(order["preventedMatchId"], matches[0]["preventedMatchId"]);
        let (status, no) = stranger.ask("/api/v3/myPreventedMatches", "symbol=BTCUSDT").await;
        assert_eq!((status, no["code"].as_i64()), (400, Some(-1128)));
    });
}

#[test]
fn everything_is_cancelled_lists_as_lists() {
    run(async |stranger: Stranger| {
        stranger.order(LOW).await;
        stranger.order("side=BUY&type=MARKET&quantity=0.05").await;
        let (above, below) = (stranger.price(900).await, stranger.price(-900).await);
        let oco = format!(
            "side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice={above}&belowType=STOP_LOSS&belowStopPrice={below}"
        );
        stranger.post("/api/v3/orderList/oco", &oco).await;
        let (status, all) = stranger.signed(Method::DELETE, "/api/v3/openOrders", "symbol=BTCUSDT").await;
        assert_eq!((status, all.as_array().unwrap().len()), (200, 2), "{all}");
        assert_eq!(keys(&all[0]), names(&format!("{CANCELLED} selfTradePreventionMode")));
        assert_eq!(all[1]["orderReports"].as_array().unwrap().len(), 2);
        let (_, orders) = stranger.ask("/api/v3/allOrders", "symbol=BTCUSDT").await;
        let statuses: Vec<_> =
            orders.as_array().unwrap().iter().map(|order| order["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["CANCELED", "FILLED", "CANCELED", "CANCELED"]);
        let (_, later) = stranger.ask("/api/v3/allOrders", "symbol=BTCUSDT&orderId=3").await;
        assert_eq!(later.as_array().unwrap().len(), 2);
        // With a time the number is ignored, and the last update counts.
        let since = orders[0]["updateTime"].as_i64().unwrap();
        assert!(since > orders[0]["time"].as_i64().unwrap(), "{orders}");
        let asked = format!("symbol=BTCUSDT&orderId=99&startTime={since}");
        let (_, updated) = stranger.ask("/api/v3/allOrders", &asked).await;
        assert_eq!(updated[0]["orderId"], 1, "{updated}");
        assert!(
            updated.as_array().unwrap().iter().all(|order| order["updateTime"].as_i64() >= Some(since)),
            "{updated}"
        );
        let (status, none) = stranger.signed(Method::DELETE, "/api/v3/openOrders", "symbol=BTCUSDT").await;
        assert_eq!((status, none["code"].as_i64()), (400, Some(-2011)));
    });
}

#[test]
fn rates_filters_and_test_orders() {
    run(async |stranger: Stranger| {
        let (_, commission) = stranger.ask("/api/v3/account/commission", "symbol=BTCUSDT").await;
        assert_eq!(keys(&commission), names("symbol standardCommission specialCommission taxCommission discount"));
        assert_eq!(keys(&commission["standardCommission"]), names("maker taker buyer seller"));
        assert_eq!(commission["standardCommission"]["taker"], "0.00100000");
        assert_eq!(stranger.post("/api/v3/order/test", LOW).await, (200, json!({})));
        let (_, rates) = stranger.post("/api/v3/order/test", &format!("{LOW}&computeCommissionRates=true")).await;
        let fields = "standardCommissionForOrder specialCommissionForOrder taxCommissionForOrder discount";
        assert_eq!(keys(&rates), names(fields));
        assert_eq!(rates["standardCommissionForOrder"], json!({ "maker": "0.00100000", "taker": "0.00100000" }));
        let (status, no) = stranger.post("/api/v3/order/test", "side=BUY&type=LIMIT&quantity=0.01").await;
        assert_eq!((status, no["code"].as_i64()), (400, Some(-1102)));
        let (_, filters) = stranger.ask("/api/v3/myFilters", "symbol=BTCUSDT").await;
        assert_eq!(keys(&filters), names("exchangeFilters symbolFilters assetFilters"));
        assert_eq!(stranger.ask("/api/v3/rateLimit/order", "").await, (200, json!([])), "this market has no limits");
        let fees = json!([{ "symbol": "BTCUSDT", "makerCommission": "0.00100000", "takerCommission": "0.00100000" }]);
        assert_eq!(stranger.ask("/sapi/v1/asset/tradeFee", "").await, (200, fees.clone()));
        assert_eq!(stranger.ask("/sapi/v1/asset/tradeFee", "symbol=BTCUSDT").await, (200, fees));
        let (status, no) = stranger.ask("/sapi/v1/asset/tradeFee", "symbol=NONE").await;
        assert_eq!((status, no["code"].as_i64()), (400, Some(-1121)));
    });
}

#[test]
fn there_is_no_smart_order_routing_and_nothing_comes_of_it() {
    run(async |stranger: Stranger| {
        let no_sor = (400, json!({ "code": -1013, "msg": "This symbol has no SOR." }));
        for path in ["/api/v3/sor/order", "/api/v3/sor/order/test"] {
            assert_eq!(stranger.post(path, LOW).await, no_sor);
            for (query, expected) in [
                ("side=BUY&type=MARKET", -1102),
                ("side=BUY&type=MARKET&quoteOrderQty=10", -1104),
                ("side=BUY&type=STOP_LOSS&quantity=1", -1014),
                ("side=UP&type=MARKET&quantity=1", -1117),
            ] {
                let (status, answer) = stranger.post(path, query).await;
                assert_eq!((status, &answer["code"]), (400, &json!(expected)), "{path} {query}");
            }
            let nowhere = format!("symbol=NONE&{LOW}");
            assert_eq!(stranger.signed(Method::POST, path, &nowhere).await.1["code"], -1121);
        }
        let info = stranger.get("/api/v3/exchangeInfo").await.1;
        assert_eq!(info.get("sors"), None);
        assert_eq!(stranger.ask("/api/v3/allOrders", "symbol=BTCUSDT").await.1, json!([]));
        let day = 86_400_000_u64;
        for (query, expected) in [
            ("symbol=BTCUSDT".to_owned(), None),
            ("symbol=BTCUSDT&startTime=1677628800000".to_owned(), None),
            ("symbol=BTCUSDT&endTime=1677628800000&limit=1000".to_owned(), None),
            (format!("symbol=BTCUSDT&startTime=1677628800000&endTime={}", 1_677_628_800_000 + day), None),
            (format!("symbol=BTCUSDT&startTime=1677628800000&endTime={}", 1_677_628_800_001 + day), Some(-1127)),
            ("symbol=BTCUSDT&fromAllocationId=3".to_owned(), None),
            ("symbol=BTCUSDT&orderId=1".to_owned(), None),
            ("symbol=BTCUSDT&orderId=1&fromAllocationId=3".to_owned(), None),
            ("symbol=BTCUSDT&orderId=1&startTime=1677628800000".to_owned(), Some(-1128)),
            ("symbol=BTCUSDT&fromAllocationId=3&endTime=1677628800000".to_owned(), Some(-1128)),
            ("symbol=BTCUSDT&limit=0".to_owned(), Some(-1130)),
            ("symbol=BTCUSDT&orderId=x".to_owned(), Some(-1100)),
            ("symbol=NONE".to_owned(), Some(-1121)),
            (String::new(), Some(-1102)),
            ("symbol=BTCUSDT&allocationId=3".to_owned(), Some(-1104)),
        ] {
            let (status, answer) = stranger.ask("/api/v3/myAllocations", &query).await;
            match expected {
                None => assert_eq!((status, answer), (200, json!([])), "{query}"),
                Some(code) => assert_eq!((status, &answer["code"]), (400, &json!(code)), "{query}"),
            }
        }
        for (query, expected) in [
            ("symbol=BTCUSDT&fromId=0", None),
            ("symbol=BTCUSDT&fromId=7&limit=1000", None),
            ("symbol=BTCUSDT", Some(-1102)),
            ("symbol=NONE&fromId=0", Some(-1121)),
            ("symbol=BTCUSDT&fromId=-1", Some(-1100)),
            ("symbol=BTCUSDT&fromId=0&limit=0", Some(-1130)),
        ] {
            let (status, answer) = stranger.get(&format!("/api/v3/historicalBlockTrades?{query}")).await;
            match expected {
                None => assert_eq!((status, answer), (200, json!([])), "{query}"),
                Some(code) => assert_eq!((status, &answer["code"]), (400, &json!(code)), "{query}"),
            }
        }
    });
}
