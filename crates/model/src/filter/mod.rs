//! The exchange's filters (`filters.md`): as data, and judged at their exact bounds.
//!
//! For: all symbol, exchange and asset filters. Not for: reading them (`instrument`), deciding
//! which reference price is in force (the caller gives it) and not for repairing an order
//! (`fit`). Bounds are inclusive; multipliers compare exactly, without rounding.

mod entries;
mod judge;
mod reading;
#[cfg(test)]
mod tests;

pub use reading::{FilterName, Look, Reading, See, Value};

use serde::Serialize;

use crate::command::{OrderKind, OrderRequest, OrderSize};
use crate::number::{Amount, ONE, Price, Quantity, Rate};
use crate::order::{Order, Side};
use crate::text::Asset;

/// Bounds and tick of prices. A part of zero is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PriceFilter {
    pub min_price: Price,
    pub max_price: Price,
    pub tick_size: Price,
}

/// Bounds and step of quantities. A maximum or step of zero is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct LotSize {
    pub min_qty: Quantity,
    pub max_qty: Quantity,
    pub step_size: Quantity,
}

/// How far a price may lie from the average, for one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PercentBand {
    pub multiplier_up: Rate,
    pub multiplier_down: Rate,
}

/// How far a price may lie from the average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PercentPrice {
    pub buy: PercentBand,
    pub sell: PercentBand,
    pub avg_price_mins: u32,
}

/// The least value of an order (`MIN_NOTIONAL`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct MinNotional {
    pub min_notional: Amount,
    pub apply_to_market: bool,
    pub avg_price_mins: u32,
}

/// The range of an order's value (`NOTIONAL`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Notional {
    pub min_notional: Amount,
    pub apply_min_to_market: bool,
    pub max_notional: Option<Amount>,
    pub apply_max_to_market: bool,
    pub avg_price_mins: u32,
}

/// The bounds of `trailingDelta`, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct TrailingDelta {
    pub min_trailing_above_delta: u32,
    pub max_trailing_above_delta: u32,
    pub min_trailing_below_delta: u32,
    pub max_trailing_below_delta: u32,
}

/// All symbol filters of one symbol. A filter that the symbol lacks is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "one field a filter, named as the exchange names them")]
pub struct Filters {
    pub price_filter: Option<PriceFilter>,
    pub percent_price: Option<PercentPrice>,
    pub percent_price_by_side: Option<PercentPrice>,
    pub lot_size: Option<LotSize>,
    pub min_notional: Option<MinNotional>,
    pub notional: Option<Notional>,
    pub iceberg_parts: Option<u32>,
    pub market_lot_size: Option<LotSize>,
    pub max_num_orders: Option<u32>,
    pub max_num_algo_orders: Option<u32>,
    pub max_num_iceberg_orders: Option<u32>,
    pub max_position: Option<Amount>,
    pub trailing_delta: Option<TrailingDelta>,
    pub max_num_order_amends: Option<u32>,
    pub max_num_order_lists: Option<u32>,
    /// Filters that this version does not know or cannot read, as they stood in the JSON.
    pub unknown: Vec<String>,
}

/// Filters of the exchange as a whole, and of assets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "one field a filter, named as the exchange names them")]
pub struct ExchangeFilters {
    pub max_num_orders: Option<u32>,
    pub max_num_algo_orders: Option<u32>,
    pub max_num_iceberg_orders: Option<u32>,
    pub max_num_order_lists: Option<u32>,
    /// `MAX_ASSET`: an asset with the most that one order may transact of it.
    pub max_asset: Vec<(Asset, Amount)>,
    /// Filters that this version does not know or cannot read, as they stood in the JSON.
    pub unknown: Vec<String>,
}

/// How many there are of what the filters limit in number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the filters' own words")]
pub struct Counts {
    pub orders: usize,
    pub algo_orders: usize,
    pub iceberg_orders: usize,
    pub order_lists: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.algo_orders += other.algo_orders;
        self.iceberg_orders += other.iceberg_orders;
        self.order_lists += other.order_lists;
    }
}

