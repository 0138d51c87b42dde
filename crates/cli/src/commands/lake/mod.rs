//! `candlewick lake`: what is there, what it is worth, and how others get at it.

mod check;
mod details;
mod export;
mod filters;
mod ls;
mod output;
mod page;
mod repair;
mod resample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candlewick_lake::{Lake, SeriesName, Snapshot};
use candlewick_model::{Interval, Symbol, Timestamp};
use clap::{Args, Subcommand};
use comfy_table::{Table, TableComponent, presets};

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the series with their spans and sizes.
    Ls(Selection),
    /// Read every value: coverage, gaps with their likely causes, quality, sources, and whether
    /// files are as they were written. Exit code 1 if the lake lacks something or contradicts
    /// itself; outages of the exchange and what REST confirms are facts.
    Check(check::Arguments),
    /// Fill holes from the portal's archives and over REST, and make damaged files anew. Bars are
    /// never invented; what remains is told. Exit code 1 if something does.
    Repair(repair::Arguments),
    /// Make the bars of a coarser interval from those of a finer one.
    Resample(resample::Arguments),
    /// Write a series to one file: CSV as the portal writes it, Parquet, or Arrow.
    Export(export::Arguments),
    /// Show how a market's filters changed over the exchangeInfo snapshots of the lake.
    Filters(filters::Arguments),
    /// Store an exchangeInfo answer of the exchange as a dated snapshot.
    AddExchangeInfo(AddExchangeInfo),
}

#[derive(Args)]
pub(crate) struct Selection {
    /// The lake: a folder.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
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
    /// The lake: a folder; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Ls(selection) => ls::run(selection),
        Command::Check(arguments) => check::run(arguments),
        Command::Repair(arguments) => repair::run(arguments),
        Command::Resample(arguments) => resample::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Filters(arguments) => filters::run(arguments),
        Command::AddExchangeInfo(arguments) => add_exchange_info(arguments),
    }
}

/// A lake that must be there.
fn open(address: &str) -> Result<Lake, Failure> {
    if !address.contains("://") && !Path::new(address).is_dir() {
        return Err(Failure::usage(anyhow::anyhow!(
            "there is no lake in {address}; fill one with `candlewick ingest`, or give its folder with --lake"
        )));
    }
    Lake::open(address).map_err(Failure::usage)
}

fn no_such_series(address: &str) -> Failure {
    Failure::usage(anyhow::anyhow!(
        "the lake in {address} holds no such series; `candlewick lake ls --lake {address}` shows what it holds"
    ))
}

impl Selection {
    /// The lake and the series in it that are meant; none at all is the user's mistake.
    fn series(&self) -> Result<(Lake, Vec<SeriesName>), Failure> {
        let lake = open(&self.lake)?;
        let mut series = lake.series().map_err(Failure::outside)?;
        series.retain(|s| {
            self.symbol.is_none_or(|symbol| symbol == s.symbol)
                && self.interval.is_none_or(|interval| interval == s.interval)
        });
        if series.is_empty() && (self.symbol.is_some() || self.interval.is_some()) {
            return Err(no_such_series(&self.lake));
        }
        Ok((lake, series))
    }
}

fn add_exchange_info(arguments: &AddExchangeInfo) -> Result<ExitCode, Failure> {
    let snapshot = read_snapshot(&arguments.file)?;
    for note in snapshot.info.all_notes() {
        eprintln!("note: {note}");
    }
    let lake = Lake::open(&arguments.lake).map_err(Failure::usage)?;
    let name = lake.add_exchange_info(&snapshot).map_err(Failure::outside)?;
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

/// A line each, without rules between them.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    table.remove_style(TableComponent::HorizontalLines).remove_style(TableComponent::MiddleIntersections);
    table
}
