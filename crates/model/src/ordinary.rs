//! Whether an order is sure to be admitted and to pass all filters of its symbol: most are, and
//! what they obey are a few bounds that follow from the instrument once.
//!
//! For: saying yes at once. Not for: saying no. Of what is not sure every rule is judged where it
//! stands (`admission`, `filter`), one after the other.

use crate::command::{OrderKind, OrderRequest, OrderSize};
use crate::filter::PercentPrice;
use crate::instrument::Instrument;
use crate::number::{Amount, ONE, Price, Quantity};
use crate::order::{OrderType, Side, SymbolStatus};

/// What an order without anything optional is sure to pass with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordinary {
    market: Option<Bounds>,
    limit: Option<Bounds>,
    limit_maker: bool,
    by_quote: bool,
    buys: bool,
    /// How many orders may be open.
    orders: usize,
    prices: (Price, Price),
    tick: Price,
    distances: [Option<PercentPrice>; 2],
}

/// Bounds of quantity and value of one kind of orders, all filters taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    quantities: (Quantity, Quantity),
    step: Quantity,
    /// In units of 1e-16; `None` where nothing is asked of it.
    values: Option<(i128, i128)>,
    /// Over how many minutes the price is averaged that values a market order; `None` where
    /// filters disagree.
    minutes: Option<u32>,
}

impl Ordinary {
    /// What follows from an instrument.
    #[must_use]
    pub fn of(instrument: &Instrument) -> Self {
        let filters = &instrument.filters;
        let takes = |order_type: OrderType| instrument.order_types.contains(&order_type);
        let is_open = instrument.status == Some(SymbolStatus::Trading)
            && instrument.spot_allowed
            && instrument.base_precision >= crate::number::SCALE
            && instrument.quote_precision >= crate::number::SCALE;
        let bounds = filters.price_filter.unwrap_or_default();
        Self {
            market: (is_open && takes(OrderType::Market)).then(|| Bounds::of(instrument, true)),
            limit: (is_open && takes(OrderType::Limit)).then(|| Bounds::of(instrument, false)),
            limit_maker: takes(OrderType::LimitMaker),
            by_quote: instrument.allows.quote_order_qty_market,
            buys: filters.max_position.is_none(),
            orders: filters.max_num_orders.map_or(usize::MAX, |most| most as usize),
            prices: (bounds.min_price.max(Price::from_units(1)), or_any(bounds.max_price, Price::MAX)),
            tick: bounds.tick_size,
            distances: [filters.percent_price, filters.percent_price_by_side],
        }
    }

    /// Whether a request of so much base asset is sure to pass, with so many orders open on the
    /// symbol. `average` gives the price that stands for the market over so many minutes, if there
    /// is one.
    #[must_use]
    #[inline]
    pub fn passes(
        &self,
        request: &OrderRequest,
        quantity: Quantity,
        open: usize,
        mut average: impl FnMut(u32) -> Option<Price>,
    ) -> bool {
        if !request.is_plain() || open >= self.orders || (request.side == Side::Buy && !self.buys) {
            return false;
        }
        match request.kind {
            OrderKind::Market => self.market.is_some_and(|bounds| {
                bounds.hold(quantity)
                    && match request.size {
                        OrderSize::Base(_) => bounds.allow(|| Some(product(average(bounds.minutes?)?, quantity))),
                        OrderSize::Quote(money) => {
                            self.by_quote && bounds.allow(|| Some(money.units().saturating_mul(ONE.into())))
                        }
                        OrderSize::Received => false,
                    }
            }),
            OrderKind::LimitMaker { .. } if !self.limit_maker => false,
            OrderKind::Limit { price, .. } | OrderKind::LimitMaker { price } => self.limit.is_some_and(|bounds| {
                self.prices.0 <= price
                    && price <= self.prices.1
                    && price.floor_to(self.tick) == price
                    && bounds.hold(quantity)
                    && bounds.allow(|| Some(product(price, quantity)))
                    && self.distances.iter().flatten().all(|f| {
                        average(f.avg_price_mins).is_some_and(|average| f.band(request.side).passes(price, average))
                    })
            }),
        }
    }
}

