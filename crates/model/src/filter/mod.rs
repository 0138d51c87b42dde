//! The exchange's filters (`filters.md`): as data, and judged at their exact bounds.
//!
//! For: all symbol, exchange and asset filters. Not for: reading them (`instrument`), deciding
//! which reference price is in force (the caller gives it) and not for repairing an order
//! (`fit`). Bounds are inclusive; multipliers compare exactly, without rounding.

use crate::command::{OrderKind, OrderRequest, OrderSize, Trigger};
use crate::execution::Refusal;
use crate::number::{Amount, ONE, Price, Quantity, Rate};
use crate::order::{Order, Side};
use crate::text::Asset;

/// Bounds and tick of prices. A part of zero is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PriceFilter {
    pub min_price: Price,
    pub max_price: Price,
    pub tick_size: Price,
}

/// Bounds and step of quantities. A maximum or step of zero is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct LotSize {
    pub min_qty: Quantity,
    pub max_qty: Quantity,
    pub step_size: Quantity,
}

/// How far a price may lie from the average, for one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    fn prices(&self) -> impl Iterator<Item = Price> {
        [self.price, self.pegged_price].into_iter().flatten()
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

/// The value of an order as the filters see it, exactly: in units of 1e-16.
#[derive(Clone, Copy)]
struct Value(i128);

impl Value {
    fn of(price: Price, quantity: Quantity) -> Self {
        Self(i128::from(price.units()) * i128::from(quantity.units()))
    }
    fn at_least(self, bound: Amount) -> bool {
        self.0 >= bound.units().saturating_mul(ONE.into())
    }
    fn at_most(self, bound: Amount) -> bool {
        self.0 <= bound.units().saturating_mul(ONE.into())
    }
}

