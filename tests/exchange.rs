//! The local exchange as a stranger meets it: plain HTTP requests, checked word by word.

use std::sync::Arc;

use candlewick_binance::signing::Credentials;
use candlewick_exchange::data::{Catalogue, ServerClock};
use candlewick_exchange::{MarketPlan, Portal, Server, Service};
use candlewick_model::CommissionRates;
use candlewick_model::run::FillModel;
use candlewick_model::time::{DAY, MINUTE};
use candlewick_model::{Account, Amount, ExchangeInfo, Interval, Timestamp};
use candlewick_simulator::{Limits, Market, Setup, Timeline};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "k3y";

pub(crate) fn credentials() -> Credentials {
    Credentials::new(KEY, "secret")
}

/// One day of minutes from this instant.
pub(crate) fn start() -> Timestamp {
    "2023-03-01".parse().unwrap()
}

pub(crate) fn service() -> Service {
    let plan = MarketPlan::bitcoin(5, Interval::OneMinute, start(), start().plus(DAY));
    let mut info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
    let instrument = info.instruments.remove(&plan.symbol).unwrap();
    let account = [(plan.base_asset, Amount::ZERO), (plan.quote_asset, "10000".parse().unwrap())];
    let fill_model = FillModel {
        fees: CommissionRates::simple("0.001".parse().unwrap(), "0.001".parse().unwrap()),
        ..FillModel::default()
    };
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let market = Market::new(timeline, fill_model, plan.interval, Arc::new(plan.bars()));
    let setup = Setup::of_one(market, Account::from_iter(account));
    Service { archives: true, ..Service::new(setup, plan.exchange_info(), credentials().into()) }
}

/// A plain client: what it sends is exactly what stands here.
pub(crate) struct Stranger {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    _server: Server,
}

impl Stranger {
    pub(crate) async fn meet() -> Self {
        Self::meet_at(service()).await
    }

    pub(crate) async fn meet_at(service: Service) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::start(service, 0).await.unwrap();
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), url: server.url(), _server: server }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.answer(self.http.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    /// A signed request with everything in the query, at the server's time.
    pub(crate) async fn signed(&self, method: reqwest::Method, path: &str, query: &str) -> (u16, Value) {
        self.answer(self.signed_request(method, path, query).await).await
    }

    pub(crate) async fn signed_request(
        &self,
        method: reqwest::Method,
        path: &str,
        query: &str,
    ) -> reqwest::RequestBuilder {
        let now = self.get("/api/v3/time").await.1["serverTime"].as_i64().unwrap();
        let separator = if query.is_empty() { "" } else { "&" };
        let query = format!("{query}{separator}timestamp={now}");
        let signature = credentials().sign(&query);
        let url = format!("{}{path}?{query}&signature={signature}", self.url);
        self.http.request(method, url).header("X-MBX-APIKEY", KEY)
    }

    pub(crate) async fn order(&self, query: &str) -> (u16, Value) {
        self.signed(reqwest::Method::POST, "/api/v3/order", &format!("symbol=BTCUSDT&{query}")).await
    }

    pub(crate) async fn ask(&self, path: &str, query: &str) -> (u16, Value) {
        self.signed(reqwest::Method::GET, path, query).await
    }

    pub(crate) async fn step(&self, until: Option<Timestamp>) -> Value {
        let body = json!({ "until": until.map(Timestamp::micros) }).to_string();
        let request = self.http.post(format!("{}/control/step", self.url)).header("Content-Type", "application/json");
        self.answer(request.body(body)).await.1
    }
}

pub(crate) fn run(test: impl AsyncFnOnce(Stranger)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Stranger::meet().await).await });
}

pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn time_stands_still_between_calls() {
    run(async |stranger: Stranger| {
        assert_eq!(stranger.get("/api/v3/ping").await, (200, json!({})));
        let before = start().plus(-1).millis();
        assert_eq!(stranger.get("/api/v3/time").await, (200, json!({ "serverTime": before })));
        let first_close = start().plus(MINUTE - 1);
        let stepped = stranger.step(None).await;
        assert_eq!(stepped, json!({ "time": first_close.micros(), "reports": 0, "bars": 1, "ended": false }));
        // Not beyond what is asked for; then nothing happens.
        let between = first_close.plus(5);
        let stepped = stranger.step(Some(between.plus(-2))).await;
        assert_eq!(stepped["bars"], 0);
        assert_eq!(stepped["time"], between.plus(-2).micros());
        let request = stranger.http.get(format!("{}/api/v3/time", stranger.url));
        let micros = stranger.answer(request.header("X-MBX-TIME-UNIT", "MICROSECOND")).await.1;
        assert_eq!(micros, json!({ "serverTime": between.plus(-2).micros() }));
        let request = stranger.http.get(format!("{}/api/v3/time", stranger.url));
        let wrong = stranger.answer(request.header("X-MBX-TIME-UNIT", "DAY")).await;
        assert_eq!((wrong.0, wrong.1["code"].as_i64()), (400, Some(-1194)));
    });
}

