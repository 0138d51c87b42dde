//! One row of `GET /api/v3/klines`.

use candlewick_model::{Amount, Bar, Price, TimeUnit, Timestamp};
use serde::{Deserialize, Serialize};

use super::{time, time_number};
use crate::archive::cursor::Cursor;

/// Open time, open, high, low, close, volume, close time, quote volume, trades, taker buy
/// base volume, taker buy quote volume, unused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kline(
    i64,
    Price,
    Price,
    Price,
    Price,
    Amount,
    i64,
    Amount,
    i64,
    Amount,
    Amount,
    #[serde(default)] serde_json::Value,
);

impl Kline {
    /// A bar as a row, times in a unit.
    #[must_use]
    pub fn of(bar: &Bar, unit: TimeUnit) -> Self {
        Self(
            time_number(bar.open_time, unit),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            time_number(bar.close_time, unit),
            bar.quote_volume,
            bar.trades,
            bar.taker_buy_volume,
            bar.taker_buy_quote_volume,
            "0".into(),
        )
    }

    /// The row as a bar; `None` where a time is no plausible one or the bar contradicts
    /// itself.
    #[must_use]
    pub fn bar(&self) -> Option<Bar> {
        let bar = Bar {
            open_time: time(self.0)?,
            close_time: closing(self.6)?,
            open: self.1,
            high: self.2,
            low: self.3,
            close: self.4,
            volume: self.5,
            quote_volume: self.7,
            trades: self.8,
            taker_buy_volume: self.9,
            taker_buy_quote_volume: self.10,
        };
        bar.check().is_ok().then_some(bar)
    }
}

/// The bars of a page of klines that is written as the exchange writes it; `None` sends it the
/// careful way. Pages are most of what comes over REST.
#[must_use]
pub fn bars_of_page(json: &[u8]) -> Option<Vec<Bar>> {
    let mut cursor = Cursor::<b'"'> { row: json, at: 0 };
    let mut bars = Vec::with_capacity(json.len() / 150);
    cursor.pass(b'[')?;
    if json == b"[]" {
        return Some(bars);
    }
    loop {
        bars.push(row(&mut cursor)?);
        match json.get(cursor.at)? {
            b',' => cursor.at += 1,
            b']' => return (cursor.at + 1 == json.len()).then_some(bars),
            _ => return None,
        }
    }
}

fn row(cursor: &mut Cursor<'_, b'"'>) -> Option<Bar> {
    cursor.pass(b'[')?;
    let open_time = time(cursor.whole()?)?;
    let [open, high, low, close] = [price(cursor)?, price(cursor)?, price(cursor)?, price(cursor)?];
    let volume = amount(cursor)?;
    let close_time = closing(cursor.whole()?)?;
    let quote_volume = amount(cursor)?;
    let trades = cursor.whole()?;
    let [taker_buy_volume, taker_buy_quote_volume] = [amount(cursor)?, amount(cursor)?];
    for byte in *br#""0"]"# {
        cursor.pass(byte)?;
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
        trades,
        taker_buy_volume,
        taker_buy_quote_volume,
    };
    bar.check().is_ok().then_some(bar)
}

#[inline]
fn price(cursor: &mut Cursor<'_, b'"'>) -> Option<Price> {
    cursor.pass(b'"')?;
    let price = cursor.price()?;
    cursor.pass(b',').map(|()| price)
}

#[inline]
fn amount(cursor: &mut Cursor<'_, b'"'>) -> Option<Amount> {
    cursor.pass(b'"')?;
    let amount = cursor.amount()?;
    cursor.pass(b',').map(|()| amount)
}

/// A close time in milliseconds t becomes t·1000 + 999, as in the lake.
fn closing(number: i64) -> Option<Timestamp> {
    Some(match Timestamp::from_either_unit(number)? {
        (close, TimeUnit::Milliseconds) => close.plus(999),
        (close, TimeUnit::Microseconds) => close,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_become_bars_and_rows_again() {
        let text = r#"[1704067200000,"42283.58000000","42397.23000000","42261.02000000","42330.49000000","675.88309000",1704070799999,"28603782.02000000",36537,"333.56000000","14117160.00000000","0"]"#;
        let row: Kline = serde_json::from_str(text).unwrap();
        let bar = row.bar().unwrap();
        assert_eq!(bar.close_time.to_string(), "2024-01-01T00:59:59.999999Z");
        assert_eq!(bar.volume.to_string(), "675.88309000");
        assert_eq!(serde_json::to_string(&Kline::of(&bar, TimeUnit::Milliseconds)).unwrap(), text);
        let micros = serde_json::to_string(&Kline::of(&bar, TimeUnit::Microseconds)).unwrap();
        assert!(micros.contains("1704070799999999"), "{micros}");
        assert_eq!(serde_json::from_str::<Kline>(&micros).unwrap().bar(), Some(bar));
    }

    proptest! {
        /// Whatever the page, the fast way says what the careful way does, or nothing.
        #[test]
        fn both_ways_agree(
            rows in proptest::collection::vec((0..100_000_i64, 1..i64::MAX / 1_000, 0..i128::from(i64::MAX) * 900), 0..5),
            at in 0..2_000_usize,
            byte in proptest::option::of(proptest::sample::select(br#""[],.0129-e \n"#.to_vec())),
            unit in proptest::sample::select(vec![TimeUnit::Milliseconds, TimeUnit::Microseconds]),
        ) {
            let bar = |(minute, price, volume): (i64, i64, i128)| Bar {
                open_time: Timestamp::from_micros(1_700_000_000_000_000 + minute * 60_000_000),
                close_time: Timestamp::from_micros(1_700_000_059_999_999 + minute * 60_000_000),
                open: Price::from_units(price),
                high: Price::from_units(price + 2),
                low: Price::from_units(price),
                close: Price::from_units(price + 1),
                volume: Amount::from_units(volume),
                quote_volume: Amount::from_units(volume / 3),
                trades: minute,
                taker_buy_volume: Amount::from_units(volume / 2),
                taker_buy_quote_volume: Amount::from_units(volume / 7),
            };
            let bars: Vec<Bar> = rows.into_iter().map(bar).collect();
            let page: Vec<Kline> = bars.iter().map(|bar| Kline::of(bar, unit)).collect();
            let mut text = serde_json::to_vec(&page).unwrap();
            prop_assert_eq!(bars_of_page(&text), Some(bars));
            if let Some(byte) = byte {
                let length = text.len();
                text[at % length] = byte;
                let careful = serde_json::from_slice::<Vec<Kline>>(&text).ok();
                let careful = careful.and_then(|rows| rows.iter().map(Kline::bar).collect::<Option<Vec<_>>>());
                let fast = bars_of_page(&text);
                prop_assert!(fast.is_none() || fast == careful, "{}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn contradictions_are_no_bars() {
        let text = r#"[1704067200000,"1","0.5","1","1","1",1704070799999,"1",1,"1","1","0"]"#;
        assert_eq!(serde_json::from_str::<Kline>(text).unwrap().bar(), None);
    }
}
