use std::sync::Arc;
use std::time::Duration;

use candlewick_model::Interval;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::Keys;
use crate::market::tests::{plan, setup};
use crate::server::{Server, Service, Shared};

type Client = WebSocketStream<TcpStream>;

async fn server() -> Server {
    let plan = plan(1, Interval::OneMinute);
    let service =
        Service { limits_addresses: false, ..Service::new(setup(&plan), plan.exchange_info(), Keys::default()) };
    Server::start(service, 0).await.unwrap()
}

/// Connects to a path and query.
async fn listen(server: &Server, url: &str) -> Client {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    client_async(format!("ws://{}{url}", server.address()), stream).await.unwrap().0
}

/// The next text, within some seconds.
async fn next(client: &mut Client) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), client.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn ask(client: &mut Client, request: Value) -> Value {
    client.send(Message::text(request.to_string())).await.unwrap();
    next(client).await
}

async fn bar(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || shared.exchange().step(None).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_and_requests_as_clients_send_them() {
    let server = server().await;
    let mut raw = listen(&server, "/ws/btcusdt@kline_1m").await;
    let mut combined = listen(&server, "/stream?streams=").await;
    let mut counter = listen(&server, "/ws/0").await;
    let list = json!({ "method": "LIST_SUBSCRIPTIONS", "id": "a" });
    assert_eq!(ask(&mut raw, list.clone()).await, json!({ "result": ["btcusdt@kline_1m"], "id": "a" }));
    assert_eq!(ask(&mut combined, list.clone()).await, json!({ "result": [], "id": "a" }));
    assert_eq!(ask(&mut counter, list).await, json!({ "result": [], "id": "a" }));
    for client in [&mut combined, &mut counter] {
        let request = json!({ "method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 1 });
        assert_eq!(ask(client, request).await, json!({ "result": null, "id": 1 }));
    }
    bar(&server.shared).await;
    for _ in 0..4 {
        let kline = next(&mut raw).await;
        assert_eq!(kline["e"], "kline");
        assert_eq!(next(&mut combined).await, json!({ "stream": "btcusdt@kline_1m", "data": kline }));
        assert_eq!(next(&mut counter).await, kline);
    }
    drop((raw, combined, counter));
    // Who has gone is not told any more.
    while !server.shared.exchange().audience.streams.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for wrong in ["/ws/btcusdt@trade?timeUnit=DAY", "/wss"] {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        assert!(client_async(format!("ws://{}{wrong}", server.address()), stream).await.is_err(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_is_told_in_the_form_of_the_connection() {
    let server = server().await;
    let mut raw = listen(&server, "/ws/btcusdt@trade").await;
    let mut combined = listen(&server, "/stream?streams=btcusdt@trade&timeUnit=microsecond").await;
    bar(&server.shared).await;
    let now = server.shared.exchange().now();
    let told = async {
        let last = async |client: &mut Client| loop {
            let message = next(client).await;
            let payload = message.get("data").unwrap_or(&message);
            if payload["e"] == "serverShutdown" {
                return message;
            }
        };
        (last(&mut raw).await, last(&mut combined).await)
    };
    let (_, (raw, combined)) = tokio::join!(server.shared.sockets.leave(Duration::from_millis(500)), told);
    assert_eq!(raw, json!({ "e": "serverShutdown", "E": now.millis() }));
    let event = json!({ "e": "serverShutdown", "E": now.micros() });
    assert_eq!(combined, json!({ "stream": "!serverShutdown", "data": event }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hear_everything_beside_who_does_not_listen() {
    const BARS: usize = 100;
    let server = server().await;
    let mut readers = Vec::new();
    for _ in 0..200 {
        let mut client = listen(&server, "/stream?streams=btcusdt@kline_5m/btcusdt@bookTicker").await;
        readers.push(tokio::spawn(async move {
            let mut texts = 0_u64;
            let mut sum = 0_u64;
            let mut closed = 0;
            while closed < BARS / 5 {
                let message = next(&mut client).await;
                (texts, sum) = (texts + 1, sum.wrapping_mul(31).wrapping_add(message.to_string().len() as u64));
                closed += usize::from(message["data"]["k"]["x"] == true);
            }
            (texts, sum)
        }));
    }
    // Long messages that nobody reads.
    let mut deaf = listen(&server, "/ws/btcusdt@depth@100ms/btcusdt@depth@1000ms/btcusdt@depth").await;
    for _ in 0..BARS {
        bar(&server.shared).await;
    }
    let mut heard = Vec::new();
    for reader in readers {
        heard.push(reader.await.unwrap());
    }
    assert!(heard[0].0 > 300 && heard.iter().all(|other| *other == heard[0]));
    // The deaf one is left once its room is taken; if it reads on it is told why.
    while !server.shared.exchange().audience.streams.is_empty() {
        bar(&server.shared).await;
    }
    let end = async {
        while let Some(Ok(message)) = deaf.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
            }
        }
        None
    };
    let why = tokio::time::timeout(Duration::from_secs(60), end).await.unwrap();
    assert!(why.is_none_or(|why| why == (1008, "Slow consumer".to_owned())));
}
