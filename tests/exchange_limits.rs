//! Limits of the local exchange and what it says to requests that are none: raw HTTP.

use candlewick_binance::signing::Credentials;
use candlewick_exchange::{Server, Service};
use candlewick_model::OrderLimit;
use candlewick_model::order::RateInterval;
use candlewick_simulator::Limits;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::exchange::{KEY, credentials, service};

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap()
    }
}

struct Client {
    http: reqwest::Client,
    server: Server,
}

impl Client {
    async fn of(service: Service) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::start(service, 0).await.unwrap();
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), server }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server.url()))
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    async fn signed(&self, method: Method, path: &str, query: &str) -> Answer {
        let now = self.get("/api/v3/time").await.json()["serverTime"].clone();
        let query = format!("{query}&timestamp={now}");
        let signature = credentials().sign(&query);
        let request = self.request(method, &format!("{path}?{query}&signature={signature}"));
        self.send(request.header("X-MBX-APIKEY", KEY)).await
    }

    async fn step(&self, until: &str) {
        let until: candlewick_model::Timestamp = until.parse().unwrap();
        let mut now = i64::MIN;
        while now < until.micros() {
            let request = self.request(Method::POST, "/control/step").json(&json!({ "until": until.micros() }));
            now = self.send(request).await.json()["time"].as_i64().unwrap();
        }
    }
}

fn run(service: Service, test: impl AsyncFnOnce(Client)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Client::of(service).await).await });
}

/// The market of a day, with limits of its own.
fn limited(rate_limits: Value) -> Service {
    let mut service = service();
    let mut info: Value = serde_json::from_str(&service.exchange_info).unwrap();
    info["rateLimits"] = rate_limits;
    service.exchange_info = info.to_string();
    service
}

fn weight(limit: u32) -> Value {
    json!([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}])
}

#[test]
fn weight_is_counted_by_the_simulated_minute() {
    run(limited(weight(50)), async |client: Client| {
        client.step("2023-03-01T00:00:20Z").await;
        let used = |answer: &Answer| answer.header("x-mbx-used-weight-1m").map(str::to_owned);
        assert_eq!(used(&client.get("/api/v3/ping").await).as_deref(), Some("1"));
        // Whatever became of it: a page that is not there, a symbol that is none, no key.
        for (path, status, expected) in [
            ("/api/v3/exchangeInfo", 200, "21"),
            ("/api/v3/nothing", 404, "22"),
            ("/api/v3/klines?symbol=NONE&interval=1m", 400, "24"),
            ("/api/v3/account", 401, "44"),
            ("/api/v3/depth?symbol=BTCUSDT&limit=5", 200, "49"),
        ] {
            let answer = client.get(path).await;
            assert_eq!((answer.status, used(&answer).as_deref()), (status, Some(expected)), "{path}");
            assert_eq!(answer.header("x-mbx-used-weight"), Some(expected));
        }
        let beyond = client.get("/api/v3/avgPrice?symbol=BTCUSDT").await;
        assert_eq!((beyond.status, beyond.code()), (429, -1003));
        assert_eq!((beyond.header("retry-after"), used(&beyond).as_deref()), (Some("40"), Some("51")));
        assert!(beyond.text.contains("current limit is 50 request weight per 1 MINUTE."), "{}", beyond.text);
        // What is not the API has no weight, and the next minute is another.
        client.step("2023-03-01T00:01:00Z").await;
        assert_eq!(used(&client.get("/api/v3/ping").await).as_deref(), Some("1"));
    });
}

