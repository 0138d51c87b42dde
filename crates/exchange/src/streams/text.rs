//! JSON of streams, written straight into bytes: a market at full speed says hundreds of
//! thousands of them in a second.
//!
//! For: numbers, times and names in the order in which a payload has them. Not for: which members
//! a payload has.

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use candlewick_model::{Amount, Price, Quantity, TimeUnit, Timestamp};

use crate::digits::{EIGHT, eight_digits};

/// A message that is being written.
pub(crate) struct Text {
    bytes: Vec<u8>,
    /// Of the times in it.
    unit: TimeUnit,
}

impl Text {
    /// An empty one with room.
    pub(super) fn with_capacity(bytes: usize, unit: TimeUnit) -> Self {
        Self { bytes: Vec::with_capacity(bytes), unit }
    }

    /// JSON as it stands.
    pub(crate) fn put(&mut self, json: &str) -> &mut Self {
        self.bytes.extend_from_slice(json.as_bytes());
        self
    }

    /// A whole number.
    pub(crate) fn whole(&mut self, number: i64) -> &mut Self {
        if number < 0 {
            self.put("-");
        }
        self.digits(number.unsigned_abs());
        self
    }

    /// An instant as a number.
    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Self {
        self.whole(match self.unit {
            TimeUnit::Milliseconds => time.millis(),
            TimeUnit::Microseconds => time.micros(),
        })
    }

    /// A price as a text.
    pub(crate) fn price(&mut self, price: Price) -> &mut Self {
        self.decimal(price.units().into())
    }

    /// A quantity as a text.
    pub(crate) fn quantity(&mut self, quantity: Quantity) -> &mut Self {
        self.decimal(quantity.units().into())
    }

    /// A sum as a text.
    pub(crate) fn amount(&mut self, amount: Amount) -> &mut Self {
        self.decimal(amount.units())
    }

    /// `true` or `false`.
    pub(crate) fn truth(&mut self, is_true: bool) -> &mut Self {
        self.put(if is_true { "true" } else { "false" })
    }

    /// `"0.00000000"`: eight decimals, as the exchange writes every one.
    fn decimal(&mut self, units: i128) -> &mut Self {
        match u64::try_from(units.unsigned_abs()) {
            Ok(magnitude) => {
                self.put(if units < 0 { "\"-" } else { "\"" });
                self.digits(magnitude / EIGHT);
                self.bytes.push(b'.');
                self.bytes.extend_from_slice(&eight_digits(magnitude % EIGHT).to_le_bytes());
                self.put("\"")
            }
            Err(_) => self.put("\"").put(&Amount::from_units(units).to_string()).put("\""),
        }
    }

    /// A number without zeros in front.
    fn digits(&mut self, number: u64) {
        if number >= EIGHT {
            self.digits(number / EIGHT);
            self.bytes.extend_from_slice(&eight_digits(number % EIGHT).to_le_bytes());
            return;
        }
        let digits = eight_digits(number);
        let zeros = ((digits ^ 0x3030_3030_3030_3030).trailing_zeros() / 8).min(7) as usize;
        self.bytes.extend_from_slice(&digits.to_le_bytes()[zeros..]);
    }

    /// The message, to be sent to any number of listeners.
    pub(super) fn finish(self) -> Utf8Bytes {
        Utf8Bytes::try_from(Bytes::from(self.bytes)).expect("only whole texts were put in")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Text) -> &mut Text) -> String {
        let mut text = Text::with_capacity(0, TimeUnit::Milliseconds);
        write(&mut text);
        text.finish().to_string()
    }

    #[test]
    fn numbers_as_the_model_writes_them() {
        let large = 12_345_678_901_234_567_890_123;
        for units in [0, 1, -1, 99_999_999, 100_000_000, -123_456_789_012, i128::from(u64::MAX), large, -large] {
            let amount = Amount::from_units(units);
            assert_eq!(written(|text| text.amount(amount)), format!("\"{amount}\""));
        }
        for number in [0, 7, 10, 12_345_678, 123_456_789, 1_672_515_782_136, i64::MAX, i64::MIN, -5] {
            assert_eq!(written(|text| text.whole(number)), number.to_string());
        }
    }

    #[test]
    fn times_in_either_unit() {
        let time = Timestamp::from_micros(1_672_515_782_136_999);
        assert_eq!(written(|text| text.time(time)), "1672515782136");
        let mut text = Text::with_capacity(0, TimeUnit::Microseconds);
        text.time(time).put(",").truth(false);
        assert_eq!(text.finish().as_str(), "1672515782136999,false");
    }
}
