//! Bars as the bytes of a Parquet file.
//!
//! For: encodings, compression and the footer, the same bytes for the same bars. Not for: putting
//! them anywhere.

use candlewick_model::Bars;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::columns::{SCHEMA, to_batch};
use crate::provenance::{KEY, Provenance};

/// Delta encoding where neighbours are alike, plain for the wide decimals, zstd 1 over both.
/// BYTE_STREAM_SPLIT would save a twelfth of the wide ones, but DuckDB and Polars cannot read it
/// there; figures in `docs/lake.md`.
fn properties(provenance: &Provenance) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let json = serde_json::to_string(provenance).expect("provenance is plain data");
    let mut builder = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(1 << 20))
        .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), json)]));
    for field in SCHEMA.fields() {
        let encoding = if field.name().contains("volume") { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
        let column = ColumnPath::from(field.name().as_str());
        // Readers prune by time; extremes of the others cost more than they would save.
        if !field.name().ends_with("_time") {
            builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        builder = builder.set_column_encoding(column, encoding);
    }
    Ok(builder.build())
}

/// Rows that are turned into Arrow at a time.
const BATCH: usize = 1 << 16;

/// The bytes of a file.
pub(crate) fn encode(bars: &Bars, provenance: &Provenance) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    // Without Arrow's own schema in the footer every reader goes by Parquet's logical types.
    let options = ArrowWriterOptions::new().with_properties(properties(provenance)?).with_skip_arrow_metadata(true);
    let mut bytes = Vec::with_capacity(bars.len() * 40 + 4_096);
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, SCHEMA.clone(), options)?;
    // A batch is a copy, so it is one of a part: a month of seconds is large enough once.
    for start in (0..bars.len()).step_by(BATCH) {
        writer.write(&to_batch(bars, start..bars.len().min(start + BATCH))?)?;
    }
    writer.close()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Bar, Price, Timestamp};
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

    use super::*;
    use crate::provenance::SCHEMA_VERSION;

    #[test]
    fn encodings_are_those_that_every_reader_knows() {
        let price = Price::from_units(1);
        let volume = Amount::from_units(i128::from(i64::MAX) * 9);
        let bar = Bar {
            open_time: Timestamp::from_micros(0),
            close_time: Timestamp::from_micros(1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            quote_volume: volume,
            taker_buy_volume: volume,
            taker_buy_quote_volume: volume,
            trades: 1,
        };
        let provenance = Provenance {
            schema_version: SCHEMA_VERSION,
            symbol: "A".parse().unwrap(),
            interval: candlewick_model::Interval::OneMinute,
            rows: 1,
            first: None,
            last: None,
            gaps: Vec::new(),
            content_sha256: String::new(),
            sources: Vec::new(),
        };
        let bytes = encode(&[bar].into_iter().collect(), &provenance).unwrap();
        let metadata = ArrowReaderMetadata::load(&bytes::Bytes::from(bytes), ArrowReaderOptions::new()).unwrap();
        for column in metadata.metadata().row_group(0).columns() {
            let wide = column.column_path().string().contains("volume");
            let expected = if wide { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
            let encodings: Vec<_> = column.encodings().filter(|e| *e != Encoding::RLE).collect();
            assert_eq!(encodings, [expected], "{}", column.column_path());
        }
    }
}
