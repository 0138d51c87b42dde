//! The exchange's filters (`filters.md`): as data, and judged at their exact bounds.
//!
//! For: parsing all of them and evaluating those that a thin order needs. Not for: deciding
//! which reference price is in force (the caller gives it) and not for repairing an order
//! (`fit`). Bounds are inclusive; multipliers compare exactly, without rounding.

use crate::execution::Refusal;
use crate::number::{Amount, ONE, Price, Quantity, Rate};
use crate::order::{OrderKind, OrderRequest, OrderSize, Side};

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
    pub max_asset: Vec<(crate::text::Asset, Amount)>,
    /// Filters that this version does not know or cannot read, as they stood in the JSON.
    pub unknown: Vec<String>,
}

/// What of the account the filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenPosition {
    /// Open orders of the symbol.
    pub open_orders: usize,
    /// Base asset, free and locked.
    pub base_total: Amount,
    /// Sum of the quantities of all open BUY orders.
    pub open_buy_quantity: Amount,
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

    /// Judges a request in the order of `filters.md`.
    ///
    /// `quantity` is the request's own, or what its quote amount comes to at the execution
    /// price (LOT_SIZE holds for that too). `reference` answers with the price that stands for
    /// the market over so many minutes.
    pub fn check(
        &self,
        request: &OrderRequest,
        quantity: Quantity,
        position: OpenPosition,
        reference: &mut dyn FnMut(u32) -> Price,
    ) -> Result<(), Refusal> {
        let price = request.kind.price();
        if let Some(price) = price {
            self.check_price(price, request.side, reference)?;
        }
        // Nothing at all is no quantity, whatever the bounds (rule 5.1).
        if quantity.is_zero() || self.lot_size.is_some_and(|f| !f.passes(quantity)) {
            return Err(failure("Filter failure: LOT_SIZE"));
        }
        self.check_value(request, quantity, reference)?;
        let is_market = request.kind == OrderKind::Market;
        if is_market && self.market_lot_size.is_some_and(|f| !f.passes(quantity)) {
            return Err(failure("Filter failure: MARKET_LOT_SIZE"));
        }
        if self.max_num_orders.is_some_and(|max| position.open_orders >= max as usize) {
            return Err(failure("Filter failure: MAX_NUM_ORDERS"));
        }
        if request.side == Side::Buy && self.max_position.is_some_and(|max| position.beyond(max, quantity)) {
            return Err(failure("Filter failure: MAX_POSITION"));
        }
        Ok(())
    }

    /// PRICE_FILTER, PERCENT_PRICE and PERCENT_PRICE_BY_SIDE of one price.
    fn check_price(&self, price: Price, side: Side, reference: &mut dyn FnMut(u32) -> Price) -> Result<(), Refusal> {
        if self.price_filter.is_some_and(|f| !f.passes(price)) {
            return Err(failure("Filter failure: PRICE_FILTER"));
        }
        let mut outside = |f: PercentPrice| !f.band(side).passes(price, reference(f.avg_price_mins));
        if self.percent_price.is_some_and(&mut outside) {
            return Err(failure("Filter failure: PERCENT_PRICE"));
        }
        if self.percent_price_by_side.is_some_and(outside) {
            return Err(failure("Filter failure: PERCENT_PRICE_BY_SIDE"));
        }
        Ok(())
    }

    /// MIN_NOTIONAL and NOTIONAL.
    fn check_value(
        &self,
        request: &OrderRequest,
        quantity: Quantity,
        reference: &mut dyn FnMut(u32) -> Price,
    ) -> Result<(), Refusal> {
        let is_market = request.kind == OrderKind::Market;
        let mut value = |minutes: u32| match (request.size, request.kind.price()) {
            (OrderSize::Quote(money), _) => Value(money.units().saturating_mul(ONE.into())),
            (OrderSize::Base(_), Some(price)) => Value::of(price, quantity),
            (OrderSize::Base(_), None) => Value::of(reference(minutes), quantity),
        };
        if let Some(f) = self.min_notional
            && (!is_market || f.apply_to_market)
            && !value(f.avg_price_mins).at_least(f.min_notional)
        {
            return Err(failure("Filter failure: MIN_NOTIONAL"));
        }
        if let Some(f) = self.notional {
            let min_applies = !is_market || f.apply_min_to_market;
            let max_applies = !is_market || f.apply_max_to_market;
            let value = (min_applies || max_applies).then(|| value(f.avg_price_mins));
            let below = value.is_some_and(|v| min_applies && !v.at_least(f.min_notional));
            let above = value.is_some_and(|v| max_applies && f.max_notional.is_some_and(|max| !v.at_most(max)));
            if below || above {
                return Err(failure("Filter failure: NOTIONAL"));
            }
        }
        Ok(())
    }
}

