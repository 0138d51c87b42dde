//! An instrument of which the exchange says something new: single members of its entry in
//! `exchangeInfo`, single members of its filters.
//!
//! For: changes in the middle of a run, where what cannot be read as documented is an error and
//! not a note. Not for: snapshots, which are read as they come (`instrument`).

use serde_json::{Map, Value, json};

use super::{Instrument, InstrumentError, Reader};
use crate::order::{SelfTradePrevention, SymbolStatus};

/// Members that are lists of words.
const LISTS: [&str; 3] = ["orderTypes", "permissions", "allowedSelfTradePreventionModes"];
/// Members that are something else.
const OTHERS: [&str; 4] = ["status", "permissionSets", "filters", "defaultSelfTradePreventionMode"];
/// What decides about permissions.
const PERMISSIONS: [&str; 3] = ["isSpotTradingAllowed", "permissions", "permissionSets"];

impl Instrument {
    /// Members of an entry in `exchangeInfo` that say what is allowed: true or false.
    pub const FLAGS: [&str; 11] = [
        "icebergAllowed",
        "ocoAllowed",
        "otoAllowed",
        "opoAllowed",
        "quoteOrderQtyMarketAllowed",
        "allowTrailingStop",
        "cancelReplaceAllowed",
        "amendAllowed",
        "pegInstructionsAllowed",
        "isSpotTradingAllowed",
        "isMarginTradingAllowed",
    ];

    /// The same with what is said anew: members of its entry in `exchangeInfo`. Of a filter that it
    /// has, members that are not said stay; one that it lacks must be said whole; `"removed": true`
    /// takes it away. An error names the member and its value, and nothing is half done.
    pub fn revised(&self, said: &Map<String, Value>) -> Result<Self, InstrumentError> {
        self.read_anew(said).map_err(|reason| InstrumentError::Revision { symbol: self.symbol, reason })
    }

    fn read_anew(&self, said: &Map<String, Value>) -> Result<Self, String> {
        check_members(said)?;
        let mut entry = self.entry();
        let filters = merged(entry["filters"].take(), said.get("filters"))?;
        let fields = entry.as_object_mut().expect("it is one");
        fields.extend(said.clone());
        fields.insert("filters".to_owned(), filters.into());
        let mut notes = Vec::new();
        let read = Reader { json: &entry, of: String::new(), notes: &mut notes }.instrument();
        if let Some(note) = notes.first() {
            return Err(note.trim_start_matches([':', ' ']).to_owned());
        }
        let mut revised = read.ok_or("it cannot be read any more")?;
        revised.filters.unknown.clone_from(&self.filters.unknown);
        if !said.contains_key("status") {
            revised.status = self.status;
        }
        if !PERMISSIONS.iter().any(|name| said.contains_key(*name)) {
            revised.spot_allowed = self.spot_allowed;
        }
        check_read(said, &revised)?;
        Ok(revised)
    }

    /// Its entry in `exchangeInfo`, as far as it is known here.
    fn entry(&self) -> Value {
        let allows = &self.allows;
        json!({
            "symbol": self.symbol,
            // Of one that is not known nothing else is said either.
            "status": self.status.unwrap_or(SymbolStatus::Break),
            "baseAsset": self.base_asset,
            "baseAssetPrecision": self.base_precision,
            "quoteAsset": self.quote_asset,
            "quotePrecision": self.quote_precision,
            "quoteAssetPrecision": self.quote_precision,
            "baseCommissionPrecision": self.base_commission_precision,
            "quoteCommissionPrecision": self.quote_commission_precision,
            "orderTypes": self.order_types,
            "icebergAllowed": allows.iceberg,
            "ocoAllowed": allows.oco,
            "otoAllowed": allows.oto,
            "opoAllowed": allows.opo,
            "quoteOrderQtyMarketAllowed": allows.quote_order_qty_market,
            "allowTrailingStop": allows.trailing_stop,
            "cancelReplaceAllowed": allows.cancel_replace,
            "amendAllowed": allows.amend,
            "pegInstructionsAllowed": allows.peg_instructions,
            "filters": self.filters.entries(),
            "defaultSelfTradePreventionMode": self.default_self_trade_prevention,
            "allowedSelfTradePreventionModes": self.allowed_self_trade_prevention,
        })
    }
}

