//! The `exchangeInfo` of a generated market: a symbol with all current filters.
//!
//! For: serving and backtesting a market that no exchange lists. Not for: real symbols, whose
//! rules come from snapshots.

use candlewick_model::Price;
use serde_json::{Value, json};

use crate::generate::MarketPlan;

impl MarketPlan {
    /// The answer of `GET /api/v3/exchangeInfo` for this market, as of its beginning.
    #[must_use]
    pub fn exchange_info(&self) -> String {
        json!({
            "timezone": "UTC",
            "serverTime": self.from.millis(),
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160000},
                {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300000}
            ],
            "exchangeFilters": [],
            "symbols": [self.symbol_info()]
        })
        .to_string()
    }

    pub(crate) fn symbol_info(&self) -> Value {
        let modes = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"];
        json!({
            "symbol": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base_asset,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote_asset,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
            "icebergAllowed": true,
            "ocoAllowed": true,
            "otoAllowed": true,
            "opoAllowed": true,
            "quoteOrderQtyMarketAllowed": true,
            "allowTrailingStop": true,
            "cancelReplaceAllowed": true,
            "amendAllowed": true,
            "pegInstructionsAllowed": true,
            "isSpotTradingAllowed": true,
            "isMarginTradingAllowed": false,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": modes
        })
    }

    fn filters(&self) -> Value {
        let max_price = Price::from_units(self.tick.units().saturating_mul(100_000_000));
        json!([
            {"filterType": "PRICE_FILTER", "minPrice": self.tick, "maxPrice": max_price, "tickSize": self.tick},
            {"filterType": "LOT_SIZE", "minQty": self.step, "maxQty": "9000.00000000", "stepSize": self.step},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "100.00000000", "stepSize": "0.00000000"},
            {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
             "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000},
            {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.2", "bidMultiplierDown": "0.5",
             "askMultiplierUp": "2", "askMultiplierDown": "0.8", "avgPriceMins": 5},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true,
             "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
            {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10}
        ])
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::{ExchangeInfo, Interval};

    use super::*;

    #[test]
    fn it_is_read_without_a_note() {
        let (from, to) = ("2023-03-01".parse().unwrap(), "2023-03-02".parse().unwrap());
        let plan = MarketPlan::bitcoin(1, Interval::OneMinute, from, to);
        let info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
        assert_eq!(info.all_notes().next(), None);
        let instrument = &info.instruments[&plan.symbol];
        assert_eq!((instrument.filters.tick(), instrument.filters.step()), (plan.tick, plan.step));
        assert_eq!(instrument.filters.unknown, Vec::<String>::new());
    }
}
