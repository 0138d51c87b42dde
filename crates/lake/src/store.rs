//! Where a lake lies: a folder, or a bucket.
//!
//! For: the few things that a lake needs of a place: list, read whole or the end, replace
//! atomically, remove. Not for: what is in the files.

#[cfg(feature = "s3")]
mod bucket;
mod disk;

use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::LakeError;
pub(crate) use disk::Lock;

/// The kind of place.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// Folders of this machine.
    Disk,
    /// Keys of a bucket.
    #[cfg(feature = "s3")]
    Bucket(std::sync::Arc<bucket::Bucket>),
}

/// A file or folder of a lake. As a path it is only there to be named.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    store: Store,
    path: PathBuf,
}

impl Deref for Place {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.path
    }
}

/// The state of a file that was read, so that it is replaced only if it is still in that state.
/// On a disk the lock of the series sees to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Version {
    /// Whatever is there.
    Any,
    /// There is none.
    Absent,
    /// What the bucket calls it.
    #[cfg(feature = "s3")]
    Tag(String),
}

/// The last bytes of a file.
pub(crate) struct Tail {
    pub(crate) bytes: Bytes,
    /// Of the whole file.
    pub(crate) size: u64,
    pub(crate) version: Version,
}

impl Store {
    /// From a lake's address, with its root as it is shown.
    pub(crate) fn open(address: &str) -> Result<(Self, PathBuf), LakeError> {
        let Some((scheme, rest)) = address.split_once("://") else { return Ok((Self::Disk, address.into())) };
        match scheme {
            "file" => Ok((Self::Disk, rest.into())),
            #[cfg(feature = "s3")]
            "s3" => {
                let (bucket, root) = bucket::Bucket::open(rest)?;
                Ok((Self::Bucket(std::sync::Arc::new(bucket)), root))
            }
            #[cfg(not(feature = "s3"))]
            "s3" => Err(LakeError::Address {
                address: address.into(),
                what: "this program was built without object storage; build it with `--features s3`".into(),
            }),
            _ => Err(LakeError::Address {
                address: address.into(),
                what: "a lake is a folder or s3://bucket/prefix".into(),
            }),
        }
    }

    pub(crate) fn place(&self, path: PathBuf) -> Place {
        Place { store: self.clone(), path }
    }

    /// Whether others may write at the same time; else a lock keeps them out.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::Disk)
    }

    /// Keeps other writers on this disk out; `what` is named in the error if there is one. In a
    /// bucket nobody is kept out: [`Version`]s tell that somebody was there.
    pub(crate) fn lock(&self, root: &Path, name: &str, what: &str) -> Result<Option<Lock>, LakeError> {
        match self {
            Self::Disk => Lock::take(root, name, what).map(Some),
            #[cfg(feature = "s3")]
            Self::Bucket(_) => Ok(None),
        }
    }

    /// As [`Store::lock`], but waits for others.
    pub(crate) fn wait_for_lock(&self, root: &Path, name: &str) -> Result<Option<Lock>, LakeError> {
        match self {
            Self::Disk => Lock::wait(root, name).map(Some),
            #[cfg(feature = "s3")]
            Self::Bucket(_) => Ok(None),
        }
    }
}

impl Place {
    /// A file or folder in this folder.
    pub(crate) fn at(&self, name: impl AsRef<Path>) -> Self {
        Self { store: self.store.clone(), path: self.path.join(name) }
    }

    /// Names in a folder, sorted; none where there is no such folder.
    pub(crate) fn list(&self) -> Result<Vec<String>, LakeError> {
        let mut names = match &self.store {
            Store::Disk => disk::list(self).map_err(LakeError::io(self))?,
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.list(self)?,
        };
        names.sort();
        Ok(names)
    }

    /// Whether there is a file.
    pub(crate) fn is_there(&self) -> Result<bool, LakeError> {
        match &self.store {
            Store::Disk => Ok(self.path.is_file()),
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.is_there(self),
        }
    }