#[test]
fn trading_that_succeeds_costs_nothing() {
    let mut service = limited(weight(50));
    service.setup.markets[0].fill_model.volume_share = "0.001".parse().unwrap();
    run(service, async |client: Client| {
        client.step("2023-03-01T00:00:20Z").await;
        let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.02";
        let named = |name: &str| format!("{order}&newClientOrderId={name}");
        let pair = "symbol=BTCUSDT&workingType=LIMIT&workingSide=BUY&workingTimeInForce=GTC&workingPrice=15000&workingQuantity=0.02&pendingType=MARKET&pendingSide=SELL&pendingQuantity=0.01&listClientOrderId=pair";
        // Each is signed at the server's time, for which it asks: that is 1 more.
        let mut expected = 0;
        for (method, path, query, status, cost) in [
            (Method::POST, "order", named("a"), 200, 0),
            (Method::POST, "order", named("a"), 400, 1),
            (Method::POST, "order/test", order.to_owned(), 200, 1),
            (
                Method::PUT,
                "order/amend/keepPriority",
                "symbol=BTCUSDT&origClientOrderId=a&newQty=0.01&newClientOrderId=a".to_owned(),
                200,
                4,
            ),
            (
                Method::PUT,
                "order/amend/keepPriority",
                "symbol=BTCUSDT&origClientOrderId=a&newQty=0.03".to_owned(),
                400,
                4,
            ),
            (
                Method::POST,
                "order/cancelReplace",
                format!("{order}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=a"),
                200,
                0,
            ),
            (
                Method::POST,
                "order/cancelReplace",
                format!("{order}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=a"),
                400,
                1,
            ),
            (Method::POST, "orderList/oto", pair.to_owned(), 200, 0),
            (Method::DELETE, "orderList", "symbol=BTCUSDT&listClientOrderId=pair".to_owned(), 200, 0),
            (Method::DELETE, "orderList", "symbol=BTCUSDT&listClientOrderId=pair".to_owned(), 400, 1),
            (Method::DELETE, "openOrders", "symbol=BTCUSDT".to_owned(), 200, 0),
            (Method::DELETE, "openOrders", "symbol=BTCUSDT".to_owned(), 400, 1),
            (Method::POST, "order", named("b"), 200, 0),
            (Method::DELETE, "order", "symbol=BTCUSDT&origClientOrderId=b".to_owned(), 200, 0),
            (Method::DELETE, "order", "symbol=BTCUSDT&origClientOrderId=b".to_owned(), 400, 1),
        ] {
            let answer = client.signed(method, &format!("/api/v3/{path}"), &query).await;
            expected += cost + 1;
            let used = answer.header("x-mbx-used-weight-1m");
            assert_eq!(
                (answer.status, used),
                (status, Some(&*expected.to_string())),
                "{path} {query}: {}",
                answer.text
            );
        }
        // An amendment that leaves nothing to be filled ends its order.
        let book = client.get("/api/v3/ticker/bookTicker?symbol=BTCUSDT").await.json();
        let price: f64 = book["askPrice"].as_str().unwrap().parse().unwrap();
        let large = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price={price:.2}&quantity=0.3&newClientOrderId=c"
        );
        let placed = client.signed(Method::POST, "/api/v3/order", &large).await;
        assert_eq!(placed.json()["status"], "PARTIALLY_FILLED", "{}", placed.text);
        let done = placed.json()["executedQty"].as_str().unwrap().to_owned();
        let used = |answer: &Answer| answer.header("x-mbx-used-weight-1m").unwrap().parse::<u32>().unwrap();
        let amend = format!("symbol=BTCUSDT&origClientOrderId=c&newQty={done}");
        let amended = client.signed(Method::PUT, "/api/v3/order/amend/keepPriority", &amend).await;
        assert_eq!((amended.status, used(&amended)), (200, used(&placed) + 1), "{}", amended.text);
        // Who does nothing else goes on for ever.
        let now = client.get("/api/v3/time").await.json()["serverTime"].clone();
        for n in 0..60 {
            let query = format!(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.001&strategyId={n}&timestamp={now}"
            );
            let path = format!("/api/v3/order?{query}&signature={}", credentials().sign(&query));
            let placed = client.send(client.request(Method::POST, &path).header("X-MBX-APIKEY", KEY)).await;
            assert_eq!((placed.status, used(&placed)), (200, used(&amended) + 1), "{}", placed.text);
        }
    });
}