/// Whether all members are known and of their kind; what they say is looked at when they are read.
fn check_members(said: &Map<String, Value>) -> Result<(), String> {
    let is_words = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    for (name, value) in said {
        let name = name.as_str();
        let (is_right, kind) = if Instrument::FLAGS.contains(&name) {
            (value.is_boolean(), "true or false")
        } else if LISTS.contains(&name) {
            (is_words(value), "a list of texts")
        } else if name == "permissionSets" {
            (value.as_array().is_some_and(|sets| sets.iter().all(is_words)), "a list of lists of texts")
        } else if name == "filters" {
            (value.is_array(), "a list")
        } else if OTHERS.contains(&name) {
            (value.is_string(), "a text")
        } else {
            let all = OTHERS.iter().chain(&LISTS).chain(&Instrument::FLAGS);
            let all: Vec<_> = all.map(|name| format!("`{name}`")).collect();
            return Err(format!("`{name}` is nothing that can change; it must be one of {}", all.join(", ")));
        };
        if !is_right {
            return Err(format!("`{name}` must be {kind}, not {value}"));
        }
    }
    if let Some(status) = said.get("status").and_then(Value::as_str)
        && SymbolStatus::from_word(status).is_none()
    {
        return Err(format!("`status` must be one of TRADING, END_OF_DAY, HALT, BREAK, CANCEL_ONLY, not {status:?}"));
    }
    if let Some(mode) = said.get("defaultSelfTradePreventionMode").and_then(Value::as_str)
        && SelfTradePrevention::from_word(mode).is_none()
    {
        return Err(format!("`defaultSelfTradePreventionMode` is no mode: {mode:?}"));
    }
    Ok(())
}

/// Filters with what is said of them.
fn merged(filters: Value, said: Option<&Value>) -> Result<Vec<Value>, String> {
    let Value::Array(mut filters) = filters else { return Ok(Vec::new()) };
    for said in said.and_then(Value::as_array).into_iter().flatten() {
        let fields = said.as_object().ok_or_else(|| format!("a filter must be an object, not {said}"))?;
        let name = fields.get("filterType").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("a filter needs `filterType`: {said}"))?;
        if name == "MAX_ASSET" {
            return Err("MAX_ASSET is a filter of an asset and none of a symbol".to_owned());
        }
        let known = filters.iter().position(|filter| filter["filterType"] == name);
        match (fields.get("removed"), known) {
            (Some(Value::Bool(true)), Some(at)) if fields.len() == 2 => drop(filters.remove(at)),
            (Some(Value::Bool(true)), None) => return Err(format!("{name}: there is no such filter to be removed")),
            (Some(_), _) => return Err(format!("{name}: `removed` is true and stands alone")),
            (None, known) => {
                let at = known.unwrap_or_else(|| {
                    filters.push(json!({ "filterType": name }));
                    filters.len() - 1
                });
                for (member, value) in fields {
                    filters[at][member] = usual(member, value);
                }
            }
        }
    }
    Ok(filters)
}

/// A value as the exchange writes it: counts are numbers, everything else that is a number is a text.
fn usual(member: &str, value: &Value) -> Value {
    let is_count =
        member.starts_with("maxNum") || member.ends_with("Delta") || ["limit", "avgPriceMins"].contains(&member);
    match value {
        Value::Number(number) if !is_count => number.to_string().into(),
        Value::String(text) if is_count => text.parse::<u32>().map_or_else(|_| value.clone(), Value::from),
        Value::String(text) if member.starts_with("apply") => {
            text.parse::<bool>().map_or_else(|_| value.clone(), Value::from)
        }
        value => value.clone(),
    }
}

