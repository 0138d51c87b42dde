//! The market's trades as columns: single ones, and those of one taker order at one price joined.
//!
//! For: what archives of `trades` and `aggTrades` hold. Not for: fills of own orders
//! (`execution`).

use crate::number::{Amount, Price, Quantity};
use crate::order::Side;
use crate::time::Timestamp;

/// Trades of one taker order at one price, joined by the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggTrade {
    /// The exchange's number of it, one more from one to the next.
    pub id: i64,
    /// At which price.
    pub price: Price,
    /// How much base asset.
    pub quantity: Quantity,
    /// The first of the trades that were joined; -1 in old rows that have none.
    pub first_trade_id: i64,
    /// The last of them.
    pub last_trade_id: i64,
    /// When.
    pub time: Timestamp,
    /// Which side took: `Sell` where the archive says that the buyer was the maker.
    pub aggressor: Side,
    /// Whether it was the best price match, as the archive says.
    pub is_best_match: bool,
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// The exchange's number of it.
    pub id: i64,
    /// At which price.
    pub price: Price,
    /// How much base asset.
    pub quantity: Quantity,
    /// For how much quote asset, as the archive says.
    pub quote_quantity: Amount,
    /// When.
    pub time: Timestamp,
    /// Which side took: `Sell` where the archive says that the buyer was the maker.
    pub aggressor: Side,
    /// Whether it was the best price match, as the archive says.
    pub is_best_match: bool,
}