    /// All bytes.
    pub(crate) fn read(&self) -> Result<Bytes, LakeError> {
        match &self.store {
            Store::Disk => std::fs::read(&self.path).map(Bytes::from).map_err(LakeError::io(self)),
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.read(self).map(|(bytes, _)| bytes),
        }
    }

    /// At most so many bytes of the end.
    pub(crate) fn tail(&self, bytes: usize) -> Result<Tail, LakeError> {
        match &self.store {
            Store::Disk => disk::tail(self, bytes).map_err(LakeError::io(self)),
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.tail(self, bytes),
        }
    }

    /// For reading parts of it; a bucket gives it whole.
    pub(crate) fn content(&self) -> Result<(Content, Version), LakeError> {
        match &self.store {
            Store::Disk => Ok((Content::File(File::open(&self.path).map_err(LakeError::io(self))?), Version::Any)),
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.read(self).map(|(bytes, version)| (Content::Bytes(bytes), version)),
        }
    }

    /// Puts bytes in a file's place, whole or not at all, if it is in the state that is given.
    pub(crate) fn replace(&self, bytes: Vec<u8>, over: &Version) -> Result<(), LakeError> {
        match &self.store {
            Store::Disk => match over {
                Version::Any | Version::Absent => disk::replace(self, &bytes).map_err(LakeError::io(self)),
                #[cfg(feature = "s3")]
                Version::Tag(_) => unreachable!("disks have no versions"),
            },
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.replace(self, bytes.into(), over),
        }
    }

    /// Removes a file; that it is gone already is no error in a bucket.
    pub(crate) fn remove(&self) -> Result<(), LakeError> {
        match &self.store {
            Store::Disk => std::fs::remove_file(&self.path).map_err(LakeError::io(self)),
            #[cfg(feature = "s3")]
            Store::Bucket(bucket) => bucket.remove(self),
        }
    }

    /// Makes a folder with those around it, where there are folders.
    pub(crate) fn make_folder(&self) -> Result<(), LakeError> {
        match &self.store {
            Store::Disk => std::fs::create_dir_all(&self.path).map_err(LakeError::io(self)),
            #[cfg(feature = "s3")]
            Store::Bucket(_) => Ok(()),
        }
    }

    /// Makes removals in a folder last.
    pub(crate) fn sync(&self) -> Result<(), LakeError> {
        match &self.store {
            Store::Disk => disk::sync_folder(self).map_err(LakeError::io(self)),
            #[cfg(feature = "s3")]
            Store::Bucket(_) => Ok(()),
        }
    }
}

/// Whether a file is one that a killed writer left behind.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// What Parquet readers read from.
#[derive(Debug)]
pub(crate) enum Content {
    File(File),
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "only buckets give whole files"))]
    Bytes(Bytes),
}

impl Content {
    /// Puts a part of it in the place of what a buffer holds.
    pub(crate) fn read_into(&self, start: u64, length: u64, buffer: &mut BytesMut) -> Result<(), ParquetError> {
        let end = start.checked_add(length).filter(|end| *end <= Length::len(self));
        let (Some(_), Ok(length)) = (end, usize::try_from(length)) else {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are more than there are")));
        };
        match self {
            Self::File(file) => {
                buffer.resize(length, 0);
                disk::read_at(file, buffer, start)?;
            }
            Self::Bytes(bytes) => {
                buffer.clear();
                buffer.extend_from_slice(&bytes.get_bytes(start, length)?);
            }
        }
        Ok(())
    }
}

impl Length for Content {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => Length::len(file),
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Content {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(match self {
            Self::File(file) => Box::new(ChunkReader::get_read(file, start)?),
            Self::Bytes(bytes) => Box::new(ChunkReader::get_read(bytes, start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Bytes(bytes) => bytes.get_bytes(start, length),
        }
    }
}
