//! Ten symbols, five years of minutes: a `ma-cross` on each, as one portfolio run through the
//! program's own way from configuration and lake to the record of the run. No report is written.
//!
//! `cargo bench --bench portfolio [-- FOLDER]` makes the lake (1.3 GB) in FOLDER, by default in
//! `target/portfolio`, where there is none yet, and prints how long reading and replay took, and
//! the most memory that the process had. Each run is one process: figures are those of a first
//! run, files in the page cache.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use candlewick::config::Config;
use candlewick::prepare::Prepared;
use candlewick_lake::{Chunk, Lake, SeriesName, Source, SourceState};
use candlewick_model::time::MINUTE;
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, Timestamp};

const SYMBOLS: u32 = 10;
const MONTHS: i32 = 60;
const RUNS: usize = 5;

fn main() {
    let asked = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let folder =
        asked.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/portfolio"), PathBuf::from);
    if std::env::var_os("PORTFOLIO_RUN").is_some() {
        return run(&folder);
    }
    let lake = Lake::new(&folder.join("lake"));
    if !folder.join("run.toml").exists() {
        (0..SYMBOLS).for_each(|number| fill(&lake, number));
        std::fs::write(folder.join("info.json"), exchange_info()).expect("writable");
        std::fs::write(folder.join("run.toml"), configuration()).expect("writable");
    }
    for _ in 0..RUNS {
        let program = std::env::current_exe().expect("this program");
        let status = Command::new(program).arg(&folder).env("PORTFOLIO_RUN", "1").status();
        assert!(status.expect("it starts").success());
    }
}

fn run(folder: &Path) {
    let start = Instant::now();
    let (config, text) = Config::read(&folder.join("run.toml")).expect("a configuration");
    let prepared = Prepared::new(&config, &text, &Lake::new(&folder.join("lake"))).expect("a lake");
    let read = start.elapsed().as_secs_f64();
    let run = prepared.backtest(&config).expect("a run");
    let whole = start.elapsed().as_secs_f64();
    let bars: usize = run.markets.iter().map(|market| market.bars.len()).sum();
    println!(
        "{bars} bars, {} orders: read {read:.2} s, replayed {:.2} s ({:.1} ns a bar), whole {whole:.2} s, {} MB at most",
        run.orders.len(),
        whole - read,
        (whole - read) / bars as f64 * 1e9,
        most_memory() / 1_000
    );
}

/// In KB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn symbol(number: u32) -> String {
    format!("C{number}USDT")
}

fn configuration() -> String {
    let symbols: Vec<_> = (0..SYMBOLS).map(|number| format!("\"{}\"", symbol(number))).collect();
    format!(
        "symbols = [{}]\ninterval = \"1m\"\nexchange_info = [\"info.json\"]\n[account]\nUSDT = 1000000\n[strategy]\nname = \"ma-cross\"\n\
         fast = 50\nslow = 200\nstake = 0.1\n[fees]\nmaker = 0.0001\ntaker = 0.0001\n[report]\nband = false\n",
        symbols.join(", ")
    )
}

fn exchange_info() -> String {
    let mut json = String::from(r#"{"serverTime":1546300800000,"symbols":["#);
    for number in 0..SYMBOLS {
        let comma = if number == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"symbol":"{}","status":"TRADING","baseAsset":"C{number}","quoteAsset":"USDT",
            "orderTypes":["LIMIT","MARKET"],"quoteOrderQtyMarketAllowed":true,"filters":[
            {{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"}},
            {{"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"}},
            {{"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000000","applyMaxToMarket":false,"avgPriceMins":5}}]}}"#,
            symbol(number)
        )
        .expect("a string takes it");
    }
    json + "]}"
}

fn fill(lake: &Lake, number: u32) {
    let series = SeriesName { symbol: Symbol::new(&symbol(number)).expect("short"), interval: Interval::OneMinute };
    let writer = lake.writer(series).expect("a lake");
    let mut walk = Walk { state: 0x9e37_79b9_7f4a_7c15 ^ u64::from(number) << 40, close: 3_000_000 };
    for month in (0..MONTHS).map(|n| Period::Month { year: 2019 + n / 12, month: n.unsigned_abs() % 12 + 1 }) {
        let range = month.range();
        let minutes = (range.end.micros() - range.start.micros()) / MINUTE;
        let bars: Bars = (0..minutes).map(|minute| walk.bar(range.start.plus(minute * MINUTE))).collect();
        let source = Source {
            path: format!("data/spot/monthly/klines/{s}/1m/{s}-1m-{month}.zip", s = series.symbol),
            sha256: "c1ac7014c110f5dfaf9d2b2f4498736e1d8621fb61a374fc88a903d61830aaa2".into(),
            published_sha256: None,
            state: SourceState::Verified,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
        };
        writer.put(vec![Chunk { bars, source }]).expect("writable");
    }
}

/// A seeded random walk in cents, with volumes of as many digits as real ones.
struct Walk {
    state: u64,
    close: i64,
}

impl Walk {
    fn random(&mut self, below: i64) -> i64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as i64 % below
    }

    fn bar(&mut self, open_time: Timestamp) -> Bar {
        let cent = |n: i64| Price::from_units(n * 1_000_000);
        let open = self.close;
        self.close = (open + self.random(3_001) - 1_500).max(1_000_000);
        let (high, low) = (open.max(self.close) + self.random(800), open.min(self.close) - self.random(800));
        let volume = self.random(50_000_000) * 1_000 + 1_000_000_000;
        let quote = |volume: i64| Amount::from_units(i128::from(volume) * i128::from(open) / 100);
        Bar {
            open_time,
            close_time: open_time.plus(MINUTE - 1),
            open: cent(open),
            high: cent(high),
            low: cent(low),
            close: cent(self.close),
            volume: Amount::from_units(volume.into()),
            quote_volume: quote(volume),
            taker_buy_volume: Amount::from_units((volume / 3).into()),
            taker_buy_quote_volume: quote(volume / 3),
            trades: self.random(5_000),
        }
    }
}
