//! One writer a series, and one of the snapshots: an advisory lock that dies with its process.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::LakeError;

/// Held as long as this lives. The lock file stays; it says nothing.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// `what` is named in the error if another process holds the lock.
    pub(crate) fn take(root: &Path, name: &str, what: &str) -> Result<Self, LakeError> {
        let folder = root.join(".locks");
        std::fs::create_dir_all(&folder).map_err(LakeError::io(&folder))?;
        let path = folder.join(format!("{name}.lock"));
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(LakeError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { series: what.to_owned(), lock: path }),
            Err(TryLockError::Error(source)) => Err(LakeError::Io { path, source }),
        }
    }
}
