//! The `candlewick` program: what was typed → which crate does it → what is printed.
//!
//! For: arguments, exit codes, tables and progress. Not for: rules of any kind.
//! Standard output is the result, standard error is talk. Exit codes: 0 done, 1 ran but found
//! problems, 2 usage or configuration, 3 the outside world, 101 a bug.

mod commands;
pub mod config;
mod detail;
mod explain;
mod failure;
mod inputs;
pub mod prepare;
mod prices;
mod sample;
mod series;
mod stress;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "candlewick", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
}

/// Runs the program on this process's arguments and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The one crypto backend of this program; it is there already if somebody embeds it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match arguments.command.run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
