//! Rows of klines as text, written by hand: a page of a thousand is asked for thousands of times
//! a second.

use candlewick_model::{Bars, TimeUnit, Timestamp};

/// The answer of `/klines` for some bars.
pub(super) fn page(bars: &Bars, unit: TimeUnit) -> Vec<u8> {
    let mut text = Vec::with_capacity(bars.len() * 190 + 2);
    text.push(b'[');
    for row in 0..bars.len() {
        if row > 0 {
            text.push(b',');
        }
        write_row(&mut text, bars, row, unit);
    }
    text.push(b']');
    text
}

fn write_row(text: &mut Vec<u8>, bars: &Bars, row: usize, unit: TimeUnit) {
    text.push(b'[');
    write_time(text, bars.open_time[row], unit);
    for price in [bars.open[row], bars.high[row], bars.low[row], bars.close[row]] {
        write_decimal(text, i128::from(price.units()));
    }
    write_decimal(text, bars.volume[row].units());
    text.push(b',');
    write_time(text, bars.close_time[row], unit);
    write_decimal(text, bars.quote_volume[row].units());
    text.push(b',');
    write_whole(text, bars.trades[row].unsigned_abs(), 1);
    write_decimal(text, bars.taker_buy_volume[row].units());
    write_decimal(text, bars.taker_buy_quote_volume[row].units());
    text.extend_from_slice(b",\"0\"]");
}

fn write_time(text: &mut Vec<u8>, time: Timestamp, unit: TimeUnit) {
    let number = match unit {
        TimeUnit::Milliseconds => time.millis(),
        TimeUnit::Microseconds => time.micros(),
    };
    write_whole(text, number.unsigned_abs(), 1);
}

/// `,"0.00000000"`: eight decimals, as the exchange writes every one.
fn write_decimal(text: &mut Vec<u8>, units: i128) {
    const ONE: u64 = 100_000_000;
    text.extend_from_slice(b",\"");
    match u64::try_from(units) {
        Ok(units) => {
            write_whole(text, units / ONE, 1);
            text.push(b'.');
            write_whole(text, units % ONE, 8);
        }
        Err(_) => text.extend_from_slice(candlewick_model::Amount::from_units(units).to_string().as_bytes()),
    }
    text.push(b'"');
}

/// Digits of a number, with zeros in front where there are less than wanted.
fn write_whole(text: &mut Vec<u8>, mut number: u64, digits_min: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number >= 100 {
        let pair = (number % 100) as u8;
        number /= 100;
        at -= 2;
        digits[at] = b'0' + pair / 10;
        digits[at + 1] = b'0' + pair % 10;
    }
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend_from_slice(&digits[at.min(digits.len() - digits_min)..]);
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
        bars.volume[1] = Amount::from_units(12_345_678_901_234_567_890_123);
        bars.volume[2] = Amount::from_units(i128::from(u64::MAX));
        for unit in [TimeUnit::Milliseconds, TimeUnit::Microseconds] {
            let rows: Vec<_> = bars.iter().map(|bar| Kline::of(&bar, unit)).collect();
            assert_eq!(page(&bars, unit), serde_json::to_vec(&rows).unwrap());
        }
        assert_eq!(page(&Bars::default(), TimeUnit::Milliseconds), b"[]");
    }
}
