//! Fields that an answer about an order has only where they apply (`rest-api.md`, Conditional
//! fields in Order Responses).

use candlewick_model::{ExpiryReason, Order, PegPriceType, Price, Quantity, TimeUnit};
use serde::{Deserialize, Serialize};

use super::time_number;

/// What few orders have. Stop price and shown quantity are not among them, since some answers
/// tell them of every order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Conditional {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevented_match_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevented_quantity: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy_type: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trailing_delta: Option<u32>,
    /// -1 until it trails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trailing_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peg_price_type: Option<PegPriceType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peg_offset_type: Option<PegOffsetType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peg_offset_value: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pegged_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_reason: Option<ExpiryReason>,
}

/// In what an offset of a peg is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PegOffsetType {
    /// Levels of the book.
    PriceLevel,
}

impl Conditional {
    /// Of an order; a prevented match is known to whoever keeps them.
    #[must_use]
    pub fn of(order: &Order, prevented_match_id: Option<u64>, unit: TimeUnit) -> Self {
        let offset = order.peg.and_then(|peg| peg.offset);
        let trailing_time = order.trailing_time.map_or(-1, |since| time_number(since, unit));
        Self {
            prevented_match_id,
            prevented_quantity: Some(order.prevented_quantity).filter(|quantity| !quantity.is_zero()),
            strategy_id: order.strategy_id,
            strategy_type: order.strategy_type,
            trailing_delta: order.trailing_delta,
            trailing_time: order.trailing_delta.map(|_| trailing_time),
            peg_price_type: order.peg.map(|peg| peg.price_type),
            peg_offset_type: offset.map(|_| PegOffsetType::PriceLevel),
            peg_offset_value: offset,
            pegged_price: Some(order.pegged_price).filter(|price| !price.is_zero()),
            expiry_reason: order.expiry_reason,
        }
    }

    /// Puts into an order what is told of it.
    pub(super) fn put_into(&self, order: &mut Order) {
        let price_type = self.peg_price_type;
        order.prevented_quantity = self.prevented_quantity.unwrap_or_default();
        order.strategy_id = self.strategy_id;
        order.strategy_type = self.strategy_type;
        order.trailing_delta = self.trailing_delta;
        order.trailing_time = self.trailing_time.and_then(super::time);
        order.peg = price_type.map(|price_type| candlewick_model::Peg { price_type, offset: self.peg_offset_value });
        order.pegged_price = self.pegged_price.unwrap_or_default();
        order.expiry_reason = self.expiry_reason;
    }
}