impl OpenPosition {
    /// Whether the position, with this order's quantity, is greater than the maximum.
    fn beyond(&self, max: Amount, quantity: Quantity) -> bool {
        self.base_total
            .checked_add(self.open_buy_quantity)
            .and_then(|sum| sum.checked_add(quantity.into()))
            .is_none_or(|sum| sum > max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::TimeInForce;
    use crate::text::Symbol;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }
    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }
    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn limit(side: Side, at: &str) -> OrderRequest {
        OrderRequest {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            side,
            kind: OrderKind::Limit { price: price(at), time_in_force: TimeInForce::Gtc },
            size: OrderSize::Base(Quantity::ZERO),
            client_order_id: None,
            self_trade_prevention: None,
        }
    }

    fn market(size: OrderSize) -> OrderRequest {
        OrderRequest { kind: OrderKind::Market, size, ..limit(Side::Buy, "1") }
    }

    /// The text of the failure, or "ok".
    fn verdict(filters: &Filters, request: &OrderRequest, qty: &str, average: &str) -> String {
        let average = price(average);
        match filters.check(request, quantity(qty), OpenPosition::default(), &mut |_| average) {
            Ok(()) => "ok".into(),
            Err(refusal) => {
                assert_eq!(refusal.code, -1013);
                refusal.text.replace("Filter failure: ", "")
            }
        }
    }

    #[test]
    fn price_filter_at_its_bounds() {
        let f = PriceFilter { min_price: price("0.02"), max_price: price("100"), tick_size: price("0.01") };
        let filters = Filters { price_filter: Some(f), ..Filters::default() };
        for (at, expected) in [
            ("0.02", "ok"),
            ("0.01", "PRICE_FILTER"),
            ("100", "ok"),
            ("100.01", "PRICE_FILTER"),
            ("50.005", "PRICE_FILTER"),
            ("50.01", "ok"),
        ] {
            assert_eq!(verdict(&filters, &limit(Side::Buy, at), "1", "50"), expected, "{at}");
        }
        let off = Filters { price_filter: Some(PriceFilter::default()), ..Filters::default() };
        assert_eq!(verdict(&off, &limit(Side::Buy, "0.00000001"), "1", "50"), "ok");
    }

    #[test]
    fn percent_price_by_side_at_its_bounds() {
        let band = |up: &str, down: &str| PercentBand {
            multiplier_up: up.parse().unwrap(),
            multiplier_down: down.parse().unwrap(),
        };
        let f = PercentPrice { buy: band("1.2", "0.5"), sell: band("2", "0.8"), avg_price_mins: 5 };
        let filters = Filters { percent_price_by_side: Some(f), ..Filters::default() };
        for (side, at, expected) in [
            (Side::Buy, "120", "ok"),
            (Side::Buy, "120.00000001", "PERCENT_PRICE_BY_SIDE"),
            (Side::Buy, "50", "ok"),
            (Side::Buy, "49.99999999", "PERCENT_PRICE_BY_SIDE"),
            (Side::Sell, "200", "ok"),
            (Side::Sell, "200.00000001", "PERCENT_PRICE_BY_SIDE"),
            (Side::Sell, "80", "ok"),
            (Side::Sell, "79.99999999", "PERCENT_PRICE_BY_SIDE"),
        ] {
            assert_eq!(verdict(&filters, &limit(side, at), "1", "100"), expected, "{side} {at}");
        }
        let both = Filters { percent_price: Some(f), ..Filters::default() };
        assert_eq!(verdict(&both, &limit(Side::Buy, "121"), "1", "100"), "PERCENT_PRICE");
        assert_eq!(verdict(&both, &market(OrderSize::Base(Quantity::ZERO)), "1", "100"), "ok");
    }

