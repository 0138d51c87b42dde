//! How much the local exchange bears: signed order requests over REST and the WebSocket API, with
//! many orders open, and WebSocket clients that listen, idle or dawdle meanwhile.
//!
//! `cargo bench --bench exchange_load [-- rest | socket | open | listeners …]`. The server is a
//! process of its own (this program, told to serve) with the runtime that `candlewick exchange
//! serve` has; the client is one thread. Both share the machine. Answers are looked at: orders
//! rest, are filled, are cancelled, or the bench ends. CANDLEWICK_BENCH_SECONDS is how long a
//! load lasts (5), CANDLEWICK_BENCH_OPEN how many orders are open (100000).

mod client;
mod figures;
mod listeners;
mod server;

use std::time::Duration;

use client::{Rest, Socket};
use figures::{Figures, Sample};
use server::Served;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|first| first == server::SERVE) {
        return server::serve();
    }
    let all = ["rest", "socket", "open", "listeners"].map(str::to_owned);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for name in if arguments.is_empty() { &all[..] } else { &arguments[..] } {
        let served = Served::start();
        runtime.block_on(async {
            match name.as_str() {
                "rest" => rest(&served).await,
                "socket" => socket(&served).await,
                "open" => open(&served).await,
                "listeners" => listeners::measure(&served).await,
                other => panic!("there is no load called {other}"),
            }
        });
    }
}

/// A number of the environment.
fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn load_time() -> Duration {
    Duration::from_secs(setting("CANDLEWICK_BENCH_SECONDS", 5))
}

/// Limit orders far from the price and their cancels, a market order in five.
async fn rest(served: &Served) {
    for connections in [16, 64] {
        let begun = Sample::take(served.pid());
        let until = begun.at + load_time();
        let tasks = (0..connections).map(|number| async move {
            let mut rest = Rest::connect(served.address(), number).await;
            rest.trade_until(until).await
        });
        let figures = all(tasks).await;
        println!("REST, {connections} connections: {}", figures.told(begun.since()));
    }
}

/// The same over the WebSocket API, on sessions that are logged on.
async fn socket(served: &Served) {
    for connections in [16, 64] {
        let begun = Sample::take(served.pid());
        let until = begun.at + load_time();
        let tasks = (0..connections).map(|number| async move {
            let mut socket = Socket::connect(served.address(), number).await;
            socket.trade_until(until).await
        });
        let figures = all(tasks).await;
        println!("WebSocket API, {connections} connections: {}", figures.told(begun.since()));
    }
}

/// What requests cost while very many orders are open.
async fn open(served: &Served) {
    let wanted = setting("CANDLEWICK_BENCH_OPEN", 100_000);
    let mut rest = Rest::connect(served.address(), 0).await;
    let begun = Sample::take(served.pid());
    let figures = rest.place(wanted).await;
    println!("{wanted} orders placed, none is cancelled: {}", figures.told(begun.since()));
    for (name, request) in rest.questions() {
        let mut figures = Figures::default();
        let begun = Sample::take(served.pid());
        for _ in 0..request.times {
            let length = figures.time(rest.ask(&request)).await;
            figures.bytes += length;
        }
        println!("  {name}: {}", figures.told(begun.since()));
    }
    let (first, last) = rest.own_orders();
    for (name, orders) in [("cancel the oldest", first), ("cancel the newest", last)] {
        let mut figures = Figures::default();
        let begun = Sample::take(served.pid());
        for order in orders {
            figures.time(rest.cancel(order)).await;
        }
        println!("  {name}: {}", figures.told(begun.since()));
    }
    let begun = Sample::take(served.pid());
    let mut figures = Figures::default();
    for number in 0..200 {
        figures.time(rest.market(number)).await;
    }
    println!("  market order: {}", figures.told(begun.since()));
    let begun = Sample::take(served.pid());
    let mut figures = Figures::default();
    for _ in 0..40 {
        figures.time(rest.step()).await;
    }
    println!("  a step of the market: {}", figures.told(begun.since()));
    let begun = Sample::take(served.pid());
    let mut figures = Figures::default();
    figures.time(rest.cancel_all()).await;
    println!("  cancel all: {}", figures.told(begun.since()));
}

/// Has all of them done at the same time.
async fn all(tasks: impl Iterator<Item = impl Future<Output = Figures>>) -> Figures {
    let done = futures_util::future::join_all(tasks).await;
    done.into_iter().fold(Figures::default(), Figures::and)
}
