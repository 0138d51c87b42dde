//! Which readings an order is held to, in the order of `filters.md`. Every function here shows
//! each of them to `see` and ends at the first that does not hold.
//!
//! `reference` answers with the price that stands for the market over so many minutes; it is
//! asked only where that price decides.

use super::reading::{FilterName, Look, Reading, See, Value};
use super::{Counts, ExchangeFilters, Filters, Judged, OpenPosition, PercentPrice};
use crate::command::{OrderRequest, Trigger};
use crate::execution::Refusal;
use crate::number::{Amount, Price, Quantity};
use crate::order::Side;
use crate::text::Asset;

impl Filters {
    /// Judges a request; `adding` is what it would open.
    pub fn check(
        &self,
        request: &OrderRequest,
        judged: Judged,
        position: &OpenPosition,
        adding: Counts,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        self.check_price("price", judged.price, see)?;
        self.check_price("pegged price", judged.pegged_price, see)?;
        self.check_price("stopPrice", request.stop_price(), see)?;
        self.check_distance(judged, reference, see)?;
        self.check_size(request, judged, reference, see)?;
        self.check_counts(position.on_symbol, Counts { order_lists: 0, ..adding }, see)?;
        if let (Side::Buy, Some(at_most)) = (request.side, self.max_position) {
            let (held, open_buys) = (position.base_total, position.open_buy_quantity);
            let look = Look::Position { held, open_buys, quantity: judged.quantity.unwrap_or_default(), at_most };
            Reading::judge(FilterName::MaxPosition, look, see)?;
        }
        self.check_trailing_delta(request, see)?;
        self.check_counts(position.on_symbol, Counts { order_lists: adding.order_lists, ..Counts::default() }, see)
    }

    /// What depends on the quantity, where that is known.
    #[inline]
    pub fn check_size(
        &self,
        request: &OrderRequest,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        if let Some(quantity) = judged.quantity {
            self.check_lot_size("quantity", quantity, see)?;
            if let Some(shown) = request.iceberg_quantity {
                self.check_lot_size("icebergQty", shown, see)?;
            }
        }
        self.check_value(judged, reference, see)?;
        self.check_iceberg_parts(request, judged, see)?;
        self.check_market_lot_size("quantity", judged, see)
    }

    /// What is judged when an open order gets another quantity, and keeps all else.
    pub fn check_quantity(
        &self,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        self.check_lot_size("newQty", judged.quantity.unwrap_or_default(), see)?;
        self.check_value(judged, reference, see)?;
        self.check_market_lot_size("newQty", judged, see)
    }

    /// What is judged again when a contingent or pending order goes onto the book (rule 5.4).
    pub fn check_again(
        &self,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        // A peg has only now come to a price.
        self.check_price("pegged price", judged.pegged_price, see)?;
        self.check_distance(judged, reference, see)?;
        self.check_value(judged, reference, see)
    }

    /// The filters that count open orders and lists; `adding` is what the request would open.
    #[inline]
    pub fn check_counts(&self, open: Counts, adding: Counts, see: &mut impl See) -> Result<(), Refusal> {
        let limits = [
            (FilterName::MaxNumOrders, self.max_num_orders),
            (FilterName::MaxNumAlgoOrders, self.max_num_algo_orders),
            (FilterName::MaxNumIcebergOrders, self.max_num_iceberg_orders),
            (FilterName::MaxNumOrderLists, self.max_num_order_lists),
        ];
        open.check(adding, limits, see)
    }

    /// MAX_NUM_ORDER_AMENDS; it has a code of its own.
    pub fn check_amends(&self, amended: u32, see: &mut impl See) -> Result<(), Refusal> {
        let Some(at_most) = self.max_num_order_amends else { return Ok(()) };
        let look = Look::Count { there: amended as usize, adding: 1, at_most };
        Reading::judge(FilterName::MaxNumOrderAmends, look, see).map_err(|r| Refusal { code: -2038, ..r })
    }