/// `Filter failure: NAME`, code -1013.
const fn failure(text: &'static str) -> Refusal {
    Refusal::new(-1013, text)
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

    /// Judges a request in the order of `filters.md`; `adding` is what it would open.
    ///
    /// `reference` answers with the price that stands for the market over so many minutes.
    pub fn check(
        &self,
        request: &OrderRequest,
        judged: Judged,
        position: &OpenPosition,
        adding: Counts,
        reference: &mut dyn FnMut(u32) -> Price,
    ) -> Result<(), Refusal> {
        let prices = judged.prices().chain(request.stop_price());
        if self.price_filter.is_some_and(|f| !prices.into_iter().all(|price| f.passes(price))) {
            return Err(failure("Filter failure: PRICE_FILTER"));
        }
        self.check_distance(judged, reference)?;
        self.check_size(request, judged, reference)?;
        self.check_counts(position.on_symbol, Counts { order_lists: 0, ..adding })?;
        let quantity = judged.quantity.unwrap_or_default();
        if request.side == Side::Buy && self.max_position.is_some_and(|max| position.beyond(max, quantity)) {
            return Err(failure("Filter failure: MAX_POSITION"));
        }
        self.check_trailing_delta(request)?;
        self.check_counts(position.on_symbol, Counts { order_lists: adding.order_lists, ..Counts::default() })
    }

    /// What depends on the quantity, where it is known: LOT_SIZE, MIN_NOTIONAL, NOTIONAL,
    /// ICEBERG_PARTS, MARKET_LOT_SIZE.
    pub fn check_size(
        &self,
        request: &OrderRequest,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
    ) -> Result<(), Refusal> {
        if let Some(quantity) = judged.quantity {
            self.check_lot_size(quantity)?;
            if let Some(shown) = request.iceberg_quantity {
                self.check_lot_size(shown)?;
            }
        }
        self.check_value(judged, reference)?;
        self.check_iceberg_parts(request, judged)?;
        self.check_market_lot_size(judged)
    }

    /// What is judged again when a contingent or pending order goes onto the book (rule 5.4).
    pub fn check_again(&self, judged: Judged, reference: &mut dyn FnMut(u32) -> Price) -> Result<(), Refusal> {
        self.check_distance(judged, reference)?;
        self.check_value(judged, reference)
    }

    /// The filters that count open orders and lists; `adding` is what the request would open.
    pub fn check_counts(&self, open: Counts, adding: Counts) -> Result<(), Refusal> {
        let limits = [
            (self.max_num_orders, "Filter failure: MAX_NUM_ORDERS"),
            (self.max_num_algo_orders, "Filter failure: MAX_NUM_ALGO_ORDERS"),
            (self.max_num_iceberg_orders, "Filter failure: MAX_NUM_ICEBERG_ORDERS"),
            (self.max_num_order_lists, "Filter failure: MAX_NUM_ORDER_LISTS"),
        ];
        open.with(adding, limits)
    }

    /// PERCENT_PRICE and PERCENT_PRICE_BY_SIDE: they look at `price` only.
    fn check_distance(&self, judged: Judged, reference: &mut dyn FnMut(u32) -> Price) -> Result<(), Refusal> {
        for price in judged.prices() {
            let mut outside = |f: PercentPrice| !f.band(judged.side).passes(price, reference(f.avg_price_mins));
            if self.percent_price.is_some_and(&mut outside) {
                return Err(failure("Filter failure: PERCENT_PRICE"));
            }
            if self.percent_price_by_side.is_some_and(outside) {
                return Err(failure("Filter failure: PERCENT_PRICE_BY_SIDE"));
            }
        }
        Ok(())
    }

    /// LOT_SIZE of a quantity or of the part of it that is shown. Nothing at all is no
    /// quantity, whatever the bounds (rule 5.1).
    pub fn check_lot_size(&self, quantity: Quantity) -> Result<(), Refusal> {
        if quantity.is_zero() || self.lot_size.is_some_and(|f| !f.passes(quantity)) {
            return Err(failure("Filter failure: LOT_SIZE"));
        }
        Ok(())
    }

    /// MARKET_LOT_SIZE, of orders that trade at whatever the market gives.
    pub fn check_market_lot_size(&self, judged: Judged) -> Result<(), Refusal> {
        match (judged.quantity.filter(|_| judged.is_market), self.market_lot_size) {
            (Some(quantity), Some(f)) if !f.passes(quantity) => Err(failure("Filter failure: MARKET_LOT_SIZE")),
            _ => Ok(()),
        }
    }

    /// MIN_NOTIONAL and NOTIONAL.
    pub fn check_value(&self, judged: Judged, reference: &mut dyn FnMut(u32) -> Price) -> Result<(), Refusal> {
        let Some(quantity) = judged.quantity else { return Ok(()) };
        if judged.is_market {
            let mut value = |minutes| match judged.money {
                Some(money) => Value(money.units().saturating_mul(ONE.into())),
                None => Value::of(reference(minutes), quantity),
            };
            return self.check_values(true, &mut value);
        }
        for price in judged.prices() {
            self.check_values(false, &mut |_| Value::of(price, quantity))?;
        }
        Ok(())
    }

    fn check_values(&self, is_market: bool, value: &mut dyn FnMut(u32) -> Value) -> Result<(), Refusal> {
        if let Some(f) = self.min_notional
            && (!is_market || f.apply_to_market)
            && !value(f.avg_price_mins).at_least(f.min_notional)
        {
            return Err(failure("Filter failure: MIN_NOTIONAL"));
        }
        if let Some(f) = self.notional {
            let min_applies = !is_market || f.apply_min_to_market;
            let max_applies = f.max_notional.is_some() && (!is_market || f.apply_max_to_market);
            let value = (min_applies || max_applies).then(|| value(f.avg_price_mins));
            let below = value.is_some_and(|v| min_applies && !v.at_least(f.min_notional));
            let above = value.is_some_and(|v| max_applies && f.max_notional.is_some_and(|max| !v.at_most(max)));
            if below || above {
                return Err(failure("Filter failure: NOTIONAL"));
            }
        }
        Ok(())
    }

    /// ICEBERG_PARTS: the quantity over the shown part, rounded up.
    fn check_iceberg_parts(&self, request: &OrderRequest, judged: Judged) -> Result<(), Refusal> {
        let (Some(limit), Some(shown), Some(quantity)) =
            (self.iceberg_parts, request.iceberg_quantity, judged.quantity)
        else {
            return Ok(());
        };
        // The quotient rounded up, of positive numbers.
        let parts = (quantity.units() - 1) / shown.units() + 1;
        if parts > i64::from(limit) { Err(failure("Filter failure: ICEBERG_PARTS")) } else { Ok(()) }
    }

    /// TRAILING_DELTA: other bounds for triggers above the market than for those below it.
    fn check_trailing_delta(&self, request: &OrderRequest) -> Result<(), Refusal> {
        let (Some(f), Some(trigger)) = (self.trailing_delta, request.trigger) else { return Ok(()) };
        let Some(delta) = trigger.trailing_delta else { return Ok(()) };
        let bounds = if Trigger::is_above(trigger.kind, request.side) {
            f.min_trailing_above_delta..=f.max_trailing_above_delta
        } else {
            f.min_trailing_below_delta..=f.max_trailing_below_delta
        };
        if bounds.contains(&delta) { Ok(()) } else { Err(failure("Filter failure: TRAILING_DELTA")) }
    }
}

