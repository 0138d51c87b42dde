//! Rows of `aggTrades` and `trades` archives, one at a time.
//!
//! As with klines there is a fast way that takes rows as archives write them, and a careful one
//! that has the last word on all others and names what is wrong. No float takes part.
//! Columns: README of the exchange's public-data repository.

use std::io::Write;

use candlewick_model::number::parse_e8;
use candlewick_model::{AggTrade, Amount, Price, Quantity, Side, TimeUnit, Timestamp, Trade};

use super::csv::RowError;
use super::cursor::{Cursor, HUGE_AMOUNT, HUGE_PRICE};

/// What a row of an archive of trades is.
pub trait TradeRow: Copy {
    /// The columns, as headers and errors name them.
    const COLUMNS: &'static [&'static str];
    /// The exchange's number of it.
    fn id(&self) -> i64;
    /// When it was.
    fn time(&self) -> Timestamp;
    /// Reads a row, or `None` if anything at all is unusual about it.
    fn fast(row: &[u8]) -> Option<(Self, TimeUnit)>;
    /// Reads a row and says what is wrong with it, if anything.
    fn careful(row: &[u8]) -> Result<(Self, TimeUnit), RowError>;
    /// Writes the row that the portal would publish, with its newline.
    fn write(&self, unit: TimeUnit, csv: &mut Vec<u8>);
}

impl TradeRow for AggTrade {
    const COLUMNS: &'static [&'static str] = &[
        "agg_trade_id",
        "price",
        "quantity",
        "first_trade_id",
        "last_trade_id",
        "transact_time",
        "is_buyer_maker",
        "is_best_match",
    ];

    fn id(&self) -> i64 {
        self.id
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    #[inline]
    fn fast(row: &[u8]) -> Option<(Self, TimeUnit)> {
        let mut cursor: Cursor = Cursor { row, at: 0 };
        let id = cursor.whole()?;
        let price = cursor.price()?;
        let quantity = quantity(cursor.decimal()?)?;
        let first_trade_id = cursor.whole()?;
        let last_trade_id = cursor.whole()?;
        let (time, unit) = Timestamp::from_either_unit(cursor.whole()?)?;
        let (aggressor, is_best_match) = flags(row.get(cursor.at..)?)?;
        Some((Self { id, price, quantity, first_trade_id, last_trade_id, time, aggressor, is_best_match }, unit))
    }

    fn careful(row: &[u8]) -> Result<(Self, TimeUnit), RowError> {
        let fields = Fields::of(row, Self::COLUMNS)?;
        let (time, unit) = fields.time(5)?;
        let trade = Self {
            id: fields.count(0)?,
            price: fields.price(1)?,
            quantity: fields.quantity(2)?,
            first_trade_id: fields.whole(3)?,
            last_trade_id: fields.whole(4)?,
            time,
            aggressor: fields.aggressor(6)?,
            is_best_match: fields.flag(7)?,
        };
        Ok((trade, unit))
    }

    fn write(&self, unit: TimeUnit, csv: &mut Vec<u8>) {
        let Self { id, price, quantity, first_trade_id: first, last_trade_id: last, .. } = self;
        let (time, flags) = (number(self.time, unit), words(self.aggressor, self.is_best_match));
        writeln!(csv, "{id},{price},{quantity},{first},{last},{time},{flags}").expect("writing to memory");
    }
}

impl TradeRow for Trade {
    const COLUMNS: &'static [&'static str] =
        &["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"];

    fn id(&self) -> i64 {
        self.id
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    #[inline]
    fn fast(row: &[u8]) -> Option<(Self, TimeUnit)> {
        let mut cursor: Cursor = Cursor { row, at: 0 };
        let id = cursor.whole()?;
        let price = cursor.price()?;
        let quantity = quantity(cursor.decimal()?)?;
        let quote_quantity = cursor.amount()?;
        let (time, unit) = Timestamp::from_either_unit(cursor.whole()?)?;
        let (aggressor, is_best_match) = flags(row.get(cursor.at..)?)?;
        Some((Self { id, price, quantity, quote_quantity, time, aggressor, is_best_match }, unit))
    }

    fn careful(row: &[u8]) -> Result<(Self, TimeUnit), RowError> {
        let fields = Fields::of(row, Self::COLUMNS)?;
        let (time, unit) = fields.time(4)?;
        let trade = Self {
            id: fields.count(0)?,
            price: fields.price(1)?,
            quantity: fields.quantity(2)?,
            quote_quantity: fields.amount(3)?,
            time,
            aggressor: fields.aggressor(5)?,
            is_best_match: fields.flag(6)?,
        };
        Ok((trade, unit))
    }

    fn write(&self, unit: TimeUnit, csv: &mut Vec<u8>) {
        let Self { id, price, quantity, quote_quantity, .. } = self;
        let (time, flags) = (number(self.time, unit), words(self.aggressor, self.is_best_match));
        writeln!(csv, "{id},{price},{quantity},{quote_quantity},{time},{flags}").expect("writing to memory");
    }
}

