//! One module a command; each has its arguments and a `run`.

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {}
    }
}
