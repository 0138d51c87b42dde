//! Archives of trades: months of ten million rows and more, read as a stream.
//!
//! For: rows in blocks, checked, in constant memory, with what is odd about them counted. Not
//! for: where the rows go; whoever takes them must not keep them before the end was reached,
//! because only there it is known that the archive was whole.

use std::io::{Read, Seek};
use std::ops::Range;

use candlewick_model::{Period, TimeUnit, Timestamp};
use memchr::{memchr, memrchr};
use zip::ZipArchive;

use super::csv::{CsvError, RowError};
use super::pack::PackError;
use super::trade_rows::TradeRow;

/// So many bytes of CSV are decoded at a time.
const BLOCK: usize = 1 << 20;

/// Why an archive of trades cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum TradesError {
    /// It cannot be unpacked.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A row is wrong.
    #[error(transparent)]
    Csv(#[from] CsvError),
}

/// Some rows that follow each other.
#[derive(Debug, Clone, Copy)]
pub struct TradeBlock<'a, T> {
    /// The rows.
    pub rows: &'a [T],
    /// In which unit their times were written; `None` if both occur.
    pub time_unit: Option<TimeUnit>,
}

/// What there is to know of an archive's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TradeFacts {
    /// How many there are.
    pub rows: u64,
    /// Bytes of CSV.
    pub csv_bytes: u64,
    /// How often numbers are left out from one row to the next.
    pub id_gaps: u64,
    /// How many numbers are left out.
    pub missing_ids: u64,
    /// How many rows are earlier than the row before.
    pub backwards: u64,
    /// Times in milliseconds.
    pub milliseconds: bool,
    /// Times in microseconds.
    pub microseconds: bool,
}

