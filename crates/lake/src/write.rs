//! Writing a series: bars of archives and other sources into files of months, days or years.
//!
//! Below an hour a month that is answered for whole is one file and the days of another one a
//! file each; from an hour on a year is one file. A file holds what its sources hold and nothing
//! else, so it does not depend on when or in which order they came.

use std::collections::BTreeMap;
use std::ops::Range;

use candlewick_model::{Bars, Period, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::file::{OpenFile, write};
use crate::footer;
use crate::layout::{SeriesName, Span};
use crate::merge::{Contradiction, Merged, merge, take_apart};
use crate::provenance::{Provenance, SCHEMA_VERSION, Source, content_sha256};
use crate::ranges::{Ranges, common};
use crate::series::gaps_of;
use crate::store::{Lock, Place, Version, is_temporary};

/// What a source holds.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its bars in order; all of them open within the source's range.
    pub bars: Bars,
    /// Where they come from, and for which times that is the answer.
    pub source: Source,
}

/// What became of chunks.
#[derive(Debug, Default)]
pub struct Written {
    /// Bytes of the files that were written; 0 if all was there.
    pub bytes: u64,
    /// Bars for which two sources have different values.
    pub contradictions: Vec<Contradiction>,
}

impl Written {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.contradictions.extend(other.contradictions);
    }
}

/// The only writer of a series, as long as it lives.
#[derive(Debug)]
pub struct SeriesWriter {
    series: SeriesName,
    folder: Place,
    /// Whether others may write at the same time.
    is_shared: bool,
    _lock: Option<Lock>,
}

impl Lake {
    /// Takes the series' lock (in a bucket there is none) and clears what a killed writer left behind.
    pub fn writer(&self, series: SeriesName) -> Result<SeriesWriter, LakeError> {
        let lock = self.store.lock(self.root(), &series.lock_name(), &series.to_string())?;
        let folder = self.place(series.folder(self.root()));
        let writer = SeriesWriter { series, folder, is_shared: self.store.is_shared(), _lock: lock };
        writer.clear_debris()?;
        Ok(writer)
    }
}

