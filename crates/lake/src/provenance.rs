//! What a file says of itself in its footer, and the hash of values.

use candlewick_model::{Bars, Gap, Interval, Period, Symbol, TimeUnit, Timestamp};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// The key of the footer entry; its value is [`Provenance`] as JSON.
pub(crate) const KEY: &str = "candlewick";
/// The form of columns and footer that this version writes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// How an archive stood to its CHECKSUM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchiveState {
    /// They agree.
    Verified,
    /// There was no CHECKSUM file.
    Unverified,
}

/// One archive that a file was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Path below the portal's root.
    pub path: String,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// Whether that was verified.
    pub state: ArchiveState,
    /// Unit of its times; `None` if both occur or there are no rows.
    pub time_unit: Option<TimeUnit>,
    /// Its rows.
    pub rows: usize,
    /// What it is for: `2023-01` or `2023-01-05`.
    pub period: String,
}

impl Source {
    /// What it is for; `None` if the footer is not of this program's making.
    #[must_use]
    pub fn covers(&self) -> Option<Period> {
        self.period.parse().ok()
    }
}

/// What a file says of itself. No wall-clock times, no host names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Form of columns and footer.
    pub schema_version: u32,
    /// Which market.
    pub symbol: Symbol,
    /// Which bars.
    pub interval: Interval,
    /// How many rows.
    pub rows: usize,
    /// When the first bar opens.
    pub first: Option<Timestamp>,
    /// When the last bar opens.
    pub last: Option<Timestamp>,
    /// Holes between the rows of this file.
    pub gaps: Vec<Gap>,
    /// [`content_sha256`] of the rows.
    pub content_sha256: String,
    /// The archives, by period.
    pub sources: Vec<Source>,
}

/// SHA-256 of the values of bars: a row after the other, each column in the order of
/// [`Bars`], times, prices and counts as 8 bytes, volumes as 16, little endian, in units of
/// 1 µs and 1e-8.
#[must_use]
pub fn content_sha256(bars: &Bars) -> String {
    let mut context = Context::new(&SHA256);
    let mut block = Vec::with_capacity(136 * 256);
    for (row, bar) in bars.iter().enumerate() {
        for time in [bar.open_time, bar.close_time] {
            block.extend_from_slice(&time.micros().to_le_bytes());
        }
        for price in [bar.open, bar.high, bar.low, bar.close] {
            block.extend_from_slice(&price.units().to_le_bytes());
        }
        for amount in [bar.volume, bar.quote_volume, bar.taker_buy_volume, bar.taker_buy_quote_volume] {
            block.extend_from_slice(&amount.units().to_le_bytes());
        }
        block.extend_from_slice(&bar.trades.to_le_bytes());
        if row % 256 == 255 {
            context.update(&block);
            block.clear();
        }
    }
    context.update(&block);
    hex::encode(context.finish())
}