    #[test]
    fn lot_sizes_at_their_bounds() {
        let lot = LotSize { min_qty: quantity("0.1"), max_qty: quantity("9"), step_size: quantity("0.1") };
        let market_lot = LotSize { min_qty: Quantity::ZERO, max_qty: quantity("5"), step_size: Quantity::ZERO };
        let filters = Filters { lot_size: Some(lot), market_lot_size: Some(market_lot), ..Filters::default() };
        for (qty, as_limit, as_market) in [
            ("0", "LOT_SIZE", "LOT_SIZE"),
            ("0.09999999", "LOT_SIZE", "LOT_SIZE"),
            ("0.1", "ok", "ok"),
            ("0.15", "LOT_SIZE", "LOT_SIZE"),
            ("5", "ok", "ok"),
            ("5.1", "ok", "MARKET_LOT_SIZE"),
            ("9", "ok", "MARKET_LOT_SIZE"),
            ("9.1", "LOT_SIZE", "LOT_SIZE"),
        ] {
            assert_eq!(verdict(&filters, &limit(Side::Sell, "1"), qty, "1"), as_limit, "limit {qty}");
            let request = market(OrderSize::Base(quantity(qty)));
            assert_eq!(verdict(&filters, &request, qty, "1"), as_market, "market {qty}");
        }
    }

    #[test]
    fn notional_at_its_bounds() {
        let f = Notional {
            min_notional: amount("5"),
            apply_min_to_market: true,
            max_notional: Some(amount("100")),
            apply_max_to_market: false,
            avg_price_mins: 5,
        };
        let filters = Filters { notional: Some(f), ..Filters::default() };
        for (qty, expected) in [("4.99999999", "NOTIONAL"), ("5", "ok"), ("100", "ok"), ("100.00000001", "NOTIONAL")] {
            assert_eq!(verdict(&filters, &limit(Side::Buy, "1"), qty, "7"), expected, "{qty}");
        }
        // A market order is worth the average; the maximum does not apply to it here.
        let by_base = market(OrderSize::Base(Quantity::ZERO));
        assert_eq!(verdict(&filters, &by_base, "0.7", "7"), "NOTIONAL");
        assert_eq!(verdict(&filters, &by_base, "1000", "7"), "ok");
        let by_quote = market(OrderSize::Quote(amount("4.99999999")));
        assert_eq!(verdict(&filters, &by_quote, "1000", "7"), "NOTIONAL");
        let min = MinNotional { min_notional: amount("5"), apply_to_market: false, avg_price_mins: 0 };
        let old = Filters { min_notional: Some(min), ..Filters::default() };
        assert_eq!(verdict(&old, &limit(Side::Buy, "1"), "4.99999999", "7"), "MIN_NOTIONAL");
        assert_eq!(verdict(&old, &by_base, "0.00000001", "7"), "ok");
    }

    #[test]
    fn counts_and_positions() {
        let filters = Filters { max_num_orders: Some(2), max_position: Some(amount("10")), ..Filters::default() };
        let check = |open_orders, base: &str, qty: &str, side| {
            let position = OpenPosition { open_orders, base_total: amount(base), open_buy_quantity: amount("1") };
            filters.check(&limit(side, "1"), quantity(qty), position, &mut |_| price("1")).map_err(|r| r.text)
        };
        assert_eq!(check(1, "4", "5", Side::Buy), Ok(()));
        assert_eq!(check(2, "4", "5", Side::Buy), Err("Filter failure: MAX_NUM_ORDERS".into()));
        assert_eq!(check(1, "4", "5.00000001", Side::Buy), Err("Filter failure: MAX_POSITION".into()));
        assert_eq!(check(1, "40", "5", Side::Sell), Ok(()));
    }
}
