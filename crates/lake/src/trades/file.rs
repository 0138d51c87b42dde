//! One Parquet file of trades on its way: rows come in, row groups go out to a temporary file.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use candlewick_model::{Period, Symbol, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use ring::digest::{Context, SHA256};

use super::{TradeColumns, TradeProvenance};
use crate::error::LakeError;
use crate::provenance::{KEY, SCHEMA_VERSION, Source};

/// Rows of a row group: some 30 MB of values.
const GROUP: usize = 1 << 19;
/// Rows that are turned into Arrow at a time.
const BATCH: usize = 1 << 14;

/// As for bars: delta encoding where neighbours are alike, plain for the wide decimals.
fn properties<T: TradeColumns>() -> Result<WriterProperties, parquet::errors::ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP));
    for field in T::schema().fields() {
        let name = field.name().as_str();
        let column = ColumnPath::from(name);
        if !matches!(name, "id" | "time") {
            builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        let encoding = match name {
            "quantity" | "quote_quantity" => Encoding::PLAIN,
            "is_buyer_maker" | "is_best_match" => Encoding::RLE,
            _ => Encoding::DELTA_BINARY_PACKED,
        };
        builder = builder.set_column_encoding(column, encoding);
    }
    Ok(builder.build())
}

/// A day that is being written.
pub(super) struct DayFile<T> {
    path: PathBuf,
    temporary: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
    pending: Vec<T>,
    hash: Context,
    hash_bytes: Vec<u8>,
    provenance: TradeProvenance,
    units: Option<Option<TimeUnit>>,
}

impl<T: TradeColumns> DayFile<T> {
    pub(super) fn create(folder: &Path, symbol: Symbol, day: Period, source: Source) -> Result<Self, LakeError> {
        let path = folder.join(format!("{day}.parquet"));
        let temporary = folder.join(format!(".{day}.parquet.tmp"));
        let parquet = LakeError::parquet(&path);
        let file = File::create(&temporary).map_err(LakeError::io(&temporary))?;
        // Without Arrow's own schema in the footer every reader goes by Parquet's logical types.
        let options = properties::<T>()
            .map(|p| ArrowWriterOptions::new().with_properties(p).with_skip_arrow_metadata(true))
            .and_then(|options| ArrowWriter::try_new_with_options(BufWriter::new(file), T::schema(), options));
        let provenance = TradeProvenance {
            schema_version: SCHEMA_VERSION,
            symbol,
            table: T::TABLE,
            day: day.to_string(),
            rows: 0,
            first_id: None,
            last_id: None,
            first: None,
            last: None,
            missing_ids: 0,
            content_sha256: String::new(),
            source,
        };
        Ok(Self {
            path: path.clone(),
            temporary,
            writer: options.map_err(parquet)?,
            pending: Vec::with_capacity(BATCH),
            hash: Context::new(&SHA256),
            hash_bytes: Vec::with_capacity(BATCH * 64),
            provenance,
            units: None,
        })
    }

    pub(super) fn push(&mut self, rows: &[T], unit: Option<TimeUnit>) -> Result<(), LakeError> {
        self.units = match self.units {
            None => Some(unit),
            Some(before) => Some(before.filter(|_| before == unit)),
        };
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BATCH - self.pending.len()));
            self.pending.extend_from_slice(now);
            rest = later;
            if self.pending.len() == BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), LakeError> {
        for row in &self.pending {
            let (id, time) = row.key();
            let last = self.provenance.last_id.unwrap_or(id - 1);
            self.provenance.missing_ids += (id - last - 1).unsigned_abs();
            self.provenance.last_id = Some(id);
            self.provenance.first_id.get_or_insert(id);
            let bounds = (self.provenance.first.unwrap_or(time), self.provenance.last.unwrap_or(time));
            self.provenance.first = Some(bounds.0.min(time));
            self.provenance.last = Some(bounds.1.max(time));
            row.hash_bytes(&mut self.hash_bytes);
        }
        self.hash.update(&self.hash_bytes);
        self.hash_bytes.clear();
        self.provenance.rows += self.pending.len() as u64;
        let batch = T::to_batch(&self.pending).map_err(Into::into);
        batch.and_then(|batch| self.writer.write(&batch)).map_err(|e| failed(&self.path, e))?;
        self.pending.clear();
        Ok(())
    }

    /// Writes the footer and makes the temporary file durable. It has not its name yet.
    pub(super) fn finish(mut self) -> Result<Finished, LakeError> {
        self.flush()?;
        let hash = std::mem::replace(&mut self.hash, Context::new(&SHA256));
        self.provenance.content_sha256 = hex::encode(hash.finish());
        self.provenance.source.rows = usize::try_from(self.provenance.rows).unwrap_or(usize::MAX);
        self.provenance.source.time_unit = self.units.flatten();
        let json = serde_json::to_string(&self.provenance).expect("provenance is plain data");
        self.writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), json));
        let (rows, path, temporary) = (self.provenance.rows, self.path, self.temporary);
        let buffered = self.writer.into_inner().map_err(|e| failed(&path, e))?;
        let file = buffered.into_inner().map_err(|e| LakeError::io(&temporary)(e.into_error()))?;
        file.sync_all().map_err(LakeError::io(&temporary))?;
        let bytes = file.metadata().map_err(LakeError::io(&temporary))?.len();
        Ok(Finished { path, temporary, bytes, rows })
    }
}

/// A full disk comes through Parquet as an error of its own; it is the disk's all the same.
fn failed(path: &Path, error: parquet::errors::ParquetError) -> LakeError {
    match error {
        parquet::errors::ParquetError::External(source) => {
            LakeError::Io { path: path.to_owned(), source: std::io::Error::other(source) }
        }
        other => LakeError::parquet(path)(other),
    }
}

/// A day that lies there whole under its temporary name.
pub(super) struct Finished {
    pub(super) path: PathBuf,
    pub(super) temporary: PathBuf,
    pub(super) bytes: u64,
    pub(super) rows: u64,
}
