//! Where everything lies. Hive keys in the path; `1mo`, never `1M`, because of disks on which
//! case does not count.

use std::ops::Range;
use std::path::{Path, PathBuf};

use candlewick_model::time::HOUR;
use candlewick_model::{Interval, Period, Symbol, Timestamp};

/// One series of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesName {
    /// Which market.
    pub symbol: Symbol,
    /// Which bars.
    pub interval: Interval,
}

impl std::fmt::Display for SeriesName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.symbol, self.interval)
    }
}

/// What one file of a series holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Span {
    /// A year, of bars of an hour and longer.
    Year(i32),
    /// A month, or a day of one that is not complete, of shorter bars.
    Of(Period),
}

impl Span {
    /// From a file's name.
    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".parquet")?;
        match stem.len() {
            4 => stem.parse().ok().map(Self::Year),
            _ => stem.parse().ok().map(Self::Of),
        }
    }

    /// When its bars open.
    pub(crate) fn range(self) -> Range<Timestamp> {
        match self {
            Self::Year(year) => {
                let month = |month| Period::Month { year, month }.range();
                month(1).start..month(12).end
            }
            Self::Of(period) => period.range(),
        }
    }

    pub(crate) fn file_name(self) -> String {
        match self {
            Self::Year(year) => format!("{year:04}.parquet"),
            Self::Of(period) => format!("{period}.parquet"),
        }
    }
}

impl SeriesName {
    /// Whether a file holds a year (bars of an hour and longer) and not a month.
    #[must_use]
    pub fn is_yearly(&self) -> bool {
        self.interval.micros().is_none_or(|length| length >= HOUR)
    }

    /// The folder of the series below the lake's root.
    #[must_use]
    pub fn folder(&self, root: &Path) -> PathBuf {
        let (symbol, interval) = (self.symbol, self.interval.archive_name());
        root.join("klines").join(format!("symbol={symbol}")).join(format!("interval={interval}"))
    }

    pub(crate) fn lock_name(&self) -> String {
        format!("klines-{}-{}", self.symbol, self.interval.archive_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let series = SeriesName { symbol: Symbol::new("BTCUSDT").unwrap(), interval: Interval::OneMonth };
        assert_eq!(series.folder(Path::new("l")), Path::new("l/klines/symbol=BTCUSDT/interval=1mo"));
        assert!(series.is_yearly() && !SeriesName { interval: Interval::ThirtyMinutes, ..series }.is_yearly());
        for name in ["2024.parquet", "2024-02.parquet", "2024-02-29.parquet"] {
            assert_eq!(Span::from_file_name(name).unwrap().file_name(), name);
        }
        for name in ["2024-02-30.parquet", "x.parquet", ".tmp-2024.parquet", "2024.csv"] {
            assert_eq!(Span::from_file_name(name), None, "{name}");
        }
    }
}
