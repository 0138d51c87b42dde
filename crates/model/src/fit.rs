//! The correcting helper: the price and quantity that will pass the filters, or why none does.
//!
//! For: strategies, which call it themselves; nothing is ever repaired behind their back.
//! Not for: the venue. A quantity is only ever made smaller, a price only moved to the next
//! tick away from the market (down for BUY, up for SELL): anything more would be another order.

use crate::command::{OrderKind, OrderRequest, OrderSize};
use crate::execution::Refusal;
use crate::filter::{Counts, Judged, LotSize, OpenPosition};
use crate::instrument::Instrument;
use crate::number::{Price, Quantity};
use crate::order::{Side, TimeInForce};
use crate::ordinary::Ordinary;

/// Why no quantity or price near the wanted one passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal} ({hint})")]
pub struct Unfit {
    /// What the exchange would answer to the nearest try.
    pub refusal: Refusal,
    /// What to change.
    pub hint: String,
}

/// A limit order that passes: its price and quantity.
pub fn limit(
    (instrument, ordinary): (&Instrument, &Ordinary),
    side: Side,
    price: Price,
    quantity: Quantity,
    position: OpenPosition,
    reference: &mut dyn FnMut(u32) -> Price,
) -> Result<(Price, Quantity), Unfit> {
    let tick = instrument.filters.tick();
    let price = match side {
        Side::Buy => price.floor_to(tick),
        Side::Sell => price.ceil_to(tick).unwrap_or(price),
    };
    let quantity = fit_quantity(quantity, instrument.filters.lot_size);
    let kind = OrderKind::Limit { price, time_in_force: TimeInForce::Gtc };
    judge((instrument, ordinary), side, kind, quantity, position, reference)?;
    Ok((price, quantity))
}

/// The quantity of a market order that passes.
pub fn market(
    (instrument, ordinary): (&Instrument, &Ordinary),
    side: Side,
    quantity: Quantity,
    position: OpenPosition,
    reference: &mut dyn FnMut(u32) -> Price,
) -> Result<Quantity, Unfit> {
    let quantity = fit_quantity(quantity, instrument.filters.market_lot_size);
    let quantity = fit_quantity(quantity, instrument.filters.lot_size);
    judge((instrument, ordinary), side, OrderKind::Market, quantity, position, reference)?;
    Ok(quantity)
}

/// Not above the maximum, and down to the step.
fn fit_quantity(quantity: Quantity, lot: Option<LotSize>) -> Quantity {
    let Some(lot) = lot else { return quantity };
    let capped = if lot.max_qty.is_zero() { quantity } else { quantity.min(lot.max_qty) };
    capped.floor_to(lot.step_size)
}

fn judge(
    (instrument, ordinary): (&Instrument, &Ordinary),
    side: Side,
    kind: OrderKind,
    quantity: Quantity,
    position: OpenPosition,
    reference: &mut dyn FnMut(u32) -> Price,
) -> Result<(), Unfit> {
    let request = OrderRequest::new(instrument.symbol, side, kind, OrderSize::Base(quantity));
    if ordinary.passes(&request, quantity, position.on_symbol.orders, |minutes| Some(reference(minutes))) {
        return Ok(());
    }
    let judged = Judged::of(&request, Some(quantity), None);
    instrument
        .admit(&request)
        .and_then(|()| {
            let adding = Counts::of(false, false);
            instrument.filters.check(&request, judged, &position, adding, reference, &mut ())
        })
        .map_err(|refusal| Unfit { hint: hint(instrument, &refusal, quantity), refusal })
}