impl Bounds {
    fn of(instrument: &Instrument, is_market: bool) -> Self {
        let filters = &instrument.filters;
        let lots = [filters.lot_size, filters.market_lot_size.filter(|_| is_market)];
        let lots = || lots.into_iter().flatten();
        let (mut least, mut most) = (Amount::ZERO, Amount::MAX);
        let mut minutes = Vec::new();
        if let Some(f) = filters.min_notional.filter(|f| !is_market || f.apply_to_market) {
            least = least.max(f.min_notional);
            minutes.push(f.avg_price_mins);
        }
        if let Some(f) = filters.notional {
            let (has_least, has_most) = (!is_market || f.apply_min_to_market, !is_market || f.apply_max_to_market);
            least = if has_least { least.max(f.min_notional) } else { least };
            most = f.max_notional.filter(|_| has_most).unwrap_or(most);
            if has_least || (has_most && f.max_notional.is_some()) {
                minutes.push(f.avg_price_mins);
            }
        }
        let exact = |amount: Amount| amount.units().saturating_mul(ONE.into());
        Self {
            quantities: (
                lots().map(|f| f.min_qty).max().unwrap_or_default().max(Quantity::from_units(1)),
                lots().map(|f| or_any(f.max_qty, Quantity::MAX)).min().unwrap_or(Quantity::MAX),
            ),
            step: if is_market { filters.market_step() } else { filters.step() },
            values: (!minutes.is_empty()).then(|| (exact(least), exact(most))),
            minutes: minutes.first().copied().filter(|first| minutes.len() == 1 || minutes.iter().all(|m| m == first)),
        }
    }

    #[inline]
    fn hold(&self, quantity: Quantity) -> bool {
        self.quantities.0 <= quantity && quantity <= self.quantities.1 && quantity.floor_to(self.step) == quantity
    }

    #[inline]
    fn allow(&self, value: impl FnOnce() -> Option<i128>) -> bool {
        self.values.is_none_or(|(least, most)| value().is_some_and(|value| least <= value && value <= most))
    }
}

impl OrderRequest {
    /// Whether there is nothing optional in it.
    #[inline]
    const fn is_plain(&self) -> bool {
        self.trigger.is_none()
            && self.iceberg_quantity.is_none()
            && self.peg.is_none()
            && self.self_trade_prevention.is_none()
    }
}

/// In units of 1e-16.
#[inline]
fn product(price: Price, quantity: Quantity) -> i128 {
    i128::from(price.units()).wrapping_mul(quantity.units().into())
}

