use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;
#[derive(Args)]
pub(crate) struct Arguments {}
pub(super) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    todo!()
}