/// What would have to change, with the bound that was missed.
fn hint(instrument: &Instrument, refusal: &Refusal, quantity: Quantity) -> String {
    let filters = &instrument.filters;
    let least = filters.notional.map(|f| f.min_notional).or(filters.min_notional.map(|f| f.min_notional));
    match (refusal.text.strip_prefix("Filter failure: "), filters.lot_size, filters.price_filter, least) {
        (Some("LOT_SIZE"), Some(lot), _, _) => {
            format!("{quantity} after rounding down; it takes at least {} in steps of {}", lot.min_qty, lot.step_size)
        }
        (Some("PRICE_FILTER"), _, Some(f), _) => format!("prices go from {} to {}", f.min_price, f.max_price),
        (Some("NOTIONAL" | "MIN_NOTIONAL"), _, _, Some(least)) => {
            format!("price × quantity must be worth at least {least} {}", instrument.quote_asset)
        }
        (Some(name), ..) if name.starts_with("PERCENT_PRICE") => {
            "the price is too far from the market's average".to_owned()
        }
        _ => "no smaller quantity or rounded price helps".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instrument::ExchangeInfo;
    use crate::text::Symbol;

    fn instrument() -> Instrument {
        let json = r#"{"serverTime":1725817008719,"symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
          "orderTypes":["LIMIT","MARKET"],"filters":[
          {"filterType":"PRICE_FILTER","minPrice":"0.05","maxPrice":"1000","tickSize":"0.05"},
          {"filterType":"LOT_SIZE","minQty":"0.3","maxQty":"90","stepSize":"0.1"},
          {"filterType":"MARKET_LOT_SIZE","minQty":"0","maxQty":"50.05","stepSize":"0"},
          {"filterType":"PERCENT_PRICE","multiplierUp":"2","multiplierDown":"0.5","avgPriceMins":5},
          {"filterType":"NOTIONAL","minNotional":"10","applyMinToMarket":true,"maxNotional":"2000","applyMaxToMarket":false,"avgPriceMins":5}]}]}"#;
        ExchangeInfo::parse(json).unwrap().instruments.remove(&Symbol::new("AB").unwrap()).unwrap()
    }

    fn at_100(_: u32) -> Price {
        "100".parse().unwrap()
    }

    #[test]
    fn figures_and_reasons() {
        let (instrument, ordinary) = (instrument(), Ordinary::of(&instrument()));
        let of = |side, price: &str, quantity: &str| {
            let position = OpenPosition::default();
            limit(
                (&instrument, &ordinary),
                side,
                price.parse().unwrap(),
                quantity.parse().unwrap(),
                position,
                &mut at_100,
            )
            .map(|(p, q)| (p.to_string(), q.to_string()))
            .map_err(|e| e.to_string())
        };
        assert_eq!(of(Side::Buy, "99.99", "1.29"), Ok(("99.95000000".into(), "1.20000000".into())));
        assert_eq!(of(Side::Sell, "99.96", "1.29"), Ok(("100.00000000".into(), "1.20000000".into())));
        assert!(of(Side::Buy, "100", "0.29").unwrap_err().contains("at least 0.30000000 in steps of 0.10000000"));
        assert!(of(Side::Buy, "201", "1").unwrap_err().contains("PERCENT_PRICE"));
        let most =
            market((&instrument, &ordinary), Side::Sell, "700".parse().unwrap(), OpenPosition::default(), &mut at_100);
        assert_eq!(most.unwrap().to_string(), "50.00000000");
    }

    proptest! {
        #[test]
        fn what_fits_passes_and_fits_again(price in 1..30_000_000_000_i64, quantity in 0..20_000_000_000_i64, buy: bool) {
            let (instrument, ordinary) = (instrument(), Ordinary::of(&instrument()));
            let side = if buy { Side::Buy } else { Side::Sell };
            let position = OpenPosition::default();
            let wanted = (Price::from_units(price), Quantity::from_units(quantity));
            if let Ok((p, q)) = limit((&instrument, &ordinary), side, wanted.0, wanted.1, position, &mut at_100) {
                let not_nearer = if buy { p <= wanted.0 } else { p >= wanted.0 };
                prop_assert!(q <= wanted.1 && not_nearer);
                prop_assert_eq!(limit((&instrument, &ordinary), side, p, q, position, &mut at_100), Ok((p, q)));
            }
            if let Ok(q) = market((&instrument, &ordinary), side, wanted.1, position, &mut at_100) {
                prop_assert!(q <= wanted.1);
                prop_assert_eq!(market((&instrument, &ordinary), side, q, position, &mut at_100), Ok(q));
            }
        }
    }
}
