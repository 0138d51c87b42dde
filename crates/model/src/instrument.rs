//! Instruments: what `exchangeInfo` says of a symbol.
//!
//! For: reading snapshots of any age, keeping and reporting what is unknown or missing, and
//! the checks that need the symbol alone. Not for: fetching or storing snapshots.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::execution::Refusal;
use crate::filter::{
    ExchangeFilters, Filters, LotSize, MinNotional, Notional, PercentBand, PercentPrice, PriceFilter, TrailingDelta,
};
use crate::number::{Amount, SCALE};
use crate::order::{OrderRequest, OrderSize, OrderType, SelfTradePrevention, SymbolStatus};
use crate::text::{Asset, Symbol};
use crate::time::Timestamp;

/// One market and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// Its name.
    pub symbol: Symbol,
    /// Whether it trades; `None` for a status that this version does not know.
    pub status: Option<SymbolStatus>,
    /// What is bought and sold.
    pub base_asset: Asset,
    /// In what it is paid.
    pub quote_asset: Asset,
    /// Decimals of quantities.
    pub base_precision: u32,
    /// Decimals of prices and sums of quote asset.
    pub quote_precision: u32,
    /// Decimals of commissions in base asset.
    pub base_commission_precision: u32,
    /// Decimals of commissions in quote asset.
    pub quote_commission_precision: u32,
    /// Kinds of orders that it takes.
    pub order_types: Vec<OrderType>,
    /// Whether market orders may be sized in quote asset.
    pub quote_order_qty_market_allowed: bool,
    /// Whether Spot accounts may trade it.
    pub spot_allowed: bool,
    /// What an order does about self-trades when it does not say.
    pub default_self_trade_prevention: SelfTradePrevention,
    /// What an order may say about self-trades.
    pub allowed_self_trade_prevention: Vec<SelfTradePrevention>,
    /// The symbol filters.
    pub filters: Filters,
}

/// One snapshot of `exchangeInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeInfo {
    /// When the exchange said it.
    pub server_time: Timestamp,
    /// Instruments by name.
    pub instruments: BTreeMap<Symbol, Instrument>,
    /// Filters of the whole exchange and of assets.
    pub exchange_filters: ExchangeFilters,
    /// What could not be read as documented, in words; nothing of it stopped the reading.
    pub notes: Vec<String>,
}

/// Why a text is no `exchangeInfo` at all.
#[derive(Debug, thiserror::Error)]
pub enum InstrumentError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but not of this shape.
    #[error("no exchangeInfo: `{field}` is missing or not {expected}")]
    Shape {
        /// Which member.
        field: &'static str,
        /// What should stand there.
        expected: &'static str,
    },
}

impl ExchangeInfo {
    /// Reads the answer of `GET /api/v3/exchangeInfo`.
    ///
    /// Only what makes the whole unusable is an error; a symbol or filter that cannot be read
    /// is left out or kept as unknown, and told in `notes`.
    pub fn parse(json: &str) -> Result<Self, InstrumentError> {
        let root: Value = serde_json::from_str(json)?;
        let server_time = root
            .get("serverTime")
            .and_then(Value::as_i64)
            .and_then(Timestamp::from_either_unit)
            .ok_or(InstrumentError::Shape { field: "serverTime", expected: "a time in ms or µs" })?
            .0;
        let symbols = root
            .get("symbols")
            .and_then(Value::as_array)
            .ok_or(InstrumentError::Shape { field: "symbols", expected: "an array" })?;
        let mut notes = Vec::new();
        let mut instruments = BTreeMap::new();
        for symbol in symbols {
            if let Some(instrument) = (Reader { json: symbol, of: name_of(symbol), notes: &mut notes }).instrument() {
                instruments.insert(instrument.symbol, instrument);
            }
        }
        let exchange_filters = exchange_filters(&root, &mut notes);
        Ok(Self { server_time, instruments, exchange_filters, notes })
    }
}

