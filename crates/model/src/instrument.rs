//! Instruments: what `exchangeInfo` says of a symbol.
//!
//! For: reading snapshots of any age, keeping and reporting what is unknown or missing, and
//! the checks that need the symbol alone. Not for: fetching or storing snapshots.

mod revised;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::{
    ExchangeFilters, Filters, LotSize, MinNotional, Notional, PercentBand, PercentPrice, PriceFilter, TrailingDelta,
};
use crate::number::SCALE;
use crate::order::{OrderType, RateInterval, SelfTradePrevention, SymbolStatus};
use crate::text::{Asset, Symbol, Text};
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
    /// What else it takes.
    pub allows: Allowances,
    /// Whether Spot accounts may trade it.
    pub spot_allowed: bool,
    /// What an order does about self-trades when it does not say.
    pub default_self_trade_prevention: SelfTradePrevention,
    /// What an order may say about self-trades.
    pub allowed_self_trade_prevention: Vec<SelfTradePrevention>,
    /// The symbol filters.
    pub filters: Filters,
}

/// What a symbol takes beyond the types of its orders. What a snapshot does not speak of is not
/// allowed: every one of these came with a flag of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, clippy::struct_excessive_bools, reason = "one field a flag, named as the exchange names them")]
pub struct Allowances {
    pub quote_order_qty_market: bool,
    pub iceberg: bool,
    pub oco: bool,
    pub oto: bool,
    pub opo: bool,
    pub trailing_stop: bool,
    pub cancel_replace: bool,
    pub amend: bool,
    pub peg_instructions: bool,
}

/// How many orders that are not filled an account may place in a window of the clock
/// (`rateLimits` of type `ORDERS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLimit {
    /// `SECOND`, `MINUTE`, `DAY`.
    pub interval: RateInterval,
    /// How many of those.
    pub interval_num: u32,
    /// At most.
    pub limit: u32,
}

impl OrderLimit {
    /// Whether both count in windows of the same length.
    #[must_use]
    pub fn counts_as(&self, other: &Self) -> bool {
        (self.interval, self.interval_num) == (other.interval, other.interval_num)
    }
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
    /// How many unfilled orders an account may place.
    pub order_limits: Vec<OrderLimit>,
    /// What of symbols could not be read as documented, in words that begin with the symbol; nothing
    /// of it stopped the reading.
    pub notes: Vec<String>,
    /// The same of what concerns the exchange as a whole.
    pub exchange_notes: Vec<String>,
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
    /// What is said anew of an instrument makes no sense.
    #[error("{symbol}: {reason}")]
    Revision {
        /// Of which.
        symbol: Symbol,
        /// What is wrong with it.
        reason: String,
    },
}

