//! Symbol filters as `exchangeInfo` lists them, and whether they can be met at all.
//!
//! For: telling what is in force, and changing single members of it (`instrument`). Not for:
//! reading them, or judging orders.

use serde_json::{Value, json};

use super::{Filters, LotSize, PercentBand};
use crate::number::Rate;

impl Filters {
    /// The filters as `exchangeInfo` lists them, but those that are not known here.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        let count = |name: &str, member: &str, most: Option<u32>| Some(json!({ "filterType": name, member: most? }));
        let lot = |name: &str, lot: &LotSize| json!({ "filterType": name, "minQty": lot.min_qty, "maxQty": lot.max_qty, "stepSize": lot.step_size });
        let all = [
            self.price_filter.map(|f| json!({ "filterType": "PRICE_FILTER", "minPrice": f.min_price, "maxPrice": f.max_price, "tickSize": f.tick_size })),
            self.percent_price.map(|f| {
                let PercentBand { multiplier_up, multiplier_down } = f.buy;
                json!({ "filterType": "PERCENT_PRICE", "multiplierUp": short(multiplier_up), "multiplierDown": short(multiplier_down), "avgPriceMins": f.avg_price_mins })
            }),
            self.percent_price_by_side.map(|f| {
                json!({
                    "filterType": "PERCENT_PRICE_BY_SIDE",
                    "bidMultiplierUp": short(f.buy.multiplier_up),
                    "bidMultiplierDown": short(f.buy.multiplier_down),
                    "askMultiplierUp": short(f.sell.multiplier_up),
                    "askMultiplierDown": short(f.sell.multiplier_down),
                    "avgPriceMins": f.avg_price_mins,
                })
            }),
            self.lot_size.as_ref().map(|f| lot("LOT_SIZE", f)),
            self.min_notional.map(|f| json!({ "filterType": "MIN_NOTIONAL", "minNotional": f.min_notional, "applyToMarket": f.apply_to_market, "avgPriceMins": f.avg_price_mins })),
            self.notional.map(|f| {
                let mut entry = json!({ "filterType": "NOTIONAL", "minNotional": f.min_notional, "applyMinToMarket": f.apply_min_to_market });
                // Where there is none, there is no such member.
                if let Some(most) = f.max_notional {
                    entry["maxNotional"] = json!(most);
                }
                entry["applyMaxToMarket"] = f.apply_max_to_market.into();
                entry["avgPriceMins"] = f.avg_price_mins.into();
                entry
            }),
            count("ICEBERG_PARTS", "limit", self.iceberg_parts),
            self.market_lot_size.as_ref().map(|f| lot("MARKET_LOT_SIZE", f)),
            count("MAX_NUM_ORDERS", "maxNumOrders", self.max_num_orders),
            count("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", self.max_num_algo_orders),
            count("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", self.max_num_iceberg_orders),
            self.max_position.map(|most| json!({ "filterType": "MAX_POSITION", "maxPosition": most })),
            self.trailing_delta.map(|f| {
                json!({
                    "filterType": "TRAILING_DELTA",
                    "minTrailingAboveDelta": f.min_trailing_above_delta,
                    "maxTrailingAboveDelta": f.max_trailing_above_delta,
                    "minTrailingBelowDelta": f.min_trailing_below_delta,
                    "maxTrailingBelowDelta": f.max_trailing_below_delta,
                })
            }),
            count("MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends", self.max_num_order_amends),
            count("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", self.max_num_order_lists),
        ];
        all.into_iter().flatten().collect()
    }

    /// Whether two of its bounds exclude everything; which.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let above = |name: &str, least: &str, most: &str| format!("{name}: `{least}` is above `{most}`");
        let lot = |f: &LotSize| !f.max_qty.is_zero() && f.min_qty > f.max_qty;
        let band = |f: &PercentBand| f.multiplier_down > f.multiplier_up;
        if self.price_filter.is_some_and(|f| !f.max_price.is_zero() && f.min_price > f.max_price) {
            return Some(above("PRICE_FILTER", "minPrice", "maxPrice"));
        }
        if self.percent_price.is_some_and(|f| band(&f.buy)) {
            return Some(above("PERCENT_PRICE", "multiplierDown", "multiplierUp"));
        }
        if let Some(f) = self.percent_price_by_side {
            if band(&f.buy) {
                return Some(above("PERCENT_PRICE_BY_SIDE", "bidMultiplierDown", "bidMultiplierUp"));
            }
            if band(&f.sell) {
                return Some(above("PERCENT_PRICE_BY_SIDE", "askMultiplierDown", "askMultiplierUp"));
            }
        }
        for (name, filter) in [("LOT_SIZE", &self.lot_size), ("MARKET_LOT_SIZE", &self.market_lot_size)] {
            if filter.as_ref().is_some_and(lot) {
                return Some(above(name, "minQty", "maxQty"));
            }
        }
        if self.notional.is_some_and(|f| f.max_notional.is_some_and(|most| f.min_notional > most)) {
            return Some(above("NOTIONAL", "minNotional", "maxNotional"));
        }
        let delta = self.trailing_delta?;
        if delta.min_trailing_above_delta > delta.max_trailing_above_delta {
            return Some(above("TRAILING_DELTA", "minTrailingAboveDelta", "maxTrailingAboveDelta"));
        }
        (delta.min_trailing_below_delta > delta.max_trailing_below_delta)
            .then(|| above("TRAILING_DELTA", "minTrailingBelowDelta", "maxTrailingBelowDelta"))
    }
}

/// A multiplier as the exchange writes it: without zeros behind.
fn short(rate: Rate) -> String {
    let text = rate.to_string();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