fn name_of(symbol: &Value) -> String {
    symbol.get("symbol").and_then(Value::as_str).unwrap_or("a symbol without name").to_owned()
}

/// Reads members of one JSON object and notes what is wrong with them.
struct Reader<'a> {
    json: &'a Value,
    /// What the object is, for the notes.
    of: String,
    notes: &'a mut Vec<String>,
}

impl<'a> Reader<'a> {
    fn note(&mut self, what: &str) {
        self.notes.push(format!("{}: {what}", self.of));
    }

    /// A text that parses, or a note and nothing.
    fn text<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        let text = self.json.get(key).and_then(Value::as_str);
        let parsed = text.and_then(|t| t.parse().ok());
        if parsed.is_none() {
            let found = self.json.get(key).map_or("missing".to_owned(), |v| format!("unreadable: {v}"));
            self.note(&format!("`{key}` is {found}"));
        }
        parsed
    }

    fn number(&mut self, key: &str) -> Option<u32> {
        let number = self.json.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        if number.is_none() {
            self.note(&format!("`{key}` is missing or no count"));
        }
        number
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.json.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A count of decimals; 8 where it is missing, and never more than the numbers carry.
    fn precision(&self, keys: [&str; 2]) -> u32 {
        keys.iter()
            .find_map(|key| self.json.get(*key).and_then(Value::as_u64))
            .and_then(|n| u32::try_from(n).ok())
            .map_or(SCALE, |n| n.min(SCALE))
    }

    /// An array of the exchange's words; unknown ones are noted and left out.
    fn words<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut known = Vec::new();
        for word in self.json.get(key).and_then(Value::as_array).into_iter().flatten() {
            match word.as_str().and_then(&read) {
                Some(value) => known.push(value),
                None => self.note(&format!("unknown entry {word} in `{key}`")),
            }
        }
        known
    }

    fn instrument(mut self) -> Option<Instrument> {
        let symbol = self.text("symbol")?;
        let base_asset = self.text("baseAsset")?;
        let quote_asset = self.text("quoteAsset")?;
        let status = self.json.get("status").and_then(Value::as_str).and_then(SymbolStatus::from_word);
        if status.is_none() {
            self.note("`status` is missing or unknown; the market counts as closed");
        }
        let order_types = self.words("orderTypes", OrderType::from_word);
        let allowed = self.words("allowedSelfTradePreventionModes", SelfTradePrevention::from_word);
        let default_mode = self.json.get("defaultSelfTradePreventionMode").and_then(Value::as_str);
        Some(Instrument {
            symbol,
            status,
            base_asset,
            quote_asset,
            base_precision: self.precision(["baseAssetPrecision", "baseAssetPrecision"]),
            quote_precision: self.precision(["quoteAssetPrecision", "quotePrecision"]),
            base_commission_precision: self.precision(["baseCommissionPrecision", "baseAssetPrecision"]),
            quote_commission_precision: self.precision(["quoteCommissionPrecision", "quoteAssetPrecision"]),
            order_types,
            quote_order_qty_market_allowed: self.flag("quoteOrderQtyMarketAllowed", false),
            spot_allowed: self.flag("isSpotTradingAllowed", true) && permits_spot(self.json),
            default_self_trade_prevention: default_mode
                .and_then(SelfTradePrevention::from_word)
                .unwrap_or(SelfTradePrevention::None),
            allowed_self_trade_prevention: allowed,
            filters: self.filters(),
        })
    }

    fn filters(&mut self) -> Filters {
        let mut filters = Filters::default();
        let Some(list) = self.json.get("filters").and_then(Value::as_array) else {
            self.note("`filters` is missing");
            return filters;
        };
        for json in list {
            let name = json.get("filterType").and_then(Value::as_str).unwrap_or("a filter without type");
            let mut reader = Reader { json, of: format!("{} {name}", self.of), notes: self.notes };
            if reader.filter(name, &mut filters).is_none() {
                filters.unknown.push(json.to_string());
            }
        }
        filters
    }

    /// Reads one symbol filter into its field; `None` if it is unknown or lacks a member
    /// without which it says nothing.
    fn filter(&mut self, name: &str, filters: &mut Filters) -> Option<()> {
        match name {
            "PRICE_FILTER" => {
                filters.price_filter = Some(PriceFilter {
                    min_price: self.text("minPrice").unwrap_or_default(),
                    max_price: self.text("maxPrice").unwrap_or_default(),
                    tick_size: self.text("tickSize").unwrap_or_default(),
                });
            }
            "PERCENT_PRICE" => {
                let band = self.band("multiplierUp", "multiplierDown")?;
                let avg_price_mins = self.number("avgPriceMins")?;
                filters.percent_price = Some(PercentPrice { buy: band, sell: band, avg_price_mins });
            }
            "PERCENT_PRICE_BY_SIDE" => {
                let buy = self.band("bidMultiplierUp", "bidMultiplierDown")?;
                let sell = self.band("askMultiplierUp", "askMultiplierDown")?;
                let avg_price_mins = self.number("avgPriceMins")?;
                filters.percent_price_by_side = Some(PercentPrice { buy, sell, avg_price_mins });
            }
            "LOT_SIZE" => filters.lot_size = Some(self.lot_size()),
            "MARKET_LOT_SIZE" => filters.market_lot_size = Some(self.lot_size()),
            "MIN_NOTIONAL" => {
                filters.min_notional = Some(MinNotional {
                    min_notional: self.text("minNotional")?,
                    apply_to_market: self.flag("applyToMarket", true),
                    avg_price_mins: self.number("avgPriceMins").unwrap_or(0),
                });
            }
            "NOTIONAL" => {
                filters.notional = Some(Notional {
                    min_notional: self.text("minNotional")?,
                    apply_min_to_market: self.flag("applyMinToMarket", true),
                    max_notional: self.text("maxNotional"),
                    apply_max_to_market: self.flag("applyMaxToMarket", false),
                    avg_price_mins: self.number("avgPriceMins").unwrap_or(0),
                });
            }
            "ICEBERG_PARTS" => filters.iceberg_parts = Some(self.number("limit")?),
            "MAX_NUM_ORDERS" => filters.max_num_orders = Some(self.number("maxNumOrders")?),
            "MAX_NUM_ALGO_ORDERS" => filters.max_num_algo_orders = Some(self.number("maxNumAlgoOrders")?),
            "MAX_NUM_ICEBERG_ORDERS" => filters.max_num_iceberg_orders = Some(self.number("maxNumIcebergOrders")?),
            "MAX_POSITION" => filters.max_position = Some(self.text("maxPosition")?),
            "TRAILING_DELTA" => {
                filters.trailing_delta = Some(TrailingDelta {
                    min_trailing_above_delta: self.number("minTrailingAboveDelta")?,
                    max_trailing_above_delta: self.number("maxTrailingAboveDelta")?,
                    min_trailing_below_delta: self.number("minTrailingBelowDelta")?,
                    max_trailing_below_delta: self.number("maxTrailingBelowDelta")?,
                });
            }
            "MAX_NUM_ORDER_AMENDS" => filters.max_num_order_amends = Some(self.number("maxNumOrderAmends")?),
            "MAX_NUM_ORDER_LISTS" => filters.max_num_order_lists = Some(self.number("maxNumOrderLists")?),
            _ => {
                self.note("unknown filter");
                return None;
            }
        }
        Some(())
    }

    fn band(&mut self, up: &str, down: &str) -> Option<PercentBand> {
        Some(PercentBand { multiplier_up: self.text(up)?, multiplier_down: self.text(down)? })
    }

    fn lot_size(&mut self) -> LotSize {
        LotSize {
            min_qty: self.text("minQty").unwrap_or_default(),
            max_qty: self.text("maxQty").unwrap_or_default(),
            step_size: self.text("stepSize").unwrap_or_default(),
        }
    }
}