#[test]
fn klines_show_no_future() {
    run(async |stranger: Stranger| {
        let path = "/api/v3/klines?symbol=BTCUSDT&interval=1m";
        assert_eq!(stranger.get(path).await.1, json!([]), "before the first open");
        for _ in 0..3 {
            stranger.step(None).await;
        }
        let closed = stranger.get(path).await.1;
        assert_eq!(closed.as_array().unwrap().len(), 3, "time stands at the third close");
        assert_eq!(closed[0].as_array().unwrap().len(), 12);
        assert_eq!(closed[0][0], start().millis());
        // An order meets the next open: now a bar is open, and it knows its first price only.
        stranger.order("side=BUY&type=MARKET&quantity=0.01").await;
        let rows = stranger.get(path).await.1;
        let running = rows.as_array().unwrap().last().unwrap().clone();
        assert_eq!(rows.as_array().unwrap().len(), 4);
        assert_eq!((&running[1], &running[1], &running[1]), (&running[2], &running[3], &running[4]));
        // What was traded is the first trade of the minute, no more.
        let trades = stranger.get("/api/v3/trades?symbol=BTCUSDT&limit=1").await.1;
        let last = &trades[0];
        assert_eq!((&running[4], &last["time"]), (&last["price"], &running[0]));
        assert!(running[8].as_i64() < closed[2][8].as_i64());
        let limited = stranger.get(&format!("{path}&limit=2")).await.1;
        assert_eq!(limited.as_array().unwrap()[1], running, "the most recent ones");
        let from = start().plus(MINUTE);
        let ranged = stranger.get(&format!("{path}&startTime={}&limit=1", from.micros())).await.1;
        assert_eq!(ranged.as_array().unwrap()[0][0], from.millis(), "the oldest from there on");
        let none = stranger.get(&format!("{path}&endTime={}", start().millis() - 1)).await.1;
        assert_eq!(none, json!([]));
        for (query, code) in
            [("interval=1m", -1102), ("symbol=ETHUSDT&interval=1m", -1121), ("symbol=BTCUSDT&interval=2m", -1120)]
        {
            let (status, no) = stranger.get(&format!("/api/v3/klines?{query}")).await;
            assert_eq!((status, no["code"].as_i64()), (400, Some(code)), "{query}");
        }
    });
}

#[test]
fn an_order_is_taken_up_at_the_next_open_and_answered_in_full() {
    run(async |stranger: Stranger| {
        stranger.step(None).await;
        let (status, placed) = stranger.order("side=BUY&type=MARKET&quantity=0.01&newClientOrderId=a").await;
        assert_eq!(status, 200);
        let members = "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty \
             cummulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode fills";
        assert_eq!(keys(&placed), members.split_whitespace().collect::<Vec<_>>());
        assert_eq!(placed["transactTime"], start().plus(MINUTE).millis());
        assert_eq!((&placed["status"], &placed["executedQty"]), (&json!("FILLED"), &json!("0.01000000")));
        assert_eq!(keys(&placed["fills"][0]), ["price", "qty", "commission", "commissionAsset", "tradeId"]);
        assert_eq!(placed["fills"][0]["commissionAsset"], "BTC");
        // 0.1 % of what was received.
        assert_eq!(placed["fills"][0]["commission"], "0.00001000");
        let (_, trades) = stranger.ask("/api/v3/myTrades", "symbol=BTCUSDT").await;
        assert_eq!(trades[0]["price"], placed["fills"][0]["price"]);
        assert_eq!((&trades[0]["isMaker"], &trades[0]["isBuyer"]), (&json!(false), &json!(true)));
        let (_, account) = stranger.ask("/api/v3/account", "omitZeroBalances=true").await;
        assert_eq!(account["balances"][0], json!({ "asset": "BTC", "free": "0.00999000", "locked": "0.00000000" }));
        assert_eq!(account["commissionRates"]["taker"], "0.00100000");
    });
}

