//! Signed endpoints about what holds for an account on a market: commission rates, filters, and
//! what a test order would pay.

use axum::{Extension, Json};
use candlewick_binance::wire::CommissionRates as Parts;
use candlewick_model::commission::{Discount, RateParts};
use candlewick_model::{Action, CommissionRates, Liquidity, Side, Symbol};
use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use super::admission::Asked;
use super::answer::Answer;
use super::trading;

/// Filters that look at more than an order alone (`filters.md`).
const OF_ACCOUNT: [&str; 6] = [
    "MAX_NUM_ORDERS",
    "MAX_NUM_ALGO_ORDERS",
    "MAX_NUM_ICEBERG_ORDERS",
    "MAX_NUM_ORDER_LISTS",
    "MAX_NUM_ORDER_AMENDS",
    "MAX_POSITION",
];

/// The answer of `GET /api/v3/account/commission`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commission {
    symbol: Symbol,
    standard_commission: Parts,
    special_commission: Parts,
    tax_commission: Parts,
    discount: Discounted,
}

/// Whether commission is paid in an asset of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discounted {
    enabled_for_account: bool,
    enabled_for_symbol: bool,
    discount_asset: String,
    discount: candlewick_model::Rate,
}

impl From<Option<Discount>> for Discounted {
    fn from(discount: Option<Discount>) -> Self {
        Self {
            enabled_for_account: discount.is_some(),
            enabled_for_symbol: discount.is_some(),
            discount_asset: discount.map_or("BNB".to_owned(), |discount| discount.asset.to_string()),
            discount: discount.map_or(candlewick_model::Rate::ZERO, |discount| discount.rate),
        }
    }
}

fn parts(RateParts { maker, taker, buyer, seller }: RateParts) -> Parts {
    Parts { maker, taker, buyer, seller }
}

pub(super) async fn commission(state: State, Extension(asked): Asked) -> Answer<Commission> {
    let parameters = &asked.parameters;
    let symbol = parameters.symbol(|symbol| state.exchange().has(symbol))?;
    let CommissionRates { standard, special, tax, discount } = state.fees(Some(symbol));
    Ok(Json(Commission {
        symbol,
        standard_commission: parts(standard),
        special_commission: parts(special),
        tax_commission: parts(tax),
        discount: discount.into(),
    }))
}

/// The rates of one market or of all, as the wallet tells them.
pub(super) async fn trade_fees(state: State, Extension(asked): Asked) -> Answer<Value> {
    let wanted = asked.parameters.optional_symbol(|symbol| state.exchange().has(symbol))?;
    let of = |(symbol, rates): &(Symbol, CommissionRates)| {
        let RateParts { maker, taker, .. } = rates.standard;
        json!({ "symbol": symbol, "makerCommission": maker, "takerCommission": taker })
    };
    Ok(Json(state.fees.iter().filter(|(symbol, _)| wanted.is_none_or(|wanted| wanted == *symbol)).map(of).collect()))
}

/// An order that is only judged; with `computeCommissionRates` what its side would pay.
pub(super) async fn test_order(state: State, Extension(asked): Asked) -> Answer<Value> {
    let fees = state.fees(asked.parameters.get("symbol").and_then(|symbol| symbol.parse().ok()));
    trading::act(&state, &asked, Action::Test, |_, raw| {
        if raw.get("computeCommissionRates") != Some("true") {
            return Json(json!({}));
        }
        let side = if raw.get("side") == Some("BUY") { Side::Buy } else { Side::Sell };
        let of = |parts: RateParts| json!({ "maker": parts.of(side, Liquidity::Maker), "taker": parts.of(side, Liquidity::Taker) });
        Json(json!({
            "standardCommissionForOrder": of(fees.standard),
            "specialCommissionForOrder": of(fees.special),
            "taxCommissionForOrder": of(fees.tax),
            "discount": Discounted::from(fees.discount),
        }))
    })
}

/// The filters of exchangeInfo that look at what an account has open or holds.
pub(super) async fn my_filters(state: State, Extension(asked): Asked) -> Answer<Value> {
    let parameters = &asked.parameters;
    let symbol = parameters.symbol(|symbol| state.exchange().has(symbol))?;
    let kind = |filter: &Value| filter["filterType"].as_str().unwrap_or_default().to_owned();
    let list = |filters: &Value| filters.as_array().cloned().unwrap_or_default();
    let exchange = state.exchange();
    let mut of_symbol = state.information.of_symbol(symbol, exchange.now()).cloned().unwrap_or_default();
    if let Some(view) = exchange.view(symbol) {
        view.put_into(&mut of_symbol);
    }
    let is_of_asset = |filter: &Value| {
        kind(filter) == "MAX_ASSET" && [&of_symbol["baseAsset"], &of_symbol["quoteAsset"]].contains(&&filter["asset"])
    };
    let exchange_wide = list(&state.information.around(exchange.now())["exchangeFilters"]);
    let (of_asset, of_exchange): (Vec<_>, Vec<_>) =
        exchange_wide.into_iter().partition(|filter| kind(filter) == "MAX_ASSET");
    Ok(Json(json!({
        "exchangeFilters": of_exchange,
        "symbolFilters": list(&of_symbol["filters"]).into_iter().filter(|f| OF_ACCOUNT.contains(&kind(f).as_str())).collect::<Vec<_>>(),
        "assetFilters": of_asset.into_iter().filter(is_of_asset).collect::<Vec<_>>(),
    })))
}
