//! Files on a disk: replaced so that a killed process leaves the old one or the new one; and one
//! writer a series by an advisory lock, which dies with its process.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Tail, Version};
use crate::error::LakeError;

/// Held as long as this lives. The lock file stays; it says nothing.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    fn open(root: &Path, name: &str) -> std::result::Result<(File, PathBuf), LakeError> {
        let folder = root.join(".locks");
        std::fs::create_dir_all(&folder).map_err(LakeError::io(&folder))?;
        let path = folder.join(format!("{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        Ok((file.map_err(LakeError::io(&path))?, path))
    }

    /// Waits until nobody else holds the lock, which is for a moment.
    pub(super) fn wait(root: &Path, name: &str) -> std::result::Result<Self, LakeError> {
        let (file, path) = Self::open(root, name)?;
        file.lock().map_err(LakeError::io(&path))?;
        Ok(Self { _file: file })
    }

    /// `what` is named in the error if another process holds the lock.
    pub(super) fn take(root: &Path, name: &str, what: &str) -> std::result::Result<Self, LakeError> {
        let (file, path) = Self::open(root, name)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { series: what.to_owned(), lock: path }),
            Err(TryLockError::Error(source)) => Err(LakeError::Io { path, source }),
        }
    }
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

pub(super) fn tail(path: &Path, bytes: usize) -> Result<Tail> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let length = size.min(bytes as u64);
    let mut end = vec![0; usize::try_from(length).map_err(Error::other)?];
    file.read_exact_at(&mut end, size - length)?;
    Ok(Tail { bytes: end.into(), size, version: Version::Any })
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Temporary file, fsync, rename, fsync of the folder. Temporary files are hidden and do not end
/// like data, so that no other reader's pattern meets them. Whoever holds the lock of a folder
/// may remove them.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().expect("files of a lake lie in folders");
    let name = path.file_name().expect("files have names").to_string_lossy();
    let temporary = folder.join(format!(".{name}.tmp"));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&temporary, path)) {
        // A full disk is the likely reason; what little was written must not stay.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(folder)
}

pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}