#[test]
fn a_resting_order_is_seen_cancelled_and_gone() {
    run(async |stranger: Stranger| {
        let limit = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=15000&newClientOrderId=low";
        let (_, placed) = stranger.order(limit).await;
        assert_eq!((&placed["status"], &placed["fills"]), (&json!("NEW"), &json!([])));
        let (_, open) = stranger.ask("/api/v3/openOrders", "symbol=BTCUSDT").await;
        let members = "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status \
             timeInForce type side stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty \
             selfTradePreventionMode";
        assert_eq!(keys(&open[0]), members.split_whitespace().collect::<Vec<_>>());
        let (_, account) = stranger.ask("/api/v3/account", "").await;
        assert_eq!(account["balances"][1]["locked"], "150.00000000");
        let (status, twice) = stranger.order(limit).await;
        assert_eq!((status, twice), (400, json!({ "code": -2010, "msg": "Duplicate order sent." })));
        let cancel = "symbol=BTCUSDT&origClientOrderId=low&newClientOrderId=bye";
        let (_, cancelled) = stranger.signed(reqwest::Method::DELETE, "/api/v3/order", cancel).await;
        let members = "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty executedQty \
             origQuoteOrderQty cummulativeQuoteQty status timeInForce type side selfTradePreventionMode";
        assert_eq!(keys(&cancelled), members.split_whitespace().collect::<Vec<_>>());
        assert_eq!((&cancelled["clientOrderId"], &cancelled["status"]), (&json!("bye"), &json!("CANCELED")));
        let (status, again) = stranger.signed(reqwest::Method::DELETE, "/api/v3/order", cancel).await;
        assert_eq!((status, again), (400, json!({ "code": -2011, "msg": "Unknown order sent." })));
        let (_, asked) = stranger.ask("/api/v3/order", "symbol=BTCUSDT&orderId=1").await;
        assert_eq!((&asked["status"], &asked["clientOrderId"]), (&json!("CANCELED"), &json!("low")));
        let (_, unknown) = stranger.ask("/api/v3/order", "symbol=BTCUSDT&orderId=9").await;
        assert_eq!(unknown, json!({ "code": -2013, "msg": "Order does not exist." }));
    });
}

#[test]
fn the_kinds_of_answers_and_their_conditional_members() {
    run(async |stranger: Stranger| {
        let (_, ack) = stranger.order("side=BUY&type=LIMIT_MAKER&quantity=0.01&price=15000").await;
        assert_eq!(keys(&ack), ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]);
        let (_, result) = stranger.order("side=BUY&type=MARKET&quantity=0.01&newOrderRespType=RESULT").await;
        assert!(result.get("fills").is_none() && result.get("expiryReason").is_none());
        let ioc = "side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.01&price=15000";
        let (_, expired) = stranger.order(ioc).await;
        assert_eq!(
            (&expired["status"], &expired["expiryReason"]),
            (&json!("EXPIRED"), &json!("UNFILLED_IOC_QUANTITY_EXPIRED"))
        );
    });
}

#[test]
fn keys_signatures_and_bodies() {
    run(async |stranger: Stranger| {
        let url = format!("{}/api/v3/order", stranger.url);
        let now = start().plus(-1).millis();
        let (query, body) = ("symbol=BTCUSDT&side=BUY&type=MARKET", format!("quantity=0.01&timestamp={now}"));
        let signature = credentials().sign(&format!("{query}{body}"));
        let post = |query: String, body: String, key: &str| {
            let request = stranger.http.post(format!("{url}?{query}")).header("X-MBX-APIKEY", key);
            request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
        };
        let (status, no) =
            stranger.answer(post(query.to_owned(), format!("{body}&signature={signature}"), "other")).await;
        assert_eq!((status, no["code"].as_i64()), (401, Some(-2015)));
        let (status, no) = stranger.answer(stranger.http.post(format!("{url}?{query}"))).await;
        assert_eq!((status, no["code"].as_i64()), (401, Some(-2014)));
        let (status, no) = stranger.answer(post(query.to_owned(), format!("{body}&signature=abc"), KEY)).await;
        assert_eq!((status, no["code"].as_i64()), (400, Some(-1022)));
        // Refused requests have not moved time.
        assert_eq!(stranger.get("/api/v3/time").await.1["serverTime"], now);
        let (status, _) = stranger.answer(post(query.to_owned(), format!("{body}&signature={signature}"), KEY)).await;
        assert_eq!(status, 200, "half in the query, half in the body");
        let (status, no) = stranger.answer(post(query.to_owned(), format!("{body}&signature={signature}"), KEY)).await;
        assert_eq!(status, 200, "a minute has not passed: {no}");
    });
}

