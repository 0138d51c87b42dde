//! The lake: verified candles as Parquet files that anybody's tools can read.
//!
//! For: the layout of folders and columns, atomic writes, provenance, reading into columns,
//! gaps and quality, snapshots of exchangeInfo. Not for: fetching anything; this crate speaks
//! to no exchange and asks no clock.
//!
//! A file carries its own provenance in its footer. The same bars from the same archives are
//! the same bytes, whenever and in whatever order they came.

mod check;
mod columns;
mod error;
mod exchange_info;
mod file;
mod holes;
mod layout;
mod lock;
mod merge;
mod provenance;
mod ranges;
mod resample;
mod series;
mod write;

use std::path::{Path, PathBuf};

pub use check::{
    Cause, Check, Discontinuity, End, EndKind, ExplainedGap, FileCheck, Finding, Kind, Likeness, OddSources, Oddity,
    PriceJump, Severity, Share, Stretch, ZeroVolume,
};
pub use error::LakeError;
pub use exchange_info::Snapshot;
pub use holes::{Hole, HoleKind};
pub use layout::SeriesName;
pub use merge::Contradiction;
pub use provenance::{Provenance, Source, SourceState, content_sha256};
pub use resample::{
    Difference, PartialBar, ResampleError, Resampled, ResampledSeries, Verification, divides, resample,
};
pub use series::{FileSummary, gaps_of};
pub use write::{Chunk, SeriesWriter, Written};

/// A folder that holds a lake, or will.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
}

impl Lake {
    /// The lake in a folder; nothing is made or read yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The lake at an address, which is a folder's path; nothing is made or read yet.
    pub fn open(address: &str) -> Result<Self, LakeError> {
        Ok(Self::new(Path::new(address)))
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}
