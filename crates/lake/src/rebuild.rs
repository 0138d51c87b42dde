//! Files that were damaged after they had been written: found, and made anew.
//!
//! For: which files do not hold what they were written with, and putting another one in such a
//! file's place. Not for: getting the sources again (ingest).

use candlewick_model::Period;

use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::layout::{SeriesName, Span};
use crate::merge::merge;
use crate::provenance::{Source, content_sha256};
use crate::store::Version;
use crate::write::{Chunk, SeriesWriter, Written};

/// A file that does not hold what it was written with.
#[derive(Debug)]
pub struct Damaged {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub why: LakeError,
    /// What it was made of; `None` if its footer cannot be read.
    pub sources: Option<Vec<Source>>,
    span: Span,
}

impl Damaged {
    /// The first and the last month of a year, or the month or day that it is for.
    #[must_use]
    pub fn periods(&self) -> (Period, Period) {
        match self.span {
            Span::Year(year) => (Period::Month { year, month: 1 }, Period::Month { year, month: 12 }),
            Span::Of(period) => (period, period),
        }
    }
}

impl Lake {
    /// Reads every value of a series, and names the files that do not hold what they were
    /// written with.
    pub fn damaged(&self, series: &SeriesName) -> Result<Vec<Damaged>, LakeError> {
        let mut damaged = Vec::new();
        for (path, name) in self.paths(series)? {
            let Some(span) = Span::from_file_name(&name) else { continue };
            let mut sources = None;
            let read = OpenFile::open(&path, series).and_then(|file| {
                let told = file.provenance.content_sha256.clone();
                sources = Some(file.provenance.sources.clone());
                let is_intact = content_sha256(&file.read()?) == told;
                is_intact.then_some(()).ok_or_else(|| LakeError::form(&path, "its values are not those of its hash"))
            });
            match read {
                Err(why) if why.is_damage() => damaged.push(Damaged { name, why, sources, span }),
                other => other?,
            }
        }
        Ok(damaged)
    }
}

impl SeriesWriter {
    /// Puts a file that holds these chunks and nothing else in the place of a damaged one, which
    /// is there until then.
    pub fn rebuild(&self, damaged: &Damaged, chunks: Vec<Chunk>) -> Result<Written, LakeError> {
        let merged = merge(self.series().interval, Vec::new(), chunks);
        self.write_file(damaged.span, None, &Version::Any, merged)
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Bars, Interval, Price, Symbol};

    use super::*;
    use crate::provenance::SourceState;

    fn chunk(period: Period) -> Chunk {
        let (range, price, volume) = (period.range(), Price::from_units(5), Amount::from_units(1 << 80));
        let bar = |n: i64| Bar {
            open_time: range.start.plus(n * 60_000_000),
            close_time: range.start.plus(n * 60_000_000 + 59_999_999),
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            quote_volume: volume,
            taker_buy_volume: volume,
            taker_buy_quote_volume: volume,
            trades: n,
        };
        let bars: Bars = (0..1_440).map(bar).collect();
        let source = Source {
            path: format!("{period}.zip"),
            sha256: "00".to_owned(),
            published_sha256: None,
            state: SourceState::Verified,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
        };
        Chunk { bars, source }
    }

    #[test]
    fn damage_is_found_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        let series = SeriesName { symbol: Symbol::new("AB").unwrap(), interval: Interval::OneMinute };
        let days: Vec<Period> = ["2023-02-03", "2023-02-04"].iter().map(|day| day.parse().unwrap()).collect();
        let writer = lake.writer(series).unwrap();
        writer.put(days.iter().map(|day| chunk(*day)).collect()).unwrap();
        assert!(lake.damaged(&series).unwrap().is_empty());

        let path = series.folder(lake.root()).join("2023-02-04.parquet");
        let sound = std::fs::read(&path).unwrap();
        let mut bent = sound.clone();
        bent[sound.len() / 4] ^= 1;
        for (bytes, is_known) in [(&bent[..], true), (&sound[..99], false), (b"", false)] {
            std::fs::write(&path, bytes).unwrap();
            let damaged = lake.damaged(&series).unwrap();
            let [one] = damaged.as_slice() else { panic!("{damaged:?}") };
            assert_eq!((one.name.as_str(), one.periods()), ("2023-02-04.parquet", (days[1], days[1])));
            let paths = one.sources.as_ref().map(|list| list.iter().map(|s| s.path.as_str()).collect::<Vec<_>>());
            assert_eq!(paths, is_known.then(|| vec!["2023-02-04.zip"]));
            writer.rebuild(one, vec![chunk(days[1])]).unwrap();
            assert!(std::fs::read(&path).unwrap() == sound, "the same bytes");
        }
    }
}
