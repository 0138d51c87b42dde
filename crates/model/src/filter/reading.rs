//! What a filter looks at, and between which bounds: a judgement is a row of readings and ends at
//! the first one that does not hold.
//!
//! For: the comparison itself, in one place, and for whoever wants to be told of it. Not for:
//! which readings an order is held to (`judge`).

use serde::Serialize;

use super::{LotSize, PercentBand, PriceFilter};
use crate::execution::Refusal;
use crate::number::{Amount, ONE, Price, Quantity};
use crate::text::Asset;

/// Declares the filters with what is said where one does not hold.
macro_rules! filters {
    ($($variant:ident = $word:literal),+ $(,)?) => {
        /// The filters that are judged here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[expect(missing_docs, reason = "named as the exchange names them")]
        pub enum FilterName {
            $(#[serde(rename = $word)] $variant,)+
        }

        impl FilterName {
            /// As the exchange spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What is said where it does not hold.
            const fn failure(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("Filter failure: ", $word),)+
                }
            }
        }
    };
}

filters! {
    PriceFilter = "PRICE_FILTER",
    PercentPrice = "PERCENT_PRICE",
    PercentPriceBySide = "PERCENT_PRICE_BY_SIDE",
    LotSize = "LOT_SIZE",
    MinNotional = "MIN_NOTIONAL",
    Notional = "NOTIONAL",
    IcebergParts = "ICEBERG_PARTS",
    MarketLotSize = "MARKET_LOT_SIZE",
    MaxNumOrders = "MAX_NUM_ORDERS",
    MaxNumAlgoOrders = "MAX_NUM_ALGO_ORDERS",
    MaxNumIcebergOrders = "MAX_NUM_ICEBERG_ORDERS",
    MaxPosition = "MAX_POSITION",
    TrailingDelta = "TRAILING_DELTA",
    MaxNumOrderAmends = "MAX_NUM_ORDER_AMENDS",
    MaxNumOrderLists = "MAX_NUM_ORDER_LISTS",
    ExchangeMaxNumOrders = "EXCHANGE_MAX_NUM_ORDERS",
    ExchangeMaxNumAlgoOrders = "EXCHANGE_MAX_NUM_ALGO_ORDERS",
    ExchangeMaxNumIcebergOrders = "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
    ExchangeMaxNumOrderLists = "EXCHANGE_MAX_NUM_ORDER_LISTS",
    MaxAsset = "MAX_ASSET",
}

impl std::fmt::Display for FilterName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One filter's look at one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Which filter.
    pub filter: FilterName,
    /// What it compares.
    #[serde(flatten)]
    pub look: Look,
}

/// What a filter compares with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// A price with bounds and tick.
    Price {
        /// The parameter that it stands in.
        parameter: &'static str,
        /// The price.
        price: Price,
        /// Between what; zero is switched off.
        bounds: PriceFilter,
    },
    /// A price with the average.
    Distance {
        /// The price.
        price: Price,
        /// What stands for the market.
        average: Price,
        /// The factors of it.
        band: PercentBand,
    },
    /// A quantity with bounds and step.
    Quantity {
        /// The parameter that it stands in.
        parameter: &'static str,
        /// The quantity; nothing at all is none, whatever the bounds.
        quantity: Quantity,
        /// Between what; a maximum or step of zero is switched off.
        bounds: LotSize,
    },
    /// What an order is worth.
    Value {
        /// Its value.
        value: Value,
        /// The least, where there is one for such orders.
        at_least: Option<Amount>,
        /// The most, where there is one for such orders.
        at_most: Option<Amount>,
    },
    /// How much of an asset an order moves.
    Moved {
        /// Which asset.
        asset: Asset,
        /// How much of it.
        value: Value,
        /// The most.
        at_most: Amount,
    },
    /// What the account would hold.
    Position {
        /// Base asset, free and locked.
        held: Amount,
        /// What is left of open BUY orders.
        open_buys: Amount,
        /// This order's quantity.
        quantity: Quantity,
        /// The most.
        at_most: Amount,
    },
    /// How many there would be.
    Count {
        /// How many there are.
        there: usize,
        /// How many more it would be.
        adding: usize,
        /// The most.
        at_most: u32,
    },
    /// In how many parts an iceberg is shown.
    Parts {
        /// The quantity over what is shown, rounded up.
        parts: i64,
        /// The most.
        at_most: u32,
    },
    /// A `trailingDelta`.
    Delta {
        /// Basis points.
        delta: u32,
        /// The least.
        at_least: u32,
        /// The most.
        at_most: u32,
    },
}

/// The value of an order as the filters see it: exact, never rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Price × quantity.
    Product {
        /// Price.
        price: Price,
        /// Quantity.
        quantity: Quantity,
    },
    /// An amount as it stands.
    Plain(Amount),
}

impl Value {
    /// In units of 1e-16.
    const fn exact(self) -> i128 {
        match self {
            Self::Product { price, quantity } => price.units() as i128 * quantity.units() as i128,
            Self::Plain(amount) => amount.units().saturating_mul(ONE as i128),
        }
    }

    fn is_at_least(self, bound: Amount) -> bool {
        self.exact() >= bound.units().saturating_mul(ONE.into())
    }

    fn is_at_most(self, bound: Amount) -> bool {
        self.exact() <= bound.units().saturating_mul(ONE.into())
    }
}

impl Look {
    /// Whether it lies within its bounds, which are inclusive.
    // Always inlined: where a reading is made its kind is known, and one comparison is left.
    #[must_use]
    #[inline(always)]
    pub fn holds(&self) -> bool {
        match *self {
            Self::Price { price, bounds, .. } => bounds.passes(price),
            Self::Distance { price, average, band } => band.passes(price, average),
            Self::Quantity { quantity, bounds, .. } => !quantity.is_zero() && bounds.passes(quantity),
            Self::Value { value, at_least, at_most } => {
                at_least.is_none_or(|least| value.is_at_least(least))
                    && at_most.is_none_or(|most| value.is_at_most(most))
            }
            Self::Moved { value, at_most, .. } => value.is_at_most(at_most),
            Self::Position { held, open_buys, quantity, at_most } => {
                let sum = held.checked_add(open_buys).and_then(|sum| sum.checked_add(quantity.into()));
                sum.is_some_and(|sum| sum <= at_most)
            }
            Self::Count { there, adding, at_most } => there + adding <= at_most as usize,
            Self::Parts { parts, at_most } => parts <= i64::from(at_most),
            Self::Delta { delta, at_least, at_most } => at_least <= delta && delta <= at_most,
        }
    }
}

/// Who is shown readings. Most orders are judged with nobody looking: then none is made.
pub trait See {
    /// Whether somebody looks.
    fn looks(&self) -> bool;
    /// Shows a reading.
    fn see(&mut self, reading: Reading);
}

/// Nobody.
impl See for () {
    #[inline]
    fn looks(&self) -> bool {
        false
    }
    fn see(&mut self, _: Reading) {}
}

impl<F: FnMut(Reading)> See for F {
    #[inline]
    fn looks(&self) -> bool {
        true
    }
    fn see(&mut self, reading: Reading) {
        self(reading);
    }
}

impl Reading {
    /// What follows from it, after `see` was shown it.
    #[inline(always)]
    pub(super) fn judge(filter: FilterName, look: Look, see: &mut impl See) -> Result<(), Refusal> {
        if see.looks() {
            see.see(Self { filter, look });
        }
        if look.holds() { Ok(()) } else { Err(Refusal::new(-1013, filter.failure())) }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.look.holds()
    }
}