/// Whether an account with the permission SPOT may trade: every permission set must hold it;
/// older snapshots have one flat list; none at all permits.
fn permits_spot(symbol: &Value) -> bool {
    let holds_spot = |list: &Value| list.as_array().is_some_and(|l| l.iter().any(|p| p == "SPOT"));
    let list = |key: &str| symbol.get(key).and_then(Value::as_array).filter(|l| !l.is_empty());
    match (list("permissionSets"), list("permissions")) {
        (Some(sets), _) => sets.iter().all(holds_spot),
        (None, Some(flat)) => flat.iter().any(|p| p == "SPOT"),
        (None, None) => true,
    }
}

fn exchange_filters(root: &Value, notes: &mut Vec<String>) -> ExchangeFilters {
    let mut filters = ExchangeFilters::default();
    for json in root.get("exchangeFilters").and_then(Value::as_array).into_iter().flatten() {
        let name = json.get("filterType").and_then(Value::as_str).unwrap_or("a filter without type");
        let mut reader = Reader { json, of: format!("exchange {name}"), notes };
        if reader.exchange_filter(name, &mut filters).is_none() {
            filters.unknown.push(json.to_string());
        }
    }
    filters
}

impl Reader<'_> {
    fn exchange_filter(&mut self, name: &str, filters: &mut ExchangeFilters) -> Option<()> {
        match name {
            "EXCHANGE_MAX_NUM_ORDERS" => filters.max_num_orders = Some(self.number("maxNumOrders")?),
            "EXCHANGE_MAX_NUM_ALGO_ORDERS" => filters.max_num_algo_orders = Some(self.number("maxNumAlgoOrders")?),
            "EXCHANGE_MAX_NUM_ICEBERG_ORDERS" => {
                filters.max_num_iceberg_orders = Some(self.number("maxNumIcebergOrders")?);
            }
            "EXCHANGE_MAX_NUM_ORDER_LISTS" => filters.max_num_order_lists = Some(self.number("maxNumOrderLists")?),
            "MAX_ASSET" => filters.max_asset.push((self.text("asset")?, self.text("limit")?)),
            _ => {
                self.note("unknown filter");
                return None;
            }
        }
        Some(())
    }
}