impl std::ops::SubAssign for Counts {
    fn sub_assign(&mut self, other: Self) {
        self.orders -= other.orders;
        self.algo_orders -= other.algo_orders;
        self.iceberg_orders -= other.iceberg_orders;
        self.order_lists -= other.order_lists;
    }
}

impl Counts {
    /// What one order of this kind counts for.
    #[must_use]
    pub const fn of(is_algo: bool, is_iceberg: bool) -> Self {
        Self { orders: 1, algo_orders: is_algo as usize, iceberg_orders: is_iceberg as usize, order_lists: 0 }
    }
}

/// What of the account the filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenPosition {
    /// Open on the symbol.
    pub on_symbol: Counts,
    /// Open on all symbols.
    pub on_exchange: Counts,
    /// Base asset, free and locked.
    pub base_total: Amount,
    /// What is left of all open BUY orders ([`Self::open_buys`]).
    pub open_buy_quantity: Amount,
}

/// What of an order the filters look at.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// Which way.
    pub side: Side,
    /// Whether it trades at whatever the market gives.
    pub is_market: bool,
    /// The limit that was asked for.
    pub price: Option<Price>,
    /// What its peg comes to.
    pub pegged_price: Option<Price>,
    /// Base quantity; `None` while it waits for what another order receives.
    pub quantity: Option<Quantity>,
    /// The quote quantity that sized it.
    pub money: Option<Amount>,
}

impl Judged {
    /// A request at the prices and the quantity that it comes to.
    #[must_use]
    pub fn of(request: &OrderRequest, quantity: Option<Quantity>, pegged_price: Option<Price>) -> Self {
        Self {
            side: request.side,
            is_market: request.kind == OrderKind::Market,
            price: request.price(),
            pegged_price,
            quantity,
            money: match request.size {
                OrderSize::Quote(money) => Some(money),
                OrderSize::Base(_) | OrderSize::Received => None,
            },
        }
    }

    /// An order that is there, at a quantity.
    #[must_use]
    pub fn of_order(order: &Order, quantity: Quantity) -> Self {
        let given = |price: Price| (!price.is_zero()).then_some(price);
        Self {
            side: order.side,
            is_market: order.order_type.is_market(),
            price: given(order.price),
            pegged_price: given(order.pegged_price),
            quantity: Some(quantity),
            money: None,
        }
    }

    /// All limits that must pass: a pegged order's own price and the price on the book.
    const fn limits(&self) -> [Option<Price>; 2] {
        [self.price, self.pegged_price]
    }
}

impl PriceFilter {
    /// Whether a price obeys every part that is switched on.
    #[must_use]
    pub fn passes(&self, price: Price) -> bool {
        (self.min_price.is_zero() || price >= self.min_price)
            && (self.max_price.is_zero() || price <= self.max_price)
            && price.floor_to(self.tick_size) == price
    }
}

impl LotSize {
    /// Whether a quantity obeys the bounds and the step.
    #[must_use]
    pub fn passes(&self, quantity: Quantity) -> bool {
        quantity >= self.min_qty
            && (self.max_qty.is_zero() || quantity <= self.max_qty)
            && quantity.floor_to(self.step_size) == quantity
    }
}

impl PercentBand {
    /// Whether a price lies within average × down and average × up.
    #[must_use]
    pub fn passes(&self, price: Price, average: Price) -> bool {
        let scaled = i128::from(price.units()) * i128::from(ONE);
        let average = i128::from(average.units());
        scaled <= average * i128::from(self.multiplier_up.units())
            && scaled >= average * i128::from(self.multiplier_down.units())
    }
}

impl PercentPrice {
    /// The band of a side.
    #[must_use]
    pub const fn band(&self, side: Side) -> PercentBand {
        match side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        }
    }
}

