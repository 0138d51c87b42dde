//! Writing a series: archives' bars into files of months, days or years.
//!
//! Below an hour a complete month is one file and the days of an incomplete one a file each;
//! from an hour on a year is one file. A file holds what its sources hold and nothing else, so
//! it does not depend on when or in which order they came.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use candlewick_model::{Bars, Period, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::file::{OpenFile, is_temporary, sync_folder, write};
use crate::layout::{SeriesName, Span};
use crate::lock::Lock;
use crate::provenance::{Provenance, SCHEMA_VERSION, Source, content_sha256};
use crate::series::{gaps_of, list};

/// The content of one archive.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// What it is for; all its bars open within.
    pub period: Period,
    /// Its bars, in order.
    pub bars: Bars,
    /// Where they come from.
    pub source: Source,
}

/// The only writer of a series, as long as it lives.
#[derive(Debug)]
pub struct SeriesWriter {
    series: SeriesName,
    folder: PathBuf,
    _lock: Lock,
}

impl Lake {
    /// Takes the series' lock and clears what a killed writer left behind.
    pub fn writer(&self, series: SeriesName) -> Result<SeriesWriter, LakeError> {
        let lock = Lock::take(self.root(), &series.lock_name(), &series.to_string())?;
        let folder = series.folder(self.root());
        let writer = SeriesWriter { series, folder, _lock: lock };
        writer.clear_debris()?;
        Ok(writer)
    }
}

impl SeriesWriter {
    /// Half-written files, and days that were merged into a month.
    fn clear_debris(&self) -> Result<(), LakeError> {
        let names = list(&self.folder)?;
        for name in &names {
            let merged = match Span::from_file_name(name) {
                Some(Span::Of(period)) if period.month() != period => {
                    names.contains(&Span::Of(period.month()).file_name())
                }
                _ => is_temporary(name),
            };
            if merged {
                self.remove(name)?;
            }
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), LakeError> {
        let path = self.folder.join(name);
        std::fs::remove_file(&path).map_err(LakeError::io(&path))
    }

    /// The sources of every file, by the period that they are for.
    pub fn sources(&self) -> Result<BTreeMap<Period, Source>, LakeError> {
        let mut sources = BTreeMap::new();
        for name in list(&self.folder)?.iter().filter(|n| Span::from_file_name(n).is_some()) {
            for source in OpenFile::open(&self.folder.join(name), &self.series)?.provenance.sources {
                sources.extend(source.archive_period().map(|period| (period, source)));
            }
        }
        Ok(sources)
    }

    /// Puts archives into the file or files that hold them. All of them must belong to one
    /// month (below an hour) or one year. Several threads may do so at a time, each with another
    /// month or year. Returns the bytes written.
    pub fn put(&self, chunks: Vec<Chunk>) -> Result<u64, LakeError> {
        let Some(first) = chunks.first() else { return Ok(0) };
        std::fs::create_dir_all(&self.folder).map_err(LakeError::io(&self.folder))?;
        if self.series.is_yearly() {
            let span = Span::Year(first.period.year());
            let kept = self.load(span)?;
            return self.write_file(span, merge(kept, chunks));
        }
        self.put_into_month(first.period.month(), chunks)
    }

    /// Days stay files of their own until the month is complete.
    fn put_into_month(&self, month: Period, chunks: Vec<Chunk>) -> Result<u64, LakeError> {
        let is_there = |period: Period| self.folder.join(Span::Of(period).file_name()).exists();
        let is_new = |day: Period| chunks.iter().any(|chunk| chunk.period.contains(day));
        let is_complete = is_there(month) || month.days().all(|day| is_new(day) || is_there(day));
        if !is_complete {
            let write_day = |chunk: Chunk| self.write_file(Span::Of(chunk.period), vec![chunk]);
            return chunks.into_iter().map(write_day).sum();
        }
        let mut parts = self.load(Span::Of(month))?;
        for day in month.days() {
            parts.extend(self.load(Span::Of(day))?);
        }
        let bytes = self.write_file(Span::Of(month), merge(parts, chunks))?;
        // Only these: other months may be half written right now, by other threads.
        for day in month.days().filter(|day| is_there(*day)) {
            self.remove(&Span::Of(day).file_name())?;
        }
        sync_folder(&self.folder)?;
        Ok(bytes)
    }

    /// What a file holds, taken apart by source.
    fn load(&self, span: Span) -> Result<Vec<Chunk>, LakeError> {
        let path = self.folder.join(span.file_name());
        if !path.exists() {
            return Ok(Vec::new());
        }
        let file = OpenFile::open(&path, &self.series)?;
        let sources = file.provenance.sources.clone();
        let bars = file.read()?;
        let mut chunks = Vec::new();
        for source in sources {
            let period = source
                .archive_period()
                .ok_or_else(|| LakeError::form(&path, "a source has no period that can be read"))?;
            let range = period.range();
            let from = bars.open_time.partition_point(|t| *t < range.start);
            let to = bars.open_time.partition_point(|t| *t < range.end);
            chunks.push(Chunk { period, bars: bars.slice(from..to), source });
        }
        Ok(chunks)
    }

    fn write_file(&self, span: Span, parts: Vec<Chunk>) -> Result<u64, LakeError> {
        let path = self.folder.join(span.file_name());
        let mut bars = Bars::with_capacity(parts.iter().map(|p| p.bars.len()).sum());
        let mut sources = Vec::with_capacity(parts.len());
        let mut before = Timestamp::MIN;
        for part in parts {
            if let Some(open_time) = part.bars.open_time.first().copied() {
                assert!(open_time > before, "archives of one file overlap at {open_time}");
            }
            before = part.bars.open_time.last().copied().unwrap_or(before);
            bars.append(part.bars);
            sources.push(part.source);
        }
        let provenance = Provenance {
            schema_version: SCHEMA_VERSION,
            symbol: self.series.symbol,
            interval: self.series.interval,
            rows: bars.len(),
            first: bars.open_time.first().copied(),
            last: bars.open_time.last().copied(),
            gaps: gaps_of(&bars, self.series.interval),
            content_sha256: content_sha256(&bars),
            sources,
        };
        write(&path, &bars, &provenance)
    }
}

/// Old and new parts by period. A new one replaces an old one of its period, and the old days
/// of a new month; a new day of a month that is there whole adds nothing.
fn merge(kept: Vec<Chunk>, new: Vec<Chunk>) -> Vec<Chunk> {
    let mut parts: BTreeMap<Timestamp, Chunk> = BTreeMap::new();
    let replaced: BTreeSet<Period> = new.iter().map(|c| c.period).collect();
    let is_replaced = |old: &Chunk| replaced.iter().any(|new| new.contains(old.period));
    let kept = kept.into_iter().filter(|old| !is_replaced(old));
    for chunk in kept.chain(new) {
        let whole_month = parts.get(&chunk.period.month().range().start);
        if whole_month.is_some_and(|there| there.period != chunk.period && there.period.contains(chunk.period)) {
            continue;
        }
        parts.insert(chunk.period.range().start, chunk);
    }
    parts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Interval, Price, Symbol};

