//! Tables of the market's trades: a file a day, written as a stream, read in batches.
//!
//! For: what archives of `aggTrades` and `trades` hold. Not for: bars (`write`, `series`).
//!
//! ```text
//! lake/agg_trades/symbol=BTCUSDT/2024-01-15.parquet
//! lake/trades/symbol=BTCUSDT/2024-01-15.parquet
//! ```
//! A day that a monthly archive has no trades of is a file without rows, so that it is known to
//! be there.

mod bars;
mod columns;
mod file;
mod read;
mod write;

use std::path::{Path, PathBuf};

use candlewick_model::{Period, Symbol, Timestamp};
use serde::{Deserialize, Serialize};

pub use columns::TradeColumns;
pub use read::{TradeBatches, TradeFile};
pub use write::{DaySink, TradeWriter, TradesWritten};

use crate::provenance::Source;

/// Which of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeTable {
    /// Trades of one taker order at one price, joined.
    AggTrades,
    /// Single trades.
    Trades,
}

impl TradeTable {
    /// The name of its folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::AggTrades => "agg_trades",
            Self::Trades => "trades",
        }
    }
}

/// One table of one market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TradeSeries {
    /// Which market.
    pub symbol: Symbol,
    /// Which table.
    pub table: TradeTable,
}

impl std::fmt::Display for TradeSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.symbol, self.table.folder())
    }
}

impl TradeSeries {
    /// Its folder below the lake's root.
    #[must_use]
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(self.table.folder()).join(format!("symbol={}", self.symbol))
    }
}

/// What a file of trades says of itself. No wall-clock times, no host names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeProvenance {
    /// Form of columns and footer.
    pub schema_version: u32,
    /// Which market.
    pub symbol: Symbol,
    /// Which table.
    pub table: TradeTable,
    /// Which day.
    pub day: String,
    /// How many rows.
    pub rows: u64,
    /// Number of the first trade.
    pub first_id: Option<i64>,
    /// Number of the last trade.
    pub last_id: Option<i64>,
    /// Time of the first trade.
    pub first: Option<Timestamp>,
    /// Time of the last trade.
    pub last: Option<Timestamp>,
    /// How many numbers are left out between the first and the last.
    pub missing_ids: u64,
    /// SHA-256 of the values, a row after the other, in the order of the columns: numbers, prices,
    /// quantities and times as 8 bytes, quote quantities as 16, flags as one; little endian, in
    /// units of 1 µs and 1e-8.
    pub content_sha256: String,
    /// The archive, the daily or the monthly one.
    pub source: Source,
}

impl TradeProvenance {
    /// Its day, if the footer is of this program's making.
    #[must_use]
    pub fn day(&self) -> Option<Period> {
        self.day.parse().ok().filter(|period: &Period| period.month() != *period)
    }
}

#[cfg(test)]
mod tests;
