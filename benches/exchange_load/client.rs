//! Lean clients: one connection each, one request under way, no more parsing than it takes to know
//! that the answer is the right one.

use std::time::Instant;

use futures_util::{SinkExt as _, StreamExt as _};
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::figures::Figures;
use crate::server::{ED25519, HMAC, session_key};

/// A connection that is kept alive.
pub(super) struct Rest {
    stream: TcpStream,
    key: hmac::Key,
    /// What was read of the answer.
    buffer: Vec<u8>,
    number: u64,
    /// The server's, in milliseconds.
    time: i64,
    orders: Vec<u64>,
}

/// A question that is asked some times.
pub(super) struct Question {
    path: &'static str,
    query: &'static str,
    pub(super) times: usize,
}

impl Rest {
    pub(super) async fn connect(address: &str, number: u64) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let key = hmac::Key::new(hmac::HMAC_SHA256, HMAC.1.as_bytes());
        let mut rest = Self { stream, key, buffer: Vec::with_capacity(4096), number, time: 0, orders: Vec::new() };
        let answer = rest.send("GET", "/api/v3/time", "").await;
        rest.time = number_after(answer, "\"serverTime\":");
        rest
    }

    /// Orders and cancels as fast as they are answered.
    pub(super) async fn trade_until(&mut self, until: Instant) -> Figures {
        let mut figures = Figures::default();
        while Instant::now() < until {
            self.round(&mut figures).await;
        }
        figures
    }

    /// Two orders that rest, their cancels, and one that is filled.
    pub(super) async fn round(&mut self, figures: &mut Figures) {
        for far in [LOW, HIGH] {
            let order = figures.time(self.limit(far)).await;
            figures.time(self.cancel(order)).await;
        }
        self.number += 1;
        figures.time(self.market(self.number)).await;
    }

    async fn limit(&mut self, far: &str) -> u64 {
        let answer = self.signed("POST", "/api/v3/order", far).await;
        assert!(answer.contains(r#""status":"NEW""#), "{answer}");
        number_after(answer, "\"orderId\":")
    }

    pub(super) async fn market(&mut self, number: u64) {
        let answer = self.signed("POST", "/api/v3/order", now(number)).await;
        assert!(answer.contains(r#""status":"FILLED""#), "{answer}");
    }

    pub(super) async fn cancel(&mut self, order: u64) {
        let answer = self.signed("DELETE", "/api/v3/order", &format!("symbol=BTCUSDT&orderId={order}")).await;
        assert!(answer.contains(r#""status":"CANCELED""#), "{answer}");
    }

    /// So many orders, each at a price of its own.
    pub(super) async fn place(&mut self, wanted: u64) -> Figures {
        let mut figures = Figures::default();
        for n in 0..wanted {
            let (dollars, cents) = (12_000 + n / 100, n % 100);
            let order = format!(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={dollars}.{cents:02}&newClientOrderId=own-{n}"
            );
            let order = figures.time(self.limit(&order)).await;
            self.orders.push(order);
        }
        figures
    }

    pub(super) fn questions(&self) -> Vec<(&'static str, Question)> {
        let question = |path, query, times| Question { path, query, times };
        vec![
            ("openOrders", question("/api/v3/openOrders", "symbol=BTCUSDT", 5)),
            ("an order by its number", question("/api/v3/order", "symbol=BTCUSDT&orderId=2", 200)),
            ("an order by its name", question("/api/v3/order", "symbol=BTCUSDT&origClientOrderId=own-1", 200)),
            ("the latest of allOrders", question("/api/v3/allOrders", "symbol=BTCUSDT", 20)),
            ("account", question("/api/v3/account", "", 200)),
        ]
    }

    /// How long the answer was.
    pub(super) async fn ask(&mut self, Question { path, query, .. }: &Question) -> usize {
        self.signed("GET", path, query).await.len()
    }

    /// Some of the oldest and some of the newest orders that were placed.
    pub(super) fn own_orders(&self) -> (Vec<u64>, Vec<u64>) {
        let few = 200.min(self.orders.len() / 2);
        (self.orders[..few].to_vec(), self.orders[self.orders.len() - few..].to_vec())
    }

    pub(super) async fn cancel_all(&mut self) {
        let answer = self.signed("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await;
        assert!(answer.starts_with('['), "{answer}");
    }

    /// Lets the market go on.
    pub(super) async fn step(&mut self) {
        let answer = self.send("POST", "/control/step", "{}").await;
        let micros: i64 = number_after(answer, "\"time\":");
        self.time = micros / 1_000;
    }

    async fn signed(&mut self, method: &str, path: &str, parameters: &str) -> &str {
        let separator = if parameters.is_empty() { "" } else { "&" };
        let signed = format!("{parameters}{separator}recvWindow=60000&timestamp={}", self.time);
        let signature = hex::encode(hmac::sign(&self.key, signed.as_bytes()));
        let signed = format!("{signed}&signature={signature}");
        match method {
            "POST" => self.send(method, path, &signed).await,
            _ => self.send(method, &format!("{path}?{signed}"), "").await,
        }
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> &str {
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-MBX-APIKEY: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            HMAC.0,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.expect("it listens");
        self.answer().await
    }

    async fn answer(&mut self) -> &str {
        self.buffer.clear();
        let (header, length) = loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.expect("it answers") > 0, "the connection has ended");
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let header = std::str::from_utf8(&self.buffer[..end]).expect("ASCII");
                break (end + 4, number_after::<usize>(header, "content-length: "));
            }
        };
        while self.buffer.len() < header + length {
            assert!(self.stream.read_buf(&mut self.buffer).await.expect("it goes on") > 0, "the connection has ended");
        }
        let answer = std::str::from_utf8(&self.buffer).expect("UTF-8");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        &answer[header..]
    }
}

/// A session of the WebSocket API that is logged on.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
    number: u64,
    time: i64,
}

impl Socket {
    pub(super) async fn connect(address: &str, number: u64) -> Self {
        let time = Rest::connect(address, number).await.time;
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let url = format!("ws://{address}/ws-api/v3?returnRateLimits=false");
        let (stream, _) = client_async(url, stream).await.expect("a WebSocket");
        let mut socket = Self { stream, number, time };
        let signed = format!("apiKey={ED25519}&timestamp={time}");
        let signature = session_key().sign(signed.as_bytes());
        let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
        let logon = format!(r#""apiKey":"{ED25519}","timestamp":{time},"signature":"{signature}""#);
        socket.ask("session.logon", &logon).await;
        socket
    }

    pub(super) async fn trade_until(&mut self, until: Instant) -> Figures {
        let mut figures = Figures::default();
        while Instant::now() < until {
            for far in [LOW, HIGH] {
                let far = format!("{},\"timestamp\":{}", as_json(far), self.time);
                let answer = figures.time(self.ask("order.place", &far)).await;
                assert!(answer.contains(r#""status":"NEW""#), "{answer}");
                let order: u64 = number_after(&answer, "\"orderId\":");
                let cancel = format!(r#""symbol":"BTCUSDT","orderId":{order},"timestamp":{}"#, self.time);
                let answer = figures.time(self.ask("order.cancel", &cancel)).await;
                assert!(answer.contains(r#""status":"CANCELED""#), "{answer}");
            }
            self.number += 1;
            let market = format!("{},\"timestamp\":{}", as_json(now(self.number)), self.time);
            let answer = figures.time(self.ask("order.place", &market)).await;
            assert!(answer.contains(r#""status":"FILLED""#), "{answer}");
        }
        figures
    }

    /// From now on it hears what happens to the account.
    pub(super) async fn subscribe(mut self) -> WebSocketStream<TcpStream> {
        self.ask("userDataStream.subscribe", "").await;
        self.stream
    }

    async fn ask(&mut self, method: &str, parameters: &str) -> String {
        let request = format!(r#"{{"id":{},"method":"{method}","params":{{{parameters}}}}}"#, self.number);
        self.stream.send(Message::text(request)).await.expect("it listens");
        loop {
            match self.stream.next().await.expect("it goes on").expect("it answers") {
                Message::Text(answer) => {
                    assert!(answer.contains(r#""status":200"#), "{answer}");
                    return answer.to_string();
                }
                Message::Close(frame) => panic!("{frame:?}"),
                _ => {}
            }
        }
    }
}

const LOW: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=15000";
const HIGH: &str = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.001&price=40000";

/// Bought and sold in turn.
fn now(number: u64) -> &'static str {
    match number % 2 {
        0 => "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001",
        _ => "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.001",
    }
}

/// Parameters of a query as members.
fn as_json(query: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| format!(r#""{name}":"{value}""#)).collect::<Vec<_>>().join(",")
}

/// The number behind a text.
pub(super) fn number_after<T: std::str::FromStr>(text: &str, before: &str) -> T {
    let after =
        text.find(before).map(|at| &text[at + before.len()..]).unwrap_or_else(|| panic!("no {before} in {text}"));
    let digits = after.find(|c: char| !c.is_ascii_digit()).map_or(after, |end| &after[..end]);
    digits.parse().unwrap_or_else(|_| panic!("no number behind {before} in {text}"))
}
