//! `candlewick lake`: what is there, what is missing, and the exchangeInfo snapshots.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candlewick_lake::{Check, Lake, SeriesName, Snapshot};
use candlewick_model::{Interval, Symbol, Timestamp};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the series with their spans and sizes.
    Ls(Selection),
    /// Read every value: gaps, quality, and whether files are as they were written. Exit code 1
    /// if something is missing or broken.
    Check(Selection),
    /// Fill holes from the portal's archives and over REST, and make damaged files anew. Bars are
    /// never invented; what remains is told. Exit code 1 if something does.
    Repair(super::repair::Arguments),
    /// Store an exchangeInfo answer of the exchange as a dated snapshot.
    AddExchangeInfo(AddExchangeInfo),
}

#[derive(Args)]
pub(crate) struct Selection {
    /// The folder of the lake.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: PathBuf,
    /// Only this market.
    #[arg(long)]
    symbol: Option<Symbol>,
    /// Only bars of this length.
    #[arg(long)]
    interval: Option<Interval>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct AddExchangeInfo {
    /// A file with the JSON of GET /api/v3/exchangeInfo.
    file: PathBuf,
    /// The folder of the lake; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: PathBuf,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Ls(selection) => ls(selection),
        Command::Check(selection) => check(selection),
        Command::Repair(arguments) => super::repair::run(arguments),
        Command::AddExchangeInfo(arguments) => add_exchange_info(arguments),
    }
}

impl Selection {
    /// The series that are meant; none at all is the user's mistake.
    fn series(&self, lake: &Lake) -> Result<Vec<SeriesName>, Failure> {
        if !self.lake.is_dir() {
            return Err(Failure::usage(anyhow::anyhow!(
                "there is no lake in {}; fill one with `candlewick ingest`, or give its folder with --lake",
                self.lake.display()
            )));
        }
        let mut series = lake.series().map_err(Failure::outside)?;
        series.retain(|s| {
            self.symbol.is_none_or(|symbol| symbol == s.symbol)
                && self.interval.is_none_or(|interval| interval == s.interval)
        });
        if series.is_empty() && (self.symbol.is_some() || self.interval.is_some()) {
            return Err(Failure::usage(anyhow::anyhow!(
                "the lake in {} holds no such series; `candlewick lake ls` shows what it holds",
                self.lake.display()
            )));
        }
        Ok(series)
    }
}

/// A series as `ls` prints it.
#[derive(Serialize)]
struct Row {
    symbol: String,
    interval: String,
    bars: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    gaps: usize,
    files: usize,
    bytes: u64,
}

fn ls(selection: &Selection) -> Result<ExitCode, Failure> {
    let lake = Lake::new(&selection.lake);
    let (mut rows, mut is_damaged) = (Vec::new(), false);
    for series in selection.series(&lake)? {
        let files = match lake.files(&series) {
            Err(error) if error.is_damage() => {
                eprintln!("error: {series}: {error}");
                is_damaged = true;
                continue;
            }
            other => other.map_err(Failure::outside)?,
        };
        let gaps_inside: usize = files.iter().map(|f| f.provenance.gaps.len()).sum();
        let ends = files.iter().filter_map(|f| Some((f.provenance.first?, f.provenance.last?)));
        let ends: Vec<_> = ends.collect();
        let gaps_between = ends.windows(2).filter(|pair| series.interval.next_open(pair[0].1) < pair[1].0).count();
        rows.push(Row {
            symbol: series.symbol.to_string(),
            interval: series.interval.to_string(),
            bars: files.iter().map(|f| f.provenance.rows).sum(),
            first: ends.first().map(|e| e.0),
            last: ends.last().map(|e| e.1),
            gaps: gaps_inside + gaps_between,
            files: files.len(),
            bytes: files.iter().map(|f| f.bytes).sum(),
        });
    }
    let code = ExitCode::from(u8::from(is_damaged));
    if selection.json {
        super::print_json(&rows)?;
        return Ok(code);
    }
    let mut table = table(&["symbol", "interval", "bars", "first", "last", "gaps", "files", "MB"]);
    for row in rows {
        table.add_row([
            row.symbol,
            row.interval,
            row.bars.to_string(),
            text(row.first),
            text(row.last),
            row.gaps.to_string(),
            row.files.to_string(),
            format!("{:.2}", row.bytes as f64 / 1e6),
        ]);
    }
    super::print(&format!("{table}\n"))?;
    Ok(code)
}

fn check(selection: &Selection) -> Result<ExitCode, Failure> {
    let lake = Lake::new(&selection.lake);
    let mut checks = Vec::new();
    for series in selection.series(&lake)? {
        checks.push(lake.check(&series).map_err(Failure::outside)?);
    }
    if selection.json {
        super::print_json(&checks)?;
    } else {
        super::print(&checks.iter().map(check_text).collect::<String>())?;
    }
    Ok(ExitCode::from(u8::from(checks.iter().any(Check::has_problems))))
}

fn check_text(check: &Check) -> String {
    let mut lines = vec![format!(
        "{} {}: {} bars from {} to {}, {} missing in {} gaps",
        check.symbol,
        check.interval,
        check.bars,
        text(check.first),
        text(check.last),
        check.missing,
        check.gaps.len()
    )];
    lines.extend(check.gaps.iter().map(|gap| format!("  gap     {} to {}: {} bars", gap.from, gap.to, gap.missing)));
    lines.extend(check.findings.iter().map(|finding| {
        let (kind, first) = (finding.kind.replace('_', " "), text(finding.first));
        format!("  {kind} in {} bars, first at {first}", finding.bars)
    }));
    lines.extend(check.files.iter().filter_map(|f| Some(format!("  damaged {}", f.problem.as_deref()?))));
    lines.push(format!("  content {}\n", check.content_sha256));
    lines.join("\n")
}

fn add_exchange_info(arguments: &AddExchangeInfo) -> Result<ExitCode, Failure> {
    let snapshot = read_snapshot(&arguments.file)?;
    for note in &snapshot.info.notes {
        eprintln!("note: {note}");
    }
    let name = Lake::new(&arguments.lake).add_exchange_info(&snapshot).map_err(Failure::outside)?;
    super::print(&format!("{name}: {} symbols\n", snapshot.info.instruments.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// An exchangeInfo answer in a file that the user named.
pub(crate) fn read_snapshot(file: &Path) -> Result<Snapshot, Failure> {
    let what = file.display().to_string();
    let json = std::fs::read_to_string(file).map_err(|e| Failure::usage(anyhow::anyhow!("{what}: {e}")))?;
    Snapshot::parse(json, &what).map_err(Failure::usage)
}

fn text(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |t| t.to_string())
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}
