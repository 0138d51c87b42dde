//! One Parquet file: bars and what the file says of itself into bytes and back.

use std::path::PathBuf;

use candlewick_model::Bars;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::columns::{SCHEMA, append_batch};
use crate::encode::encode;
use crate::error::LakeError;
use crate::footer;
use crate::layout::SeriesName;
use crate::provenance::{KEY, Provenance};
use crate::store::{Content, Place, Version};

/// Rows that are decoded at a time: few enough to stay in a processor's cache on their way.
const READ_BATCH: usize = 1 << 13;

const ALL_COLUMNS: [usize; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// Writes bars to a place, which must still be in the state in which it was read.
pub(crate) fn write(place: &Place, over: &Version, bars: &Bars, provenance: &Provenance) -> Result<u64, LakeError> {
    let bytes = encode(bars, provenance).map_err(LakeError::parquet(place))?;
    let size = bytes.len() as u64;
    place.replace(bytes, over)?;
    Ok(size)
}

/// A file that was opened: its footer has been read.
pub(crate) struct OpenFile {
    path: PathBuf,
    content: Content,
    metadata: ArrowReaderMetadata,
    /// What it says of itself.
    pub(crate) provenance: Provenance,
    /// Its state.
    pub(crate) version: Version,
}

impl OpenFile {
    /// Opens a file of a series. What is no such file is an error that says so.
    pub(crate) fn open(place: &Place, series: &SeriesName) -> Result<Self, LakeError> {
        let (content, version) = place.content()?;
        let options = ArrowReaderOptions::new().with_schema(SCHEMA.clone());
        let metadata = ArrowReaderMetadata::load(&content, options).map_err(LakeError::parquet(place))?;
        let entries = metadata.metadata().file_metadata().key_value_metadata();
        let json = entries.and_then(|list| list.iter().find(|kv| kv.key == KEY)).and_then(|kv| kv.value.as_deref());
        let provenance = footer::provenance(place, json, series)?;
        let rows = metadata.metadata().file_metadata().num_rows();
        if usize::try_from(rows) != Ok(provenance.rows) {
            return Err(LakeError::form(place, format!("it has {rows} rows, its footer says {}", provenance.rows)));
        }
        Ok(Self { path: place.to_path_buf(), content, metadata, provenance, version })
    }

    /// All its rows.
    pub(crate) fn read(self) -> Result<Bars, LakeError> {
        let mut bars = Bars::with_capacity(self.provenance.rows);
        let path = self.path.clone();
        for batch in self.batches(&ALL_COLUMNS)? {
            append_batch(&mut bars, &batch.map_err(|e| LakeError::parquet(&path)(e.into()))?);
        }
        Ok(bars)
    }

    /// Its rows in parts, of some columns, which come in the order of the schema.
    pub(crate) fn batches(self, columns: &[usize]) -> Result<ParquetRecordBatchReader, LakeError> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.content, self.metadata)
            .with_batch_size(READ_BATCH)
            .with_projection(mask)
            .build()
            .map_err(LakeError::parquet(&self.path))
    }
}
