//! One Parquet file: bars and what the file says of itself into bytes and back.

use std::path::PathBuf;

use candlewick_model::Bars;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::columns::{SCHEMA, append_batch, to_batch};
use crate::error::LakeError;
use crate::footer;
use crate::layout::SeriesName;
use crate::provenance::{KEY, Provenance};
use crate::store::{Content, Place, Version};

/// Delta encoding where neighbours are alike, plain for the wide decimals, zstd 1 over both.
/// BYTE_STREAM_SPLIT would save a twelfth of the wide ones, but DuckDB and Polars cannot read it
/// there; figures in `docs/lake.md`.
fn properties(provenance: &Provenance) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let json = serde_json::to_string(provenance).expect("provenance is plain data");
    let mut builder = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(1 << 20))
        .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), json)]));
    for field in SCHEMA.fields() {
        let encoding = if field.name().contains("volume") { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
        let column = ColumnPath::from(field.name().as_str());
        // Readers prune by time; extremes of the others cost more than they would save.
        if !field.name().ends_with("_time") {
            builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        builder = builder.set_column_encoding(column, encoding);
    }
    Ok(builder.build())
}

/// Rows that are turned into Arrow at a time.
const BATCH: usize = 1 << 16;

/// Rows that are decoded at a time: few enough to stay in a processor's cache on their way.
const READ_BATCH: usize = 1 << 13;

const ALL_COLUMNS: [usize; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn encode(bars: &Bars, provenance: &Provenance) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    // Without Arrow's own schema in the footer every reader goes by Parquet's logical types.
    let options = ArrowWriterOptions::new().with_properties(properties(provenance)?).with_skip_arrow_metadata(true);
    let mut bytes = Vec::with_capacity(bars.len() * 40 + 4_096);
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, SCHEMA.clone(), options)?;
    // A batch is a copy, so it is one of a part: a month of seconds is large enough once.
    for start in (0..bars.len()).step_by(BATCH) {
        writer.write(&to_batch(bars, start..bars.len().min(start + BATCH))?)?;
    }
    writer.close()?;
    Ok(bytes)
}

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

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Price, Timestamp};

    use super::*;
    use crate::provenance::SCHEMA_VERSION;

    #[test]
    fn encodings_are_those_that_every_reader_knows() {
        let price = Price::from_units(1);
        let volume = Amount::from_units(i128::from(i64::MAX) * 9);
        let bar = Bar {
            open_time: Timestamp::from_micros(0),
            close_time: Timestamp::from_micros(1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            quote_volume: volume,
            taker_buy_volume: volume,
            taker_buy_quote_volume: volume,
            trades: 1,
        };
        let provenance = Provenance {
            schema_version: SCHEMA_VERSION,
            symbol: "A".parse().unwrap(),
            interval: candlewick_model::Interval::OneMinute,
            rows: 1,
            first: None,
            last: None,
            gaps: Vec::new(),
            content_sha256: String::new(),
            sources: Vec::new(),
        };
        let bytes = encode(&[bar].into_iter().collect(), &provenance).unwrap();
        let metadata = ArrowReaderMetadata::load(&bytes::Bytes::from(bytes), ArrowReaderOptions::new()).unwrap();
        for column in metadata.metadata().row_group(0).columns() {
            let wide = column.column_path().string().contains("volume");
            let expected = if wide { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
            let encodings: Vec<_> = column.encodings().filter(|e| *e != Encoding::RLE).collect();
            assert_eq!(encodings, [expected], "{}", column.column_path());
        }
    }
}
