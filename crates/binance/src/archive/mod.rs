//! Data Portal archives: where they lie, how they are checked, what is in them.
//!
//! For: both directions, reading what the portal publishes and making what a local portal
//! serves. Not for: fetching (ingest does that).

mod checksum;
mod csv;
pub(crate) mod cursor;
mod listing;
mod pack;
mod trade_rows;
mod trades;

pub use checksum::{Checksum, ChecksumError, sha256_hex, sha256_of};
pub use csv::{COLUMNS, CsvError, Decoded, RowError, decode, encode};
pub use listing::{ListedFile, ListingError, ListingPage};
pub use pack::{PackError, pack, pack_quickly, unpack};
pub use trade_rows::TradeRow;
pub use trades::{TradeBlock, TradeFacts, TradesError, encode_trades, read_trades};

use candlewick_model::{Interval, Period, Symbol};

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dataset {
    /// Bars of one length.
    Klines(Interval),
    /// Trades of one taker order at one price, joined.
    AggTrades,
    /// Single trades.
    Trades,
}

/// The name of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveName {
    /// Which market.
    pub symbol: Symbol,
    /// What of it.
    pub dataset: Dataset,
    /// Which month or day.
    pub period: Period,
}

impl ArchiveName {
    /// An archive of klines.
    #[must_use]
    pub const fn klines(symbol: Symbol, interval: Interval, period: Period) -> Self {
        Self { symbol, dataset: Dataset::Klines(interval), period }
    }

    /// `BTCUSDT-1m-2023-01`, `BTCUSDT-aggTrades-2023-01`.
    #[must_use]
    pub fn stem(&self) -> String {
        let what = match self.dataset {
            Dataset::Klines(interval) => interval.archive_name(),
            Dataset::AggTrades => "aggTrades",
            Dataset::Trades => "trades",
        };
        format!("{}-{what}-{}", self.symbol, self.period)
    }

    /// The folder below the portal's root that holds it and its like.
    #[must_use]
    pub fn folder(&self) -> String {
        let span = match self.period {
            Period::Month { .. } => "monthly",
            Period::Day { .. } => "daily",
        };
        let symbol = self.symbol;
        match self.dataset {
            Dataset::Klines(interval) => format!("data/spot/{span}/klines/{symbol}/{}", interval.archive_name()),
            Dataset::AggTrades => format!("data/spot/{span}/aggTrades/{symbol}"),
            Dataset::Trades => format!("data/spot/{span}/trades/{symbol}"),
        }
    }

    /// Path of the zip below the portal's root; `.CHECKSUM` behind it is its checksum file.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}.zip", self.folder(), self.stem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let name = |interval, period: &str| ArchiveName::klines(symbol, interval, period.parse().unwrap());
        assert_eq!(
            name(Interval::OneMonth, "2023-01").path(),
            "data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2023-01.zip"
        );
        assert_eq!(
            name(Interval::OneMinute, "2023-01-05").path(),
            "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-01-05.zip"
        );
        let trades = ArchiveName { symbol, dataset: Dataset::AggTrades, period: "2023-01-05".parse().unwrap() };
        assert_eq!(trades.path(), "data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2023-01-05.zip");
    }
}
