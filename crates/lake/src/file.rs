//! One Parquet file: written so that a killed process leaves the old one or the new one, read
//! back as it was.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use candlewick_model::Bars;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::columns::{SCHEMA, append_batch};
use crate::encode::encode;
use crate::error::LakeError;
use crate::layout::SeriesName;
use crate::provenance::{KEY, Provenance, SCHEMA_VERSION};

/// Temporary files are hidden and do not end like data, so that no other reader's pattern meets
/// them. Whoever holds the lock of a folder may remove them.
fn temporary_name(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Whether a file is one that a killed writer left behind.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Rows that are turned from Arrow at a time.
const BATCH: usize = 1 << 16;

/// Writes bars to `path`: temporary file, fsync, rename, fsync of the folder.
pub(crate) fn write(path: &Path, bars: &Bars, provenance: &Provenance) -> Result<u64, LakeError> {
    let bytes = encode(bars, provenance).map_err(LakeError::parquet(path))?;
    replace(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Puts bytes in a file's place, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), LakeError> {
    let folder = path.parent().expect("files of a lake lie in folders");
    let name = path.file_name().expect("files have names").to_string_lossy();
    let temporary = folder.join(temporary_name(&name));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(source) = written {
        // A full disk is the likely reason; what little was written must not stay.
        let _ = std::fs::remove_file(&temporary);
        return Err(LakeError::Io { path: path.to_owned(), source });
    }
    std::fs::rename(&temporary, path).map_err(LakeError::io(path))?;
    sync_folder(folder)
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(LakeError::io(folder))
}

/// A file that was opened: its footer has been read.
pub(crate) struct OpenFile {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    /// What it says of itself.
    pub(crate) provenance: Provenance,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

impl OpenFile {
    /// Opens a file of a series. What is no such file is an error that says so.
    pub(crate) fn open(path: &Path, series: &SeriesName) -> Result<Self, LakeError> {
        let file = File::open(path).map_err(LakeError::io(path))?;
        let bytes = file.metadata().map_err(LakeError::io(path))?.len();
        let options = ArrowReaderOptions::new().with_schema(SCHEMA.clone());
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(LakeError::parquet(path))?;
        let entries = metadata.metadata().file_metadata().key_value_metadata();
        let json = entries.and_then(|list| list.iter().find(|kv| kv.key == KEY)).and_then(|kv| kv.value.as_deref());
        let json = json.ok_or_else(|| LakeError::form(path, "no provenance in its footer"))?;
        let provenance: Provenance = serde_json::from_str(json)
            .map_err(|e| LakeError::form(path, format!("its provenance cannot be read: {e}")))?;
        if provenance.schema_version != SCHEMA_VERSION {
            let version = provenance.schema_version;
            return Err(LakeError::form(path, format!("its schema version is {version}, not {SCHEMA_VERSION}")));
        }
        if (provenance.symbol, provenance.interval) != (series.symbol, series.interval) {
            let (symbol, interval) = (provenance.symbol, provenance.interval);
            return Err(LakeError::form(path, format!("it holds {symbol} {interval}, its folder is for {series}")));
        }
        Ok(Self { path: path.to_owned(), file, metadata, provenance, bytes })
    }

    /// Adds all its rows.
    pub(crate) fn read_into(self, bars: &mut Bars) -> Result<(), LakeError> {
        let path = self.path;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_batch_size(BATCH)
            .build()
            .map_err(LakeError::parquet(&path))?;
        for batch in reader {
            let batch = batch.map_err(|e| LakeError::Parquet { path: path.clone(), source: e.into() })?;
            append_batch(bars, &batch);
        }
        Ok(())
    }

    /// All its rows.
    pub(crate) fn read(self) -> Result<Bars, LakeError> {
        let mut bars = Bars::with_capacity(self.provenance.rows);
        self.read_into(&mut bars)?;
        Ok(bars)
    }
}