#[test]
fn who_goes_on_is_banned_until_the_ban_is_over() {
    run(limited(weight(1)), async |client: Client| {
        client.step("2023-03-01T00:00:00Z").await;
        assert_eq!(client.get("/api/v3/ping").await.status, 200);
        let mut refused = 0;
        let banned = loop {
            let answer = client.get("/api/v3/ping").await;
            if answer.status != 429 {
                break answer;
            }
            refused += 1;
        };
        assert_eq!((refused, banned.status, banned.code()), (20, 418, -1003));
        assert_eq!(banned.header("retry-after"), Some("120"));
        assert!(banned.text.contains("IP banned until 1677628920000."), "{}", banned.text);
        client.step("2023-03-01T00:01:59Z").await;
        let still = client.get("/api/v3/nothing").await;
        assert_eq!((still.status, still.header("retry-after")), (418, Some("1")));
        client.step("2023-03-01T00:02:00Z").await;
        assert_eq!(client.get("/api/v3/ping").await.status, 200);
        assert_eq!(client.get("/api/v3/ping").await.status, 429);
        let forgiven = client.send(client.request(Method::DELETE, "/control/limits")).await;
        assert_eq!(forgiven.status, 204);
        assert_eq!(client.get("/api/v3/ping").await.status, 200);
    });
    run(Service { limits_addresses: false, ..limited(weight(1)) }, async |client: Client| {
        for _ in 0..30 {
            assert_eq!(client.get("/api/v3/ping").await.status, 200);
        }
    });
}

