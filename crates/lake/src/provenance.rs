//! What a file says of itself in its footer, and the hash of values.

use std::ops::Range;

use candlewick_model::{Bars, Gap, Interval, Period, Symbol, TimeUnit, Timestamp, Units};
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

/// SHA-256 of the values of bars: column by column in the order of [`Bars`]; of each a byte that
/// says in how many bytes its values are given, as few as all of them fit in, then the values,
/// little endian, two's complement, in units of 1 µs and 1e-8.
#[must_use]
pub fn content_sha256(bars: &Bars) -> String {
    let mut context = Context::new(&SHA256);
    for times in [&bars.open_time, &bars.close_time] {
        let times: Vec<_> = times.iter().collect();
        hash_column(&mut context, &times, |time| time.micros().into());
    }
    for prices in [&bars.open, &bars.high, &bars.low, &bars.close] {
        hash_column(&mut context, prices, |price| price.units().into());
    }
    for volumes in [&bars.volume, &bars.quote_volume, &bars.taker_buy_volume, &bars.taker_buy_quote_volume] {
        match volumes.units(0..volumes.len()) {
            Units::Narrow(units) => hash_column(&mut context, units, i128::from),
            Units::Wide(units) => hash_column(&mut context, units, |units| units),
        }
    }
    hash_column(&mut context, &bars.trades, i128::from);
    hex::encode(context.finish())
}

fn hash_column<T: Copy>(context: &mut Context, column: &[T], number: impl Fn(T) -> i128) {
    // A negative number needs as many bits as its complement, and either needs one for the sign.
    let bits = column.iter().fold(0, |bits, value| bits | number(*value) ^ number(*value) >> 127);
    let width = ((i128::BITS - bits.leading_zeros() + 1).div_ceil(8)) as usize;
    context.update(&[width as u8]);
    let mut block = [0; 16 * 257];
    for values in column.chunks(256) {
        // Sixteen bytes each; the next value takes the place of those that are too many.
        for (at, value) in values.iter().enumerate() {
            block[at * width..at * width + 16].copy_from_slice(&number(*value).to_le_bytes());
        }
        context.update(&block[..values.len() * width]);
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Price};

    use super::*;

    #[test]
    fn the_hash_is_as_documented() {
        let bar = |minute: i64, volume: i128| Bar {
            open_time: Timestamp::from_micros(minute * 60_000_000),
            close_time: Timestamp::from_micros(minute * 60_000_000 + 59_999_999),
            open: Price::from_units(127),
            high: Price::from_units(128),
            low: Price::from_units(-128),
            close: Price::from_units(-129),
            volume: Amount::from_units(volume),
            quote_volume: Amount::from_units(i128::MAX),
            taker_buy_volume: Amount::from_units(i128::MIN),
            taker_buy_quote_volume: Amount::from_units(0),
            trades: 0x7FFF,
        };
        for rows in [0, 1, 256, 300] {
            let bars: Bars = (0..rows).map(|n| bar(n, i128::from(n))).collect();
            let volume_width = if rows > 128 { 2 } else { 1 };
            let time_width = if rows > 128 { 5 } else { 4 };
            let widths = [time_width, time_width, 1, 2, 1, 2, volume_width, 16, 16, 1, 2];
            let widths = if rows == 0 {
                [1; 11]
            } else if rows == 1 {
                [1, 4, 1, 2, 1, 2, 1, 16, 16, 1, 2]
            } else {
                widths
            };
            let mut bytes = Vec::new();
            for (column, width) in widths.into_iter().enumerate() {
                bytes.push(width as u8);
                for bar in bars.iter() {
                    let number: i128 = match column {
                        0 => bar.open_time.micros().into(),
                        1 => bar.close_time.micros().into(),
                        2 => bar.open.units().into(),
                        3 => bar.high.units().into(),
                        4 => bar.low.units().into(),
                        5 => bar.close.units().into(),
                        6 => bar.volume.units(),
                        7 => bar.quote_volume.units(),
                        8 => bar.taker_buy_volume.units(),
                        9 => bar.taker_buy_quote_volume.units(),
                        _ => bar.trades.into(),
                    };
                    bytes.extend_from_slice(&number.to_le_bytes()[..width]);
                }
            }
            let expected = hex::encode(ring::digest::digest(&SHA256, &bytes));
            assert_eq!(content_sha256(&bars), expected, "{rows} rows");
        }
    }
}