    use super::*;
    use crate::provenance::SourceState;

    fn chunk(period: &str, step: i64) -> Chunk {
        let period: Period = period.parse().unwrap();
        let range = period.range();
        let length = step * 60_000_000;
        let count = (range.end.micros() - range.start.micros()) / length;
        let bar = |n: i64| {
            let open_time = range.start.plus(n * length);
            let price = Price::from_units(1_000 + n);
            let volume = Amount::from_units(i128::from(n) << 70);
            Bar {
                open_time,
                close_time: open_time.plus(length - 1),
                open: price,
                high: price,
                low: price,
                close: price,
                volume,
                quote_volume: volume,
                taker_buy_volume: volume,
                taker_buy_quote_volume: volume,
                trades: n,
            }
        };
        let bars: Bars = (0..count).map(bar).collect();
        let source = Source {
            path: format!("{period}.zip"),
            sha256: "00".into(),
            state: SourceState::Verified,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
            published_sha256: None,
        };
        Chunk { period, bars, source }
    }

    fn series(interval: Interval) -> SeriesName {
        SeriesName { symbol: Symbol::new("AB").unwrap(), interval }
    }

    /// Every file with its bytes.
    fn bytes(lake: &Lake, series: &SeriesName) -> Vec<(String, Vec<u8>)> {
        let folder = series.folder(lake.root());
        let names = list(&folder).unwrap();
        names.into_iter().map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect()
    }

