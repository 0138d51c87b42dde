//! `candlewick backtest`: configuration and lake → report.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use candlewick_lake::Lake;
use clap::Args;

use crate::config::Config;
use crate::failure::Failure;
use crate::inputs;
use crate::prepare::{Prepared, check_out};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to run: a TOML file, see docs/configuration.md.
    config: PathBuf,
    /// The lake: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
    /// Where the report goes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write into a folder that is not empty.
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (config, text) = Config::read(&arguments.config).map_err(Failure::usage)?;
    check_out(&arguments.out, arguments.force).map_err(Failure::usage)?;
    let lake = Lake::open(&arguments.lake).map_err(Failure::usage)?;
    let prepared = Prepared::new(&config, &text, &lake).map_err(Failure::usage_or_lake)?;
    let start = Instant::now();
    let run = prepared.backtest(&config).map_err(Failure::of_run)?;
    let seconds = start.elapsed().as_secs_f64();
    let written = candlewick_report::write_all(&run, &arguments.out).map_err(Failure::outside)?;
    inputs::write(&arguments.out, &config, &text, &prepared, lake.root()).map_err(Failure::outside)?;
    if arguments.json {
        super::print(&candlewick_report::json::summary(&run, &written.statistics))?;
    } else {
        let summary = candlewick_report::terminal::summary(&run, &written.statistics);
        super::print(&format!("{summary}report        {}\n", written.page.display()))?;
        eprintln!("{} bars replayed in {:.1} ms", written.statistics.period.bars, seconds * 1e3);
    }
    Ok(ExitCode::SUCCESS)
}
