//! `candlewick ingest exchange-info`: what the exchange says of its markets, today.

use std::process::ExitCode;

use candlewick_ingest::{Trouble, store_exchange_info};
use candlewick_lake::Lake;
use clap::Args;

use crate::commands::sources::Rest;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The lake: a folder, made if it is not there, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
    #[command(flatten)]
    rest: Rest,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let client = arguments.rest.client().map_err(Failure::usage)?;
    let lake = Lake::open(&arguments.lake).map_err(Failure::usage)?;
    let stored = super::runtime().map_err(Failure::outside)?.block_on(store_exchange_info(&client, &lake));
    let (name, snapshot) = stored.map_err(|trouble: Trouble| Failure::outside(trouble))?;
    snapshot.info.all_notes().for_each(|note| eprintln!("note: {note}"));
    crate::commands::print(&format!("{name}: {} symbols\n", snapshot.info.instruments.len()))?;
    Ok(ExitCode::SUCCESS)
}
