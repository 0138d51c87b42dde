//! A client that sends what it is told to, byte by byte, on one connection.

use candlewick_binance::signing::Credentials;
use candlewick_model::Interval;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::market::tests::{plan, setup};
use crate::server::{Server, Service};

const KEY: &str = "key1";

pub(super) struct Client {
    server: Server,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// At a server with one market and one rich account.
    pub(super) async fn new() -> Self {
        let plan = plan(1, Interval::OneMinute);
        let service = Service::new(setup(&plan), plan.exchange_info(), Self::credentials().into());
        let service = Service { limits_addresses: false, legacy_listen_keys: true, ..service };
        let server = Server::start(service, 0).await.unwrap();
        let stream = BufReader::new(TcpStream::connect(server.address()).await.unwrap());
        Self { server, stream }
    }

    fn credentials() -> Credentials {
        Credentials::new(KEY, "secret")
    }

    /// The time of the server in milliseconds, for whoever signs.
    pub(super) fn now(&self) -> i64 {
        self.server.now().millis()
    }

    /// Asks with a query that is signed here, and a key.
    pub(super) async fn signed(&mut self, method: &str, path: &str, query: &str) -> (u16, Value) {
        let signature = Self::credentials().sign(query);
        let separator = if query.is_empty() { "" } else { "&" };
        self.ask(method, &format!("{path}?{query}{separator}signature={signature}")).await
    }

    /// Asks with a key; status, and the body, which is JSON or empty.
    pub(super) async fn ask(&mut self, method: &str, target: &str) -> (u16, Value) {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\nContent-Length: 0\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await.unwrap();
        let line = self.line().await;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line().await.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        (status.unwrap_or_else(|| panic!("{line:?} after {method} {target}")), body)
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}
