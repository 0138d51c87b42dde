//! What a stretch of a series holds, as one hash.
//!
//! For: telling whether two runs stand on the same bars. Not for: whether a file is intact
//! (`check`).

use std::ops::Range;

use candlewick_model::Timestamp;
use ring::digest::{SHA256, digest};

use crate::Lake;
use crate::error::LakeError;
use crate::footer;
use crate::layout::{SeriesName, Span};
use crate::provenance::content_sha256;

impl Lake {
    /// SHA-256 of the bars that open within a range: of each month (of bars from an hour on, of
    /// each year) that has some its [`content_sha256`], in order, and of one alone just that. How
    /// the lake keeps them, in months or in days, leaves no trace; what a file holds as a whole is
    /// taken from its footer.
    pub fn sha256_within(&self, series: &SeriesName, range: &Range<Timestamp>) -> Result<String, LakeError> {
        let mut units: Vec<(Range<Timestamp>, Option<String>)> = Vec::new();
        for (place, name) in self.paths_within(series, range)? {
            let provenance = footer::read(&place, series)?.provenance;
            let (Some(first), Some(last), Some(span)) =
                (provenance.first, provenance.last, Span::from_file_name(&name))
            else {
                continue;
            };
            if last < range.start || first >= range.end {
                continue;
            }
            let unit = unit_of(span);
            let is_whole = span.range() == unit && range.start <= first && last < range.end;
            match units.last_mut().filter(|(known, _)| *known == unit) {
                Some((_, hash)) => *hash = None,
                None => units.push((unit, is_whole.then_some(provenance.content_sha256))),
            }
        }
        let mut hashes = Vec::with_capacity(units.len());
        for (unit, hash) in units {
            hashes.push(match hash {
                Some(hash) => hash,
                None => {
                    let part = range.start.max(unit.start)..range.end.min(unit.end);
                    content_sha256(&self.bars(series, part)?)
                }
            });
        }
        match &hashes[..] {
            [only] => Ok(only.clone()),
            several => Ok(hex::encode(digest(&SHA256, several.concat().as_bytes()))),
        }
    }
}

/// The month or year of a file.
fn unit_of(span: Span) -> Range<Timestamp> {
    match span {
        Span::Year(_) => span.range(),
        Span::Of(period) => period.month().range(),
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::time::{DAY, MINUTE};
    use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price};

    use super::*;
    use crate::{Chunk, Source, SourceState};

    fn bars(period: &str) -> Bars {
        let Range { start, end } = period.parse::<Period>().unwrap().range();
        let minute_of = |time: Timestamp| time.micros() / MINUTE;
        let bar = |minute: i64| Bar {
            open_time: Timestamp::from_micros(minute * MINUTE),
            close_time: Timestamp::from_micros(minute * MINUTE + MINUTE - 1),
            open: Price::from_units(100 + minute % 7),
            high: Price::from_units(200),
            low: Price::from_units(50),
            close: Price::from_units(100 + minute % 11),
            volume: Amount::from_units(i128::from(minute)),
            quote_volume: Amount::from_units(7),
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: minute,
        };
        (minute_of(start)..minute_of(end)).step_by(60).map(bar).collect()
    }

    fn filled(folder: &std::path::Path, periods: &[&str]) -> (Lake, SeriesName) {
        let lake = Lake::new(folder);
        let series = SeriesName { symbol: "AB".parse().unwrap(), interval: Interval::OneMinute };
        let writer = lake.writer(series).unwrap();
        for period in periods {
            let (bars, range) = (bars(period), period.parse::<Period>().unwrap().range());
            let source = Source {
                path: format!("{period}.zip"),
                sha256: "0".repeat(64),
                published_sha256: None,
                state: SourceState::Absent,
                time_unit: None,
                rows: bars.len(),
                from: range.start,
                to: range.end,
            };
            writer.put(vec![Chunk { bars, source }]).unwrap();
        }
        (lake, series)
    }

    #[test]
    fn days_and_months_hash_alike_and_other_bars_do_not() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (months, series) = filled(folders[0].path(), &["2024-02", "2024-03-01", "2024-03-02"]);
        let days: Vec<String> = (1..=29).map(|day| format!("2024-02-{day:02}")).collect();
        let days: Vec<&str> = days.iter().map(String::as_str).chain(["2024-03-01", "2024-03-02"]).collect();
        let (days, _) = filled(folders[1].path(), &days);
        let february = "2024-02".parse::<Period>().unwrap().range();
        let hash = |lake: &Lake, range: Range<Timestamp>| lake.sha256_within(&series, &range).unwrap();
        for range in [
            Timestamp::MIN..Timestamp::MAX,
            february.clone(),
            february.start.plus(DAY)..february.end.plus(DAY),
            february.start.plus(5 * MINUTE)..february.end.plus(-DAY),
        ] {
            let read = months.bars(&series, range.clone()).unwrap();
            assert!(days.bars(&series, range.clone()).unwrap() == read);
            assert_eq!(hash(&days, range.clone()), hash(&months, range.clone()));
            if range.end <= february.end {
                assert_eq!(hash(&months, range.clone()), content_sha256(&read));
            }
        }
        let whole = hash(&months, february.clone());
        assert_ne!(whole, hash(&months, february.start..february.end.plus(DAY)));
        assert_ne!(whole, hash(&months, february.start.plus(DAY)..february.end));
        assert_eq!(
            hash(&months, february.end.plus(9 * DAY)..Timestamp::MAX),
            hash(&days, february.end.plus(9 * DAY)..Timestamp::MAX)
        );
    }
}
