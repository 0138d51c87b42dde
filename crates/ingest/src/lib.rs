//! From sources to the lake: plan, download, verify, decode, write.
//!
//! For: Data Portal archives of klines over HTTP or from a folder. Not for: what is in a
//! Parquet file (the lake) or in a zip (`binance::archive`).

mod error;
mod plan;
mod portal;
mod run;

pub use error::{IngestError, Trouble};
pub use plan::{Plan, PlanError};
pub use portal::Portal;
pub use run::{Outcome, Progress, ingest};
