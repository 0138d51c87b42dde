//! Data Portal archives of klines: where they lie, how they are checked, what is in them.
//!
//! For: both directions, reading what the portal publishes and making what a local portal
//! serves. Not for: fetching (ingest does that).

mod checksum;
mod csv;
mod pack;

pub use checksum::{Checksum, ChecksumError, sha256_hex};
pub use csv::{COLUMNS, CsvError, Decoded, RowError, decode, encode};
pub use pack::{PackError, pack, unpack};

use candlewick_model::{Interval, Period, Symbol};

/// The name of one archive of klines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveName {
    /// Which market.
    pub symbol: Symbol,
    /// Which bars.
    pub interval: Interval,
    /// Which month or day.
    pub period: Period,
}

impl ArchiveName {
    /// `BTCUSDT-1m-2023-01`.
    #[must_use]
    pub fn stem(&self) -> String {
        format!("{}-{}-{}", self.symbol, self.interval.archive_name(), self.period)
    }

    /// Path of the zip below the portal's root; `.CHECKSUM` behind it is its checksum file.
    #[must_use]
    pub fn path(&self) -> String {
        let span = match self.period {
            Period::Month { .. } => "monthly",
            Period::Day { .. } => "daily",
        };
        let (symbol, interval) = (self.symbol, self.interval.archive_name());
        format!("data/spot/{span}/klines/{symbol}/{interval}/{}.zip", self.stem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let name = |interval: Interval, period: &str| ArchiveName {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            interval,
            period: period.parse().unwrap(),
        };
        assert_eq!(
            name(Interval::OneMonth, "2023-01").path(),
            "data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2023-01.zip"
        );
        assert_eq!(
            name(Interval::OneMinute, "2023-01-05").path(),
            "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-01-05.zip"
        );
    }
}