#[test]
fn after_the_last_bar_the_service_is_over() {
    run(async |stranger: Stranger| {
        let mut bars = 0;
        loop {
            let stepped = stranger.step(None).await;
            bars += stepped["bars"].as_i64().unwrap();
            if stepped["ended"] == json!(true) {
                break;
            }
        }
        assert_eq!(bars, 24 * 60 - 35, "a day without its gap");
        let (status, no) = stranger.order("side=BUY&type=MARKET&quantity=0.01").await;
        assert_eq!((status, no), (400, json!({ "code": -1016, "msg": "This service is no longer available." })));
    });
}

#[test]
fn the_portal_is_beside_it_at_simulated_time() {
    run(async |stranger: Stranger| {
        let folder = "data/spot/daily/klines/BTCUSDT/1m/";
        let zip = format!("{}/{folder}BTCUSDT-1m-2023-03-01.zip", stranger.url);
        let status = async |url: &str| stranger.http.get(url).send().await.unwrap().status().as_u16();
        let listed = async || {
            let page = stranger.http.get(format!("{}/?prefix={folder}&max-keys=9", stranger.url)).send().await.unwrap();
            page.text().await.unwrap().matches("<Key>").count()
        };
        let control = async |path: &str, to: Timestamp| {
            let body = json!({ "to": to.micros() }).to_string();
            let moved = stranger.http.post(format!("{}/control/{path}", stranger.url)).body(body).send().await.unwrap();
            assert_eq!(moved.status().as_u16(), 200);
        };
        let midnight = start().plus(DAY);
        let checksum = format!("{zip}.CHECKSUM");
        assert_eq!((status(&zip).await, status(&checksum).await, listed().await), (404, 404, 0));
        control("step", midnight.plus(-1)).await;
        assert_eq!((status(&zip).await, status(&checksum).await, listed().await), (404, 404, 0));
        control("step", midnight).await;
        let there = stranger.http.get(&zip).send().await.unwrap();
        let length: usize = there.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!((there.status().as_u16(), there.bytes().await.unwrap().len()), (200, length));
        assert_eq!((status(&checksum).await, listed().await), (200, 2));
        assert_eq!(status(&zip.replace("03-01", "03-02")).await, 404);
        // Seconds and trades are there, too: those that the data server has of the same seed.
        let names = ["BTCUSDT".parse().unwrap()];
        let catalogue = Catalogue::generated(5, &names, Interval::OneMinute, &(start()..midnight));
        let portal = Portal::new(Arc::new(catalogue), ServerClock::starting(midnight, 0.0));
        for name in
            ["klines/BTCUSDT/1s/BTCUSDT-1s", "trades/BTCUSDT/BTCUSDT-trades", "aggTrades/BTCUSDT/BTCUSDT-aggTrades"]
        {
            let key = format!("data/spot/daily/{name}-2023-03-01.zip");
            let served = stranger.http.get(format!("{}/{key}", stranger.url)).send().await.unwrap();
            assert_eq!(Some(served.bytes().await.unwrap()), portal.file(&key).map(|file| file.bytes), "{key}");
        }
        let query = format!("symbol=BTCUSDT&interval=1s&startTime={}&limit=60", start().millis());
        let (_, seconds) = stranger.get(&format!("/api/v3/klines?{query}")).await;
        assert_eq!(
            (seconds.as_array().unwrap().len(), &seconds[59][6]),
            (60, &json!(start().plus(MINUTE - 1).millis()))
        );
        // What has not happened any more has not come out.
        control("seek", midnight.plus(-1)).await;
        assert_eq!((status(&zip).await, status(&checksum).await, listed().await), (404, 404, 0));
        control("seek", midnight).await;
        assert_eq!((status(&zip).await, status(&checksum).await, listed().await), (200, 200, 2));
    });
}

#[test]
fn exchange_info_is_the_snapshot_at_simulated_time() {
    run(async |stranger: Stranger| {
        let (_, info) = stranger.get("/api/v3/exchangeInfo?symbol=BTCUSDT").await;
        assert_eq!(info["serverTime"], start().plus(-1).millis());
        assert_eq!(info["symbols"][0]["filters"].as_array().unwrap().len(), 11);
        let (_, listed) = stranger.get("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D").await;
        assert_eq!(listed["symbols"], info["symbols"]);
        let (status, no) = stranger.get("/api/v3/exchangeInfo?symbol=NOPE").await;
        assert_eq!((status, no), (400, json!({ "code": -1121, "msg": "Invalid symbol." })));
    });
}