impl ExchangeInfo {
    /// Reads the answer of `GET /api/v3/exchangeInfo`.
    ///
    /// Only what makes the whole unusable is an error; a symbol or filter that cannot be read
    /// is left out or kept as unknown, and told in `notes`. A symbol that is listed twice is left out:
    /// nothing says which of the two counts.
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
        let mut twice = Vec::new();
        for symbol in symbols {
            if let Some(instrument) = (Reader { json: symbol, of: name_of(symbol), notes: &mut notes }).instrument()
                && let Some(other) = instruments.insert(instrument.symbol, instrument)
            {
                twice.push(other.symbol);
            }
        }
        for symbol in twice {
            if instruments.remove(&symbol).is_some() {
                notes.push(format!("{symbol}: it is listed more than once"));
            }
        }
        let mut exchange_notes = Vec::new();
        let mut exchange_filters = exchange_filters(&root, &mut exchange_notes);
        asset_filters(&root, &mut exchange_filters, &mut exchange_notes);
        let order_limits = order_limits(&root, &mut exchange_notes);
        Ok(Self { server_time, instruments, exchange_filters, order_limits, notes, exchange_notes })
    }

    /// What could not be read of a symbol.
    pub fn notes_on(&self, symbol: Symbol) -> impl Iterator<Item = &str> {
        let is_on = move |note: &&str| note.split([' ', ':']).next() == Some(symbol.as_str());
        self.notes.iter().map(String::as_str).filter(is_on)
    }

    /// Everything that could not be read as documented.
    pub fn all_notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().chain(&self.exchange_notes).map(String::as_str)
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

    /// A name: a text that fits and is not empty, or a note and nothing.
    fn name<const N: usize>(&mut self, key: &str) -> Option<Text<N>> {
        let name = self.text::<Text<N>>(key)?;
        if name == Text::EMPTY {
            self.note(&format!("`{key}` is empty"));
            return None;
        }
        Some(name)
    }

    /// As [`Self::text`], of a price, a quantity, a sum or a rate that is not below zero.
    fn size<T: std::str::FromStr + Default + PartialOrd>(&mut self, key: &str) -> Option<T> {
        let size: T = self.text(key)?;
        if size < T::default() {
            self.note(&format!("`{key}` is below zero: {}", self.json[key]));
            return None;
        }
        Some(size)
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
        let symbol = self.name("symbol")?;
        let base_asset = self.name("baseAsset")?;
        let quote_asset = self.name("quoteAsset")?;
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
            allows: Allowances {
                quote_order_qty_market: self.flag("quoteOrderQtyMarketAllowed", false),
                iceberg: self.flag("icebergAllowed", false),
                oco: self.flag("ocoAllowed", false),
                oto: self.flag("otoAllowed", false),
                opo: self.flag("opoAllowed", false),
                trailing_stop: self.flag("allowTrailingStop", false),
                cancel_replace: self.flag("cancelReplaceAllowed", false),
                amend: self.flag("amendAllowed", false),
                peg_instructions: self.flag("pegInstructionsAllowed", false),
            },
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
                    min_price: self.size("minPrice").unwrap_or_default(),
                    max_price: self.size("maxPrice").unwrap_or_default(),
                    tick_size: self.size("tickSize").unwrap_or_default(),
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
                    min_notional: self.size("minNotional")?,
                    apply_to_market: self.flag("applyToMarket", true),
                    avg_price_mins: self.number("avgPriceMins").unwrap_or(0),
                });
            }
            "NOTIONAL" => {
                filters.notional = Some(Notional {
                    min_notional: self.size("minNotional")?,
                    apply_min_to_market: self.flag("applyMinToMarket", true),
                    max_notional: self.size("maxNotional"),
                    apply_max_to_market: self.flag("applyMaxToMarket", false),
                    avg_price_mins: self.number("avgPriceMins").unwrap_or(0),
                });
            }
            "ICEBERG_PARTS" => filters.iceberg_parts = Some(self.number("limit")?),
            "MAX_NUM_ORDERS" => filters.max_num_orders = Some(self.number("maxNumOrders")?),
            "MAX_NUM_ALGO_ORDERS" => filters.max_num_algo_orders = Some(self.number("maxNumAlgoOrders")?),
            "MAX_NUM_ICEBERG_ORDERS" => filters.max_num_iceberg_orders = Some(self.number("maxNumIcebergOrders")?),
            "MAX_POSITION" => filters.max_position = Some(self.size("maxPosition")?),
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
            // Of an asset, not of the symbol: read with those.
            "MAX_ASSET" => {}
            _ => {
                self.note("unknown filter");
                return None;
            }
        }
        Some(())
    }

    fn band(&mut self, up: &str, down: &str) -> Option<PercentBand> {
        Some(PercentBand { multiplier_up: self.size(up)?, multiplier_down: self.size(down)? })
    }

    fn lot_size(&mut self) -> LotSize {
        LotSize {
            min_qty: self.size("minQty").unwrap_or_default(),
            max_qty: self.size("maxQty").unwrap_or_default(),
            step_size: self.size("stepSize").unwrap_or_default(),
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

fn order_limits(root: &Value, notes: &mut Vec<String>) -> Vec<OrderLimit> {
    let all = root.get("rateLimits").and_then(Value::as_array).into_iter().flatten();
    let orders = all.filter(|limit| limit.get("rateLimitType").is_some_and(|kind| kind == "ORDERS"));
    let mut limits = Vec::new();
    for json in orders {
        let word = json.get("interval").and_then(Value::as_str);
        let number = |key: &str| json.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        // Without its number an interval says nothing: the exchange's limits are of 10 seconds.
        match (word.and_then(RateInterval::from_word), number("intervalNum").filter(|n| *n > 0), number("limit")) {
            (Some(interval), Some(interval_num), Some(limit)) => {
                limits.push(OrderLimit { interval, interval_num, limit });
            }
            (interval, interval_num, _) => {
                let lacks = match (interval, interval_num) {
                    (None, _) => "interval",
                    (_, None) => "intervalNum",
                    _ => "limit",
                };
                notes.push(format!("rate limit of ORDERS without effect, `{lacks}` is missing or unreadable: {json}"));
            }
        }
    }
    limits
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

/// Asset filters as `GET /api/v3/myFilters` gives them, which alone does, or among those of a
/// symbol. They hold for every symbol with that asset (`filters.md`, Asset Filters).
fn asset_filters(root: &Value, filters: &mut ExchangeFilters, notes: &mut Vec<String>) {
    let list = |json: &'_ Value, key: &str| json.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let of_symbols = list(root, "symbols").into_iter().flat_map(|symbol| list(&symbol, "filters"));
    let is_of_asset = |json: &Value| json.get("filterType").is_some_and(|name| name == "MAX_ASSET");
    for json in list(root, "assetFilters").into_iter().chain(of_symbols.filter(is_of_asset)) {
        let name = json.get("filterType").and_then(Value::as_str).unwrap_or("a filter without type");
        let mut reader = Reader { json: &json, of: format!("asset {name}"), notes };
        if reader.exchange_filter(name, filters).is_none() {
            filters.unknown.push(json.to_string());
        }
    }
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
            "MAX_ASSET" => {
                let limit = (self.text("asset")?, self.size("limit")?);
                if !filters.max_asset.contains(&limit) {
                    filters.max_asset.push(limit);
                }
            }
            _ => {
                self.note("unknown filter");
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = r#"{"timezone":"UTC","serverTime":1725817008719,
      "rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","limit":6000},
        {"rateLimitType":"ORDERS","interval":"SECOND","limit":50},
        {"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":160000}],
      "exchangeFilters":[{"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":1000},{"filterType":"EXCHANGE_NEW"}],
      "symbols":[
       {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT",
        "quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,"quoteCommissionPrecision":2,
        "orderTypes":["LIMIT","MARKET","TELEPATHY"],"quoteOrderQtyMarketAllowed":true,"isSpotTradingAllowed":true,
        "filters":[
          {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000","limit":0,"minQty":""},
          {"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000"},
          {"filterType":"PERCENT_PRICE","multiplierUp":"5"},
          {"filterType":"MARKET_LOT_SIZE","minQty":"0","maxQty":"9","stepSize":"-0.1"},
          {"filterType":"T_PLUS_SELL","endTime":1}],
        "permissions":[],"permissionSets":[["SPOT","MARGIN"]],
        "defaultSelfTradePreventionMode":"EXPIRE_MAKER","allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER"]},
       {"symbol":"NOBASE","quoteAsset":"USDT"},
       {"symbol":"EMPTY","status":"TRADING","baseAsset":"","quoteAsset":"USDT","filters":[]},
       {"symbol":"TWICE","status":"TRADING","baseAsset":"T","quoteAsset":"USDT","filters":[]},
       {"symbol":"TWICE","status":"TRADING","baseAsset":"T","quoteAsset":"USDT","filters":[]},
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
        let market_lot = btc.filters.market_lot_size.unwrap();
        assert!(market_lot.step_size.is_zero() && market_lot.max_qty.to_string() == "9.00000000");
        assert_eq!(info.instruments[&Symbol::new("ODD").unwrap()].status, None);
        assert_eq!(info.exchange_filters.max_num_orders, Some(1000));
        assert_eq!(info.exchange_filters.unknown.len(), 1);
        for told in [
            "TELEPATHY",
            "T_PLUS_SELL: unknown filter",
            "LOT_SIZE: `stepSize` is missing",
            "MARKET_LOT_SIZE: `stepSize` is below zero: \"-0.1\"",
            "NOBASE: `baseAsset`",
            "ODD: `status`",
            "EMPTY: `baseAsset` is empty",
            "TWICE: it is listed more than once",
        ] {
            assert!(info.notes.iter().any(|n| n.contains(told)), "{told} in {:#?}", info.notes);
        }
        // Of the exchange as a whole: a limit counts only if all of it is there.
        assert_eq!(info.order_limits.len(), 1);
        let [filter, limit] = &info.exchange_notes[..] else { panic!("{:#?}", info.exchange_notes) };
        assert!(filter.contains("EXCHANGE_NEW: unknown filter"), "{filter}");
        assert!(limit.contains("`intervalNum` is missing") && limit.contains("SECOND"), "{limit}");
        assert_eq!(info.all_notes().count(), info.notes.len() + 2);
        let odd = Symbol::new("ODD").unwrap();
        assert_eq!(info.notes_on(odd).count(), 2, "its status, and its filters");
    }

    #[test]
    fn asset_filters_are_found_where_users_may_put_them() {
        let info = ExchangeInfo::parse(
            r#"{"serverTime":1725817008719,"symbols":[{"symbol":"AB","status":"BREAK","baseAsset":"A","quoteAsset":"B",
            "filters":[{"filterType":"MAX_ASSET","asset":"A","limit":"3"}]}],
            "exchangeFilters":[{"filterType":"MAX_ASSET","asset":"JPY","limit":"1000000.00000000"}],
            "assetFilters":[{"filterType":"MAX_ASSET","asset":"A","limit":"3"},{"filterType":"MAX_ASSET","asset":"B","limit":"-1"}]}"#,
        )
        .unwrap();
        let limits: Vec<_> = info.exchange_filters.max_asset.iter().map(|(a, most)| format!("{a} {most}")).collect();
        assert_eq!(limits, ["JPY 1000000.00000000", "A 3.00000000"]);
        assert_eq!(info.exchange_notes, [r#"asset MAX_ASSET: `limit` is below zero: "-1""#]);
    }

    #[test]
    fn what_is_no_exchange_info_is_an_error() {
        assert!(matches!(ExchangeInfo::parse("{"), Err(InstrumentError::Json(_))));
        assert!(matches!(ExchangeInfo::parse("{}"), Err(InstrumentError::Shape { field: "serverTime", .. })));
        let no_symbols = r#"{"serverTime":1725817008719}"#;
        assert!(matches!(ExchangeInfo::parse(no_symbols), Err(InstrumentError::Shape { field: "symbols", .. })));
    }
}
