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
mod encode;
mod error;
mod exchange_info;
mod file;
mod layout;
mod lock;
mod provenance;
mod series;
mod write;

use std::path::{Path, PathBuf};

pub use check::{Check, FileCheck, Finding};
pub use error::LakeError;
pub use exchange_info::Snapshot;
pub use layout::SeriesName;
pub use provenance::{Provenance, Source, SourceState, content_sha256};
pub use series::{FileSummary, gaps_of};
pub use write::{Chunk, SeriesWriter};

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

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}