impl Filters {
    /// The tick, or one unit of 1e-8 where there is none.
    #[must_use]
    pub fn tick(&self) -> Price {
        let tick = self.price_filter.map_or(Price::ZERO, |f| f.tick_size);
        if tick.is_zero() { Price::from_units(1) } else { tick }
    }

    /// The step, or one unit of 1e-8 where there is none.
    #[must_use]
    pub fn step(&self) -> Quantity {
        let step = self.lot_size.map_or(Quantity::ZERO, |f| f.step_size);
        if step.is_zero() { Quantity::from_units(1) } else { step }
    }

    /// The least quantity of which every multiple obeys the steps of market orders, those of
    /// LOT_SIZE and of MARKET_LOT_SIZE.
    #[must_use]
    pub fn market_step(&self) -> Quantity {
        let step = self.step();
        match self.market_lot_size.map(|f| f.step_size) {
            None | Some(Quantity::ZERO) => step,
            Some(of_market) => {
                let (a, b) = (step.units(), of_market.units());
                // Where it is beyond all quantities, none but zero obeys both.
                Quantity::from_units((a / greatest_common_divisor(a, b)).saturating_mul(b))
            }
        }
    }

    /// The filters that there are.
    #[must_use]
    pub fn names(&self) -> Vec<FilterName> {
        there_are(&[
            (FilterName::PriceFilter, self.price_filter.is_some()),
            (FilterName::PercentPrice, self.percent_price.is_some()),
            (FilterName::PercentPriceBySide, self.percent_price_by_side.is_some()),
            (FilterName::LotSize, self.lot_size.is_some()),
            (FilterName::MinNotional, self.min_notional.is_some()),
            (FilterName::Notional, self.notional.is_some()),
            (FilterName::IcebergParts, self.iceberg_parts.is_some()),
            (FilterName::MarketLotSize, self.market_lot_size.is_some()),
            (FilterName::MaxNumOrders, self.max_num_orders.is_some()),
            (FilterName::MaxNumAlgoOrders, self.max_num_algo_orders.is_some()),
            (FilterName::MaxNumIcebergOrders, self.max_num_iceberg_orders.is_some()),
            (FilterName::MaxPosition, self.max_position.is_some()),
            (FilterName::TrailingDelta, self.trailing_delta.is_some()),
            (FilterName::MaxNumOrderAmends, self.max_num_order_amends.is_some()),
            (FilterName::MaxNumOrderLists, self.max_num_order_lists.is_some()),
        ])
    }
}

impl OpenPosition {
    /// What is left of all open BUY orders, pending ones too; of a list of the largest (rule
    /// 8.15).
    #[must_use]
    pub fn open_buys<'a>(orders: impl Iterator<Item = &'a Order> + Clone) -> Amount {
        let buys = orders.filter(|order| order.side == Side::Buy);
        let is_largest = |order: &&Order| {
            let of_list = buys.clone().filter(|o| o.order_list_id.is_some() && o.order_list_id == order.order_list_id);
            order.order_list_id.is_none()
                || of_list.into_iter().all(|o| (o.remaining(), order.order_id) <= (order.remaining(), o.order_id))
        };
        Amount::from_units(buys.clone().filter(is_largest).map(|order| i128::from(order.remaining().units())).sum())
    }
}

impl ExchangeFilters {
    /// The filters that there are.
    #[must_use]
    pub fn names(&self) -> Vec<FilterName> {
        there_are(&[
            (FilterName::ExchangeMaxNumOrders, self.max_num_orders.is_some()),
            (FilterName::ExchangeMaxNumAlgoOrders, self.max_num_algo_orders.is_some()),
            (FilterName::ExchangeMaxNumIcebergOrders, self.max_num_iceberg_orders.is_some()),
            (FilterName::ExchangeMaxNumOrderLists, self.max_num_order_lists.is_some()),
            (FilterName::MaxAsset, !self.max_asset.is_empty()),
        ])
    }
}

const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn there_are(filters: &[(FilterName, bool)]) -> Vec<FilterName> {
    filters.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect()
}
