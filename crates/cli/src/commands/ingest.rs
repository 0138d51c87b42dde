//! `candlewick ingest`: archives → lake.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use candlewick_ingest::{IngestError, Outcome, Plan, Portal, Progress, Trouble, ingest};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Interval, Period, Symbol};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The market, such as BTCUSDT.
    #[arg(long, value_parser = parse_symbol)]
    symbol: Symbol,
    /// Length of the bars: 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1mo.
    #[arg(long)]
    interval: Interval,
    /// First month or day, such as 2023-01 or 2023-01-15.
    #[arg(long, value_name = "MONTH|DAY")]
    from: Period,
    /// Last month or day; it is included.
    #[arg(long, value_name = "MONTH|DAY")]
    to: Period,
    /// The Data Portal: an address, or a folder of the same layout as file://FOLDER.
    #[arg(long, value_name = "URL", default_value = "https://data.binance.vision")]
    portal: String,
    /// The folder of the lake; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: PathBuf,
    /// How many archives to fetch at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Capital letters and digits, as Binance names markets; other scripts occur. The name becomes
/// part of paths and addresses, so that what a disk or a URL reads as something else is refused.
fn parse_symbol(text: &str) -> Result<Symbol, String> {
    let is_strange = |c: char| c.is_control() || c.is_whitespace() || r#"/\=.:*?"<>|%#&"#.contains(c);
    if text.is_empty() || text.contains(is_strange) {
        return Err("a market is named like BTCUSDT".to_owned());
    }
    if text.chars().any(|c| c.is_ascii_lowercase()) {
        return Err(format!("markets are written in capitals: {}", text.to_uppercase()));
    }
    Symbol::new(text).map_err(|e| e.to_string())
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let series = SeriesName { symbol: arguments.symbol, interval: arguments.interval };
    let plan = Plan::new(series, arguments.from, arguments.to).map_err(Failure::usage)?;
    let portal = Portal::new(&arguments.portal).map_err(Failure::usage)?;
    let lake = Lake::new(&arguments.lake);
    let start = Instant::now();
    let bars = Bars::new();
    let runtime = runtime().map_err(Failure::outside)?;
    let outcome = runtime.block_on(ingest(&plan, &portal, &lake, arguments.concurrency.into(), &bars));
    bars.finish();
    let outcome = outcome.map_err(|error| match error {
        IngestError::Portal { .. } => Failure::usage(error),
        IngestError::Lake(_) => Failure::outside(error),
    })?;
    let summary = Summary::of(&outcome, series);
    if arguments.json {
        super::print_json(&summary)?;
    } else {
        super::print(&summary.text(start.elapsed().as_secs_f64()))?;
    }
    for note in &outcome.notes {
        eprintln!("note: {note}");
    }
    for trouble in &outcome.troubles {
        eprintln!("error: {trouble}");
    }
    if outcome.untried > 0 {
        eprintln!(
            "error: {} more files of the lake were not tried; what is in the lake is whole, run the same command again once the disk is in order",
            outcome.untried
        );
    }
    let nothing = outcome.archives == 0 && outcome.present == 0;
    if nothing && outcome.troubles.is_empty() {
        eprintln!(
            "error: the portal has nothing of {series} from {} to {}; check the symbol, the interval and the range",
            arguments.from, arguments.to
        );
    }
    Ok(ExitCode::from(exit_code(&outcome)))
}

/// Archives are opened and files written on threads of their own. Each keeps what its largest
/// archive took, so there are hardly more of them than processors.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(processors + 1).build()
}

/// 3 where network or disk failed, so that trying again may help; 1 where archives are missing
/// or at fault.
fn exit_code(outcome: &Outcome) -> u8 {
    if outcome.troubles.iter().any(Trouble::is_outside) {
        3
    } else {
        u8::from(!outcome.troubles.is_empty() || !outcome.absent.is_empty())
    }
}

/// The result as it is printed.
#[derive(Serialize)]
struct Summary {
    symbol: String,
    interval: String,
    archives: usize,
    archive_bytes: u64,
    csv_bytes: u64,
    bars: u64,
    lake_bytes_written: u64,
    already_present: usize,
    unverified: usize,
    absent: Vec<String>,
    failed: Vec<String>,
    notes: Vec<String>,
}

impl Summary {
    fn of(outcome: &Outcome, series: SeriesName) -> Self {
        Self {
            symbol: series.symbol.to_string(),
            interval: series.interval.to_string(),
            archives: outcome.archives,
            archive_bytes: outcome.archive_bytes,
            csv_bytes: outcome.csv_bytes,
            bars: outcome.bars,
            lake_bytes_written: outcome.written_bytes,
            already_present: outcome.present,
            unverified: outcome.unverified,
            absent: outcome.absent.iter().map(ToString::to_string).collect(),
            failed: outcome.troubles.iter().map(ToString::to_string).collect(),
            notes: outcome.notes.clone(),
        }
    }

    fn text(&self, seconds: f64) -> String {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let mut lines = vec![format!(
            "{} {}: {} bars from {} archives ({:.1} MB of CSV, {:.1} MB written) in {seconds:.2} s",
            self.symbol,
            self.interval,
            self.bars,
            self.archives,
            mega(self.csv_bytes),
            mega(self.lake_bytes_written)
        )];
        if self.already_present > 0 {
            lines.push(format!("already in the lake: {} months or days", self.already_present));
        }
        if self.unverified > 0 {
            lines.push(format!("without CHECKSUM file: {} archives", self.unverified));
        }
        if !self.absent.is_empty() {
            lines.push(format!("not on the portal: {}", shortened(&self.absent)));
        }
        if !self.failed.is_empty() {
            lines.push(format!("failed: {}", self.failed.len()));
        }
        lines.join("\n") + "\n"
    }
}

/// The first few of a list.
fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 8;
    let first = list[..list.len().min(SHOWN)].join(" ");
    if list.len() > SHOWN { format!("{first} and {} more", list.len() - SHOWN) } else { first }
}

/// Progress on a terminal: files of the lake, and what has arrived.
struct Bars {
    bar: ProgressBar,
    fetched: AtomicU64,
}

impl Bars {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} files of the lake, {msg}, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, fetched: AtomicU64::new(0) }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bars {
    fn begin(&self, units: usize) {
        self.bar.set_length(units as u64);
    }

    fn fetched(&self, bytes: usize) {
        let before = self.fetched.fetch_add(bytes as u64, Ordering::Relaxed);
        self.bar.set_message(format!("{:.1} MB fetched", (before + bytes as u64) as f64 / 1e6));
    }

    fn unit_done(&self) {
        self.bar.inc(1);
    }
}