    #[test]
    fn the_order_of_arrival_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let days: Vec<String> = (1..=28).map(|d| format!("2023-02-{d:02}")).collect();
        let minutes = series(Interval::FifteenMinutes);
        let at_once = Lake::new(&folder.path().join("a"));
        at_once.writer(minutes).unwrap().put(days.iter().map(|d| chunk(d, 15)).collect()).unwrap();
        let one_by_one = Lake::new(&folder.path().join("b"));
        for day in days.iter().rev() {
            one_by_one.writer(minutes).unwrap().put(vec![chunk(day, 15)]).unwrap();
        }
        let files = bytes(&at_once, &minutes);
        assert_eq!(files.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["2023-02.parquet"]);
        assert!(files == bytes(&one_by_one, &minutes), "the same bytes");
        let whole = at_once.bars(&minutes, Timestamp::MIN..Timestamp::MAX).unwrap();
        assert_eq!(whole.len(), 28 * 96);
        assert_eq!(whole.slice(96..192), chunk("2023-02-02", 15).bars);

        let hours = series(Interval::OneHour);
        let year = Lake::new(&folder.path().join("c"));
        let months = ["2023-03", "2023-01", "2023-02"];
        for month in months {
            year.writer(hours).unwrap().put(vec![chunk(month, 60)]).unwrap();
        }
        let sorted = Lake::new(&folder.path().join("d"));
        sorted.writer(hours).unwrap().put(months.iter().map(|m| chunk(m, 60)).collect()).unwrap();
        assert!(bytes(&year, &hours) == bytes(&sorted, &hours), "the same bytes");
        assert_eq!(bytes(&year, &hours)[0].0, "2023.parquet");
    }

    #[test]
    fn a_month_replaces_its_days_and_not_the_other_way() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        let hours = series(Interval::OneHour);
        let writer = lake.writer(hours).unwrap();
        writer.put(vec![chunk("2023-02-03", 60)]).unwrap();
        writer.put(vec![chunk("2023-02", 60)]).unwrap();
        writer.put(vec![chunk("2023-02-04", 60)]).unwrap();
        let sources = writer.sources().unwrap();
        assert_eq!(sources.keys().map(ToString::to_string).collect::<Vec<_>>(), ["2023-02"]);
    }

    #[test]
    fn one_writer_at_a_time_and_no_debris() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        let minutes = series(Interval::OneMinute);
        let writer = lake.writer(minutes).unwrap();
        let second = lake.writer(minutes).unwrap_err().to_string();
        assert!(second.contains("AB 1m is being written by another process"), "{second}");
        writer.put(vec![chunk("2023-02-03", 1)]).unwrap();
        drop(writer);
        let place = minutes.folder(lake.root());
        std::fs::write(place.join(".2023-02-03.parquet.tmp"), b"half").unwrap();
        let before = std::fs::read(place.join("2023-02-03.parquet")).unwrap();
        drop(lake.writer(minutes).unwrap());
        assert_eq!(list(&place).unwrap(), ["2023-02-03.parquet"]);
        assert_eq!(std::fs::read(place.join("2023-02-03.parquet")).unwrap(), before);
    }

    #[test]
    fn threads_write_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        let minutes = series(Interval::FifteenMinutes);
        let writer = lake.writer(minutes).unwrap();
        std::thread::scope(|scope| {
            for month in 1..=12 {
                let writer = &writer;
                scope.spawn(move || writer.put(vec![chunk(&format!("2023-{month:02}"), 15)]).unwrap());
            }
        });
        assert_eq!(lake.bars(&minutes, Timestamp::MIN..Timestamp::MAX).unwrap().len(), 365 * 96);
        assert_eq!(list(&minutes.folder(lake.root())).unwrap().len(), 12, "and nothing else");
    }

    #[test]
    fn checks_find_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        let minutes = series(Interval::OneMinute);
        let mut day = chunk("2023-02-03", 1);
        let cut = [day.bars.slice(0..10), day.bars.slice(15..20)];
        day.bars = cut[0].clone();
        day.bars.append(cut[1].clone());
        day.bars.volume[3] = Amount::ZERO;
        day.bars.close_time[4] = day.bars.close_time[4].plus(-5);
        lake.writer(minutes).unwrap().put(vec![day]).unwrap();
        let check = lake.check(&minutes).unwrap();
        assert_eq!((check.bars, check.missing, check.gaps.len()), (15, 5, 1));
        let kinds: Vec<_> = check.findings.iter().map(|f| (f.kind, f.bars)).collect();
        // Bar 0 has no volume by construction; bar 3 was made so, and its taker part remains.
        assert_eq!(kinds, [("zero_volume", 2), ("irregular_close_time", 1), ("impossible_volume", 1)]);
        assert!(check.files[0].intact && check.has_problems());
    }
}
