//! The lake: verified candles as Parquet files that anybody's tools can read.
//!
//! For: the layout of folders and columns, atomic writes, provenance, reading into columns,
//! gaps and quality, snapshots of exchangeInfo. Not for: fetching anything; this crate speaks
//! to no exchange and asks no clock.
//!
//! A file carries its own provenance in its footer. The same bars from the same archives are
//! the same bytes, whenever and in whatever order they came.

mod changes;
mod check;
mod columns;
mod content;
mod encode;
mod error;
mod exchange_info;
mod export;
mod file;
mod filter_history;
mod footer;
mod holes;
mod layout;
mod merge;
mod pages;
mod provenance;
mod ranges;
mod read;
mod rebuild;
mod resample;
mod series;
mod store;
mod trades;
mod write;

use std::path::{Path, PathBuf};

use store::{Place, Store};

pub use check::{
    Cause, Check, Discontinuity, End, EndKind, ExplainedGap, FileCheck, Finding, Kind, Likeness, OddSources, Oddity,
    PriceJump, Severity, Share, Stretch, ZeroVolume,
};
pub use error::LakeError;
pub use exchange_info::Snapshot;
pub use export::{CsvTimes, ExportError, ExportFormat};
pub use filter_history::{FilterChange, FilterHistory, SeenSnapshot};
pub use holes::{Hole, HoleKind};
pub use layout::SeriesName;
pub use merge::Contradiction;
pub use provenance::{Provenance, Source, SourceState, content_sha256};
pub use rebuild::Damaged;
pub use resample::{
    Difference, PartialBar, ResampleError, Resampled, ResampledSeries, Verification, divides, resample,
};
pub use series::{FileSummary, gaps_of, uncovered};
pub use trades::{
    DaySink, TradeBatches, TradeColumns, TradeFile, TradeProvenance, TradeSeries, TradeTable, TradeWriter,
    TradesWritten,
};
pub use write::{Chunk, SeriesWriter, Written};

/// A folder or a bucket's prefix that holds a lake, or will.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Store,
    root: PathBuf,
}

impl Lake {
    /// The lake in a folder; nothing is made or read yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { store: Store::Disk, root: root.to_owned() }
    }

    /// The lake at an address: a folder's path, or `s3://bucket/prefix`, whose credentials,
    /// region and endpoint the environment gives. Nothing is made or read yet.
    pub fn open(address: &str) -> Result<Self, LakeError> {
        let (store, root) = Store::open(address)?;
        Ok(Self { store, root })
    }

    /// Its folder, or its address.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, path: PathBuf) -> Place {
        self.store.place(path)
    }
}