/// Whether everything that was said of filters and modes has been understood.
fn check_read(said: &Map<String, Value>, revised: &Instrument) -> Result<(), String> {
    let entries = revised.filters.entries();
    for said in said.get("filters").and_then(Value::as_array).into_iter().flatten() {
        let name = said["filterType"].as_str().unwrap_or_default();
        let Some(read) = entries.iter().find(|entry| entry["filterType"] == name) else { continue };
        for (member, value) in said.as_object().into_iter().flatten() {
            let value = usual(member, value);
            match read.get(member) {
                None => return Err(format!("{name}: it has no `{member}`")),
                Some(Value::Bool(_)) if !value.is_boolean() => {
                    return Err(format!("{name}: `{member}` must be true or false, not {value}"));
                }
                Some(_) => {}
            }
        }
    }
    if let Some(contradiction) = revised.filters.contradiction() {
        return Err(contradiction);
    }
    let mode = revised.default_self_trade_prevention;
    let says_modes = ["defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes"];
    if says_modes.iter().any(|name| said.contains_key(*name)) && !revised.allowed_self_trade_prevention.contains(&mode)
    {
        return Err(format!("`defaultSelfTradePreventionMode` {mode} is none of `allowedSelfTradePreventionModes`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::ExchangeInfo;
    use crate::text::Symbol;

    const ENTRY: &str = r#"{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,
        "quoteAsset":"USDT","quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,
        "quoteCommissionPrecision":2,"orderTypes":["LIMIT","MARKET"],"icebergAllowed":true,"ocoAllowed":true,
        "isSpotTradingAllowed":true,"filters":[
        {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"},
        {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"},
        {"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"1.2","bidMultiplierDown":"0.5","askMultiplierUp":"5",
         "askMultiplierDown":"0.8","avgPriceMins":5},
        {"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000000",
         "applyMaxToMarket":false,"avgPriceMins":5},
        {"filterType":"T_PLUS_SELL","endTime":1},
        {"filterType":"MAX_NUM_ORDERS","maxNumOrders":200}],
        "permissions":[],"permissionSets":[["SPOT","MARGIN"]],
        "defaultSelfTradePreventionMode":"NONE","allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER"]}"#;

    fn instrument() -> Instrument {
        let info = format!(r#"{{"serverTime":1725817008719,"symbols":[{ENTRY}]}}"#);
        ExchangeInfo::parse(&info).unwrap().instruments[&Symbol::new("BTCUSDT").unwrap()].clone()
    }

    fn revised(said: &str) -> Result<Instrument, String> {
        let said = serde_json::from_str(said).unwrap();
        instrument().revised(&said).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_stays() {
        let before = instrument();
        assert_eq!(revised("{}").unwrap(), before);
        let halted = revised(r#"{"status":"HALT"}"#).unwrap();
        assert_eq!(halted, Instrument { status: Some(SymbolStatus::Halt), ..before.clone() });
        let tick = revised(r#"{"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.1"}]}"#).unwrap();
        let price = tick.filters.price_filter.unwrap();
        assert_eq!(
            (price.tick_size.to_string(), price.max_price),
            ("0.10000000".to_owned(), before.filters.price_filter.unwrap().max_price)
        );
        assert_eq!(tick.filters.unknown, before.filters.unknown);
        let mut back = tick.clone();
        back.filters.price_filter = before.filters.price_filter;
        assert_eq!(back, before);
    }

    #[test]
    fn filters_come_and_go() {
        let said = r#"{"filters":[{"filterType":"NOTIONAL","removed":true},
            {"filterType":"MIN_NOTIONAL","minNotional":10,"applyToMarket":"false","avgPriceMins":"1"},
            {"filterType":"MAX_NUM_ORDERS","maxNumOrders":3}]}"#;
        let filters = revised(said).unwrap().filters;
        let least = filters.min_notional.unwrap();
        assert_eq!(
            (least.min_notional.to_string().as_str(), least.apply_to_market, least.avg_price_mins),
            ("10.00000000", false, 1)
        );
        assert_eq!((filters.notional, filters.max_num_orders), (None, Some(3)));
        let entries = filters.entries();
        let names: Vec<_> = entries.iter().map(|entry| entry["filterType"].as_str().unwrap()).collect();
        assert_eq!(names, ["PRICE_FILTER", "PERCENT_PRICE_BY_SIDE", "LOT_SIZE", "MIN_NOTIONAL", "MAX_NUM_ORDERS"]);
        assert_eq!(entries[1]["bidMultiplierUp"], "1.2");
        assert_eq!(entries[1]["askMultiplierUp"], "5");
    }

    #[test]
    fn permissions_and_kinds_of_orders() {
        for (said, allowed) in [
            (r#"{"isSpotTradingAllowed":false}"#, false),
            (r#"{"permissionSets":[["MARGIN"]]}"#, false),
            (r#"{"permissionSets":[["SPOT"],["TRD_GRP_004","SPOT"]]}"#, true),
            (r#"{"permissions":["LEVERAGED"]}"#, false),
        ] {
            assert_eq!(revised(said).unwrap().spot_allowed, allowed, "{said}");
        }
        let barred = revised(r#"{"isSpotTradingAllowed":false,"ocoAllowed":false,"orderTypes":["LIMIT"]}"#).unwrap();
        assert_eq!((barred.allows.oco, barred.allows.iceberg, barred.order_types.len()), (false, true, 1));
        let still = barred.revised(&serde_json::from_str(r#"{"icebergAllowed":false}"#).unwrap()).unwrap();
        assert!(!still.spot_allowed, "nothing was said of it");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let filter = |fields: &str| format!(r#"{{"filters":[{{{fields}}}]}}"#);
        for (said, told) in [
            (r#"{"status":"CLOSED"}"#.to_owned(), "`status` must be one of TRADING"),
            (r#"{"status":1}"#.to_owned(), "`status` must be a text, not 1"),
            (r#"{"baseAsset":"ETH"}"#.to_owned(), "`baseAsset` is nothing that can change"),
            (r#"{"ocoAllowed":"no"}"#.to_owned(), r#"`ocoAllowed` must be true or false, not "no""#),
            (r#"{"orderTypes":["TELEPATHY"]}"#.to_owned(), r#"unknown entry "TELEPATHY" in `orderTypes`"#),
            (r#"{"permissionSets":["SPOT"]}"#.to_owned(), "`permissionSets` must be a list of lists of texts"),
            (r#"{"defaultSelfTradePreventionMode":"X"}"#.to_owned(), r#"is no mode: "X""#),
            (r#"{"allowedSelfTradePreventionModes":["EXPIRE_MAKER"]}"#.to_owned(), "NONE is none of"),
            (filter(r#""tickSize":"1""#), "a filter needs `filterType`"),
            (filter(r#""filterType":"NONSENSE""#), "NONSENSE: unknown filter"),
            (filter(r#""filterType":"MAX_ASSET","asset":"BTC","limit":"1""#), "MAX_ASSET is a filter of an asset"),
            (
                filter(r#""filterType":"PRICE_FILTER","tickSize":"-0.1""#),
                r#"PRICE_FILTER: `tickSize` is below zero: "-0.1""#,
            ),
            (filter(r#""filterType":"PRICE_FILTER","tickSize":"ten""#), r#"`tickSize` is unreadable: "ten""#),
            (filter(r#""filterType":"PRICE_FILTER","tickSize":1e-9"#), r#"`tickSize` is unreadable: "1e-9""#),
            (filter(r#""filterType":"PRICE_FILTER","tick":"1""#), "PRICE_FILTER: it has no `tick`"),
            (filter(r#""filterType":"PRICE_FILTER","minPrice":"5","maxPrice":"1""#), "`minPrice` is above `maxPrice`"),
            (filter(r#""filterType":"LOT_SIZE","minQty":"10000""#), "LOT_SIZE: `minQty` is above `maxQty`"),
            (filter(r#""filterType":"NOTIONAL","minNotional":"9000001""#), "NOTIONAL: `minNotional` is above"),
            (
                filter(r#""filterType":"NOTIONAL","applyMinToMarket":"maybe""#),
                "`applyMinToMarket` must be true or false",
            ),
            (filter(r#""filterType":"PERCENT_PRICE_BY_SIDE","askMultiplierDown":"6""#), "`askMultiplierDown` is above"),
            (filter(r#""filterType":"MIN_NOTIONAL","applyToMarket":true"#), "MIN_NOTIONAL: `minNotional` is missing"),
            (filter(r#""filterType":"MAX_NUM_ORDERS","maxNumOrders":-1"#), "`maxNumOrders` is missing or no count"),
            (filter(r#""filterType":"MAX_POSITION","removed":true"#), "no such filter to be removed"),
            (filter(r#""filterType":"LOT_SIZE","removed":false"#), "LOT_SIZE: `removed` is true and stands alone"),
        ] {
            let error = revised(&said).unwrap_err();
            assert!(error.starts_with("BTCUSDT: ") && error.contains(told), "{said}: {error}");
        }
    }
}