    /// PRICE_FILTER, of a price that there is.
    #[inline]
    fn check_price(&self, parameter: &'static str, price: Option<Price>, see: &mut impl See) -> Result<(), Refusal> {
        match (price, self.price_filter) {
            (Some(price), Some(bounds)) => {
                Reading::judge(FilterName::PriceFilter, Look::Price { parameter, price, bounds }, see)
            }
            _ => Ok(()),
        }
    }

    /// PERCENT_PRICE and PERCENT_PRICE_BY_SIDE: they look at `price` only.
    #[inline]
    fn check_distance(
        &self,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        let [price, pegged_price] = judged.limits();
        self.check_distance_of(price, judged.side, reference, see)?;
        self.check_distance_of(pegged_price, judged.side, reference, see)
    }

    #[inline]
    fn check_distance_of(
        &self,
        price: Option<Price>,
        side: Side,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        let Some(price) = price else { return Ok(()) };
        let mut look = |f: PercentPrice| {
            let (average, band) = (reference(f.avg_price_mins), f.band(side));
            Look::Distance { price, average, band }
        };
        if let Some(f) = self.percent_price {
            Reading::judge(FilterName::PercentPrice, look(f), see)?;
        }
        if let Some(f) = self.percent_price_by_side {
            Reading::judge(FilterName::PercentPriceBySide, look(f), see)?;
        }
        Ok(())
    }

    /// LOT_SIZE of a quantity or of the part of it that is shown. Nothing at all is no
    /// quantity, whatever the bounds (rule 5.1).
    #[inline]
    fn check_lot_size(&self, parameter: &'static str, quantity: Quantity, see: &mut impl See) -> Result<(), Refusal> {
        let bounds = self.lot_size.unwrap_or_default();
        Reading::judge(FilterName::LotSize, Look::Quantity { parameter, quantity, bounds }, see)
    }

    #[inline]
    fn check_market_lot_size(
        &self,
        parameter: &'static str,
        judged: Judged,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        match (judged.quantity, self.market_lot_size) {
            (Some(quantity), Some(bounds)) if judged.is_market => {
                Reading::judge(FilterName::MarketLotSize, Look::Quantity { parameter, quantity, bounds }, see)
            }
            _ => Ok(()),
        }
    }

    /// MIN_NOTIONAL and NOTIONAL.
    #[inline]
    fn check_value(
        &self,
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        let Some(quantity) = judged.quantity else { return Ok(()) };
        if judged.is_market {
            let mut value = |minutes| match judged.money {
                Some(money) => Value::Plain(money),
                None => Value::Product { price: reference(minutes), quantity },
            };
            return self.check_values(true, &mut value, see);
        }
        for price in judged.limits().into_iter().flatten() {
            self.check_values(false, &mut |_| Value::Product { price, quantity }, see)?;
        }
        Ok(())
    }

    #[inline]
    fn check_values(
        &self,
        is_market: bool,
        value: &mut impl FnMut(u32) -> Value,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        if let Some(f) = self.min_notional.filter(|f| !is_market || f.apply_to_market) {
            let value = value(f.avg_price_mins);
            let look = Look::Value { value, at_least: Some(f.min_notional), at_most: None };
            Reading::judge(FilterName::MinNotional, look, see)?;
        }
        if let Some(f) = self.notional {
            let at_least = Some(f.min_notional).filter(|_| !is_market || f.apply_min_to_market);
            let at_most = f.max_notional.filter(|_| !is_market || f.apply_max_to_market);
            if at_least.is_some() || at_most.is_some() {
                let look = Look::Value { value: value(f.avg_price_mins), at_least, at_most };
                Reading::judge(FilterName::Notional, look, see)?;
            }
        }
        Ok(())
    }

