//! What can go wrong with a lake.

use std::path::{Path, PathBuf};

/// Why a lake could not be read or written. Files are named as they were reached.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file is no Parquet file, a broken one, or one of other columns.
    #[error(
        "{}: not a Parquet file of this lake's columns: {source}; `candlewick lake repair` makes it anew",
        path.display()
    )]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: parquet::errors::ParquetError,
    },
    /// A file is Parquet, but not of this lake's form.
    #[error("{}: {what}; `candlewick lake repair` makes it anew", path.display())]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Two files hold the same time.
    #[error("{}: a bar opens at {open_time}, which is not after the file before it; remove one of the two", path.display())]
    Overlap {
        /// The later file.
        path: PathBuf,
        /// The bar.
        open_time: candlewick_model::Timestamp,
    },
    /// Another process writes this series, or the snapshots.
    #[error("{series} is being written by another process (lock {}); wait for it to end", lock.display())]
    Locked {
        /// Which series.
        series: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// Somebody else wrote a file of a bucket since it was read.
    #[error("{}: it was changed by another writer meanwhile; run this again", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// A text that should say where a lake is does not.
    #[error("{address}: {what}")]
    Address {
        /// The text.
        address: String,
        /// What is wrong.
        what: String,
    },
    /// A snapshot of the same time but with another content is there.
    #[error("{}: another snapshot of the same time is there; remove it first", path.display())]
    SnapshotTaken {
        /// The one that is there.
        path: PathBuf,
    },
    /// A text that should be an exchangeInfo is none.
    #[error("{what}: {source}")]
    ExchangeInfo {
        /// Which file or text.
        what: String,
        /// What is wrong.
        source: candlewick_model::InstrumentError,
    },
}

impl LakeError {
    /// Whether a file of the lake is at fault, and not the disk or another process.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Parquet { .. } | Self::Form { .. } | Self::Overlap { .. })
    }

    /// Whether a file is not there at all.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// Says on which path an I/O error happened.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }

    pub(crate) fn form(path: &Path, what: impl Into<String>) -> Self {
        Self::Form { path: path.to_owned(), what: what.into() }
    }
}