fn number(time: Timestamp, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Milliseconds => time.millis(),
        TimeUnit::Microseconds => time.micros(),
    }
}

/// The last two columns, spelt as the portal does.
const fn words(aggressor: Side, is_best_match: bool) -> &'static str {
    match (aggressor, is_best_match) {
        (Side::Sell, true) => "True,True",
        (Side::Sell, false) => "True,False",
        (Side::Buy, true) => "False,True",
        (Side::Buy, false) => "False,False",
    }
}

/// The buyer was the maker where the seller took.
const fn aggressor(is_buyer_maker: bool) -> Side {
    if is_buyer_maker { Side::Sell } else { Side::Buy }
}

#[inline]
fn flags(text: &[u8]) -> Option<(Side, bool)> {
    Some(match text {
        b"True,True" | b"true,true" => (Side::Sell, true),
        b"False,True" | b"false,true" => (Side::Buy, true),
        b"True,False" | b"true,false" => (Side::Sell, false),
        b"False,False" | b"false,false" => (Side::Buy, false),
        _ => return None,
    })
}

#[inline]
fn quantity(units: i128) -> Option<Quantity> {
    i64::try_from(units).ok().filter(|units| *units >= 0).map(Quantity::from_units)
}

/// The fields of a row, for the careful way.
struct Fields<'a> {
    columns: &'static [&'static str],
    fields: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(row: &'a [u8], columns: &'static [&'static str]) -> Result<Self, RowError> {
        let text = std::str::from_utf8(row).map_err(|_| RowError::Text)?;
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() != columns.len() {
            return Err(RowError::Columns { found: fields.len(), expected: columns.len() });
        }
        Ok(Self { columns, fields })
    }

    /// The name and the text of a column, for errors.
    fn named(&self, at: usize) -> (&'static str, String) {
        (self.columns[at], self.fields[at].to_owned())
    }

    fn whole(&self, at: usize) -> Result<i64, RowError> {
        let (column, value) = self.named(at);
        self.fields[at].parse().map_err(|_| RowError::Whole { column, value })
    }

    fn count(&self, at: usize) -> Result<i64, RowError> {
        let (column, value) = self.named(at);
        self.whole(at).and_then(|n| if n < 0 { Err(RowError::Negative { column, value }) } else { Ok(n) })
    }

    fn time(&self, at: usize) -> Result<(Timestamp, TimeUnit), RowError> {
        let value = self.whole(at)?;
        Timestamp::from_either_unit(value).ok_or(RowError::Time { column: self.columns[at], value })
    }

    fn units(&self, at: usize) -> Result<i128, RowError> {
        let (column, value) = self.named(at);
        match parse_e8(self.fields[at]) {
            Ok(units) if units < 0 => Err(RowError::Negative { column, value }),
            Ok(units) => Ok(units),
            Err(error) => Err(RowError::Number { column, value, error }),
        }
    }

    fn price(&self, at: usize) -> Result<Price, RowError> {
        let (column, value) = self.named(at);
        let units = i64::try_from(self.units(at)?).ok().filter(|units| *units < HUGE_PRICE);
        units.map(Price::from_units).ok_or(RowError::HugePrice { column, value })
    }

    fn quantity(&self, at: usize) -> Result<Quantity, RowError> {
        let (column, value) = self.named(at);
        quantity(self.units(at)?).ok_or(RowError::HugeQuantity { column, value })
    }

    fn amount(&self, at: usize) -> Result<Amount, RowError> {
        let (column, value) = self.named(at);
        let units = Some(self.units(at)?).filter(|units| *units < HUGE_AMOUNT);
        units.map(Amount::from_units).ok_or(RowError::HugeVolume { column, value })
    }

    fn flag(&self, at: usize) -> Result<bool, RowError> {
        let (column, value) = self.named(at);
        match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(RowError::Flag { column, value }),
        }
    }

    fn aggressor(&self, at: usize) -> Result<Side, RowError> {
        self.flag(at).map(aggressor)
    }
}
