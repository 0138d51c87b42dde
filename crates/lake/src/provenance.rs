//! What a file says of itself in its footer, and the hash of values.

use std::ops::Range;

use candlewick_model::{Bars, Gap, Interval, Period, Symbol, TimeUnit, Timestamp};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::merge::source_of;

/// The key of the footer entry; its value is [`Provenance`] as JSON.
pub(crate) const KEY: &str = "candlewick";
/// The form of columns and footer that this version writes.
pub(crate) const SCHEMA_VERSION: u32 = 2;

/// Where a part of a file comes from, and how far that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// An archive that agrees with its CHECKSUM file.
    Verified,
    /// A whole archive that does not agree with its CHECKSUM file, whose content was found right
    /// by another source: the CHECKSUM file is of an earlier edition.
    StaleChecksum,
    /// An archive without CHECKSUM file.
    Absent,
    /// The exchange's REST interface.
    Rest,
    /// Made from a finer series of the lake.
    Resampled,
}

/// One source that a file was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Of an archive: its path below the portal's root. Of REST: the endpoint's path. Of a finer
    /// series: its file below the lake's root.
    pub path: String,
    /// Of an archive: SHA-256 of the zip. Otherwise [`content_sha256`] of the rows.
    pub sha256: String,
    /// What the CHECKSUM file says, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_sha256: Option<String>,
    /// What it is.
    pub state: SourceState,
    /// Unit of its times; `None` if both occur or there are no rows.
    pub time_unit: Option<TimeUnit>,
    /// Its rows that are in the file.
    pub rows: usize,
    /// The first open time that it answers for.
    pub from: Timestamp,
    /// The first open time behind those that it answers for.
    pub to: Timestamp,
}

impl Source {
    /// The open times that it answers for: where it has no row, there is none.
    #[must_use]
    pub fn range(&self) -> Range<Timestamp> {
        self.from..self.to
    }

    /// The month or day of an archive; `None` if it is something else.
    #[must_use]
    pub fn archive_period(&self) -> Option<Period> {
        use SourceState::{Absent, Resampled, Rest, StaleChecksum, Verified};
        match self.state {
            Verified | StaleChecksum | Absent => Period::of_range(&self.range()),
            Rest | Resampled => None,
        }
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
    /// Where the rows come from, by time.
    pub sources: Vec<Source>,
}

impl Provenance {
    /// The one source that the bar of an open time was taken from, or that says that there is
    /// none; `None` if nothing answers for that time.
    #[must_use]
    pub fn source_of(&self, open_time: Timestamp) -> Option<&Source> {
        source_of(&self.sources, open_time)
    }
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
