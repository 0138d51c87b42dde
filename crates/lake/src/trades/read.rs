//! Reading: which days there are, and their rows in batches.

use std::collections::VecDeque;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};

use candlewick_model::{Period, Symbol, Timestamp};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ring::digest::{Context, SHA256};

use super::{TradeColumns, TradeProvenance, TradeSeries, TradeTable};
use crate::Lake;
use crate::error::LakeError;
use crate::provenance::{KEY, SCHEMA_VERSION};
use crate::store::Place;

/// A day file without its rows.
#[derive(Debug, Clone)]
pub struct TradeFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub provenance: TradeProvenance,
}

/// Reads a file's footer.
pub(super) fn open(path: &Path, series: &TradeSeries) -> Result<TradeFile, LakeError> {
    let file = File::open(path).map_err(LakeError::io(path))?;
    let bytes = file.metadata().map_err(LakeError::io(path))?.len();
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(LakeError::parquet(path))?;
    let entries = metadata.metadata().file_metadata().key_value_metadata();
    let json = entries.and_then(|list| list.iter().find(|kv| kv.key == KEY)).and_then(|kv| kv.value.as_deref());
    let json = json.ok_or_else(|| LakeError::form(path, "no provenance in its footer"))?;
    let provenance: TradeProvenance =
        serde_json::from_str(json).map_err(|e| LakeError::form(path, format!("its provenance cannot be read: {e}")))?;
    if provenance.schema_version != SCHEMA_VERSION {
        let version = provenance.schema_version;
        return Err(LakeError::form(path, format!("its schema version is {version}, not {SCHEMA_VERSION}")));
    }
    if (provenance.symbol, provenance.table) != (series.symbol, series.table) {
        let (symbol, table) = (provenance.symbol, provenance.table.folder());
        return Err(LakeError::form(path, format!("it holds {symbol} {table}, its folder is for {series}")));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(TradeFile { name, bytes, provenance })
}

impl Lake {
    /// Every market that has a table of trades.
    pub fn trade_series(&self) -> Result<Vec<TradeSeries>, LakeError> {
        let mut found = Vec::new();
        for table in [TradeTable::AggTrades, TradeTable::Trades] {
            for folder in self.place(self.root().join(table.folder())).list()? {
                let symbol = folder.strip_prefix("symbol=").and_then(|s| s.parse().ok());
                found.extend(symbol.map(|symbol| TradeSeries { symbol, table }));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Where a table lies. Its files are written and read in parts, which a bucket has not.
    pub(super) fn trade_folder(&self, series: &TradeSeries) -> Result<Place, LakeError> {
        if self.store.is_shared() {
            return Err(LakeError::Address {
                address: self.root().display().to_string(),
                what: "tables of trades are kept in lakes on a disk only; bars may lie in a bucket".into(),
            });
        }
        Ok(self.place(series.folder(self.root())))
    }

    /// The day files of a table in order, with their footers.
    pub fn trade_files(&self, series: &TradeSeries) -> Result<Vec<TradeFile>, LakeError> {
        let folder = self.trade_folder(series)?;
        let names = folder.list()?;
        let days = names.iter().filter(|name| name.ends_with(".parquet") && !name.starts_with('.'));
        days.map(|name| open(&folder.join(name), series)).collect()
    }

    /// The trades of a market from one instant up to another, some ten thousand at a time.
    pub fn trades<T: TradeColumns>(
        &self,
        symbol: Symbol,
        range: Range<Timestamp>,
    ) -> Result<TradeBatches<T>, LakeError> {
        let series = TradeSeries { symbol, table: T::TABLE };
        let folder = series.folder(self.root());
        let is_within = |file: &TradeFile| match (file.provenance.first, file.provenance.last) {
            (Some(first), Some(last)) => last >= range.start && first < range.end,
            _ => false,
        };
        let files = self.trade_files(&series)?;
        let paths = files.iter().filter(|file| is_within(file)).map(|file| folder.join(&file.name)).collect();
        Ok(TradeBatches { paths, reader: None, range, rows: PhantomData })
    }

    /// The trades of a day by their times, those of one time in their order; `None` where the
    /// lake has not that day.
    pub fn trades_of_day<T: TradeColumns>(&self, symbol: Symbol, day: Period) -> Result<Option<Vec<T>>, LakeError> {
        let series = TradeSeries { symbol, table: T::TABLE };
        let place = self.trade_folder(&series)?.at(format!("{day}.parquet"));
        if !place.is_there()? {
            return Ok(None);
        }
        let capacity = usize::try_from(open(&place, &series)?.provenance.rows).unwrap_or_default();
        let mut rows = Vec::with_capacity(capacity);
        for batch in TradeBatches::<T>::of(place.to_path_buf(), day.range()) {
            rows.append(&mut batch?);
        }
        rows.sort_by_key(|row| row.key().1);
        Ok(Some(rows))
    }

    /// Whether the values of a day are those that its footer's hash was made of.
    pub fn is_trade_file_intact<T: TradeColumns>(
        &self,
        series: &TradeSeries,
        file: &TradeFile,
    ) -> Result<bool, LakeError> {
        let path = series.folder(self.root()).join(&file.name);
        let all = Timestamp::MIN..Timestamp::MAX;
        let batches = TradeBatches::<T>::of(path, all);
        let (mut hash, mut bytes) = (Context::new(&SHA256), Vec::new());
        for batch in batches {
            batch?.iter().for_each(|row| row.hash_bytes(&mut bytes));
            hash.update(&bytes);
            bytes.clear();
        }
        Ok(hex::encode(hash.finish()) == file.provenance.content_sha256)
    }
}

/// Rows in batches, in the order of the files.
pub struct TradeBatches<T> {
    paths: VecDeque<PathBuf>,
    reader: Option<(PathBuf, ParquetRecordBatchReader)>,
    range: Range<Timestamp>,
    rows: PhantomData<T>,
}

impl<T: TradeColumns> TradeBatches<T> {
    /// Of one file.
    fn of(path: PathBuf, range: Range<Timestamp>) -> Self {
        Self { paths: [path].into(), reader: None, range, rows: PhantomData }
    }

    fn next_batch(&mut self) -> Result<Option<Vec<T>>, LakeError> {
        loop {
            if let Some((path, reader)) = &mut self.reader {
                if let Some(batch) = reader.next() {
                    let batch = batch.map_err(|e| LakeError::Parquet { path: path.clone(), source: e.into() })?;
                    let mut rows = Vec::with_capacity(batch.num_rows());
                    T::append(&batch, &mut rows);
                    rows.retain(|row| self.range.contains(&row.key().1));
                    if rows.is_empty() {
                        continue;
                    }
                    return Ok(Some(rows));
                }
                self.reader = None;
            }
            let Some(path) = self.paths.pop_front() else { return Ok(None) };
            let file = File::open(&path).map_err(LakeError::io(&path))?;
            let options = ArrowReaderOptions::new().with_schema(T::schema());
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
                .and_then(|builder| builder.with_batch_size(1 << 14).build());
            self.reader = Some((path.clone(), builder.map_err(LakeError::parquet(&path))?));
        }
    }
}

impl<T: TradeColumns> Iterator for TradeBatches<T> {
    type Item = Result<Vec<T>, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch();
        if batch.is_err() {
            // What follows a file that cannot be read is not handed out as if nothing were missing.
            (self.paths, self.reader) = (VecDeque::new(), None);
        }
        batch.transpose()
    }
}