/// An hour of three snapshots, the second one of other rules, the last one silent about the market.
fn with_snapshots(service: Service) -> Service {
    let first: Value = serde_json::from_str(&service.exchange_info).unwrap();
    let entry = |info: &mut Value, filter: &str, member: &str, value: Value| {
        let filters = info["symbols"][0]["filters"].as_array_mut().unwrap();
        filters.iter_mut().find(|entry| entry["filterType"] == filter).unwrap()[member] = value;
    };
    let mut second = first.clone();
    entry(&mut second, "PRICE_FILTER", "tickSize", "0.50".into());
    entry(&mut second, "MAX_NUM_ORDERS", "maxNumOrders", 1.into());
    second["serverTime"] = start().plus(10 * MINUTE).millis().into();
    second["symbols"][0]["ocoAllowed"] = false.into();
    second["exchangeFilters"] = json!([{ "filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 9 }]);
    second["rateLimits"][0]["limit"] = 1.into();
    second["rateLimits"][1]["limit"] = 7.into();
    let third =
        json!({ "serverTime": start().plus(20 * MINUTE).millis(), "symbols": [], "rateLimits": first["rateLimits"] });
    let texts = [second, first, third].map(|info| info.to_string());
    let read: Vec<_> = texts.iter().map(|text| ExchangeInfo::parse(text).unwrap()).collect();
    let symbol = "BTCUSDT".parse().unwrap();
    let instruments = read.iter().filter_map(|info| Some((info.server_time, info.instruments.get(&symbol)?.clone())));
    let limits = |info: &ExchangeInfo| {
        let limits = Limits { filters: info.exchange_filters.clone(), orders: info.order_limits.clone() };
        (info.server_time, limits)
    };
    let mut setup = service.setup;
    setup.markets[0].timeline = Timeline::new(instruments.collect()).unwrap();
    setup.limits = Timeline::new(read.iter().map(limits).collect()).unwrap();
    Service { setup, exchange_info: texts.join("\n"), ..service }
}

#[test]
fn what_is_told_of_rules_and_what_orders_are_held_to_are_one_snapshot() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stranger = Stranger::meet_at(with_snapshots(service())).await;
        stranger.step(Some(start().plus(MINUTE))).await;
        let limit = |price: &str| format!("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}");
        assert_eq!(stranger.order(&limit("15000.50")).await.0, 200);
        let mut told = Vec::new();
        for minutes in [5, 9, 10, 15, 20, 30] {
            let until = start().plus(minutes * MINUTE);
            while stranger.get("/api/v3/time").await.1["serverTime"].as_i64().unwrap() < until.millis() {
                stranger.step(Some(until)).await;
            }
            let (_, info) = stranger.get("/api/v3/exchangeInfo?symbol=BTCUSDT").await;
            let symbol = &info["symbols"][0];
            let filter = |name: &str| {
                let mut filters = symbol["filters"].as_array().unwrap().iter();
                filters.find(|entry| entry["filterType"] == name).unwrap().clone()
            };
            let (_, own) = stranger.ask("/api/v3/myFilters", "symbol=BTCUSDT").await;
            let (tick, most) = (filter("PRICE_FILTER")["tickSize"].clone(), filter("MAX_NUM_ORDERS"));
            assert!(own["symbolFilters"].as_array().unwrap().contains(&most), "{own}");
            assert_eq!(own["exchangeFilters"], info["exchangeFilters"]);
            let (_, counts) = stranger.ask("/api/v3/rateLimit/order", "").await;
            let limits = info["rateLimits"].as_array().unwrap();
            let of_orders: Vec<_> = limits.iter().filter(|limit| limit["rateLimitType"] == "ORDERS").collect();
            assert_eq!(of_orders.len(), 2);
            assert!(
                of_orders.iter().zip(counts.as_array().unwrap()).all(|(told, count)| told["limit"] == count["limit"])
            );
            assert_eq!(limits.iter().find(|limit| limit["rateLimitType"] == "REQUEST_WEIGHT").unwrap()["limit"], 6000);
            // An order off the coarser tick, then one beside the one that is open.
            let judged = async |price: &str| {
                let (_, no) = stranger
                    .signed(reqwest::Method::POST, "/api/v3/order", &format!("symbol=BTCUSDT&{}", limit(price)))
                    .await;
                if no["orderId"].is_u64() {
                    let cancel = format!("symbol=BTCUSDT&orderId={}", no["orderId"]);
                    assert_eq!(stranger.signed(reqwest::Method::DELETE, "/api/v3/order", &cancel).await.0, 200);
                }
                no["msg"].as_str().unwrap_or("taken").to_owned()
            };
            let expected = if tick == "0.50" {
                ["Filter failure: PRICE_FILTER", "Filter failure: MAX_NUM_ORDERS"]
            } else {
                ["taken"; 2]
            };
            assert_eq!([judged("15000.01").await, judged("15000.50").await], expected, "after {minutes} minutes");
            told.push((
                tick,
                symbol["ocoAllowed"].clone(),
                of_orders[0]["limit"].clone(),
                info["exchangeFilters"].as_array().unwrap().len(),
            ));
        }
        let (fine, coarse) =
            ((json!("0.01000000"), json!(true), json!(50), 0), (json!("0.50"), json!(false), json!(7), 1));
        let silent = (json!("0.50"), json!(false), json!(50), 0);
        assert_eq!(told, [fine.clone(), fine, coarse.clone(), coarse, silent.clone(), silent]);
    });
}

