//! How much of the allowed request weight paging uses, and that it never goes over: clients that
//! want klines without end, against the local data server whose time runs sixty times as fast.
//! A simulated hour passes in a minute.
//!
//! `cargo bench --bench rest` prints a line for one client process and one for two that share
//! the budget of a machine. `CANDLEWICK_BENCH_ROWS` are the rows of a page (1,000 is a full one).

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candlewick_binance::market::{MarketClient, MarketOptions, Pace};
use candlewick_binance::rest::KlineRange;
use candlewick_exchange::data::{Catalogue, DataOptions, DataServer, Portal, ServerClock};
use candlewick_live::system_clock;
use candlewick_model::time::MINUTE;
use candlewick_model::{Interval, Timestamp};

const SPEED: i64 = 60;
const SHARE: u8 = 80;
const HOUR: Duration = Duration::from_secs(60);
const LIMIT: u64 = 6_000;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--client") {
        Some(at) => runtime.block_on(client(&arguments[at + 1], Path::new(&arguments[at + 2]))),
        None => [1, 2].into_iter().for_each(|clients| runtime.block_on(hour(clients))),
    }
}

/// Serves an hour to some client processes and prints what they used.
async fn hour(clients: usize) {
    let now: Timestamp = "2025-01-10T10:00:00Z".parse().expect("a time");
    let names = ["BTCUSDT".parse().expect("a market")];
    let range = "2024-12-01".parse().expect("a day")..now.plus(10 * 24 * 60 * MINUTE);
    let catalogue = Catalogue::generated(4, &names, Interval::OneMinute, &range);
    let portal = Portal::new(Arc::new(catalogue), ServerClock::starting(now, SPEED as f64));
    let options = DataOptions { compresses: false, ..DataOptions::new(portal) };
    let server = DataServer::start(options, 0).await.expect("a server");
    let budget = tempfile::tempdir().expect("a folder");
    let start = || {
        let mut command = Command::new(std::env::current_exe().expect("its own name"));
        command.args(["--client", &server.url()]).arg(budget.path()).stdout(Stdio::piped()).spawn().expect("starts")
    };
    let children: Vec<_> = (0..clients).map(|_| start()).collect();
    let outputs = tokio::task::spawn_blocking(move || {
        children.into_iter().map(|child| child.wait_with_output().expect("ends").stdout).collect::<Vec<_>>()
    });
    let (mut weight, mut limited, mut pages) = (0, 0, 0);
    for output in outputs.await.expect("waits") {
        let text = String::from_utf8(output).expect("text");
        let figures: Vec<u64> = text.split_whitespace().map(|figure| figure.parse().expect("a number")).collect();
        (weight, limited, pages) = (weight + figures[0], limited + figures[1], pages + figures[2]);
    }
    let minutes = HOUR.as_secs() * SPEED as u64 / 60;
    let allowed = minutes * LIMIT * u64::from(SHARE) / 100;
    println!(
        "{clients} client(s): weight {weight} of {allowed} allowed in {minutes} simulated minutes ({:.1} %), {pages} pages, {limited} answers 429 or 418",
        weight as f64 * 100.0 / allowed as f64
    );
}

/// Asks for pages for an hour, as many at a time as the client lets through, and prints the
/// weight used within it, how often that was too much, and the number of pages.
async fn client(server: &str, budget: &Path) {
    let rows = std::env::var("CANDLEWICK_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000);
    let wall = system_clock();
    // Some seconds off, as clocks are.
    let clock = move || Timestamp::from_micros(wall().micros() % 100_000_000_000_000 * SPEED + 7_000_000);
    let client = MarketClient::new(MarketOptions {
        hosts: vec![server.to_owned()],
        share_percent: SHARE,
        budget_folder: budget.to_owned(),
        certificate: None,
        pace: Pace::of_speed(Box::new(clock), SPEED as f64),
        told: Box::new(|text| eprintln!("{text}")),
    });
    let client = client.expect("a client");
    client.synchronise().await.expect("a server");
    let (end, pages) = (client.server_time().plus(HOUR.as_micros() as i64 * SPEED), AtomicU64::new(0));
    let (client, pages) = (Arc::new(client), Arc::new(pages));
    let workers = (0..16).map(|n| tokio::spawn(work(Arc::clone(&client), Arc::clone(&pages), n, rows, end)));
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("no worker panics");
    }
    let status = client.status();
    let pages = pages.load(Ordering::Relaxed);
    println!("{} {} {pages}", pages * 2 + 21, status.limited + status.bans);
}

async fn work(client: Arc<MarketClient>, pages: Arc<AtomicU64>, n: i64, rows: u16, end: Timestamp) {
    let first: Timestamp = "2024-12-01".parse().expect("a day");
    let range = KlineRange { start: Some(first.plus(n * 1_000 * MINUTE)), end: None, limit: Some(rows) };
    while client.server_time() < end {
        let symbol = "BTCUSDT".parse().expect("a symbol");
        let page = client.klines(symbol, Interval::OneMinute, range).await.expect("a page");
        assert_eq!(page.len(), usize::from(rows));
        pages.fetch_add(1, Ordering::Relaxed);
    }
}
