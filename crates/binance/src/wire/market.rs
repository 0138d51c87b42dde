//! The book, trades and prices as `/api/v3` tells them.

use candlewick_model::{AggTrade, Amount, Price, Quantity, Rate, Side, Symbol, TimeUnit, Trade};
use serde::{Deserialize, Serialize};

use super::time_number;

/// A price of the book, and how much stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level(pub Price, pub Quantity);

/// The answer of `GET /api/v3/depth`: the best prices first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Depth {
    /// The number of the last change that is in it.
    pub last_update_id: u64,
    /// What buyers offer.
    pub bids: Vec<Level>,
    /// What sellers ask.
    pub asks: Vec<Level>,
}

/// A row of `GET /api/v3/trades` and `/historicalTrades`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct TradeRow {
    pub id: i64,
    pub price: Price,
    pub qty: Quantity,
    pub quote_qty: Amount,
    pub time: i64,
    pub is_buyer_maker: bool,
    pub is_best_match: bool,
}

impl TradeRow {
    /// A trade as a row, its time in a unit.
    #[must_use]
    pub fn of(trade: &Trade, unit: TimeUnit) -> Self {
        Self {
            id: trade.id,
            price: trade.price,
            qty: trade.quantity,
            quote_qty: trade.quote_quantity,
            time: time_number(trade.time, unit),
            is_buyer_maker: trade.aggressor == Side::Sell,
            is_best_match: trade.is_best_match,
        }
    }
}

/// A row of `GET /api/v3/aggTrades`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggTradeRow {
    /// Its number.
    #[serde(rename = "a")]
    pub id: i64,
    /// At which price.
    #[serde(rename = "p")]
    pub price: Price,
    /// How much base asset.
    #[serde(rename = "q")]
    pub quantity: Quantity,
    /// The first trade that was joined.
    #[serde(rename = "f")]
    pub first_trade_id: i64,
    /// The last one.
    #[serde(rename = "l")]
    pub last_trade_id: i64,
    /// When.
    #[serde(rename = "T")]
    pub time: i64,
    /// Whether the buyer was the maker.
    #[serde(rename = "m")]
    pub is_buyer_maker: bool,
    /// Whether it was the best price match.
    #[serde(rename = "M")]
    pub is_best_match: bool,
}

impl AggTradeRow {
    /// Joined trades as a row, their time in a unit.
    #[must_use]
    pub fn of(trade: &AggTrade, unit: TimeUnit) -> Self {
        Self {
            id: trade.id,
            price: trade.price,
            quantity: trade.quantity,
            first_trade_id: trade.first_trade_id,
            last_trade_id: trade.last_trade_id,
            time: time_number(trade.time, unit),
            is_buyer_maker: trade.aggressor == Side::Sell,
            is_best_match: trade.is_best_match,
        }
    }
}

/// The answer of `GET /api/v3/avgPrice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AveragePrice {
    /// Over how many minutes.
    pub mins: u32,
    /// The average.
    pub price: Price,
    /// When the last trade was.
    pub close_time: i64,
}

/// The answer of `GET /api/v3/referencePrice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferencePrice {
    /// The market.
    pub symbol: Symbol,
    /// `null` where none is set.
    pub reference_price: Option<Price>,
    /// When that was valid.
    pub timestamp: i64,
}

/// The answer of `GET /api/v3/referencePrice/calculation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "calculationType")]
pub enum ReferenceCalculation {
    /// By the matching engine.
    #[serde(rename = "ARITHMETIC_MEAN", rename_all = "camelCase")]
    ArithmeticMean {
        /// The market.
        symbol: Symbol,
        /// How many buckets of trades count.
        bucket_count: i64,
        /// How long one is.
        bucket_width_ms: i64,
    },
    /// By somebody else.
    #[serde(rename = "EXTERNAL", rename_all = "camelCase")]
    External {
        /// The market.
        symbol: Symbol,
        /// Which calculation.
        external_calculation_id: i64,
    },
}

/// The answer of `GET /api/v3/executionRules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRules {
    /// Market by market.
    pub symbol_rules: Vec<SymbolRules>,
}

/// The rules of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolRules {
    /// Which one.
    pub symbol: Symbol,
    /// None, or the range of prices.
    pub rules: Vec<PriceRangeRule>,
}

/// `PRICE_RANGE`: how far from the reference price takers may trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ruleType", rename = "PRICE_RANGE", rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PriceRangeRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid_limit_mult_up: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid_limit_mult_down: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_limit_mult_up: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_limit_mult_down: Option<Rate>,
}
