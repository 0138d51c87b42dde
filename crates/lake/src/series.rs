//! Which series there are, their files and their gaps.

use std::ops::Range;

use candlewick_model::{Bars, Gap, Interval, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::footer;
use crate::layout::{SeriesName, Span};
use crate::provenance::Provenance;
use crate::store::Place;

/// A file of a series, without its rows.
#[derive(Debug, Clone)]
pub struct FileSummary {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub provenance: Provenance,
}

impl Lake {
    /// Every series, by symbol and interval.
    pub fn series(&self) -> Result<Vec<SeriesName>, LakeError> {
        let klines = self.place(self.root().join("klines"));
        let mut found = Vec::new();
        for symbol_folder in klines.list()? {
            let Some(symbol) = symbol_folder.strip_prefix("symbol=").and_then(|s| s.parse().ok()) else { continue };
            for interval_folder in klines.at(&symbol_folder).list()? {
                let Some(interval) = interval_folder.strip_prefix("interval=").and_then(|i| i.parse().ok()) else {
                    continue;
                };
                found.push(SeriesName { symbol, interval });
            }
        }
        found.sort();
        Ok(found)
    }

    /// The files of a series in the order of their times, with their footers.
    pub fn files(&self, series: &SeriesName) -> Result<Vec<FileSummary>, LakeError> {
        let open = |(place, name): (Place, String)| {
            let footer = footer::read(&place, series)?;
            Ok(FileSummary { name, bytes: footer.bytes, provenance: footer.provenance })
        };
        self.paths(series)?.into_iter().map(open).collect()
    }

    /// When the first bar of a series opens, if there is one.
    pub fn first_open(&self, series: &SeriesName) -> Result<Option<Timestamp>, LakeError> {
        for (path, _) in self.paths(series)? {
            if let Some(first) = footer::read(&path, series)?.provenance.first {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    /// When the last bar of a series opens, if there is one.
    pub fn last_open(&self, series: &SeriesName) -> Result<Option<Timestamp>, LakeError> {
        for (path, _) in self.paths(series)?.into_iter().rev() {
            if let Some(last) = footer::read(&path, series)?.provenance.last {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// Data files of a series with their names, by the time that they hold. A month comes
    /// before its days; that a killed writer leaves both is the next writer's to clear, so days
    /// of a month that is there are passed over here.
    pub(crate) fn paths(&self, series: &SeriesName) -> Result<Vec<(Place, String)>, LakeError> {
        let folder = self.place(series.folder(self.root()));
        let names = folder.list()?;
        let spans: Vec<_> = names.iter().filter_map(|n| Some((Span::from_file_name(n)?, n))).collect();
        let is_merged = |span: &Span| match span {
            Span::Of(period) if period.month() != *period => {
                spans.iter().any(|(other, _)| *other == Span::Of(period.month()))
            }
            _ => false,
        };
        let kept = spans.iter().filter(|(span, _)| !is_merged(span));
        Ok(kept.map(|(_, name)| (folder.at(name), (*name).clone())).collect())
    }

    /// As [`Self::paths`], of files that may have bars which open within a range.
    pub(crate) fn paths_within(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
    ) -> Result<Vec<(Place, String)>, LakeError> {
        let mut paths = self.paths(series)?;
        let span = |name: &str| Span::from_file_name(name).map(Span::range);
        paths.retain(|(_, name)| span(name).is_some_and(|span| span.start < range.end && range.start < span.end));
        Ok(paths)
    }
}

/// Stretches in which regular bars are missing between two that are there. Alignment is not
/// assumed: the next bar is due when the one before it would have ended.
#[must_use]
pub fn gaps_of(bars: &Bars, interval: Interval) -> Vec<Gap> {
    let gap = |row: usize| {
        let (due, next) = (interval.next_open(bars.open_time.at(row - 1)), bars.open_time.at(row));
        (due < next).then(|| Gap { from: due, to: next, missing: missing(due, next, interval) })
    };
    // No bar of a fixed length is missing where the next one opens just that length later.
    let rows = bars.open_time.uneven(interval.micros().unwrap_or(0));
    rows.filter_map(gap).filter(|gap| gap.missing > 0).collect()
}

/// What bars lack of a range at its begin and its end. A range without a begin, or an end, begins
/// and ends with the bars.
#[must_use]
pub fn uncovered(bars: &Bars, interval: Interval, range: &Range<Timestamp>) -> Vec<Gap> {
    let (Some(first), Some(last)) = (bars.open_time.first(), bars.open_time.last()) else { return Vec::new() };
    // A month that had begun before is not asked for; of fixed lengths only whole ones count anyway.
    let begin = match interval.micros() {
        Some(_) => range.start,
        None if range.start > Timestamp::MIN => interval.next_open(range.start.plus(-1)),
        None => range.start,
    };
    let before = (range.start > Timestamp::MIN).then_some((begin, first));
    let after = (range.end < Timestamp::MAX).then(|| (interval.next_open(last), range.end));
    let ends = before.into_iter().chain(after).filter(|(from, to)| from < to);
    let gaps = ends.map(|(from, to)| Gap { from, to, missing: missing(from, to, interval) });
    gaps.filter(|gap| gap.missing > 0).collect()
}

/// How many whole bars fit between two instants.
fn missing(from: Timestamp, to: Timestamp, interval: Interval) -> u64 {
    match interval.micros() {
        Some(length) => ((to.micros() - from.micros()) / length).unsigned_abs(),
        None => {
            let mut at = from;
            let mut count = 0;
            while at < to {
                at = interval.next_open(at);
                count += 1;
            }
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens(minutes: &[i64]) -> Bars {
        let price = candlewick_model::Price::from_units(1);
        let zero = candlewick_model::Amount::ZERO;
        let bar = |m: &i64| candlewick_model::Bar {
            open_time: Timestamp::from_micros(m * 60_000_000),
            close_time: Timestamp::from_micros(m * 60_000_000 + 59_999_999),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: zero,
            quote_volume: zero,
            taker_buy_volume: zero,
            taker_buy_quote_volume: zero,
            trades: 0,
        };
        minutes.iter().map(bar).collect()
    }

    #[test]
    fn gaps_count_regular_bars() {
        let gaps = gaps_of(&opens(&[0, 1, 4, 5, 85]), Interval::OneMinute);
        let figures: Vec<_> = gaps.iter().map(|g| (g.from.micros() / 60_000_000, g.missing)).collect();
        assert_eq!(figures, [(2, 2), (6, 79)]);
        assert!(gaps_of(&opens(&[]), Interval::OneMinute).is_empty());
        assert!(gaps_of(&opens(&[0, 60, 119]), Interval::OneHour).is_empty(), "an overlap is no gap");
    }

    #[test]
    fn the_ends_of_a_range_are_covered_or_not() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let told = |bars: &Bars, interval, from: &str, to: &str| {
            let gaps = uncovered(bars, interval, &(at(from)..at(to)));
            gaps.iter().map(|gap| format!("{} {} {}", gap.from, gap.to, gap.missing)).collect::<Vec<_>>()
        };
        // From 00:10 to 00:15 of the first day.
        let minutes = opens(&[10, 11, 12, 13, 14]);
        assert_eq!(
            told(&minutes, Interval::OneMinute, "1970-01-01", "1970-01-02"),
            ["1970-01-01T00:00:00Z 1970-01-01T00:10:00Z 10", "1970-01-01T00:15:00Z 1970-01-02T00:00:00Z 1425"]
        );
        assert!(uncovered(&minutes, Interval::OneMinute, &(Timestamp::MIN..Timestamp::MAX)).is_empty());
        assert!(uncovered(&opens(&[]), Interval::OneMinute, &(at("1970-01-01")..at("1970-01-02"))).is_empty());
        // The month that began before the range is not asked for, nor is the week.
        let [monday, month] = [4 * 1_440, 31 * 1_440].map(|open| opens(&[open]));
        assert!(told(&monday, Interval::OneWeek, "1970-01-01", "1970-01-12").is_empty());
        assert!(told(&month, Interval::OneMonth, "1970-01-02", "1970-03-01").is_empty());
        assert_eq!(told(&month, Interval::OneMonth, "1970-01-01", "1970-03-02").len(), 2);
    }
}
