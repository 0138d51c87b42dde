//! The zip around one CSV.
//!
//! The directory is read with `zip`; the entry is inflated whole with libdeflate, which is
//! faster than streaming, and its size and CRC are checked here.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// An entry may be at most so large: a month of 1s bars is 400 MB.
const SIZE_MAX: u64 = 2 << 30;
/// Deflate cannot do better than this; a larger claim is a lie.
const RATIO_MAX: u64 = 1_100;

/// Why a file is no archive of one CSV.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not a zip, or cut short.
    #[error("not a readable zip (cut short or corrupt): {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A zip, but not with one CSV in it.
    #[error("the zip holds {entries} entries; one CSV was expected")]
    Entries {
        /// How many there are.
        entries: usize,
    },
    /// The entry says something impossible of itself.
    #[error("the entry claims {size} bytes from {compressed} compressed ones")]
    Size {
        /// Claimed size.
        size: u64,
        /// Compressed size.
        compressed: u64,
    },
    /// A method that archives do not use.
    #[error("the entry is compressed by {0}; deflate or stored was expected")]
    Method(CompressionMethod),
    /// The compressed bytes are broken.
    #[error("the entry cannot be inflated: {0}")]
    Inflate(#[from] libdeflater::DecompressionError),
    /// The bytes are not those that were packed.
    #[error("the entry's CRC is {found:08x}, its directory says {expected:08x}")]
    Crc {
        /// Of the bytes.
        found: u32,
        /// Of the directory.
        expected: u32,
    },
    /// Reading or writing the bytes failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The CSV in an archive's bytes.
pub fn unpack(archive: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut zip = ZipArchive::new(Cursor::new(archive))?;
    if zip.len() != 1 {
        return Err(PackError::Entries { entries: zip.len() });
    }
    let mut entry = zip.by_index_raw(0)?;
    let (size, compressed, expected, method) =
        (entry.size(), entry.compressed_size(), entry.crc32(), entry.compression());
    if size > SIZE_MAX || compressed > archive.len() as u64 || size > compressed.saturating_mul(RATIO_MAX) {
        return Err(PackError::Size { size, compressed });
    }
    let mut raw = Vec::with_capacity(compressed as usize);
    entry.read_to_end(&mut raw)?;
    let csv = match method {
        CompressionMethod::Stored => raw,
        CompressionMethod::Deflated => {
            let mut csv = vec![0; size as usize];
            let written = libdeflater::Decompressor::new().deflate_decompress(&raw, &mut csv)?;
            csv.truncate(written);
            csv
        }
        other => return Err(PackError::Method(other)),
    };
    let found = crc32fast::hash(&csv);
    if found != expected || csv.len() as u64 != size {
        return Err(PackError::Crc { found, expected });
    }
    Ok(csv)
}

/// An archive of one CSV: the same bytes for the same content.
pub fn pack(file_name: &str, csv: &[u8]) -> Result<Vec<u8>, PackError> {
    pack_at(None, file_name, csv)
}

/// An archive of one CSV, somewhat larger and made in a fifth of the time.
pub fn pack_quickly(file_name: &str, csv: &[u8]) -> Result<Vec<u8>, PackError> {
    pack_at(Some(1), file_name, csv)
}

fn pack_at(level: Option<i64>, file_name: &str, csv: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(level)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    zip.start_file(file_name, options)?;
    zip.write_all(csv)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_damage_is_seen() {
        let csv = b"1,2,3\n".repeat(1_000);
        let archive = pack("a.csv", &csv).unwrap();
        assert_eq!(unpack(&archive).unwrap(), csv);
        assert_eq!(pack("a.csv", &csv).unwrap(), archive, "the same bytes");
        assert!(matches!(unpack(&archive[..archive.len() / 2]), Err(PackError::Zip(_))));
        assert!(matches!(unpack(b"<html>not found</html>"), Err(PackError::Zip(_))));
        let mut damaged = archive.clone();
        damaged[40] ^= 0x55;
        assert!(unpack(&damaged).is_err());
    }
}
