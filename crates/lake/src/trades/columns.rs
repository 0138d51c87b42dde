//! Trades as Arrow columns and back.
//!
//! Prices are DECIMAL(18,8), stored as INT64. Quantities are DECIMAL(38,8), as volumes of bars
//! are: those of cheap tokens have more than 18 digits.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Decimal64Array, Decimal128Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    DataType, Decimal64Type, Decimal128Type, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use candlewick_model::{AggTrade, Amount, Price, Quantity, Side, Timestamp, Trade};

use super::TradeTable;

const PRICE: DataType = DataType::Decimal64(18, 8);
const WIDE: DataType = DataType::Decimal128(38, 8);

/// A kind of trade that has a table.
pub trait TradeColumns: Copy + Send + 'static {
    /// Which one.
    const TABLE: TradeTable;
    /// Number, time.
    fn key(&self) -> (i64, Timestamp);
    /// Adds its bytes for the hash of values.
    fn hash_bytes(&self, to: &mut Vec<u8>);
    /// The columns.
    fn schema() -> SchemaRef;
    /// Rows as columns.
    fn to_batch(rows: &[Self]) -> Result<RecordBatch, ArrowError>;
    /// Adds the rows of a batch of [`Self::schema`], which has no nulls.
    fn append(batch: &RecordBatch, to: &mut Vec<Self>);
}

fn schema(names: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, kind): &(&str, DataType)| Field::new(*name, kind.clone(), false);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

static AGG_TRADES: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(&[
        ("id", DataType::Int64),
        ("price", PRICE),
        ("quantity", WIDE),
        ("first_trade_id", DataType::Int64),
        ("last_trade_id", DataType::Int64),
        ("time", time_type()),
        ("is_buyer_maker", DataType::Boolean),
        ("is_best_match", DataType::Boolean),
    ])
});

static TRADES: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(&[
        ("id", DataType::Int64),
        ("price", PRICE),
        ("quantity", WIDE),
        ("quote_quantity", WIDE),
        ("time", time_type()),
        ("is_buyer_maker", DataType::Boolean),
        ("is_best_match", DataType::Boolean),
    ])
});

fn whole<T>(rows: &[T], of: impl Fn(&T) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(of)))
}

fn prices<T>(rows: &[T], of: impl Fn(&T) -> Price) -> ArrayRef {
    Arc::new(Decimal64Array::from_iter_values(rows.iter().map(|r| of(r).units())).with_data_type(PRICE))
}

fn wide<T>(rows: &[T], of: impl Fn(&T) -> i128) -> ArrayRef {
    Arc::new(Decimal128Array::from_iter_values(rows.iter().map(of)).with_data_type(WIDE))
}

fn times<T>(rows: &[T], of: impl Fn(&T) -> Timestamp) -> ArrayRef {
    let values = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| of(r).micros()));
    Arc::new(values.with_timezone("UTC"))
}

fn flags<T>(rows: &[T], of: impl Fn(&T) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows.len(), |row| of(&rows[row])), None))
}

/// Columns of a batch, by position.
struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    fn whole(&self, at: usize) -> &[i64] {
        self.0.column(at).as_primitive::<Int64Type>().values()
    }
    fn price(&self, at: usize, row: usize) -> Price {
        Price::from_units(self.0.column(at).as_primitive::<Decimal64Type>().value(row))
    }
    fn wide(&self, at: usize, row: usize) -> i128 {
        self.0.column(at).as_primitive::<Decimal128Type>().value(row)
    }
    /// What no writer of this lake puts in is clamped, not wrapped around.
    fn quantity(&self, at: usize, row: usize) -> Quantity {
        Quantity::from_units(i64::try_from(self.wide(at, row)).unwrap_or(i64::MAX))
    }
    fn time(&self, at: usize, row: usize) -> Timestamp {
        Timestamp::from_micros(self.0.column(at).as_primitive::<TimestampMicrosecondType>().value(row))
    }
    fn flag(&self, at: usize, row: usize) -> bool {
        self.0.column(at).as_boolean().value(row)
    }
    fn aggressor(&self, at: usize, row: usize) -> Side {
        if self.flag(at, row) { Side::Sell } else { Side::Buy }
    }
}

impl TradeColumns for AggTrade {
    const TABLE: TradeTable = TradeTable::AggTrades;

    fn key(&self) -> (i64, Timestamp) {
        (self.id, self.time)
    }

    fn hash_bytes(&self, to: &mut Vec<u8>) {
        for number in [
            self.id,
            self.price.units(),
            self.quantity.units(),
            self.first_trade_id,
            self.last_trade_id,
            self.time.micros(),
        ] {
            to.extend_from_slice(&number.to_le_bytes());
        }
        to.extend_from_slice(&[u8::from(self.aggressor == Side::Sell), u8::from(self.is_best_match)]);
    }

    fn schema() -> SchemaRef {
        AGG_TRADES.clone()
    }

    fn to_batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let columns = vec![
            whole(rows, |r| r.id),
            prices(rows, |r| r.price),
            wide(rows, |r| r.quantity.units().into()),
            whole(rows, |r| r.first_trade_id),
            whole(rows, |r| r.last_trade_id),
            times(rows, |r| r.time),
            flags(rows, |r| r.aggressor == Side::Sell),
            flags(rows, |r| r.is_best_match),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }

    fn append(batch: &RecordBatch, to: &mut Vec<Self>) {
        let columns = Columns(batch);
        let (ids, firsts, lasts) = (columns.whole(0), columns.whole(3), columns.whole(4));
        to.extend((0..batch.num_rows()).map(|row| Self {
            id: ids[row],
            price: columns.price(1, row),
            quantity: columns.quantity(2, row),
            first_trade_id: firsts[row],
            last_trade_id: lasts[row],
            time: columns.time(5, row),
            aggressor: columns.aggressor(6, row),
            is_best_match: columns.flag(7, row),
        }));
    }
}

impl TradeColumns for Trade {
    const TABLE: TradeTable = TradeTable::Trades;

    fn key(&self) -> (i64, Timestamp) {
        (self.id, self.time)
    }

    fn hash_bytes(&self, to: &mut Vec<u8>) {
        for number in [self.id, self.price.units(), self.quantity.units()] {
            to.extend_from_slice(&number.to_le_bytes());
        }
        to.extend_from_slice(&self.quote_quantity.units().to_le_bytes());
        to.extend_from_slice(&self.time.micros().to_le_bytes());
        to.extend_from_slice(&[u8::from(self.aggressor == Side::Sell), u8::from(self.is_best_match)]);
    }

    fn schema() -> SchemaRef {
        TRADES.clone()
    }

    fn to_batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let columns = vec![
            whole(rows, |r| r.id),
            prices(rows, |r| r.price),
            wide(rows, |r| r.quantity.units().into()),
            wide(rows, |r| r.quote_quantity.units()),
            times(rows, |r| r.time),
            flags(rows, |r| r.aggressor == Side::Sell),
            flags(rows, |r| r.is_best_match),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }

    fn append(batch: &RecordBatch, to: &mut Vec<Self>) {
        let columns = Columns(batch);
        let ids = columns.whole(0);
        to.extend((0..batch.num_rows()).map(|row| Self {
            id: ids[row],
            price: columns.price(1, row),
            quantity: columns.quantity(2, row),
            quote_quantity: Amount::from_units(columns.wide(3, row)),
            time: columns.time(4, row),
            aggressor: columns.aggressor(5, row),
            is_best_match: columns.flag(6, row),
        }));
    }
}