/// A bound that is zero is switched off.
fn or_any<T: Default + PartialEq>(bound: T, any: T) -> T {
    if bound == T::default() { any } else { bound }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::{
        Counts, Filters, Judged, LotSize, MinNotional, Notional, OpenPosition, PercentBand, PriceFilter,
    };
    use crate::instrument::ExchangeInfo;
    use crate::number::Rate;
    use crate::order::TimeInForce;
    use crate::text::Symbol;

    fn instrument(filters: Filters, precision: u32) -> Instrument {
        let json = r#"{"serverTime":1725817008719,"symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
          "orderTypes":["LIMIT","MARKET"],"quoteOrderQtyMarketAllowed":true,"filters":[]}]}"#;
        let symbol = Symbol::new("AB").unwrap();
        let base = ExchangeInfo::parse(json).unwrap().instruments.remove(&symbol).unwrap();
        Instrument { filters, quote_precision: precision, ..base }
    }

    fn units() -> impl Strategy<Value = i64> {
        prop_oneof![Just(0), 1..20_i64, Just(ONE), 1..20 * ONE]
    }

    fn lot() -> impl Strategy<Value = Option<LotSize>> {
        prop::option::of((units(), units(), units()).prop_map(|(min, max, step)| LotSize {
            min_qty: Quantity::from_units(min),
            max_qty: Quantity::from_units(max),
            step_size: Quantity::from_units(step),
        }))
    }

    fn filters() -> impl Strategy<Value = Filters> {
        let price = prop::option::of((units(), units(), units()).prop_map(|(min, max, tick)| PriceFilter {
            min_price: Price::from_units(min),
            max_price: Price::from_units(max),
            tick_size: Price::from_units(tick),
        }));
        let amount = || units().prop_map(|units| Amount::from_units(units.into()));
        let minutes = || prop_oneof![Just(1_u32), Just(5)];
        let least = prop::option::of((amount(), any::<bool>(), minutes())).prop_map(|f| {
            f.map(|(min_notional, apply_to_market, avg_price_mins)| MinNotional {
                min_notional,
                apply_to_market,
                avg_price_mins,
            })
        });
        let notional = (amount(), any::<bool>(), prop::option::of(amount()), any::<bool>(), minutes());
        let range =
            prop::option::of(notional).prop_map(|f| {
                f.map(|(min_notional, apply_min_to_market, max_notional, apply_max_to_market, avg_price_mins)| {
                    Notional { min_notional, apply_min_to_market, max_notional, apply_max_to_market, avg_price_mins }
                })
            });
        let distance = prop::option::of((0..3_i64, minutes())).prop_map(|f| {
            let band = |up| PercentBand {
                multiplier_up: Rate::from_units(up * ONE),
                multiplier_down: Rate::from_units(ONE / 2),
            };
            f.map(|(up, avg_price_mins)| PercentPrice { buy: band(up), sell: band(2), avg_price_mins })
        });
        let counts = (prop::option::of(0..3_u32), prop::option::of(amount()));
        (price, lot(), lot(), least, range, distance, counts).prop_map(
            |(
                price_filter,
                lot_size,
                market_lot_size,
                min_notional,
                notional,
                distance,
                (max_num_orders, max_position),
            )| Filters {
                price_filter,
                lot_size,
                market_lot_size,
                min_notional,
                notional,
                percent_price: distance,
                percent_price_by_side: distance.filter(|f| f.avg_price_mins == 1),
                max_num_orders,
                max_position,
                ..Filters::default()
            },
        )
    }

    fn request() -> impl Strategy<Value = OrderRequest> {
        let kind = prop_oneof![
            Just(OrderKind::Market),
            units().prop_map(|price| OrderKind::LimitMaker { price: Price::from_units(price) }),
            units().prop_map(|price| OrderKind::Limit {
                price: Price::from_units(price),
                time_in_force: TimeInForce::Gtc
            }),
        ];
        let size = prop_oneof![
            units().prop_map(|units| OrderSize::Base(Quantity::from_units(units))),
            units().prop_map(|money| OrderSize::Quote(Amount::from_units(money.into()))),
        ];
        let side = prop::sample::select(Side::ALL);
        (side, kind, size, prop::option::of(units())).prop_map(|(side, kind, size, shown)| OrderRequest {
            iceberg_quantity: shown.filter(|shown| shown % 3 == 1).map(Quantity::from_units),
            ..OrderRequest::new(Symbol::new("AB").unwrap(), side, kind, size)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// What is sure to pass does, with the same price for the market.
        #[test]
        fn what_is_sure_passes(
            filters in filters(),
            precision in 6..=8_u32,
            request in request(),
            sized in units(),
            open in 0..3_usize,
            average in units(),
        ) {
            let instrument = instrument(filters, precision);
            let quantity = match request.size {
                OrderSize::Base(quantity) => quantity,
                _ => Quantity::from_units(sized),
            };
            let price = |minutes: u32| Price::from_units(average * i64::from(minutes));
            let is_sure = Ordinary::of(&instrument).passes(&request, quantity, open, |minutes| Some(price(minutes)));
            let on_symbol = Counts { orders: open, ..Counts::default() };
            let position = OpenPosition { on_symbol, ..OpenPosition::default() };
            let judged = Judged::of(&request, Some(quantity), None);
            let adding = Counts::of(false, request.iceberg_quantity.is_some());
            let verdict = instrument.admit(&request).and_then(|()| {
                instrument.filters.check(&request, judged, &position, adding, &mut |minutes| price(minutes), &mut ())
            });
            prop_assert!(!is_sure || verdict.is_ok(), "{verdict:?}");
        }
    }

    #[test]
    fn most_are_sure() {
        let lot = LotSize { step_size: Quantity::from_units(10), ..LotSize::default() };
        let least =
            MinNotional { min_notional: Amount::from_units(ONE.into()), apply_to_market: true, avg_price_mins: 5 };
        let filters = Filters { lot_size: Some(lot), min_notional: Some(least), ..Filters::default() };
        let ordinary = Ordinary::of(&instrument(filters, 8));
        let (symbol, quantity) = (Symbol::new("AB").unwrap(), Quantity::from_units(ONE));
        let sell = OrderRequest::new(symbol, Side::Sell, OrderKind::Market, OrderSize::Base(quantity));
        let sure = |average: Option<i64>| ordinary.passes(&sell, quantity, 0, |_| average.map(Price::from_units));
        assert!(sure(Some(ONE)) && !sure(Some(ONE - 1)) && !sure(None));
    }
}
