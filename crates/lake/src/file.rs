//! One Parquet file: written so that a killed process leaves the old one or the new one, read
//! back as it was.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use candlewick_model::Bars;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::columns::{SCHEMA, append_batch, to_batch};
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

/// Rows that are turned from or into Arrow at a time.
const BATCH: usize = 1 << 16;

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

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Price, Timestamp};

    use super::*;

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