/// One market with trades that has gone on for ten minutes and a bit.
async fn underway(stranger: &Stranger) {
    for _ in 0..10 {
        stranger.step(None).await;
    }
    stranger.step(Some(start().plus(10 * MINUTE + 25_000_000))).await;
}

const WINDOW: &str = "symbol priceChange priceChangePercent weightedAvgPrice openPrice highPrice lowPrice lastPrice volume \
     quoteVolume openTime closeTime firstId lastId count";
const MINI: &str =
    "symbol openPrice highPrice lowPrice lastPrice volume quoteVolume openTime closeTime firstId lastId count";

/// The members of each answer as the documentation's examples have them, in their order.
#[test]
fn market_data_have_the_documented_members() {
    run(async |stranger: Stranger| {
        underway(&stranger).await;
        let day = "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty \
             askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count";
        let trade = "id price qty quoteQty time isBuyerMaker isBestMatch";
        let one = "?symbol=BTCUSDT";
        for (path, members) in [
            (format!("depth{one}"), "lastUpdateId bids asks"),
            (format!("trades{one}"), trade),
            (format!("historicalTrades{one}&fromId=7"), trade),
            (format!("aggTrades{one}"), "a p q f l T m M"),
            (format!("avgPrice{one}"), "mins price closeTime"),
            (format!("ticker/24hr{one}"), day),
            ("ticker/24hr".to_owned(), day),
            (format!("ticker/24hr{one}&type=MINI"), MINI),
            (format!("ticker/tradingDay{one}"), WINDOW),
            (format!("ticker/tradingDay{one}&type=MINI&timeZone=8"), MINI),
            (format!("ticker{one}&windowSize=5m"), WINDOW),
            ("ticker?symbols=%5B%22BTCUSDT%22%5D&type=MINI".to_owned(), MINI),
            (format!("ticker/price{one}"), "symbol price"),
            ("ticker/bookTicker".to_owned(), "symbol bidPrice bidQty askPrice askQty"),
            (format!("executionRules{one}"), "symbolRules"),
        ] {
            let (status, answer) = stranger.get(&format!("/api/v3/{path}")).await;
            assert_eq!(status, 200, "{path}: {answer}");
            let row = answer.as_array().map_or(&answer, |rows| &rows[0]);
            assert_eq!(keys(row), members.split_whitespace().collect::<Vec<_>>(), "{path}");
            let texts = row.as_object().unwrap().iter().filter(|(name, value)| value.is_string() && *name != "symbol");
            for (name, text) in texts.filter(|(name, _)| *name != "priceChangePercent") {
                let decimals = text.as_str().unwrap().split_once('.').map(|(_, decimals)| decimals.len());
                assert_eq!(decimals, Some(8), "{path} {name}");
            }
        }
        let (_, rules) = stranger.get("/api/v3/executionRules").await;
        assert_eq!(rules, json!({ "symbolRules": [{ "symbol": "BTCUSDT", "rules": [] }] }));
        let (_, info) = stranger.get("/api/v3/exchangeInfo").await;
        assert_eq!(keys(&info), ["timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"]);
        let members = "symbol status baseAsset baseAssetPrecision quoteAsset quotePrecision quoteAssetPrecision \
             baseCommissionPrecision quoteCommissionPrecision orderTypes icebergAllowed ocoAllowed otoAllowed opoAllowed \
             quoteOrderQtyMarketAllowed allowTrailingStop cancelReplaceAllowed amendAllowed pegInstructionsAllowed \
             isSpotTradingAllowed isMarginTradingAllowed filters permissions permissionSets \
             defaultSelfTradePreventionMode allowedSelfTradePreventionModes";
        assert_eq!(keys(&info["symbols"][0]), members.split_whitespace().collect::<Vec<_>>());
    });
}