impl SeriesWriter {
    /// Half-written files, and days of months that are there. Such a day is in its month already,
    /// but for what another writer of a bucket put into it too late.
    fn clear_debris(&self) -> Result<(), LakeError> {
        let names = self.folder.list()?;
        for name in &names {
            match Span::from_file_name(name) {
                Some(Span::Of(day)) if day.month() != day && names.contains(&Span::Of(day.month()).file_name()) => {
                    self.move_into_month(day)?;
                }
                None if is_temporary(name) => self.folder.at(name).remove()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What the month has goes before what the day has.
    fn move_into_month(&self, day: Period) -> Result<(), LakeError> {
        if self.is_shared {
            let month = self.load(Span::Of(day.month()))?;
            let merged = merge(self.series.interval, self.load(Span::Of(day))?.chunks, month.chunks);
            self.write_file(Span::Of(day.month()), month.provenance, &month.version, merged)?;
        }
        self.folder.at(Span::Of(day).file_name()).remove()
    }

    /// The sources of every file, by time.
    pub fn sources(&self) -> Result<Vec<Source>, LakeError> {
        let mut sources = Vec::new();
        for name in self.folder.list()?.iter().filter(|n| Span::from_file_name(n).is_some()) {
            sources.extend(footer::read(&self.folder.at(name), &self.series)?.provenance.sources);
        }
        Ok(sources)
    }

    /// Puts what sources hold into the files for it, each of which is written once. Several
    /// threads may do so at a time, each with another month (below an hour) or year.
    pub fn put(&self, chunks: Vec<Chunk>) -> Result<Written, LakeError> {
        let mut written = Written::default();
        if chunks.is_empty() {
            return Ok(written);
        }
        self.folder.make_folder()?;
        let (is_yearly, mut files) = (self.series.is_yearly(), BTreeMap::<Period, Vec<Chunk>>::new());
        for chunk in chunks {
            let file = |at| if is_yearly { january(at) } else { Period::day_of(at).month() };
            let range = |file: Period| if is_yearly { year_of(file) } else { file.range() };
            cut(chunk, file, range, &mut files);
        }
        for (file, chunks) in files {
            written.add(match is_yearly {
                true => self.put_into(Span::Year(file.year()), chunks)?,
                false => self.put_into_month(file, chunks)?,
            });
        }
        Ok(written)
    }

    /// Days stay files of their own until every time of the month is answered for.
    fn put_into_month(&self, month: Period, chunks: Vec<Chunk>) -> Result<Written, LakeError> {
        let names = self.folder.list()?;
        let is_there = |period: &Period| names.contains(&Span::Of(*period).file_name());
        if is_there(&month) {
            return self.put_into(Span::Of(month), chunks);
        }
        let days: Vec<Period> = month.days().filter(is_there).collect();
        if !self.is_whole(month, &days, &chunks)? {
            return self.put_into_days(month, chunks);
        }
        let (mut kept, mut versions) = (Vec::new(), Vec::new());
        for day in &days {
            let loaded = self.load(Span::Of(*day))?;
            kept.extend(loaded.chunks);
            versions.push(loaded.version);
        }
        let merged = merge(self.series.interval, kept, chunks);
        let written = self.write_file(Span::Of(month), None, &Version::Absent, merged)?;
        // Only these: other months may be half written right now, by other threads.
        for (day, version) in days.iter().zip(&versions) {
            self.drop_day(*day, version)?;
        }
        self.folder.sync()?;
        Ok(written)
    }

    /// Removes a day that is in its month now; what another writer put into it meanwhile comes
    /// along.
    fn drop_day(&self, day: Period, version: &Version) -> Result<(), LakeError> {
        let place = self.folder.at(Span::Of(day).file_name());
        if self.is_shared {
            match footer::read(&place, &self.series) {
                Err(error) if error.is_absence() => return Ok(()),
                Ok(footer) if footer.version == *version => {}
                Ok(_) => return self.move_into_month(day),
                Err(error) => return Err(error),
            }
        }
        place.remove()
    }

    /// Where others may write, one of them may have made the month of the days that were there
    /// before: what came too late for that goes into the month.
    fn put_into_days(&self, month: Period, chunks: Vec<Chunk>) -> Result<Written, LakeError> {
        let mut files = BTreeMap::new();
        chunks.into_iter().for_each(|chunk| cut(chunk, Period::day_of, Period::range, &mut files));
        let mut written = Written::default();
        let days: Vec<Period> = files.keys().copied().collect();
        for (day, chunks) in files {
            written.add(self.put_into(Span::Of(day), chunks)?);
        }
        if self.is_shared && self.folder.at(Span::Of(month).file_name()).is_there()? {
            for day in days {
                self.move_into_month(day)?;
            }
        }
        Ok(written)
    }

    /// Whether the days that are there and new chunks together answer for a month. Less than a
    /// bar may be left: a bar at an archive's end that reaches beyond it takes that from others.
    fn is_whole(&self, month: Period, days: &[Period], new: &[Chunk]) -> Result<bool, LakeError> {
        let mut answered: Vec<Range<Timestamp>> = new.iter().map(|chunk| chunk.source.range()).collect();
        for day in days {
            let place = self.folder.at(Span::Of(*day).file_name());
            answered.extend(footer::read(&place, &self.series)?.provenance.sources.iter().map(Source::range));
        }
        let unanswered = answered.into_iter().collect::<Ranges>().outside(&month.range());
        Ok(unanswered.iter().all(|part| self.series.interval.next_open(part.start) > part.end))
    }

    /// Puts chunks beside what a file holds.
    fn put_into(&self, span: Span, chunks: Vec<Chunk>) -> Result<Written, LakeError> {
        let Loaded { chunks: kept, provenance, version } = self.load(span)?;
        self.write_file(span, provenance, &version, merge(self.series.interval, kept, chunks))
    }

    /// What a file says of itself, and its bars by source; nothing if there is none.
    fn load(&self, span: Span) -> Result<Loaded, LakeError> {
        let file = match OpenFile::open(&self.folder.at(span.file_name()), &self.series) {
            Ok(file) => file,
            Err(error) if error.is_absence() => {
                return Ok(Loaded { chunks: Vec::new(), provenance: None, version: Version::Absent });
            }
            Err(error) => return Err(error),
        };
        let (provenance, version) = (file.provenance.clone(), file.version.clone());
        let chunks = take_apart(&file.read()?, &provenance.sources);
        Ok(Loaded { chunks, provenance: Some(provenance), version })
    }

    pub(crate) fn series(&self) -> &SeriesName {
        &self.series
    }

    pub(crate) fn write_file(
        &self,
        span: Span,
        before: Option<Provenance>,
        over: &Version,
        merged: Merged,
    ) -> Result<Written, LakeError> {
        let Merged { bars, sources, contradictions } = merged;
        let unordered = bars.open_time.iter().zip(bars.open_time.iter().skip(1)).find(|(open, next)| open >= next);
        assert!(unordered.is_none(), "bars of {} are out of order: {unordered:?}", self.series);
        let provenance = Provenance {
            schema_version: SCHEMA_VERSION,
            symbol: self.series.symbol,
            interval: self.series.interval,
            rows: bars.len(),
            first: bars.open_time.first(),
            last: bars.open_time.last(),
            gaps: gaps_of(&bars, self.series.interval),
            content_sha256: content_sha256(&bars),
            sources,
        };
        let bytes = match before {
            Some(before) if before == provenance => 0,
            _ => write(&self.folder.at(span.file_name()), over, &bars, &provenance)?,
        };
        Ok(Written { bytes, contradictions })
    }
}

/// What a file holds.
struct Loaded {
    chunks: Vec<Chunk>,
    provenance: Option<Provenance>,
    version: Version,
}

fn january(of: Timestamp) -> Period {
    Period::Month { year: of.date().0, month: 1 }
}

fn year_of(january: Period) -> Range<Timestamp> {
    let december = Period::Month { year: january.year(), month: 12 };
    january.range().start..december.range().end
}

/// Cuts a chunk into those of the files that it belongs to.
fn cut(
    chunk: Chunk,
    file: impl Fn(Timestamp) -> Period,
    range: impl Fn(Period) -> Range<Timestamp>,
    files: &mut BTreeMap<Period, Vec<Chunk>>,
) {
    let whole = chunk.source.range();
    let inside = chunk.bars.open_time.iter().all(|open| whole.contains(&open));
    assert!(inside, "{}: bars open outside of {} to {}", chunk.source.path, whole.start, whole.end);
    let mut at = whole.start;
    while at < whole.end {
        let file = file(at);
        let part = common(&range(file), &whole);
        at = part.end;
        if part == whole {
            files.entry(file).or_default().push(chunk);
            return;
        }
        assert!(chunk.source.archive_period().is_none(), "{} is for more than one file", chunk.source.path);
        files.entry(file).or_default().push(chunk.part(part));
    }
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
        Chunk { bars, source }
    }

    fn series(interval: Interval) -> SeriesName {
        SeriesName { symbol: Symbol::new("AB").unwrap(), interval }
    }

    fn list(folder: &std::path::Path) -> Vec<String> {
        let (store, root) = crate::store::Store::open(folder.to_str().unwrap()).unwrap();
        store.place(root).list().unwrap()
    }

    /// Every file with its bytes.
    fn bytes(lake: &Lake, series: &SeriesName) -> Vec<(String, Vec<u8>)> {
        let folder = series.folder(lake.root());
        let names = list(&folder);
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
        assert_eq!(sources.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["2023-02.zip"]);
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
        assert_eq!(list(&place), ["2023-02-03.parquet"]);
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
        assert_eq!(list(&minutes.folder(lake.root())).len(), 12, "and nothing else");
    }
}
