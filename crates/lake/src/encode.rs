//! Bars as the bytes of a Parquet file.
//!
//! For: encodings, compression and the footer, the same bytes for the same bars. Not for: putting
//! them anywhere.

pub(crate) mod delta;
mod pages;
pub(crate) mod wide;

use std::sync::{Arc, LazyLock};

use candlewick_model::{Bars, Price, Timestamp, Units};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::schema::types::SchemaDescPtr;

use crate::columns::SCHEMA;
use crate::encode::pages::FileWriter;
use crate::provenance::{KEY, Provenance};

/// Rows of a row group: any month of minutes is one.
const ROW_GROUP: usize = 1 << 20;

/// Without Arrow's own schema in the footer every reader goes by Parquet's logical types.
static PARQUET_SCHEMA: LazyLock<SchemaDescPtr> =
    LazyLock::new(|| Arc::new(ArrowSchemaConverter::new().convert(&SCHEMA).expect("plain columns")));

/// The bytes of a file: delta encoding where neighbours are alike, plain for the wide decimals,
/// zstd over both.
pub(crate) fn encode(bars: &Bars, provenance: &Provenance) -> Result<Vec<u8>, ParquetError> {
    let mut bytes = Vec::with_capacity(bars.len() * 40 + 4_096);
    let mut file = FileWriter::new(&mut bytes, Arc::clone(&PARQUET_SCHEMA))?;
    for start in (0..bars.len()).step_by(ROW_GROUP) {
        let rows = start..bars.len().min(start + ROW_GROUP);
        for times in [&bars.open_time, &bars.close_time] {
            let times: Vec<_> = times.within(rows.clone()).collect();
            file.times(&times, Timestamp::micros)?;
        }
        for prices in [&bars.open, &bars.high, &bars.low, &bars.close] {
            file.numbers(&prices[rows.clone()], Price::units)?;
        }
        for volumes in [&bars.volume, &bars.quote_volume, &bars.taker_buy_volume, &bars.taker_buy_quote_volume] {
            match volumes.units(rows.clone()) {
                Units::Narrow(units) => file.decimals(units, i128::from)?,
                Units::Wide(units) => file.decimals(units, |units| units)?,
            }
        }
        file.numbers(&bars.trades[rows], |trades| trades)?;
        file.end_row_group()?;
    }
    let json = serde_json::to_string(provenance).expect("provenance is plain data");
    file.finish(KeyValue::new(KEY.to_owned(), json))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar};
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
    use parquet::basic::Encoding;
    use proptest::prelude::*;

    use super::*;
    use crate::columns::append_batch;
    use crate::provenance::SCHEMA_VERSION;

    fn provenance(rows: usize) -> Provenance {
        Provenance {
            schema_version: SCHEMA_VERSION,
            symbol: "A".parse().unwrap(),
            interval: candlewick_model::Interval::OneMinute,
            rows,
            first: None,
            last: None,
            gaps: Vec::new(),
            content_sha256: String::new(),
            sources: Vec::new(),
        }
    }

    /// Bars that need not be possible: columns hold what they are given.
    fn bars(rows: impl IntoIterator<Item = (i64, i64, i128)>) -> Bars {
        let bar = |(time, price, volume): (i64, i64, i128)| Bar {
            open_time: Timestamp::from_micros(time),
            close_time: Timestamp::from_micros(time.wrapping_add(59_999_999)),
            open: Price::from_units(price),
            high: Price::from_units(price.wrapping_add(1)),
            low: Price::from_units(price.wrapping_mul(3)),
            close: Price::from_units(price ^ 0x5555),
            volume: Amount::from_units(volume),
            quote_volume: Amount::from_units(volume >> 9),
            taker_buy_volume: Amount::from_units(volume >> 20),
            taker_buy_quote_volume: Amount::from_units(volume >> 70),
            trades: price >> 40,
        };
        rows.into_iter().map(bar).collect()
    }

    fn there_and_back(bars: &Bars) -> Bars {
        let bytes = bytes::Bytes::from(encode(bars, &provenance(bars.len())).unwrap());
        let options = ArrowReaderOptions::new().with_schema(SCHEMA.clone());
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap();
        let mut read = Bars::default();
        reader.build().unwrap().for_each(|batch| append_batch(&mut read, &batch.unwrap()));
        read
    }

    #[test]
    fn encodings_are_those_that_every_reader_knows() {
        let bytes = encode(&bars([(0, 1, i128::from(i64::MAX) * 9)]), &provenance(1)).unwrap();
        let metadata = ArrowReaderMetadata::load(&bytes::Bytes::from(bytes), ArrowReaderOptions::new()).unwrap();
        for column in metadata.metadata().row_group(0).columns() {
            let wide = column.column_path().string().contains("volume");
            let expected = if wide { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
            let encodings: Vec<_> = column.encodings().filter(|e| *e != Encoding::RLE).collect();
            assert_eq!(encodings, [expected], "{}", column.column_path());
        }
    }

    #[test]
    fn pages_and_row_groups_come_back_in_order() {
        for rows in [0, 1, 2, 256, 257, 65_536, 65_537, ROW_GROUP as i64 + 70_000] {
            let minute = |n: i64| (n * 60_000_000, n * n % 1_013, i128::from(n) << (n % 64));
            let bars = bars((0..rows).map(minute));
            assert!(there_and_back(&bars) == bars, "{rows} rows");
        }
    }

    #[test]
    fn extremes_of_times_are_in_the_footer() {
        let bytes = encode(&bars([(5, 1, 1), (9, 1, 1), (7, 1, 1)]), &provenance(3)).unwrap();
        let metadata = ArrowReaderMetadata::load(&bytes::Bytes::from(bytes), ArrowReaderOptions::new()).unwrap();
        let times = metadata.metadata().row_group(0).column(0).statistics().unwrap();
        assert_eq!(times.min_bytes_opt(), Some(5_i64.to_le_bytes().as_slice()));
        assert_eq!(times.max_bytes_opt(), Some(9_i64.to_le_bytes().as_slice()));
    }

    proptest! {
        #[test]
        fn all_values_come_back(rows in proptest::collection::vec((any::<i64>(), any::<i64>(), any::<i128>()), 0..700), shift in 0..127_u32) {
            let bars = bars(rows.into_iter().map(|(time, price, volume)| (time >> (shift / 2), price >> (shift / 2), volume >> shift)));
            prop_assert!(there_and_back(&bars) == bars);
        }
    }
}
