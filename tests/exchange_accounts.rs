//! Several accounts of the local exchange, over HTTP: each sees its own, and all one market.

use candlewick_binance::signing::Credentials;
use candlewick_exchange::{Keys, Server, Service};
use candlewick_model::{Price, Quantity};
use reqwest::Method;
use serde_json::{Value, json};

use super::exchange::service;

const KEYS: &str = r#"
[[key]]
api_key = "first"
secret = "1"
permissions = ["TRADE", "USER_DATA"]

[[key]]
api_key = "second"
secret = "2"
permissions = ["TRADE", "USER_DATA"]
account = 1

[account.1]
USDT = "500000.5"
BTC = 2
"#;

struct Client {
    http: reqwest::Client,
    server: Server,
}

impl Client {
    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/api/v3/{path}", self.server.url())).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn signed(&self, (key, secret): (&str, &str), method: Method, path: &str, query: &str) -> Value {
        let now = self.get("time").await["serverTime"].clone();
        let query = format!("{query}&timestamp={now}");
        let signature = Credentials::new(key, secret).sign(&query);
        let url = format!("{}/api/v3/{path}?{query}&signature={signature}", self.server.url());
        let answer = self.http.request(method, url).header("X-MBX-APIKEY", key).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

/// A server with both keys, changed as a test wants it.
fn run(change: impl FnOnce(&mut Service), test: impl AsyncFnOnce(Client)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    std::fs::write(&file, KEYS).unwrap();
    let mut service = Service { keys: Keys::read(&file).unwrap(), ..service() };
    change(&mut service);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start(service, 0).await.unwrap();
        test(Client { http: reqwest::Client::builder().no_proxy().build().unwrap(), server }).await;
    });
}

const FIRST: (&str, &str) = ("first", "1");
const SECOND: (&str, &str) = ("second", "2");

#[test]
fn accounts_see_their_own_and_one_market() {
    run(
        |_| (),
        async |client: Client| {
            let ask = async |who, path: &str| client.signed(who, Method::GET, path, "symbol=BTCUSDT").await;
            let held = async |who| client.signed(who, Method::GET, "account", "").await["balances"].clone();
            let place = async |who, query: &str| {
                let query = format!("symbol=BTCUSDT&timeInForce=GTC&type=LIMIT&{query}");
                client.signed(who, Method::POST, "order", &query).await
            };
            let balance = |asset: &str, free: &str| json!({ "asset": asset, "free": free, "locked": "0.00000000" });
            assert_eq!(held(FIRST).await, json!([balance("BTC", "0.00000000"), balance("USDT", "10000.00000000")]));
            assert_eq!(held(SECOND).await, json!([balance("BTC", "2.00000000"), balance("USDT", "500000.50000000")]));

            // Both rest on one book, at prices of their own and at one of both.
            let bought =
                client.signed(FIRST, Method::POST, "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1").await;
            let last: Price = bought["fills"][0]["price"].as_str().unwrap().parse().unwrap();
            let price = |ticks: i64| Price::from_units(last.units() + ticks * 1_000_000).to_string();
            let book = async || client.get("depth?symbol=BTCUSDT&limit=500").await;
            let before = book().await;
            place(FIRST, &format!("side=BUY&price={}&quantity=0.01&newClientOrderId=mine", price(-100))).await;
            place(FIRST, &format!("side=BUY&price={}&quantity=0.02", price(-99))).await;
            let own =
                place(SECOND, &format!("side=BUY&price={}&quantity=0.03&newClientOrderId=mine", price(-99))).await;
            assert_eq!(own["orderId"], 1, "its own first, and nobody else's name");
            place(SECOND, &format!("side=SELL&price={}&quantity=0.5", price(100))).await;
            let after = book().await;
            let at = |book: &Value, side: &str, price: &str| {
                let level = book[side].as_array().unwrap().iter().find(|level| level[0] == price).unwrap()[1].clone();
                level.as_str().unwrap().parse::<Quantity>().unwrap().units()
            };
            let added = |side: &str, ticks: i64| at(&after, side, &price(ticks)) - at(&before, side, &price(ticks));
            assert_eq!([added("bids", -100), added("bids", -99), added("bids", -98)], [1_000_000, 5_000_000, 0]);
            assert_eq!(added("asks", 100), 50_000_000);

            let prices = |orders: &Value| {
                orders.as_array().unwrap().iter().map(|order| order["price"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(prices(&ask(FIRST, "openOrders").await), [price(-100), price(-99)]);
            assert_eq!(prices(&ask(SECOND, "openOrders").await), [price(-99), price(100)]);
            assert_eq!(held(SECOND).await[0]["locked"], "0.50000000");
            assert_eq!(held(FIRST).await[0]["locked"], "0.00000000");

            // One cannot cancel the other's, nor does it see the other's trades.
            let cancel = "symbol=BTCUSDT&origClientOrderId=mine";
            assert_eq!(client.signed(SECOND, Method::DELETE, "order", cancel).await["price"], price(-99));
            assert_eq!(client.signed(SECOND, Method::DELETE, "order", cancel).await["code"], -2011);
            assert_eq!(prices(&ask(FIRST, "openOrders").await).len(), 2);
            let trades = async |who| ask(who, "myTrades").await.as_array().unwrap().len();
            assert_eq!((trades(FIRST).await, trades(SECOND).await), (1, 0));
            let orders = async |who| ask(who, "allOrders").await.as_array().unwrap().len();
            assert_eq!((orders(FIRST).await, orders(SECOND).await), (3, 2));
            assert_eq!(held(SECOND).await[1], balance("USDT", "500000.50000000"));
        },
    );
}

#[test]
fn unfilled_orders_count_for_their_own_account() {
    use candlewick_model::OrderLimit;
    use candlewick_model::order::RateInterval;
    let orders = vec![OrderLimit { interval: RateInterval::Day, interval_num: 1, limit: 2 }];
    let limits = candlewick_simulator::Limits { orders, ..Default::default() };
    let limited = |service: &mut Service| service.setup.limits = limits.into();
    run(limited, async |client: Client| {
        let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.01";
        let place = async |who| client.signed(who, Method::POST, "order", limit).await;
        let count = async |who| client.signed(who, Method::GET, "rateLimit/order", "").await[0]["count"].clone();
        place(FIRST).await;
        place(FIRST).await;
        assert_eq!(place(FIRST).await["code"], -1015);
        assert_eq!(place(SECOND).await["status"], "NEW");
        assert_eq!((count(FIRST).await, count(SECOND).await), (json!(2), json!(1)));
    });
}
