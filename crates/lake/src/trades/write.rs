//! Writing: archives into day files, none of which has its name before the archive was found
//! whole.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::Path;
#[cfg(test)]
use std::path::PathBuf;

use candlewick_model::{Period, TimeUnit};

use super::file::{DayFile, Finished};
use super::read::{TradeFile, open};
use super::{TradeColumns, TradeSeries};
use crate::Lake;
use crate::error::LakeError;
use crate::provenance::Source;
use crate::store::{Lock, Place, is_temporary};

/// The only writer of one market's table, as long as it lives.
#[derive(Debug)]
pub struct TradeWriter {
    series: TradeSeries,
    folder: Place,
    _lock: Option<Lock>,
}

impl Lake {
    /// Takes the lock of a market's table and clears what a killed writer left behind.
    pub fn trade_writer(&self, series: TradeSeries) -> Result<TradeWriter, LakeError> {
        let name = format!("{}-{}", series.table.folder(), series.symbol);
        let folder = self.trade_folder(&series)?;
        let lock = self.store.lock(self.root(), &name, &series.to_string())?;
        for debris in folder.list()?.iter().filter(|name| is_temporary(name)) {
            folder.at(debris).remove()?;
        }
        Ok(TradeWriter { series, folder, _lock: lock })
    }
}

impl TradeWriter {
    /// The days that are there, with where they come from.
    pub fn days(&self) -> Result<BTreeMap<Period, TradeFile>, LakeError> {
        let names = self.folder.list()?;
        let files = names.iter().filter(|name| name.ends_with(".parquet") && !name.starts_with('.'));
        let mut days = BTreeMap::new();
        for name in files {
            let file = open(&self.folder.join(name), &self.series)?;
            days.extend(file.provenance.day().map(|day| (day, file)));
        }
        Ok(days)
    }

    #[cfg(test)]
    pub(super) fn folder_for_tests(&self) -> PathBuf {
        self.folder.to_path_buf()
    }

    /// Takes up the rows of one archive. `source` is the archive, its `from` and `to` the day or
    /// month that it is for.
    pub fn begin<T: TradeColumns>(&self, source: Source) -> Result<DaySink<'_, T>, LakeError> {
        assert!(T::TABLE == self.series.table, "rows of another table");
        self.folder.make_folder()?;
        Ok(DaySink { writer: self, source, open: BTreeMap::new(), finished: BTreeMap::new(), rows: PhantomData })
    }
}

/// What an archive became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TradesWritten {
    /// Day files.
    pub days: usize,
    /// Their rows.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
}

/// Takes rows in the order of the archive. Dropped without [`DaySink::commit`], it leaves the
/// lake as it was.
pub struct DaySink<'a, T> {
    writer: &'a TradeWriter,
    source: Source,
    /// Days that may still get rows.
    open: BTreeMap<Period, DayFile<T>>,
    finished: BTreeMap<Period, Finished>,
    rows: PhantomData<T>,
}

impl<T: TradeColumns> DaySink<'_, T> {
    /// Adds rows. Times may run backwards a little, also over midnight, but not by days.
    pub fn push(&mut self, rows: &[T], unit: Option<TimeUnit>) -> Result<(), LakeError> {
        let mut rest = rows;
        while let Some(row) = rest.first() {
            let day = Period::day_of(row.key().1);
            let range = day.range();
            let end = rest.iter().position(|row| !range.contains(&row.key().1)).unwrap_or(rest.len());
            let (of_day, others) = rest.split_at(end);
            self.day(day)?.push(of_day, unit)?;
            rest = others;
        }
        Ok(())
    }

    fn day(&mut self, day: Period) -> Result<&mut DayFile<T>, LakeError> {
        if self.finished.contains_key(&day) {
            let path = self.writer.folder.join(format!("{day}.parquet"));
            return Err(LakeError::form(&path, "the archive comes back to this day after a later one was over"));
        }
        if !self.open.contains_key(&day) {
            // Rows of the day before may still come late; of the one before that they do not.
            while self.open.len() > 1 {
                self.finish_first()?;
            }
            let file = self.create(day)?;
            self.open.insert(day, file);
        }
        Ok(self.open.get_mut(&day).expect("was put there"))
    }

    fn create(&self, day: Period) -> Result<DayFile<T>, LakeError> {
        DayFile::create(&self.writer.folder, self.writer.series.symbol, day, self.source.clone())
    }

    fn finish_first(&mut self) -> Result<(), LakeError> {
        if let Some((day, file)) = self.open.pop_first() {
            self.finished.insert(day, file.finish()?);
        }
        Ok(())
    }

    /// Gives all days their names, those without rows too.
    pub fn commit(mut self) -> Result<TradesWritten, LakeError> {
        while !self.open.is_empty() {
            self.finish_first()?;
        }
        for day in Period::of_range(&self.source.range()).into_iter().flat_map(Period::days) {
            if !self.finished.contains_key(&day) {
                let empty = self.create(day)?.finish()?;
                self.finished.insert(day, empty);
            }
        }
        let mut written = TradesWritten::default();
        while let Some((_, day)) = self.finished.pop_first() {
            std::fs::rename(&day.temporary, &day.path).map_err(LakeError::io(&day.path))?;
            written.days += 1;
            written.rows += day.rows;
            written.bytes += day.bytes;
        }
        self.writer.folder.sync()?;
        Ok(written)
    }
}

impl<T> Drop for DaySink<'_, T> {
    /// What has no name yet goes; a process that dies here leaves it to the next writer.
    fn drop(&mut self) {
        let folder: &Path = &self.writer.folder;
        let days = self.open.keys().chain(self.finished.keys());
        for path in days.map(|day| folder.join(format!(".{day}.parquet.tmp"))) {
            let _ = std::fs::remove_file(path);
        }
    }
}
