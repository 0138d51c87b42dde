//! One module a command; each has its arguments and a `run`.

mod backtest;
mod demo;
mod exchange;
mod exchange_data;
mod explain;
mod ingest;
mod lake;
mod live;
mod sources;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Fill the lake with candles from Data Portal archives.
    Ingest(ingest::Arguments),
    /// See what the lake holds, and what is missing in it.
    #[command(subcommand)]
    Lake(lake::Command),
    /// Replay a strategy over the lake and write a report.
    Backtest(backtest::Arguments),
    /// Say of one order of a backtest what led to its fill, refusal or end.
    Explain(explain::Arguments),
    /// Run a strategy on an exchange over REST: a local one, demo or testnet.
    Live(live::Arguments),
    /// A local exchange for strategies, and for trying things out.
    #[command(subcommand)]
    Exchange(exchange::Command),
    /// See everything work, without internet, keys or preparation.
    Demo(demo::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Ingest(arguments) => ingest::run(&arguments),
            Self::Lake(command) => lake::run(&command),
            Self::Backtest(arguments) => backtest::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Live(arguments) => live::run(&arguments),
            Self::Exchange(command) => exchange::run(&command),
            Self::Demo(arguments) => demo::run(&arguments),
        }
    }
}

/// Whatever talks to the network runs on this.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::outside)
}

/// Prints a result on standard output. Whoever closes it (`| head`) has had enough, which is no
/// error.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::outside(error)),
        _ => Ok(()),
    }
}

/// Prints a value as JSON on standard output.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&(serde_json::to_string_pretty(value).map_err(Failure::outside)? + "\n"))
}

/// Waits for Ctrl-C or for a service manager, and names which it was.
async fn stop() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => "Ctrl-C",
                _ = terminate.recv() => "SIGTERM",
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    "Ctrl-C"
}