#[test]
fn requests_are_counted_whatever_they_weigh() {
    let requests = json!([{"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 3}]);
    run(limited(requests), async |client: Client| {
        client.step("2023-03-01T00:01:00Z").await;
        for _ in 0..3 {
            assert_eq!(client.get("/api/v3/exchangeInfo").await.status, 200);
        }
        let beyond = client.get("/api/v3/ping").await;
        assert_eq!((beyond.status, beyond.header("retry-after")), (429, Some("240")));
        assert_eq!(beyond.json()["msg"], "Too many requests queued.");
    });
}

#[test]
fn unfilled_orders_are_told_and_limited() {
    let mut service = service();
    let limit = |interval, interval_num, limit| OrderLimit { interval, interval_num, limit };
    let orders = vec![limit(RateInterval::Second, 10, 2), limit(RateInterval::Day, 1, 9)];
    service.setup.limits = Limits { orders, ..Limits::default() }.into();
    run(service, async |client: Client| {
        let order = async |quantity: &str| {
            let query = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity={quantity}");
            client.signed(Method::POST, "/api/v3/order", &query).await
        };
        for (count, expected) in [(1, "1"), (2, "2")] {
            let placed = order("0.01").await;
            assert_eq!(placed.status, 200, "{}", placed.text);
            let told = ["x-mbx-order-count-10s", "x-mbx-order-count-1d"].map(|name| placed.header(name));
            assert_eq!(told, [Some(expected); 2], "{count}");
        }
        let counts = client.signed(Method::GET, "/api/v3/rateLimit/order", "").await;
        assert_eq!(counts.header("x-mbx-order-count-10s"), None, "no order");
        assert_eq!(
            counts.json(),
            json!([
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2, "count": 2},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 9, "count": 2}
            ])
        );
        let beyond = order("0.01").await;
        assert_eq!((beyond.status, beyond.code()), (429, -1015), "{}", beyond.text);
        assert_eq!(beyond.header("retry-after"), Some("10"));
        let cancelled = client.signed(Method::DELETE, "/api/v3/openOrders", "symbol=BTCUSDT").await;
        assert_ne!(cancelled.status, 429, "only orders count");
        client.step("2023-03-01T00:00:59Z").await;
        let counts = client.signed(Method::GET, "/api/v3/rateLimit/order", "").await.json();
        assert_eq!((&counts[0]["count"], &counts[1]["count"]), (&json!(0), &json!(2)), "another window");
    });
}

#[test]
fn paths_methods_and_bodies() {
    run(service(), async |client: Client| {
        let missing = client.get("/api/v3/exchangie").await;
        assert_eq!((missing.status, missing.text.as_str()), (404, ""));
        let page = client.send(client.request(Method::GET, "/api/v1/x").header("Accept", "text/html")).await;
        assert_eq!((page.status, page.text.as_str()), (404, "<html><body><h2>404 Not found</h2></body></html>"));
        // SBE is not enabled; who takes JSON too has JSON.
        for (accepted, status) in [("application/sbe", 406), ("application/sbe, application/json", 200)] {
            let request =
                client.request(Method::GET, "/api/v3/time").header("Accept", accepted).header("X-MBX-SBE", "3:1");
            assert_eq!(client.send(request).await.status, status, "{accepted}");
        }
        let other = client.send(client.request(Method::PATCH, "/api/v3/order")).await;
        assert_eq!((other.status, other.header("allow"), other.code()), (405, Some("POST, DELETE, GET"), -1020));
        let head = client.send(client.request(Method::HEAD, "/api/v3/time")).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert!(head.header("date").is_some() && head.header("x-mbx-used-weight").is_some());

        let time = client.get("/api/v3/time").await.json()["serverTime"].clone();
        let order = format!("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={time}");
        let signed = |text: &str| format!("{text}&signature={}", credentials().sign(text));
        let post = async |query: &str, kind: &str, body: Vec<u8>| {
            let request = client.request(Method::POST, &format!("/api/v3/order?{query}"));
            client.send(request.header("X-MBX-APIKEY", KEY).header("Content-Type", kind).body(body)).await
        };
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(post("", form, signed(&order).into()).await.status, 200);
        // Several SDKs send everything in the query under a type that says otherwise.
        assert_eq!(post(&signed(&order), "application/json", Vec::new()).await.status, 200);
        // What is no form has no parameters in it, but is signed.
        let json = post("", "application/json", signed(&order).into()).await;
        assert_eq!((json.status, json.code()), (400, -1102));
        let both = credentials().sign(&format!("{order}{{}}"));
        assert_eq!(post(&format!("{order}&signature={both}"), "application/json", b"{}".into()).await.status, 200);
        for (query, body, status, expected) in [
            ("", b"symbol=\xff".to_vec(), 400, -1100),
            ("symbol=%FF", Vec::new(), 400, -1100),
            ("", "a=1&".repeat(129).into_bytes(), 400, -1101),
            (&*signed(&format!("{order}&symbol=BTCUSDT")), Vec::new(), 400, -1101),
            (&*signed(&format!("{order}&colour=red")), Vec::new(), 400, -1104),
            (&*signed(&order), b"quantity=1".to_vec(), 400, -1022),
        ] {
            let answer = post(query, form, body).await;
            assert_eq!((answer.status, answer.code()), (status, expected), "{query}");
        }
        // All that was sent is counted, what belongs to the signature as well.
        let unread = post(&signed(&format!("{order}&colour=red")), form, Vec::new()).await;
        let sent = order.split('&').count() + 2;
        assert!(
            unread.text.contains(&format!("read '{}' parameter(s) but was sent '{sent}'", sent - 1)),
            "{}",
            unread.text
        );
        let long = post("", form, vec![b'a'; (64 << 10) + 1]).await;
        assert_eq!((long.status, long.code()), (413, -1130));
        let longer = signed(&format!("{order}&newClientOrderId={}", "a".repeat(9_000)));
        assert_eq!(post("", form, longer.into()).await.code(), -1101);
        let unread = client.signed(Method::GET, "/api/v3/openOrders", "symbol=BTCUSDT&limit=5").await;
        assert_eq!((unread.status, unread.code()), (400, -1104));
        assert_eq!(client.get("/api/v3/ping?a=1").await.code(), -1101);
        // A body that comes with a GET is not looked at.
        let get = client.request(Method::GET, &format!("/api/v3/openOrders?{}", signed(&format!("timestamp={time}"))));
        let answer = client.send(get.header("X-MBX-APIKEY", KEY).body("{}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        // A key of another secret is none.
        let wrong = Credentials::new(KEY, "other").sign(&order);
        assert_eq!(post(&format!("{order}&signature={wrong}"), form, Vec::new()).await.code(), -1022);
    });
}

/// Sends bytes as they are and reads until the server has nothing more to say.
async fn raw(client: &Client, bytes: &[u8]) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(client.server.address()).await.unwrap();
    let mut answer = Vec::new();
    // The server may close before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[test]
fn headers_are_bounded_and_bad_bytes_are_refused() {
    run(service(), async |client: Client| {
        for (request, status) in [
            (format!("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(100 << 10)), "431"),
            (format!("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: 1\r\n".repeat(200)), "431"),
            ("GET /api/v3/ping\u{0} HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
            ("nonsense\r\n\r\n".to_owned(), "400"),
            ("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n".to_owned(), "413"),
        ] {
            let answer = raw(&client, request.as_bytes()).await;
            let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
            assert!(line.contains(status), "{line}: {}", &request[..40]);
        }
    });
}
