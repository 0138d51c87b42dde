//! Tickers: what a market did over some time, in the three shapes that the exchange has for it.

use candlewick_model::{Amount, Price, Quantity, Symbol};
use serde::{Deserialize, Serialize};

/// Any of the shapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ticker {
    /// `GET /api/v3/ticker/24hr`, `type=FULL`.
    Day(DayTicker),
    /// `GET /api/v3/ticker` and `/ticker/tradingDay`, `type=FULL`.
    Window(WindowTicker),
    /// `type=MINI` of all.
    Mini(MiniTicker),
}

/// The last 24 hours, with what stands on the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct DayTicker {
    pub symbol: Symbol,
    pub price_change: Amount,
    pub price_change_percent: String,
    pub weighted_avg_price: Amount,
    pub prev_close_price: Price,
    pub last_price: Price,
    pub last_qty: Quantity,
    pub bid_price: Price,
    pub bid_qty: Quantity,
    pub ask_price: Price,
    pub ask_qty: Quantity,
    pub open_price: Price,
    pub high_price: Price,
    pub low_price: Price,
    pub volume: Amount,
    pub quote_volume: Amount,
    pub open_time: i64,
    pub close_time: i64,
    pub first_id: i64,
    pub last_id: i64,
    pub count: i64,
}

/// What a window comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct WindowSums {
    pub open_price: Price,
    pub high_price: Price,
    pub low_price: Price,
    pub last_price: Price,
    pub volume: Amount,
    pub quote_volume: Amount,
    pub open_time: i64,
    pub close_time: i64,
    pub first_id: i64,
    pub last_id: i64,
    pub count: i64,
}

/// A window of any length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct WindowTicker {
    pub symbol: Symbol,
    pub price_change: Amount,
    pub price_change_percent: String,
    pub weighted_avg_price: Amount,
    #[serde(flatten)]
    pub sums: WindowSums,
}

/// A window without what follows from the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct MiniTicker {
    pub symbol: Symbol,
    #[serde(flatten)]
    pub sums: WindowSums,
}

/// A row of `GET /api/v3/ticker/price`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PriceTicker {
    pub symbol: Symbol,
    pub price: Price,
}

/// A row of `GET /api/v3/ticker/bookTicker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct BookTicker {
    pub symbol: Symbol,
    pub bid_price: Price,
    pub bid_qty: Quantity,
    pub ask_price: Price,
    pub ask_qty: Quantity,
}

/// A change in percent of what it started from, to three decimals, half away from zero; of
/// nothing it is none.
#[must_use]
pub fn percent(change: Amount, start: Price) -> String {
    let scaled = change.units().unsigned_abs() * 100_000;
    let start = u128::from(start.units().unsigned_abs());
    let thousandths = (scaled + start / 2).checked_div(start).unwrap_or(0);
    let sign = if change < Amount::ZERO && thousandths > 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_to_three_decimals() {
        for (change, start, told) in [
            ("-94.99999800", "99", "-95.960"),
            ("-8", "9", "-88.889"),
            ("-154.13", "20825.27", "-0.740"),
            ("0.0000853", "0.0103617", "0.823"),
            ("2.6", "210", "1.238"),
            ("-0.00000001", "99", "0.000"),
            ("12", "1", "1200.000"),
            ("0", "0", "0.000"),
        ] {
            let change: Amount = change
                .trim_start_matches('-')
                .parse()
                .map(|a: Amount| if change.starts_with('-') { Amount::from_units(-a.units()) } else { a })
                .unwrap();
            assert_eq!(percent(change, start.parse().unwrap()), told);
        }
    }
}
