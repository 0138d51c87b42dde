//! The WebSocket API of the local exchange as a stranger meets it: frames, checked word by word.

mod anything;
mod connections;
mod events;
mod faults;
mod limits;
mod methods;
mod sessions;

use std::time::Duration;

use candlewick_exchange::{Server, Service};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::exchange::{KEY, credentials};

/// A server and what is needed to move its time.
struct Scene {
    server: Server,
    http: reqwest::Client,
}

impl Scene {
    async fn set(service: Service) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { server: Server::start(service, 0).await.unwrap(), http }
    }

    async fn step(&self) -> Value {
        let request = self.http.post(format!("{}/control/step", self.server.url())).json(&json!({ "until": null }));
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    async fn connect(&self) -> Socket {
        self.connect_to("/ws-api/v3").await.unwrap()
    }

    /// The connection, or the status and body of the answer that there is instead.
    async fn connect_to(&self, path: &str) -> Result<Socket, (u16, String)> {
        let stream = TcpStream::connect(self.server.address()).await.unwrap();
        match client_async(format!("ws://{}{path}", self.server.address()), stream).await {
            Ok((stream, _)) => Ok(Socket { stream, events: Vec::new(), asked: 0 }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8_lossy(body).into_owned()))
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A plain client: what it sends is exactly what stands here.
struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// What came without having been asked for.
    events: Vec<Value>,
    asked: u64,
}

impl Socket {
    async fn send(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.unwrap();
    }

    /// The next text, or code and reason of the close frame.
    async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.stream.next()).await.expect("it comes");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The answer that comes next; events before it are kept.
    async fn answer(&mut self) -> Value {
        loop {
            let value = self.next().await.unwrap();
            if value.get("status").is_some() {
                return value;
            }
            self.events.push(value);
        }
    }

    /// Sends a request as it is and waits for its answer.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let request = json!({ "id": self.asked, "method": method, "params": params });
        self.send(request.to_string()).await;
        let answer = self.answer().await;
        assert_eq!(answer["id"], self.asked);
        answer
    }

    async fn now(&mut self) -> Value {
        self.ask("time", json!({})).await["result"]["serverTime"].clone()
    }

    /// Sends a request, signed, at the server's time.
    async fn signed(&mut self, method: &str, params: Value) -> Value {
        let mut params = params;
        (params["apiKey"], params["timestamp"]) = (KEY.into(), self.now().await);
        params["signature"] = credentials().sign(&payload(&params)).into();
        self.ask(method, params).await
    }

    async fn follow(&mut self) {
        assert_eq!(self.signed("userDataStream.subscribe.signature", json!({})).await["status"], 200);
    }

    /// Places an order, which succeeds.
    async fn place(&mut self, params: Value) -> Value {
        let placed = self.signed("order.place", params).await;
        assert_eq!(placed["status"], 200, "{placed}");
        placed["result"].clone()
    }

    /// The events since the last time, without what is around them.
    fn take_events(&mut self) -> Vec<Value> {
        self.events.drain(..).map(|event| event["event"].clone()).collect()
    }
}

/// What is signed of parameters.
fn payload(params: &Value) -> String {
    let mut pairs: Vec<_> = params.as_object().unwrap().iter().collect();
    pairs.sort_by_key(|(name, _)| name.as_str());
    let written = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    pairs.into_iter().map(|(name, value)| format!("{name}={}", written(value))).collect::<Vec<_>>().join("&")
}

/// Two prices beside the market, on the tick.
async fn around(scene: &Scene, socket: &mut Socket, off: f64) -> (String, String) {
    scene.step().await;
    let last = socket.ask("ticker.price", json!({ "symbol": "BTCUSDT" })).await["result"]["price"].clone();
    let last: f64 = last.as_str().unwrap().parse().unwrap();
    (format!("{:.2}", last + off), format!("{:.2}", last - off))
}

fn code(answer: &Value) -> (u64, i64) {
    (answer["status"].as_u64().unwrap(), answer["error"]["code"].as_i64().unwrap())
}

fn run(service: Service, test: impl AsyncFnOnce(Scene)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Scene::set(service).await).await });
}
