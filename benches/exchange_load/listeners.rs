//! WebSocket clients while orders are placed and the market moves: a thousand that hear nothing,
//! two hundred that must hear everything, and some that do not read what they are told.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Rest, Socket, number_after};
use crate::figures::{Figures, Sample, megabytes};
use crate::server::Served;

const IDLE: usize = 1_000;
const LISTENERS: usize = 200;
const SLOW: usize = 5;
/// So many rounds of five requests.
const STEP_EVERY: u64 = 50;
const STREAMS: &str = "btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@kline_1m";

type Client = WebSocketStream<TcpStream>;

/// Prints what a request costs with and without them, and asserts that nothing was lost.
pub(super) async fn measure(served: &Served) {
    let rounds = crate::setting("CANDLEWICK_BENCH_ROUNDS", 2_000);
    trade(served, rounds / 10).await;
    let begun = Sample::take(served.pid());
    println!("orders and steps, nobody listens: {}", trade(served, rounds).await.told(begun.since()));
    let before = megabytes(served.pid());
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(join(served.address(), "/ws", None).await);
    }
    println!("{IDLE} idle clients take {} MB", megabytes(served.pid()) - before);
    let begun = Sample::take(served.pid());
    println!("{IDLE} idle clients: {}", trade(served, rounds).await.told(begun.since()));
    let mut listeners = JoinSet::new();
    for number in 0..LISTENERS {
        if number % 2 == 0 {
            let client = Socket::connect(served.address(), 0).await.subscribe().await;
            listeners.spawn(hear(client, rounds));
        } else {
            let client = join(served.address(), &format!("/stream?streams={STREAMS}"), None).await;
            listeners.spawn(watch(client));
        }
    }
    let begun = Sample::take(served.pid());
    let figures = trade(served, rounds).await;
    println!("and {LISTENERS} that hear all of it: {}", figures.told(begun.since()));
    let mut heard = 0;
    while let Some(count) = listeners.join_next().await {
        heard += count.expect("nothing is lost");
    }
    let span = begun.at.elapsed().as_secs_f64();
    println!("  {heard} messages, all that there were, in {span:.2} s: {:.0} a second", heard as f64 / span);
    for client in &mut idle {
        let said = tokio::time::timeout(Duration::from_millis(1), client.next()).await;
        assert!(!matches!(said, Ok(None | Some(Ok(Message::Close(_)) | Err(_)))), "an idle client was left");
    }
    slow(served, rounds).await;
}

/// Clients that do not read beside one that does: they are left, and told why.
async fn slow(served: &Served, rounds: u64) {
    let mut slow = JoinSet::new();
    for _ in 0..SLOW {
        slow.spawn(dawdle(join(served.address(), &format!("/ws/{STREAMS}"), Some(4_096)).await));
    }
    let watching = tokio::spawn(watch(join(served.address(), &format!("/stream?streams={STREAMS}"), None).await));
    let begun = Sample::take(served.pid());
    let figures = trade(served, 8 * rounds).await;
    println!("{SLOW} that do not read, and one that does: {}", figures.told(begun.since()));
    let reasons = slow.join_all().await;
    println!("  {} messages to the one; the others were left: {reasons:?}", watching.await.expect("nothing is lost"));
    assert!(reasons.iter().all(|reason| reason == "1008 Slow consumer"), "{reasons:?}");
}

/// Reads nothing for a second: with what it is left.
async fn dawdle(mut client: Client) -> String {
    tokio::time::sleep(Duration::from_secs(1)).await;
    loop {
        match client.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return format!("{} {}", u16::from(frame.code), frame.reason),
            Some(Ok(_)) => {}
            gone => return format!("{gone:?}"),
        }
    }
}

/// Orders, cancels and fills of one client; the market goes on a step now and then.
async fn trade(served: &Served, rounds: u64) -> Figures {
    let mut rest = Rest::connect(served.address(), 0).await;
    let mut figures = Figures::default();
    for round in 0..rounds {
        rest.round(&mut figures).await;
        if round % STEP_EVERY == 0 {
            rest.step().await;
        }
    }
    figures
}

async fn join(address: &str, path: &str, room: Option<u32>) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(room) = room {
        socket.set_recv_buffer_size(room).expect("a size");
    }
    let stream = socket.connect(address.parse().expect("an address")).await.expect("it listens");
    client_async(format!("ws://{address}{path}"), stream).await.expect("a WebSocket").0
}

/// Hears of an account until it has been quiet: reports by number without a gap, as many as
/// there must be. How many messages there were.
async fn hear(mut client: Client, rounds: u64) -> u64 {
    let (mut last, mut messages, mut reports) = (None, 0, 0);
    while let Some(text) = next(&mut client).await {
        messages += 1;
        if text.contains("executionReport") {
            reports += 1;
            let number: u64 = number_after(&text, "\"I\":");
            assert!(last.is_none_or(|last| number == last + 1), "{number} after {last:?}");
            last = Some(number);
        }
    }
    // Twice new and cancelled, once new and filled.
    assert_eq!(reports, rounds * 6, "reports");
    messages
}

/// Watches the market until it has been quiet: trades by number, changes of the book that join.
async fn watch(mut client: Client) -> u64 {
    let (mut trade, mut update, mut messages) = (None, None, 0);
    while let Some(text) = next(&mut client).await {
        messages += 1;
        let in_turn = |last: Option<u64>, number: u64| {
            assert!(last.is_none_or(|last| number == last + 1), "{text} after {last:?}")
        };
        if text.contains("depthUpdate") {
            in_turn(update, number_after(&text, "\"U\":"));
            update = Some(number_after(&text, "\"u\":"));
        } else if text.contains("\"e\":\"trade\"") {
            let number = number_after(&text, "\"t\":");
            in_turn(trade, number);
            trade = Some(number);
        }
    }
    assert!(trade.is_some() && update.is_some(), "the market has moved");
    messages
}

/// The next text, unless it is quiet.
async fn next(client: &mut Client) -> Option<String> {
    let quiet = Instant::now() + Duration::from_secs(2);
    loop {
        match tokio::time::timeout_at(quiet.into(), client.next()).await {
            Err(_) => return None,
            Ok(Some(Ok(Message::Text(text)))) => return Some(text.to_string()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(other) => panic!("{other:?}"),
        }
    }
}
