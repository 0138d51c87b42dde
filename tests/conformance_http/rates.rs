//! Commission rates as REST tells of them, from what a scenario's market charges.

use candlewick_model::commission::RateParts;
use candlewick_model::{CommissionRates, Rate};
use serde_json::{Value, json};

fn text(units: i64) -> String {
    Rate::from_units(units).to_string()
}

/// What an order of one side would pay: the part of its side comes on top.
pub(super) fn of_order(fees: &CommissionRates, buys: bool) -> Value {
    let of = |parts: &RateParts| {
        let side = if buys { parts.buyer } else { parts.seller };
        json!({ "maker": text(parts.maker.units() + side.units()), "taker": text(parts.taker.units() + side.units()) })
    };
    json!({
        "standardCommissionForOrder": of(&fees.standard),
        "specialCommissionForOrder": of(&fees.special),
        "taxCommissionForOrder": of(&fees.tax),
        "discount": discount(fees),
    })
}

/// What the account pays on the market.
pub(super) fn of_account(fees: &CommissionRates) -> Value {
    let of = |parts: &RateParts| {
        let [maker, taker, buyer, seller] =
            [parts.maker, parts.taker, parts.buyer, parts.seller].map(|rate| text(rate.units()));
        json!({ "maker": maker, "taker": taker, "buyer": buyer, "seller": seller })
    };
    json!({
        "symbol": "ABUSD",
        "standardCommission": of(&fees.standard),
        "specialCommission": of(&fees.special),
        "taxCommission": of(&fees.tax),
        "discount": discount(fees),
    })
}

fn discount(fees: &CommissionRates) -> Value {
    let (asset, rate) = fees.discount.map_or(("BNB".to_owned(), 0), |of| (of.asset.to_string(), of.rate.units()));
    let is_enabled = fees.discount.is_some();
    json!({
        "enabledForAccount": is_enabled, "enabledForSymbol": is_enabled,
        "discountAsset": asset, "discount": text(rate),
    })
}
