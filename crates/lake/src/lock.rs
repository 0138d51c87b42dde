//! One writer a series: an advisory lock that dies with its process.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::LakeError;
use crate::layout::SeriesName;

/// Held as long as this lives. The lock file stays; it says nothing.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(root: &Path, series: &SeriesName) -> Result<Self, LakeError> {
        let path = series.lock_file(root);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(LakeError::io(folder))?;
        }
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(LakeError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { series: series.to_string(), lock: path }),
            Err(TryLockError::Error(source)) => Err(LakeError::Io { path, source }),
        }
    }
}