#[test]
fn market_data_agree_with_each_other() {
    run(async |stranger: Stranger| {
        underway(&stranger).await;
        let get = async |path: &str| stranger.get(&format!("/api/v3/{path}")).await.1;
        let now = start().plus(10 * MINUTE + 25_000_000).millis();
        let minutes = get("klines?symbol=BTCUSDT&interval=1m").await;
        let day = get("ticker/24hr?symbol=BTCUSDT").await;
        let number = |value: &Value| value.as_str().unwrap().parse::<Amount>().unwrap().units();
        let rows = minutes.as_array().unwrap();
        assert_eq!(number(&day["volume"]), rows.iter().map(|row| number(&row[5])).sum::<i128>());
        assert_eq!(number(&day["quoteVolume"]), rows.iter().map(|row| number(&row[7])).sum::<i128>());
        assert_eq!(day["count"], rows.iter().map(|row| row[8].as_i64().unwrap()).sum::<i64>());
        assert_eq!((&day["openPrice"], &day["lastPrice"]), (&rows[0][1], &rows[10][4]));
        assert_eq!((day["openTime"].as_i64(), day["closeTime"].as_i64()), (Some(now - DAY / 1_000), Some(now)));
        let window = get("ticker?symbol=BTCUSDT&windowSize=2m").await;
        assert_eq!(window["openTime"], start().plus(8 * MINUTE).millis());
        assert_eq!(number(&window["volume"]), rows[8..].iter().map(|row| number(&row[5])).sum::<i128>());
        let trading_day = get("ticker/tradingDay?symbol=BTCUSDT&timeZone=-1:30").await;
        assert_eq!(trading_day["openTime"], start().plus(-DAY + 90 * MINUTE).millis());
        assert_eq!(trading_day["closeTime"], start().plus(90 * MINUTE - 1).millis());
        assert_eq!(trading_day["count"], day["count"]);
        let longer = get("uiKlines?symbol=BTCUSDT&interval=1M").await;
        assert_eq!((longer.as_array().unwrap().len(), &longer[0][5]), (1, &day["volume"]));
        let price = get("ticker/price?symbol=BTCUSDT").await;
        assert_eq!((&price["symbol"], &price["price"]), (&json!("BTCUSDT"), &day["lastPrice"]));
        let trades = get("trades?symbol=BTCUSDT&limit=3").await;
        assert_eq!((&trades[2]["id"], &trades[2]["price"]), (&day["lastId"], &price["price"]));
        assert_eq!(get(&format!("historicalTrades?symbol=BTCUSDT&fromId={}", trades[0]["id"])).await, trades);
        let joined = get("aggTrades?symbol=BTCUSDT&limit=2").await;
        assert_eq!(joined[1]["l"], day["lastId"]);
        let from = joined[1]["T"].as_i64().unwrap();
        assert_eq!(get(&format!("aggTrades?symbol=BTCUSDT&startTime={from}&endTime={from}")).await[0], joined[1]);
        let depth = get("depth?symbol=BTCUSDT&limit=5").await;
        let book = get("ticker/bookTicker?symbol=BTCUSDT").await;
        assert_eq!(depth["bids"][0], json!([book["bidPrice"], book["bidQty"]]));
        assert_eq!(depth["asks"][0], json!([day["askPrice"], day["askQty"]]));
        assert_eq!((depth["bids"].as_array().unwrap().len(), depth["asks"].as_array().unwrap().len()), (5, 5));
        // An own order inside of the spread is the best bid, and a change of the book.
        let last: Amount = price["price"].as_str().unwrap().parse().unwrap();
        stranger.order(&format!("side=BUY&type=LIMIT_MAKER&quantity=0.002&price={}", last)).await;
        let depth_now = get("depth?symbol=BTCUSDT&limit=1").await;
        assert!(depth_now["lastUpdateId"].as_u64() > depth["lastUpdateId"].as_u64());
        let request = stranger.http.get(format!("{}/api/v3/trades?symbol=BTCUSDT&limit=1", stranger.url));
        let micros = stranger.answer(request.header("X-MBX-TIME-UNIT", "microsecond")).await.1;
        assert!(micros[0]["time"].as_i64().unwrap() >= trades[2]["time"].as_i64().unwrap() * 1_000);
    });
}

