//! The words for filters: what one compared, and why one had nothing to compare.

use candlewick_model::FilterName;
use candlewick_model::filter::{Look, Reading, Value};

use super::facts::Assets;
use super::figures::{bounds, scaled, short, sum, worth};

impl Assets {
    pub(super) fn reading(&self, reading: &Reading) -> String {
        let on = |is_on: bool, text: String| is_on.then_some(text);
        match reading.look {
            Look::Price { parameter, price, bounds: b } => {
                let range = bounds(
                    on(!b.min_price.is_zero(), short(b.min_price)),
                    on(!b.max_price.is_zero(), short(b.max_price)),
                );
                let tick =
                    if b.tick_size.is_zero() { "no tick".to_owned() } else { format!("tick {}", short(b.tick_size)) };
                format!("{parameter} {}: {range}, {tick}", short(price))
            }
            Look::Distance { price, average, band } => {
                let (low, high) = (scaled(average, band.multiplier_down), scaled(average, band.multiplier_up));
                let (down, up) = (short(band.multiplier_down), short(band.multiplier_up));
                format!("price {}: {low} to {high}, which is {} × {down} to {up}", short(price), short(average))
            }
            Look::Quantity { parameter, quantity, bounds: b } => {
                let range =
                    bounds(on(!b.min_qty.is_zero(), short(b.min_qty)), on(!b.max_qty.is_zero(), short(b.max_qty)));
                let step =
                    if b.step_size.is_zero() { "no step".to_owned() } else { format!("step {}", short(b.step_size)) };
                format!("{parameter} {}: {range}, {step}", short(quantity))
            }
            Look::Value { value, at_least, at_most } => {
                format!("{} {}: {}", valued(value), self.quote, bounds(at_least.map(short), at_most.map(short)))
            }
            Look::Moved { asset, value, at_most } => format!("{} {asset}: at most {}", valued(value), short(at_most)),
            Look::Position { held, open_buys, quantity, at_most } => {
                let all = sum(&[held, open_buys, quantity.into()]);
                let parts = format!("held {} + open BUY {} + this {}", short(held), short(open_buys), short(quantity));
                format!("{parts} = {} {}: at most {}", short(all), self.base, short(at_most))
            }
            Look::Count { there, adding, at_most } => format!("{there} there + {adding}: at most {at_most}"),
            Look::Parts { parts, at_most } => format!("{parts} parts: at most {at_most}"),
            Look::Delta { delta, at_least, at_most } => format!("trailingDelta {delta}: {at_least} to {at_most}"),
        }
    }
}

fn valued(value: Value) -> String {
    match value {
        Value::Product { price, quantity } => {
            format!("{} × {} = {}", short(price), short(quantity), worth(price, quantity))
        }
        Value::Plain(amount) => short(amount),
    }
}

/// Why a filter that there is had nothing to look at.
pub(super) const fn why_not(filter: FilterName) -> &'static str {
    match filter {
        FilterName::PriceFilter | FilterName::PercentPrice | FilterName::PercentPriceBySide => "no price",
        FilterName::LotSize => "no quantity yet",
        FilterName::MinNotional | FilterName::Notional => "not for such orders",
        FilterName::IcebergParts | FilterName::MaxNumIcebergOrders | FilterName::ExchangeMaxNumIcebergOrders => {
            "no icebergQty"
        }
        FilterName::MarketLotSize => "no market order",
        FilterName::MaxNumAlgoOrders | FilterName::ExchangeMaxNumAlgoOrders => "no trigger",
        FilterName::MaxPosition => "no BUY",
        FilterName::TrailingDelta => "no trailingDelta",
        FilterName::MaxNumOrderAmends => "no amendment",
        FilterName::MaxNumOrderLists | FilterName::ExchangeMaxNumOrderLists => "no list",
        FilterName::MaxAsset => "other assets",
        FilterName::MaxNumOrders | FilterName::ExchangeMaxNumOrders => "no new order",
    }
}
