//! Rows of klines as text, written by hand: a page of a thousand is asked for thousands of times
//! a second.

use candlewick_model::{Bars, TimeUnit, Timestamp};

use crate::digits::{EIGHT, eight_digits};

/// The longest row: twelve fields of at most forty bytes.
const ROW_MAX: usize = 512;

/// The answer of `/klines` for some bars.
pub(crate) fn page(bars: &Bars, unit: TimeUnit) -> Vec<u8> {
    let mut text = Vec::with_capacity(bars.len() * 190 + ROW_MAX);
    text.push(b'[');
    let mut row = Row { bytes: [0; ROW_MAX], end: 0 };
    for at in 0..bars.len() {
        if at > 0 {
            text.push(b',');
        }
        row.end = 0;
        row.write(bars, at, unit);
        text.extend_from_slice(&row.bytes[..row.end]);
    }
    text.push(b']');
    text
}

/// A row that is being written. Bytes are put down eight at a time, beyond the end too, where the
/// next ones take their place.
struct Row {
    bytes: [u8; ROW_MAX],
    end: usize,
}

impl Row {
    fn write(&mut self, bars: &Bars, row: usize, unit: TimeUnit) {
        self.put(b"[");
        self.time(bars.open_time.at(row), unit);
        for price in [bars.open[row], bars.high[row], bars.low[row], bars.close[row]] {
            self.decimal(price.units().into());
        }
        self.decimal(bars.volume.at(row).units());
        self.put(b",");
        self.time(bars.close_time.at(row), unit);
        self.decimal(bars.quote_volume.at(row).units());
        self.put(b",");
        self.whole(bars.trades[row].unsigned_abs());
        self.decimal(bars.taker_buy_volume.at(row).units());
        self.decimal(bars.taker_buy_quote_volume.at(row).units());
        self.put(b",\"0\"]");
    }

    fn put(&mut self, text: &[u8]) {
        self.bytes[self.end..self.end + text.len()].copy_from_slice(text);
        self.end += text.len();
    }

    fn time(&mut self, time: Timestamp, unit: TimeUnit) {
        let number = match unit {
            TimeUnit::Milliseconds => time.millis(),
            TimeUnit::Microseconds => time.micros(),
        };
        self.whole(number.unsigned_abs());
    }

    /// `,"0.00000000"`: eight decimals, as the exchange writes every one.
    fn decimal(&mut self, units: i128) {
        self.put(b",\"");
        match u64::try_from(units) {
            Ok(units) => {
                self.whole(units / EIGHT);
                self.put(b".");
                self.eight(eight_digits(units % EIGHT), 8);
            }
            Err(_) => self.put(candlewick_model::Amount::from_units(units).to_string().as_bytes()),
        }
        self.put(b"\"");
    }

    /// A number without zeros in front.
    fn whole(&mut self, number: u64) {
        if number >= EIGHT {
            self.whole(number / EIGHT);
            return self.eight(eight_digits(number % EIGHT), 8);
        }
        let digits = eight_digits(number);
        let zeros = ((digits ^ 0x3030_3030_3030_3030).trailing_zeros() / 8).min(7);
        self.eight(digits >> (8 * zeros), 8 - zeros as usize);
    }

    /// The first so many of eight bytes.
    fn eight(&mut self, digits: u64, count: usize) {
        self.bytes[self.end..self.end + 8].copy_from_slice(&digits.to_le_bytes());
        self.end += count;
    }
}

#[cfg(test)]
mod tests {
    use candlewick_binance::wire::Kline;
    use candlewick_model::{Amount, Interval, Price};

    use super::*;
    use crate::MarketPlan;

    #[test]
    fn as_serde_writes_them() {
        let (from, to) = ("2023-03-01".parse().unwrap(), "2023-03-02".parse().unwrap());
        let mut bars = MarketPlan::bitcoin(1, Interval::OneMinute, from, to).bars();
        bars.low[0] = Price::from_units(1);
        bars.volume.set(1, Amount::from_units(12_345_678_901_234_567_890_123));
        bars.volume.set(2, Amount::from_units(i128::from(u64::MAX)));
        for unit in [TimeUnit::Milliseconds, TimeUnit::Microseconds] {
            let rows: Vec<_> = bars.iter().map(|bar| Kline::of(&bar, unit)).collect();
            assert_eq!(page(&bars, unit), serde_json::to_vec(&rows).unwrap());
        }
        assert_eq!(page(&Bars::default(), TimeUnit::Milliseconds), b"[]");
    }
}