#[test]
fn wrong_requests_for_market_data() {
    run(async |stranger: Stranger| {
        stranger.step(None).await;
        for (path, code) in [
            ("ping?a=1", -1101),
            ("depth", -1102),
            ("depth?symbol=", -1102),
            ("depth?symbol=btcusdt", -1100),
            ("depth?symbol=ETHUSDT", -1121),
            ("depth?symbol=BTCUSDT&limit=0", -1130),
            ("depth?symbol=BTCUSDT&limit=x", -1100),
            ("depth?symbol=BTCUSDT&symbolStatus=HALT", -1220),
            ("depth?symbol=BTCUSDT&symbolStatus=halt", -1122),
            ("trades?symbol=BTCUSDT&fromId=1", -1104),
            ("trades?symbol=BTCUSDT&symbol=BTCUSDT", -1101),
            ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128),
            ("klines?symbol=BTCUSDT&interval=1m&timeZone=15", -1130),
            ("ticker", -1102),
            ("ticker?symbol=BTCUSDT&windowSize=1d2h", -1130),
            ("ticker/tradingDay?symbol=BTCUSDT&timeZone=x", -1130),
            ("ticker/24hr?symbol=BTCUSDT&type=mini", -1139),
            ("ticker/price?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", -1128),
            ("ticker/price?symbols=%5B%22BTCUSDT%22,%22BTCUSDT%22%5D", -1151),
            ("ticker/price?symbols=BTCUSDT", -1100),
            ("ticker/price?symbols=%5B%22NOPE%22%5D", -1121),
            ("executionRules?symbol=BTCUSDT&symbolStatus=TRADING", -1128),
            ("referencePrice?symbol=BTCUSDT", -2043),
            ("referencePrice/calculation?symbol=BTCUSDT", -2043),
            ("exchangeInfo?symbol=BTCUSDT&permissions=SPOT", -1128),
        ] {
            let (status, no) = stranger.get(&format!("/api/v3/{path}")).await;
            assert_eq!((status, no["code"].as_i64()), (400, Some(code)), "{path}: {no}");
        }
        // Of several markets those that do not fit are left out.
        assert_eq!(stranger.get("/api/v3/ticker/24hr?symbolStatus=BREAK").await, (200, json!([])));
    });
}

/// The endpoints of market data know every market of a setup.
#[test]
fn several_markets_are_told_of() {
    let ethereum = MarketPlan {
        seed: 9,
        symbol: "ETHUSDT".parse().unwrap(),
        base_asset: "ETH".parse().unwrap(),
        ..MarketPlan::bitcoin(5, Interval::FiveMinutes, start(), start().plus(DAY))
    };
    let mut service = service();
    let mut info = ExchangeInfo::parse(&ethereum.exchange_info()).unwrap();
    let instrument = info.instruments.remove(&ethereum.symbol).unwrap();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let market = Market::new(timeline, FillModel::default(), ethereum.interval, Arc::new(ethereum.bars()));
    service.setup.markets.push(market);
    let [mut both, other] =
        [&service.exchange_info, &ethereum.exchange_info()].map(|text| serde_json::from_str::<Value>(text).unwrap());
    both["symbols"].as_array_mut().unwrap().push(other["symbols"][0].clone());
    service.exchange_info = both.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stranger = Stranger::meet_at(service).await;
        for _ in 0..5 {
            stranger.step(None).await;
        }
        let symbols =
            |rows: &Value| rows.as_array().unwrap().iter().map(|row| row["symbol"].clone()).collect::<Vec<_>>();
        let (_, prices) = stranger.get("/api/v3/ticker/price").await;
        assert_eq!(symbols(&prices), ["BTCUSDT", "ETHUSDT"]);
        let (_, named) = stranger.get("/api/v3/ticker?symbols=%5B%22ETHUSDT%22,%22BTCUSDT%22%5D").await;
        assert_eq!(symbols(&named), ["ETHUSDT", "BTCUSDT"], "as they were asked for");
        let (_, bars) = stranger.get("/api/v3/klines?symbol=ETHUSDT&interval=5m").await;
        assert_eq!((bars.as_array().unwrap().len(), &bars[0][4]), (1, &prices[1]["price"]));
        let (status, no) = stranger.get("/api/v3/klines?symbol=ETHUSDT&interval=3m").await;
        assert_eq!((status, no["code"].as_i64()), (400, Some(-1120)), "no whole number of bars");
        let (_, info) = stranger.get("/api/v3/exchangeInfo?permissions=SPOT").await;
        assert_eq!(symbols(&info["symbols"]), ["BTCUSDT", "ETHUSDT"]);
    });
}
