//! A client that sends what it is told to, byte by byte, on one connection over HTTP and one to the
//! WebSocket API.

use candlewick_binance::signing::Credentials;
use candlewick_model::Interval;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::market::tests::{plan, setup};
use crate::server::{Server, Service};

const KEY: &str = "key1";

pub(super) struct Client {
    server: Server,
    stream: BufReader<TcpStream>,
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// At a server with one market and one rich account.
    pub(super) async fn new() -> Self {
        let plan = plan(1, Interval::OneMinute);
        let service = Service::new(setup(&plan), plan.exchange_info(), Self::credentials().into());
        let service = Service { limits_addresses: false, legacy_listen_keys: true, ..service };
        let server = Server::start(service, 0).await.unwrap();
        let stream = BufReader::new(TcpStream::connect(server.address()).await.unwrap());
        let socket = TcpStream::connect(server.address()).await.unwrap();
        let (socket, _) = client_async(format!("ws://{}/ws-api/v3", server.address()), socket).await.unwrap();
        Self { server, stream, socket }
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

    /// Asks over the WebSocket API with parameters whose values are JSON, with a key and signed where
    /// that is wanted; status, and the result or error.
    pub(super) async fn over_socket(
        &mut self,
        method: &str,
        parameters: &[(String, String)],
        (with_key, is_signed): (bool, bool),
    ) -> (u16, Value) {
        let mut pairs = parameters.to_vec();
        if with_key {
            pairs.push(("apiKey".to_owned(), format!("{KEY:?}")));
        }
        if is_signed {
            let written = |(name, json): &(String, String)| {
                let text = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.clone());
                (name.clone(), text)
            };
            let mut signed: Vec<_> = pairs.iter().map(written).collect();
            signed.sort_by(|(one, _), (other, _)| one.cmp(other));
            let payload: Vec<_> = signed.iter().map(|(name, text)| format!("{name}={text}")).collect();
            let signature = Self::credentials().sign(&payload.join("&"));
            pairs.push(("signature".to_owned(), format!("{signature:?}")));
        }
        let members: Vec<_> = pairs.iter().map(|(name, json)| format!("{name:?}:{json}")).collect();
        let request = format!(r#"{{"id":1,"method":{method:?},"params":{{{}}}}}"#, members.join(","));
        self.socket.send(Message::text(request)).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            let body = if answer["error"].is_null() { answer["result"].take() } else { answer["error"].take() };
            return (u16::try_from(answer["status"].as_u64().unwrap()).unwrap(), body);
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}
