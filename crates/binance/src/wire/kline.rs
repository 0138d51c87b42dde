//! One row of `GET /api/v3/klines`.

use candlewick_model::{Amount, Bar, Price, TimeUnit};
use serde::{Deserialize, Serialize};

use super::{time, time_number};

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
    /// itself. A close time in milliseconds t becomes t·1000 + 999, as in the lake.
    #[must_use]
    pub fn bar(&self) -> Option<Bar> {
        let close_time = match candlewick_model::Timestamp::from_either_unit(self.6)? {
            (close, TimeUnit::Milliseconds) => close.plus(999),
            (close, TimeUnit::Microseconds) => close,
        };
        let bar = Bar {
            open_time: time(self.0)?,
            close_time,
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

#[cfg(test)]
mod tests {
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

    #[test]
    fn contradictions_are_no_bars() {
        let text = r#"[1704067200000,"1","0.5","1","1","1",1704070799999,"1",1,"1","1","0"]"#;
        assert_eq!(serde_json::from_str::<Kline>(text).unwrap().bar(), None);
    }
}
