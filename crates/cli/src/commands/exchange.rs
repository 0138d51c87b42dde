//! `candlewick exchange`: the local exchange as a program of its own.

mod ctl;
mod markets;
mod serve;
mod wall;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve markets on 127.0.0.1: the REST API under /api/v3, archives under /data, control under
    /// /control. Time is in lock step (it stands still until POST /control/step moves it) unless
    /// --speed lets it go.
    Serve(Box<serve::Serve>),
    /// Control the time of an exchange that is served: look, pause, step, seek.
    Ctl(ctl::Ctl),
    /// Serve market data of many symbols on 127.0.0.1: the Data Portal's files under /data, the
    /// bucket's listing, klines and exchangeInfo under /api/v3, with the exchange's limits, and
    /// faults on demand under /control. docs/exchange.md says what there is.
    Data(super::exchange_data::Data),
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Ctl(arguments) => ctl::run(arguments),
        Command::Data(arguments) => super::exchange_data::run(arguments),
    }
}
