//! How many bars a second one client hears at full speed: the program serves a generated market,
//! a WebSocket client of this process listens to `btcusdt@kline_1m` (or the streams that are
//! named), and time goes as fast as it can. Both share the machine, as they would.
//!
//! `cargo bench --bench streams -- [stream…]`. Bars of a run: CANDLEWICK_BENCH_DAYS days of
//! minutes, 400 if it is not set.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;

/// After so long a silence the market has ended.
const SILENCE: Duration = Duration::from_secs(2);

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let usual = ["kline_1m", "kline_1h", "bookTicker", "aggTrade", "ticker"].map(|kind| format!("btcusdt@{kind}"));
    let streams = if named.is_empty() { usual.to_vec() } else { named };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for stream in streams {
        runtime.block_on(listen(&stream));
    }
}

/// The program, which ends with it.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn listen(stream: &str) {
    let days = std::env::var("CANDLEWICK_BENCH_DAYS").unwrap_or_else(|_| "400".to_owned());
    let mut program = Command::new(env!("CARGO_BIN_EXE_candlewick"));
    program.args(["exchange", "serve", "--generate", "1", "--port", "0", "--days", &days]);
    let mut served = Served(program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program"));
    let mut url = String::new();
    BufReader::new(served.0.stdout.take().expect("piped")).read_line(&mut url).expect("its address");
    let address = url.trim().trim_start_matches("http://").to_owned();
    let tcp = TcpStream::connect(&address).await.expect("it listens");
    let (mut client, _) = client_async(format!("ws://{address}/ws/{stream}"), tcp).await.expect("a WebSocket");
    let begun = Instant::now();
    go(&address).await;
    let (mut messages, mut bytes, mut closed, mut last) = (0_u64, 0, 0_u64, begun);
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE, client.next()).await {
        let text = message.to_text().unwrap_or_default();
        (messages, bytes, last) = (messages + 1, bytes + text.len(), Instant::now());
        closed += u64::from(text.contains(r#""x":true"#));
    }
    let seconds = last.duration_since(begun).as_secs_f64();
    let rate = |count: u64| count as f64 / seconds;
    println!(
        "{stream}: {messages} messages, {closed} of closed bars, {:.0} MB in {seconds:.2} s: {:.0} messages/s, {:.0} closed bars/s",
        bytes as f64 / 1e6,
        rate(messages),
        rate(closed)
    );
}

/// From now on time goes as fast as it can.
async fn go(address: &str) {
    let speed = r#"{"speed":"max"}"#;
    let request = format!(
        "POST /control/time HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{speed}",
        speed.len()
    );
    let mut control = TcpStream::connect(address).await.expect("it listens");
    control.write_all(request.as_bytes()).await.expect("it listens");
    let mut begins = [0; 12];
    control.read_exact(&mut begins).await.expect("it answers");
    assert_eq!(&begins, b"HTTP/1.1 200", "time goes on");
}