impl Instrument {
    /// What can be said of a request from the symbol alone: precision, status, permissions,
    /// kinds of orders (rule 5.1 of the fill rules, before the filters).
    pub fn admit(&self, request: &OrderRequest) -> Result<(), Refusal> {
        self.check_precision(request)?;
        if self.status != Some(SymbolStatus::Trading) {
            return Err(Refusal::new(-1013, "Market is closed."));
        }
        if !self.spot_allowed {
            return Err(Refusal::new(-2010, "This symbol is not permitted for this account."));
        }
        let order_type = request.kind.order_type();
        if !self.order_types.contains(&order_type) {
            return Err(unsupported(order_type));
        }
        if matches!(request.size, OrderSize::Quote(_)) && !self.quote_order_qty_market_allowed {
            return Err(Refusal::new(-1013, "Quote order qty market orders are not support for this symbol."));
        }
        match request.self_trade_prevention {
            Some(mode) if !self.allows(mode) => {
                let text = "This symbol does not allow the specified self-trade prevention mode.";
                Err(Refusal::new(-1013, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether an order may ask for a mode. DECREMENT and TRANSFER are not matched yet, so no
    /// symbol takes them.
    fn allows(&self, mode: SelfTradePrevention) -> bool {
        let matched = !matches!(mode, SelfTradePrevention::Decrement | SelfTradePrevention::Transfer);
        matched && self.allowed_self_trade_prevention.contains(&mode)
    }

    fn check_precision(&self, request: &OrderRequest) -> Result<(), Refusal> {
        let fits = |units: i128, places: u32| Amount::from_units(units).truncate_to(places).units() == units;
        let too_precise = |name: &str| Refusal::naming(-1111, format!("Parameter '{name}' has too much precision."));
        match request.size {
            OrderSize::Base(q) if !fits(q.units().into(), self.base_precision) => return Err(too_precise("quantity")),
            OrderSize::Quote(q) if !fits(q.units(), self.quote_precision) => return Err(too_precise("quoteOrderQty")),
            OrderSize::Base(_) | OrderSize::Quote(_) => {}
        }
        match request.kind.price() {
            Some(p) if !fits(p.units().into(), self.quote_precision) => Err(too_precise("price")),
            _ => Ok(()),
        }
    }
}

/// The exchange's no to a kind of order that a symbol does not take.
#[must_use]
pub fn unsupported(order_type: OrderType) -> Refusal {
    Refusal::new(
        -1013,
        match order_type {
            OrderType::Limit => "Limit orders are not supported for this symbol.",
            OrderType::Market => "Market orders are not supported for this symbol.",
            OrderType::StopLoss => "Stop loss orders are not supported for this symbol.",
            OrderType::StopLossLimit => "Stop loss limit orders are not supported for this symbol.",
            OrderType::TakeProfit => "Take profit orders are not supported for this symbol.",
            OrderType::TakeProfitLimit => "Take profit limit orders are not supported for this symbol.",
            OrderType::LimitMaker => "Limit maker orders are not supported for this symbol.",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = r#"{"timezone":"UTC","serverTime":1725817008719,
      "exchangeFilters":[{"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":1000},{"filterType":"EXCHANGE_NEW"}],
      "symbols":[
       {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT",
        "quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,"quoteCommissionPrecision":2,
        "orderTypes":["LIMIT","MARKET","TELEPATHY"],"quoteOrderQtyMarketAllowed":true,"isSpotTradingAllowed":true,
        "filters":[
          {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000","limit":0,"minQty":""},
          {"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000"},
          {"filterType":"PERCENT_PRICE","multiplierUp":"5"},
          {"filterType":"T_PLUS_SELL","endTime":1}],
        "permissions":[],"permissionSets":[["SPOT","MARGIN"]],
        "defaultSelfTradePreventionMode":"EXPIRE_MAKER","allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER"]},
       {"symbol":"NOBASE","quoteAsset":"USDT"},
       {"symbol":"ODD","status":"SLEEPING","baseAsset":"O","quoteAsset":"D"}]}"#;

    #[test]
    fn what_is_unknown_or_missing_is_kept_and_told() {
        let info = ExchangeInfo::parse(INFO).unwrap();
        assert_eq!(info.instruments.len(), 2);
        let btc = &info.instruments[&Symbol::new("BTCUSDT").unwrap()];
        assert_eq!(btc.quote_commission_precision, 2);
        assert_eq!(btc.order_types, [OrderType::Limit, OrderType::Market]);
        assert_eq!(btc.filters.tick().to_string(), "0.01000000");
        assert_eq!(btc.filters.unknown.len(), 2, "an unknown filter and one without its multiplier");
        assert_eq!(info.instruments[&Symbol::new("ODD").unwrap()].status, None);
        assert_eq!(info.exchange_filters.max_num_orders, Some(1000));
        assert_eq!(info.exchange_filters.unknown.len(), 1);
        for told in [
            "TELEPATHY",
            "T_PLUS_SELL: unknown filter",
            "LOT_SIZE: `stepSize` is missing",
            "NOBASE: `baseAsset`",
            "ODD: `status`",
            "EXCHANGE_NEW",
        ] {
            assert!(info.notes.iter().any(|n| n.contains(told)), "{told} in {:#?}", info.notes);
        }
    }

    #[test]
    fn what_is_no_exchange_info_is_an_error() {
        assert!(matches!(ExchangeInfo::parse("{"), Err(InstrumentError::Json(_))));
        assert!(matches!(ExchangeInfo::parse("{}"), Err(InstrumentError::Shape { field: "serverTime", .. })));
        let no_symbols = r#"{"serverTime":1725817008719}"#;
        assert!(matches!(ExchangeInfo::parse(no_symbols), Err(InstrumentError::Shape { field: "symbols", .. })));
    }
}