    /// ICEBERG_PARTS: the quantity over the shown part, rounded up.
    #[inline]
    fn check_iceberg_parts(&self, request: &OrderRequest, judged: Judged, see: &mut impl See) -> Result<(), Refusal> {
        let (Some(at_most), Some(shown), Some(quantity)) =
            (self.iceberg_parts, request.iceberg_quantity, judged.quantity)
        else {
            return Ok(());
        };
        // The quotient rounded up, of positive numbers.
        let parts = (quantity.units() - 1) / shown.units() + 1;
        Reading::judge(FilterName::IcebergParts, Look::Parts { parts, at_most }, see)
    }

    /// TRAILING_DELTA: other bounds for triggers above the market than for those below it.
    #[inline]
    fn check_trailing_delta(&self, request: &OrderRequest, see: &mut impl See) -> Result<(), Refusal> {
        let (Some(f), Some(trigger)) = (self.trailing_delta, request.trigger) else { return Ok(()) };
        let Some(delta) = trigger.trailing_delta else { return Ok(()) };
        let (at_least, at_most) = if Trigger::is_above(trigger.kind, request.side) {
            (f.min_trailing_above_delta, f.max_trailing_above_delta)
        } else {
            (f.min_trailing_below_delta, f.max_trailing_below_delta)
        };
        Reading::judge(FilterName::TrailingDelta, Look::Delta { delta, at_least, at_most }, see)
    }
}

impl ExchangeFilters {
    /// The filters that count open orders and lists on all symbols.
    #[inline]
    pub fn check_counts(&self, open: Counts, adding: Counts, see: &mut impl See) -> Result<(), Refusal> {
        let limits = [
            (FilterName::ExchangeMaxNumOrders, self.max_num_orders),
            (FilterName::ExchangeMaxNumAlgoOrders, self.max_num_algo_orders),
            (FilterName::ExchangeMaxNumIcebergOrders, self.max_num_iceberg_orders),
            (FilterName::ExchangeMaxNumOrderLists, self.max_num_order_lists),
        ];
        open.check(adding, limits, see)
    }

    /// MAX_ASSET: the most of an asset that one order may transact; of the base asset its
    /// quantity, of the quote asset its value.
    #[inline]
    pub fn check_assets(
        &self,
        (base, quote): (Asset, Asset),
        judged: Judged,
        reference: &mut dyn FnMut(u32) -> Price,
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        let Some(quantity) = judged.quantity else { return Ok(()) };
        for (asset, at_most) in &self.max_asset {
            let value = match judged.money {
                _ if *asset == base => Value::Plain(Amount::from(quantity)),
                _ if *asset != quote => continue,
                Some(money) => Value::Plain(money),
                None => Value::Product {
                    price: judged.limits().into_iter().flatten().max().unwrap_or_else(|| reference(0)),
                    quantity,
                },
            };
            let look = Look::Moved { asset: *asset, value, at_most: *at_most };
            Reading::judge(FilterName::MaxAsset, look, see)?;
        }
        Ok(())
    }
}

impl Counts {
    /// Whether so many more may be opened; limits of orders, algo orders, iceberg orders and
    /// lists.
    #[inline]
    fn check(
        self,
        adding: Self,
        [orders, algo_orders, iceberg_orders, order_lists]: [(FilterName, Option<u32>); 4],
        see: &mut impl See,
    ) -> Result<(), Refusal> {
        check_count(orders, self.orders, adding.orders, see)?;
        check_count(algo_orders, self.algo_orders, adding.algo_orders, see)?;
        check_count(iceberg_orders, self.iceberg_orders, adding.iceberg_orders, see)?;
        check_count(order_lists, self.order_lists, adding.order_lists, see)
    }
}

#[inline]
fn check_count(
    (filter, most): (FilterName, Option<u32>),
    there: usize,
    adding: usize,
    see: &mut impl See,
) -> Result<(), Refusal> {
    match most {
        Some(at_most) if adding > 0 => Reading::judge(filter, Look::Count { there, adding, at_most }, see),
        _ => Ok(()),
    }
}