/// Reads a zip of one CSV whose rows all belong to `period` and hands them over block by block.
/// Its size and CRC are checked at the end.
pub fn read_trades<T: TradeRow, E: From<TradesError>>(
    zip: impl Read + Seek,
    period: Period,
    mut sink: impl FnMut(TradeBlock<'_, T>) -> Result<(), E>,
) -> Result<TradeFacts, E> {
    let pack = |error: PackError| E::from(TradesError::Pack(error));
    let mut zip = ZipArchive::new(zip).map_err(|e| pack(e.into()))?;
    if zip.len() != 1 {
        return Err(pack(PackError::Entries { entries: zip.len() }));
    }
    let mut entry = zip.by_index(0).map_err(|e| pack(e.into()))?;
    let size = entry.size();
    let mut decoder = Decoder::<T>::new(period);
    let mut buffer = Vec::new();
    loop {
        let kept = buffer.len();
        buffer.resize(kept + BLOCK, 0);
        let read = read_full(&mut entry, &mut buffer[kept..]).map_err(|e| pack(e.into()))?;
        buffer.truncate(kept + read);
        decoder.facts.csv_bytes += read as u64;
        if decoder.facts.csv_bytes > size {
            return Err(pack(PackError::Size { size, compressed: 0 }));
        }
        let is_end = read < BLOCK;
        let whole = if is_end { buffer.len() } else { memrchr(b'\n', &buffer).map_or(0, |at| at + 1) };
        if whole > 0 {
            let time_unit = decoder.decode(&buffer[..whole]).map_err(|e| E::from(TradesError::Csv(e)))?;
            if !decoder.rows.is_empty() {
                sink(TradeBlock { rows: &decoder.rows, time_unit })?;
            }
            buffer.drain(..whole);
        }
        if is_end {
            return Ok(decoder.facts);
        }
    }
}

/// Fills a buffer as far as there is something to fill it with.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What is carried on from block to block.
struct Decoder<T> {
    period: Period,
    range: Range<Timestamp>,
    line: usize,
    before: Option<(i64, Timestamp)>,
    rows: Vec<T>,
    facts: TradeFacts,
}

impl<T: TradeRow> Decoder<T> {
    fn new(period: Period) -> Self {
        Self { period, range: period.range(), line: 0, before: None, rows: Vec::new(), facts: TradeFacts::default() }
    }

    /// Puts the rows of some whole lines into `rows`, and gives the unit of their times.
    fn decode(&mut self, mut rest: &[u8]) -> Result<Option<TimeUnit>, CsvError> {
        self.rows.clear();
        let mut milliseconds = 0;
        while !rest.is_empty() {
            self.line += 1;
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let row = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            if row.is_empty() || (self.line == 1 && row[0].is_ascii_alphabetic()) {
                continue;
            }
            let (trade, unit) = self.row(row).map_err(|error| CsvError { line: self.line, error })?;
            milliseconds += usize::from(unit == TimeUnit::Milliseconds);
            self.rows.push(trade);
        }
        self.facts.rows += self.rows.len() as u64;
        self.facts.milliseconds |= milliseconds > 0;
        self.facts.microseconds |= milliseconds < self.rows.len();
        Ok(match milliseconds {
            0 => Some(TimeUnit::Microseconds),
            n if n == self.rows.len() => Some(TimeUnit::Milliseconds),
            _ => None,
        })
    }

    #[inline]
    fn row(&mut self, row: &[u8]) -> Result<(T, TimeUnit), RowError> {
        let (trade, unit) = match T::fast(row) {
            Some(taken) => taken,
            None => T::careful(row)?,
        };
        let (id, time) = (trade.id(), trade.time());
        if !self.range.contains(&time) {
            return Err(RowError::TradePeriod { time, period: self.period });
        }
        if let Some((before, at)) = self.before {
            if id <= before {
                return Err(RowError::TradeOrder { id, before });
            }
            self.facts.id_gaps += u64::from(id > before + 1);
            self.facts.missing_ids += (id - before - 1).unsigned_abs();
            self.facts.backwards += u64::from(time < at);
        }
        self.before = Some((id, time));
        Ok((trade, unit))
    }
}

/// The CSV that the portal would publish for some trades: no header, times in the given unit.
#[must_use]
pub fn encode_trades<T: TradeRow>(rows: &[T], unit: TimeUnit) -> Vec<u8> {
    let mut csv = Vec::with_capacity(rows.len() * 80);
    rows.iter().for_each(|row| row.write(unit, &mut csv));
    csv
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candlewick_model::{AggTrade, Amount, Price, Quantity, Side, Trade};
    use proptest::prelude::*;

    use super::super::pack::pack;
    use super::*;

    const AGG: &str = "105,0.20000000,50.00000000,7,9,1735689600010866,False,True";
    const ONE: &str = "7,42000.10000000,0.00100000,42.00010000,1704067200123,True,True";

    fn read<T: TradeRow>(csv: &str, period: &str) -> Result<(Vec<T>, TradeFacts), TradesError> {
        let zip = pack("a.csv", csv.as_bytes()).unwrap();
        let mut rows = Vec::new();
        let facts = read_trades(Cursor::new(zip), period.parse().unwrap(), |block: TradeBlock<'_, T>| {
            rows.extend_from_slice(block.rows);
            Ok::<_, TradesError>(())
        })?;
        Ok((rows, facts))
    }

    #[test]
    fn rows_with_and_without_header_in_either_unit_and_spelling() {
        let (rows, facts) = read::<AggTrade>(AGG, "2025-01-01").unwrap();
        let expected = AggTrade {
            id: 105,
            price: Price::from_units(20_000_000),
            quantity: Quantity::from_units(5_000_000_000),
            first_trade_id: 7,
            last_trade_id: 9,
            time: "2025-01-01T00:00:00.010866Z".parse().unwrap(),
            aggressor: Side::Buy,
            is_best_match: true,
        };
        assert_eq!((rows.as_slice(), facts.microseconds, facts.milliseconds), ([expected].as_slice(), true, false));
        let lower = AGG.replace("False,True", "false,true");
        let header =
            format!("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,x,y\r\n{lower}\r\n");
        assert_eq!(read::<AggTrade>(&header, "2025-01").unwrap().0, [expected]);

        let (rows, facts) = read::<Trade>(ONE, "2024-01-01").unwrap();
        assert_eq!((rows[0].aggressor, facts.milliseconds), (Side::Sell, true));
        assert_eq!(rows[0].quote_quantity, Amount::from_units(4_200_010_000));
        assert_eq!(read::<Trade>("", "2024-01-01").unwrap().1.rows, 0);
        assert_eq!(read::<AggTrade>(&AGG.replace(",7,9,", ",-1,-1,"), "2025-01").unwrap().0[0].first_trade_id, -1);
    }

    #[test]
    fn what_is_odd_is_counted() {
        let row = |id: i64, ms: i64| format!("{id},1.0,2.0,{id},{id},{ms},True,True\n");
        let start = 1_704_067_200_000;
        let csv = [row(5, start), row(6, start + 9), row(9, start + 8), row(20, start + 9)].concat();
        let facts = read::<AggTrade>(&csv, "2024-01").unwrap().1;
        assert_eq!((facts.rows, facts.id_gaps, facts.missing_ids, facts.backwards), (4, 2, 12, 1));
        assert_eq!(facts.csv_bytes, csv.len() as u64);
    }

    #[test]
    fn every_fault_names_line_column_and_value() {
        for (row, expected) in [
            (AGG.replace(",False", ""), "line 1: 7 columns; 8 were expected"),
            (AGG.replace("False", "no"), "line 1: `is_buyer_maker` is \"no\": neither true nor false"),
            (AGG.replace("50.0", "-50.0"), "line 1: `quantity` is -50.00000000: it cannot be negative"),
            (AGG.replace("50.0", "NaN"), "line 1: `quantity` is \"NaN0000000\": not a plain"),
            (AGG.replace("50.0", "150000000000.0"), "line 1: `quantity` is 150000000000.00000000: the exchange's"),
            (AGG.replace("105,", "-105,"), "line 1: `agg_trade_id` is -105: it cannot be negative"),
            (AGG.replace("1735689600010866", "1735689600"), "line 1: `transact_time` is 1735689600: neither"),
            (
                AGG.replace("1735689600010866", "1735776000000000"),
                "line 1: traded at 2025-01-02T00:00:00Z, outside of 2025-01-01",
            ),
            (format!("{AGG}\n{AGG}"), "line 2: trade 105 comes after trade 105"),
        ] {
            let told = read::<AggTrade>(&row, "2025-01-01").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{row}\n{told}");
        }
    }

    #[test]
    fn damage_is_seen_and_blocks_leave_no_seam() {
        let csv: String =
            (0..40_000).map(|n| format!("{n},1.5,2.0,{n},{n},{},True,True\n", 1_704_067_200_000_i64 + n)).collect();
        assert!(csv.len() > BLOCK, "more than a block");
        let (rows, facts) = read::<AggTrade>(&csv, "2024-01-01").unwrap();
        assert_eq!((rows.len(), facts.id_gaps, rows[39_999].id), (40_000, 0, 39_999));
        let zip = pack("a.csv", csv.as_bytes()).unwrap();
        for cut in [zip.len() / 2, zip.len() - 1] {
            let none = |_: TradeBlock<'_, AggTrade>| Ok::<_, TradesError>(());
            assert!(read_trades(Cursor::new(&zip[..cut]), "2024-01".parse().unwrap(), none).is_err());
        }
        // One bit of the recorded CRC: only the end tells.
        let at = zip.windows(4).rposition(|w| w == crc32fast::hash(csv.as_bytes()).to_le_bytes()).unwrap();
        let mut wrong = zip.clone();
        wrong[at] ^= 1;
        let none = |_: TradeBlock<'_, AggTrade>| Ok::<_, TradesError>(());
        assert!(read_trades(Cursor::new(&wrong), "2024-01".parse().unwrap(), none).is_err());
    }

    proptest! {
        #[test]
        fn both_ways_agree_on_a_row_with_one_wrong_byte(at in 0..60_usize, byte in "[-+.,0-9eN TrueFals]") {
            for text in [AGG, ONE] {
                let mut row = text.as_bytes().to_vec();
                if let Some(place) = row.get_mut(at) { *place = byte.as_bytes()[0]; }
                if let Some(fast) = AggTrade::fast(&row) { prop_assert_eq!(AggTrade::careful(&row), Ok(fast)); }
                if let Some(fast) = Trade::fast(&row) { prop_assert_eq!(Trade::careful(&row), Ok(fast)); }
            }
        }

        #[test]
        fn what_is_encoded_is_read(rows in proptest::collection::vec((0..9_i64, 0..i64::MAX, 0..i64::MAX / 10, any::<bool>()), 0..40)) {
            let mut id = 0;
            let start: Timestamp = "2024-01-01".parse().unwrap();
            let rows: Vec<AggTrade> = rows.iter().map(|&(step, quantity, price, flag)| {
                id += step + 1;
                AggTrade { id, price: Price::from_units(price), quantity: Quantity::from_units(quantity), first_trade_id: id,
                    last_trade_id: id + step, time: start.plus(id * 1_000), aggressor: if flag { Side::Buy } else { Side::Sell },
                    is_best_match: !flag }
            }).collect();
            for unit in [TimeUnit::Milliseconds, TimeUnit::Microseconds] {
                let csv = String::from_utf8(encode_trades(&rows, unit)).unwrap();
                prop_assert_eq!(&read::<AggTrade>(&csv, "2024-01").unwrap().0, &rows);
            }
        }
    }
}