impl ExchangeFilters {
    /// The filters that count open orders and lists on all symbols.
    pub fn check_counts(&self, open: Counts, adding: Counts) -> Result<(), Refusal> {
        let limits = [
            (self.max_num_orders, "Filter failure: EXCHANGE_MAX_NUM_ORDERS"),
            (self.max_num_algo_orders, "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS"),
            (self.max_num_iceberg_orders, "Filter failure: EXCHANGE_MAX_NUM_ICEBERG_ORDERS"),
            (self.max_num_order_lists, "Filter failure: EXCHANGE_MAX_NUM_ORDER_LISTS"),
        ];
        open.with(adding, limits)
    }

    /// MAX_ASSET: the most of an asset that one order may transact; of the base asset its
    /// quantity, of the quote asset its value.
    pub fn check_assets(
        &self,
        (base, quote): (Asset, Asset),
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
    ) -> Result<(), Refusal> {
        let Some(quantity) = judged.quantity else { return Ok(()) };
        for (asset, limit) in &self.max_asset {
            let over = if *asset == base {
                Amount::from(quantity) > *limit
            } else if *asset == quote {
                let price = judged.prices().max().unwrap_or_else(|| reference(0));
                let value = judged.money.map_or(Value::of(price, quantity), |m| Value(m.units() * i128::from(ONE)));
                !value.at_most(*limit)
            } else {
                false
            };
            if over {
                return Err(failure("Filter failure: MAX_ASSET"));
            }
        }
        Ok(())
    }
}

impl Counts {
    /// Whether so many more may be opened; limits of orders, algo orders, iceberg orders and
    /// lists, each with what is said beyond it.
    fn with(self, adding: Self, limits: [(Option<u32>, &'static str); 4]) -> Result<(), Refusal> {
        let of = |counts: Self| [counts.orders, counts.algo_orders, counts.iceberg_orders, counts.order_lists];
        for ((open, adding), (max, text)) in of(self).into_iter().zip(of(adding)).zip(limits) {
            if adding > 0 && max.is_some_and(|max| open + adding > max as usize) {
                return Err(failure(text));
            }
        }
        Ok(())
    }
}

impl OpenPosition {
    /// What is left of all open BUY orders, pending ones too; of a list of the largest.
    #[must_use]
    pub fn open_buys<'a>(orders: impl Iterator<Item = &'a Order> + Clone) -> Amount {
        let buys = orders.filter(|order| order.side == Side::Buy);
        let is_largest = |order: &&Order| {
            let of_list = buys.clone().filter(|o| o.order_list_id.is_some() && o.order_list_id == order.order_list_id);
            of_list.into_iter().all(|o| (o.remaining(), order.order_id) <= (order.remaining(), o.order_id))
        };
        Amount::from_units(buys.clone().filter(is_largest).map(|order| i128::from(order.remaining().units())).sum())
    }

    /// Whether the position, with this order's quantity, is greater than the maximum.
    fn beyond(&self, max: Amount, quantity: Quantity) -> bool {
        self.base_total
            .checked_add(self.open_buy_quantity)
            .and_then(|sum| sum.checked_add(quantity.into()))
            .is_none_or(|sum| sum > max)
    }
}

#[cfg(test)]
mod tests;
