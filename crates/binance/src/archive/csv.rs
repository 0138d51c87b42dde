//! The CSV of an archive: twelve columns a row, with or without a header.
//!
//! Decoding has a fast way that takes rows as archives write them, and a careful one that has
//! the last word on all others and names what is wrong. No float takes part.

use std::ops::Range;

use candlewick_model::number::parse_e8;
use candlewick_model::{Amount, Bar, BarError, Bars, NumberError, Period, Price, TimeUnit, Timestamp};
use memchr::memchr;

use super::cursor::{Cursor, HUGE_AMOUNT, HUGE_PRICE};

/// The columns, as headers and errors name them.
pub const COLUMNS: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

/// The bars of a CSV and how its times were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The bars, in order.
    pub bars: Bars,
    /// The unit of the open times, or `None` if both occur or there are no rows.
    pub time_unit: Option<TimeUnit>,
}

/// A row that is no bar, with the number of its line; 1 is the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct CsvError {
    /// Which line.
    pub line: usize,
    /// What is wrong with it.
    pub error: RowError,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Too few or too many columns.
    #[error("{found} columns; {expected} were expected")]
    Columns {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A number that cannot be read.
    #[error("`{column}` is {value:?}: {error}")]
    Number {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// Why it is no number.
        error: NumberError,
    },
    /// A count that is no whole number.
    #[error("`{column}` is {value:?}: not a whole number")]
    Whole {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A price beyond DECIMAL(18,8).
    #[error("`{column}` is {value}: prices of 10^10 and more do not fit DECIMAL(18,8)")]
    HugePrice {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A volume beyond DECIMAL(38,8).
    #[error("`{column}` is {value}: volumes of 10^30 and more do not fit DECIMAL(38,8)")]
    HugeVolume {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A quantity of one trade beyond 64 bits.
    #[error(
        "`{column}` is {value}: the exchange's quantities are 64-bit numbers of 1e-8 and end at 92233720368.54775807"
    )]
    HugeQuantity {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A volume or a count below zero.
    #[error("`{column}` is {value}: it cannot be negative")]
    Negative {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A time that is neither milliseconds nor microseconds of the years 2017 to 2099.
    #[error("`{column}` is {value}: neither milliseconds nor microseconds of the years 2017 to 2099")]
    Time {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: i64,
    },
    /// A bar of another month or day than the file's.
    #[error("opens at {open_time}, outside of {period}, which the file is for; is it another series' file?")]
    Period {
        /// When it opens.
        open_time: Timestamp,
        /// What the file is for.
        period: Period,
    },
    /// Not later than the row before.
    #[error("opens at {open_time}, the row before at {before}: rows must be sorted and unique")]
    Order {
        /// When it opens.
        open_time: Timestamp,
        /// When the row before opens.
        before: Timestamp,
    },
    /// The figures contradict each other.
    #[error("{error} (open {}, high {}, low {}, close {}, volume {}, trades {})", bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades)]
    Bar {
        /// How.
        error: BarError,
        /// The figures.
        bar: Box<Bar>,
    },
    /// A trade's number that is not greater than that of the row before.
    #[error("trade {id} comes after trade {before}: rows must be sorted by id and unique")]
    TradeOrder {
        /// Its number.
        id: i64,
        /// The number of the row before.
        before: i64,
    },
    /// A trade of another month or day than the file's.
    #[error("traded at {time}, outside of {period}, which the file is for; is it another file's row?")]
    TradePeriod {
        /// When it was.
        time: Timestamp,
        /// What the file is for.
        period: Period,
    },
    /// Something else than true or false.
    #[error("`{column}` is {value:?}: neither true nor false")]
    Flag {
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Not UTF-8.
    #[error("not text")]
    Text,
}

/// Decodes a CSV whose bars all open within `period`.
pub fn decode(csv: &[u8], period: Period) -> Result<Decoded, CsvError> {
    let range = period.range();
    // A row is hardly ever shorter than 90 bytes; that saves growing.
    let mut bars = Bars::with_capacity(csv.len() / 90);
    let (mut milliseconds, mut microseconds) = (false, false);
    let mut before = Timestamp::MIN;
    let mut rest = csv;
    let mut line = 0;
    while !rest.is_empty() {
        line += 1;
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let row = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if row.is_empty() || (line == 1 && is_header(row)) {
            continue;
        }
        let (bar, unit) = match fast_row(row, &range, before) {
            Some(taken) => taken,
            None => checked_row(row, period, before).map_err(|error| CsvError { line, error })?,
        };
        match unit {
            TimeUnit::Milliseconds => milliseconds = true,
            TimeUnit::Microseconds => microseconds = true,
        }
        before = bar.open_time;
        bars.push(bar);
    }
    let time_unit = match (milliseconds, microseconds) {
        (true, false) => Some(TimeUnit::Milliseconds),
        (false, true) => Some(TimeUnit::Microseconds),
        _ => None,
    };
    Ok(Decoded { bars, time_unit })
}

/// A header begins with the name of the first column, however it is spelt.
fn is_header(row: &[u8]) -> bool {
    let first = row.split(|b| *b == b',').next().unwrap_or_default();
    let letters: Vec<u8> = first.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    letters == b"opentime"
}

/// A row as a bar, or `None` if anything at all is unusual about it.
#[inline]
fn fast_row(row: &[u8], range: &Range<Timestamp>, before: Timestamp) -> Option<(Bar, TimeUnit)> {
    let mut cursor: Cursor = Cursor { row, at: 0 };
    let (open_time, unit) = Timestamp::from_either_unit(cursor.whole()?)?;
    let open = cursor.price()?;
    let high = cursor.price()?;
    let low = cursor.price()?;
    let close = cursor.price()?;
    let volume = cursor.amount()?;
    let close_time = whole_millisecond(Timestamp::from_either_unit(cursor.whole()?)?);
    let quote_volume = cursor.amount()?;
    let trades = cursor.whole()?;
    let taker_buy_volume = cursor.amount()?;
    let taker_buy_quote_volume = cursor.amount()?;
    // What stands in the twelfth column is ignored, but there must be one and no thirteenth.
    let ignored = row.get(cursor.at..)?;
    if ignored.is_empty() || ignored.contains(&b',') {
        return None;
    }
    let bar = Bar {
        open_time,
        close_time,
        open,
        high,
        low,
        close,
        volume,
        quote_volume,
        taker_buy_volume,
        taker_buy_quote_volume,
        trades,
    };
    (bar.check().is_ok() && range.contains(&open_time) && open_time > before).then_some((bar, unit))
}

/// A close time in milliseconds means the whole of its last millisecond.
fn whole_millisecond((time, unit): (Timestamp, TimeUnit)) -> Timestamp {
    match unit {
        TimeUnit::Milliseconds => time.plus(999),
        TimeUnit::Microseconds => time,
    }
}

/// A row that the fast way did not take: what is wrong with it, if anything.
fn checked_row(row: &[u8], period: Period, before: Timestamp) -> Result<(Bar, TimeUnit), RowError> {
    let (bar, unit) = careful_row(row)?;
    bar.check().map_err(|error| RowError::Bar { error, bar: Box::new(bar) })?;
    let open_time = bar.open_time;
    if !period.range().contains(&open_time) {
        return Err(RowError::Period { open_time, period });
    }
    if open_time <= before {
        return Err(RowError::Order { open_time, before });
    }
    Ok((bar, unit))
}

fn careful_row(row: &[u8]) -> Result<(Bar, TimeUnit), RowError> {
    let text = std::str::from_utf8(row).map_err(|_| RowError::Text)?;
    let fields: Vec<&str> = text.split(',').collect();
    if fields.len() != COLUMNS.len() || fields[11].is_empty() {
        return Err(RowError::Columns {
            found: fields.len() - usize::from(fields.last() == Some(&"")),
            expected: COLUMNS.len(),
        });
    }
    let whole = |at: usize| {
        let wrong = || RowError::Whole { column: COLUMNS[at], value: fields[at].to_owned() };
        fields[at].parse::<i64>().map_err(|_| wrong())
    };
    let time = |at: usize| {
        let value = whole(at)?;
        Timestamp::from_either_unit(value).ok_or(RowError::Time { column: COLUMNS[at], value })
    };
    let number = |at: usize| {
        let wrong = |error| RowError::Number { column: COLUMNS[at], value: fields[at].to_owned(), error };
        parse_e8(fields[at]).map_err(wrong)
    };
    let price = |at: usize| {
        let units = number(at)?;
        match i64::try_from(units) {
            Ok(units) if units < HUGE_PRICE => Ok(Price::from_units(units)),
            _ => Err(RowError::HugePrice { column: COLUMNS[at], value: fields[at].to_owned() }),
        }
    };
    let negative = |at: usize| RowError::Negative { column: COLUMNS[at], value: fields[at].to_owned() };
    let amount = |at: usize| match number(at)? {
        units if units < 0 => Err(negative(at)),
        units if units >= HUGE_AMOUNT => {
            Err(RowError::HugeVolume { column: COLUMNS[at], value: fields[at].to_owned() })
        }
        units => Ok(Amount::from_units(units)),
    };
    let count = |at: usize| whole(at).and_then(|n| if n < 0 { Err(negative(at)) } else { Ok(n) });
    let (open_time, unit) = time(0)?;
    let bar = Bar {
        open_time,
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: amount(5)?,
        close_time: whole_millisecond(time(6)?),
        quote_volume: amount(7)?,
        trades: count(8)?,
        taker_buy_volume: amount(9)?,
        taker_buy_quote_volume: amount(10)?,
    };
    Ok((bar, unit))
}

/// The CSV that the portal would publish for these bars: no header, eight decimals, times in
/// the given unit.
#[must_use]
pub fn encode(bars: &Bars, unit: TimeUnit) -> Vec<u8> {
    use std::io::Write;
    let mut csv = Vec::with_capacity(bars.len() * 150);
    let time = |t: Timestamp| match unit {
        TimeUnit::Milliseconds => t.millis(),
        TimeUnit::Microseconds => t.micros(),
    };
    for bar in bars.iter() {
        let (open_time, close_time) = (time(bar.open_time), time(bar.close_time));
        let Bar { open, high, low, close, volume, quote_volume, trades, .. } = bar;
        let (taker, taker_quote) = (bar.taker_buy_volume, bar.taker_buy_quote_volume);
        writeln!(
            csv,
            "{open_time},{open},{high},{low},{close},{volume},{close_time},{quote_volume},{trades},{taker},{taker_quote},0"
        )
        .expect("writing to memory");
    }
    csv
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: &str = "1679616000000,28295.42000000,28305.41000000,28292.24000000,28302.33000000,90.28077000,1679616059999,2554807.39801410,1040,55.72565000,1576802.32380560,0";

    fn day() -> Period {
        "2023-03-24".parse().unwrap()
    }

    fn error(csv: &str) -> String {
        decode(csv.as_bytes(), day()).unwrap_err().to_string()
    }

    #[test]
    fn a_row_in_either_unit_with_and_without_header() {
        let expected = decode(ROW.as_bytes(), day()).unwrap();
        let bar = expected.bars.bar(0);
        assert_eq!(bar.open_time.to_string(), "2023-03-24T00:00:00Z");
        assert_eq!(bar.close_time.to_string(), "2023-03-24T00:00:59.999999Z");
        assert_eq!((bar.close.to_string().as_str(), bar.trades), ("28302.33000000", 1040));
        let micros = ROW.replace("1679616000000", "1679616000000000").replace("1679616059999", "1679616059999999");
        let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore";
        for csv in [format!("{header}\n{ROW}\n"), format!("{ROW}\r\n"), micros.clone()] {
            assert_eq!(decode(csv.as_bytes(), day()).unwrap().bars, expected.bars, "{csv}");
        }
        let mixed = format!("{ROW}\n{}", micros.replace("16796160", "16796161"));
        assert_eq!(decode(mixed.as_bytes(), day()).unwrap().time_unit, None, "decided per value");
    }

    #[test]
    fn volumes_beyond_64_bits_pass() {
        let row = ROW.replace(",90.28077000,", ",123456789012345.00000000,");
        let decoded = decode(row.as_bytes(), day()).unwrap();
        assert_eq!(decoded.bars.volume.at(0).to_string(), "123456789012345.00000000");
    }

    #[test]
    fn unusual_rows_are_read_as_usual_ones() {
        let expected = decode(ROW.as_bytes(), day()).unwrap();
        for (from, to) in [(",1040,", ",+1040,"), ("90.28077000", "90.2807700000"), ("28292.24000000", "28292.24")] {
            assert_eq!(decode(ROW.replace(from, to).as_bytes(), day()), Ok(expected.clone()), "{to}");
        }
    }

    #[test]
    fn every_fault_names_line_column_and_value() {
        for (row, expected) in [
            (ROW.rsplit_once(',').unwrap().0.to_owned(), "line 1: 11 columns"),
            (format!("{ROW},1"), "line 1: 13 columns"),
            (ROW.replace("28305.41000000", "abc"), "line 1: `high` is \"abc\": not a plain decimal number"),
            (ROW.replace("28305.41000000", "NaN"), "line 1: `high` is \"NaN\""),
            (ROW.replace("28305.41000000", ""), "line 1: `high` is \"\": empty number"),
            (ROW.replace("28305.41000000", "1e5"), "line 1: `high` is \"1e5\""),
            (ROW.replace(",90.28077000", ",-90.28077000"), "line 1: `volume` is -90.28077000: it cannot be negative"),
            (ROW.replace(",1040,", ",-1,"), "line 1: `count` is -1: it cannot be negative"),
            (
                ROW.replace(",90.28077000", &format!(",1{}.0", "0".repeat(30))),
                "line 1: `volume` is 1000000000000000000000000000000.0: volumes of 10^30",
            ),
            (ROW.replace("28292.24000000", "28999.00000000"), "line 1: open, high, low and close contradict"),
            (ROW.replace("28305.41000000", "10000000000.1"), "line 1: `high` is 10000000000.1: prices of 10^10"),
            (ROW.replace("90.28077000", "90.280770001"), "line 1: `volume` is \"90.280770001\": more than 8 decimals"),
            (ROW.replace("1679616000000", "1679616000"), "line 1: `open_time` is 1679616000: neither"),
            (ROW.replace("1679616059999", "9"), "line 1: `close_time` is 9: neither"),
            (ROW.replace("1679616000000", "1.5"), "line 1: `open_time` is \"1.5\": not a whole number"),
            (ROW.replace("1679616000000", "1679702400000"), "line 1: close time is before open time"),
            (ROW.replace("16796160", "16797024"), "line 1: opens at 2023-03-25T00:00:00Z, outside of 2023-03-24"),
            (format!("{ROW}\n{ROW}"), "line 2: opens at 2023-03-24T00:00:00Z, the row before at 2023-03-24T00:00:00Z"),
            ("{\"code\":1}".to_owned(), "line 1: 1 columns"),
        ] {
            let told = error(&row);
            assert!(told.starts_with(expected), "{row}\n{told}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            rows in proptest::collection::vec((1..900_000_000_000_000_000_i64, 0..i128::from(u64::MAX) * 900, 0..1_000_000_i64), 0..40),
            micros: bool,
        ) {
            let open = day().range().start;
            let bars: Bars = rows.iter().enumerate().map(|(at, &(price, volume, trades))| {
                let price = Price::from_units(price);
                let volume = Amount::from_units(volume);
                let open_time = open.plus(at as i64 * 60_000_000);
                Bar { open_time, close_time: open_time.plus(59_999_999), open: price, high: price, low: price, close: price,
                      volume, quote_volume: volume, taker_buy_volume: volume, taker_buy_quote_volume: volume, trades }
            }).collect();
            let unit = if micros { TimeUnit::Microseconds } else { TimeUnit::Milliseconds };
            let decoded = decode(&encode(&bars, unit), day()).unwrap();
            prop_assert_eq!(decoded.time_unit, (!bars.is_empty()).then_some(unit));
            prop_assert_eq!(decoded.bars, bars);
        }

        #[test]
        fn garbage_is_an_error_not_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes, day());
        }

        #[test]
        fn both_ways_agree_on_a_row_with_one_wrong_byte(at in 0..150_usize, byte in "[-+.,0-9eN \\r]") {
            let mut row = ROW.as_bytes().to_vec();
            if let Some(place) = row.get_mut(at) { *place = byte.as_bytes()[0]; }
            if let Some(fast) = fast_row(&row, &day().range(), Timestamp::MIN) {
                prop_assert_eq!(checked_row(&row, day(), Timestamp::MIN), Ok(fast));
            }
        }
    }
}
