//! Bars as Arrow columns.
//!
//! Prices are DECIMAL(18,8), stored as INT64. Volumes need more than 64 bits for cheap tokens
//! and are DECIMAL(38,8), stored as 16 bytes.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Decimal64Array, Decimal128Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use candlewick_model::{Amounts, Bars, Price, Times, Timestamp};

const PRICE: DataType = DataType::Decimal64(18, 8);
const VOLUME: DataType = DataType::Decimal128(38, 8);

pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let field = |name: &str, kind: &DataType| Field::new(name, kind.clone(), false);
    Arc::new(Schema::new(vec![
        field("open_time", &time),
        field("close_time", &time),
        field("open", &PRICE),
        field("high", &PRICE),
        field("low", &PRICE),
        field("close", &PRICE),
        field("volume", &VOLUME),
        field("quote_volume", &VOLUME),
        field("taker_buy_volume", &VOLUME),
        field("taker_buy_quote_volume", &VOLUME),
        field("trades", &DataType::Int64),
    ]))
});

pub(crate) fn to_batch(bars: &Bars, rows: Range<usize>) -> Result<RecordBatch, ArrowError> {
    let times = |column: &Times| -> ArrayRef {
        let values = TimestampMicrosecondArray::from_iter_values(column.within(rows.clone()).map(Timestamp::micros));
        Arc::new(values.with_timezone("UTC"))
    };
    let prices = |column: &[Price]| -> ArrayRef {
        let values = Decimal64Array::from_iter_values(column.iter().map(|p| p.units()));
        Arc::new(values.with_data_type(PRICE))
    };
    let volumes = |column: &Amounts| -> ArrayRef {
        let values = rows.clone().map(|row| column.at(row).units());
        let values = Decimal128Array::from_iter_values(values);
        Arc::new(values.with_data_type(VOLUME))
    };
    RecordBatch::try_new(
        Arc::clone(&SCHEMA),
        vec![
            times(&bars.open_time),
            times(&bars.close_time),
            prices(&bars.open[rows.clone()]),
            prices(&bars.high[rows.clone()]),
            prices(&bars.low[rows.clone()]),
            prices(&bars.close[rows.clone()]),
            volumes(&bars.volume),
            volumes(&bars.quote_volume),
            volumes(&bars.taker_buy_volume),
            volumes(&bars.taker_buy_quote_volume),
            Arc::new(Int64Array::from_iter_values(bars.trades[rows].iter().copied())),
        ],
    )
}

/// Adds a batch of the lake's schema, as another reader of Parquet gives it.
#[cfg(test)]
pub(crate) fn append_batch(bars: &mut Bars, batch: &RecordBatch) {
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal64Type, Decimal128Type, Int64Type, TimestampMicrosecondType};

    let times = |column: &mut Times, at: usize| {
        let values = batch.column(at).as_primitive::<TimestampMicrosecondType>().values();
        column.extend_from_micros(values);
    };
    let prices = |column: &mut Vec<Price>, at: usize| {
        let values = batch.column(at).as_primitive::<Decimal64Type>().values();
        column.extend(values.iter().map(|p| Price::from_units(*p)));
    };
    let volumes = |column: &mut Amounts, at: usize| {
        let values = batch.column(at).as_primitive::<Decimal128Type>().values();
        values.iter().for_each(|a| column.push(candlewick_model::Amount::from_units(*a)));
    };
    times(&mut bars.open_time, 0);
    times(&mut bars.close_time, 1);
    prices(&mut bars.open, 2);
    prices(&mut bars.high, 3);
    prices(&mut bars.low, 4);
    prices(&mut bars.close, 5);
    volumes(&mut bars.volume, 6);
    volumes(&mut bars.quote_volume, 7);
    volumes(&mut bars.taker_buy_volume, 8);
    volumes(&mut bars.taker_buy_quote_volume, 9);
    bars.trades.extend_from_slice(batch.column(10).as_primitive::<Int64Type>().values());
}
