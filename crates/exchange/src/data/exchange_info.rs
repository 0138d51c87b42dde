//! The answer of `exchangeInfo` for all markets, cut down to what a request selects.

use std::borrow::Cow;
use std::collections::BTreeSet;

use candlewick_binance::wire::time_number;
use candlewick_model::request::legal_symbol;
use candlewick_model::{Instrument, Symbol, TimeUnit, Timestamp};
use serde_json::{Value, json};

use super::catalogue::{Catalogue, Listed};
use crate::ExchangeError;
use crate::server::answer::No;
use crate::server::request::{Parameters, invalid, list};

/// What is said of the symbols, and around them, by when it was said.
pub(crate) struct Information {
    around: Said,
    symbols: Vec<(Symbol, Said)>,
}

/// What snapshots say of something, by their times; there is at least one.
struct Said(Vec<(Timestamp, Value)>);

impl Said {
    /// What the latest snapshot says; before the first one that does (rule 5.2).
    fn at(&self, now: Timestamp) -> &Value {
        let after = self.0.partition_point(|(taken, _)| *taken <= now);
        &self.0[after.saturating_sub(1)].1
    }
}

impl Information {
    /// What the catalogue's snapshots say, with other limits where these are given, so many
    /// microseconds later.
    pub(crate) fn new(catalogue: &Catalogue, rate_limits: Option<Value>, shift_us: i64) -> Result<Self, ExchangeError> {
        let given = snapshots(catalogue.exchange_info.as_deref().unwrap_or("{}"), shift_us)?;
        let of = |symbol: Symbol| {
            let entry = |(taken, info): &(Timestamp, Value)| {
                let mut own = info["symbols"].as_array()?.iter().filter(|entry| entry["symbol"] == symbol.as_str());
                // Of two nobody knows which one counts.
                let (entry, None) = (own.next()?, own.next()) else { return None };
                Some((*taken, completed(entry.clone())))
            };
            let listed: Vec<_> = given.iter().filter_map(entry).collect();
            let made_up = || Some(vec![(Timestamp::MIN, made_up(symbol, catalogue.market(symbol)?))]);
            Some(listed).filter(|listed| !listed.is_empty()).or_else(made_up).map(Said)
        };
        let symbols = catalogue.symbols().filter_map(|symbol| Some((symbol, of(symbol)?))).collect();
        let around = given.iter().map(|(taken, info)| {
            let array = |name: &str| Some(info[name].clone()).filter(Value::is_array).unwrap_or_else(|| json!([]));
            let around = json!({
                "timezone": "UTC",
                "serverTime": 0,
                "rateLimits": rate_limits.clone().unwrap_or_else(|| array("rateLimits")),
                "exchangeFilters": array("exchangeFilters")
            });
            (*taken, around)
        });
        Ok(Self { around: Said(around.collect()), symbols })
    }

    /// The limits of addresses are the same throughout: those that hold at an instant.
    pub(crate) fn with_limits_of_addresses(mut self, at: Timestamp) -> Self {
        let is_of_orders = |limit: &&Value| limit["rateLimitType"] == "ORDERS";
        let of = |around: &Value| around["rateLimits"].as_array().cloned().unwrap_or_default();
        let throughout: Vec<_> = of(self.around.at(at)).into_iter().filter(|limit| !is_of_orders(&limit)).collect();
        for (_, around) in &mut self.around.0 {
            let orders = of(around).into_iter().filter(|limit| is_of_orders(&limit));
            around["rateLimits"] = throughout.iter().cloned().chain(orders).collect();
        }
        self
    }

    /// What is said of a market.
    pub(crate) fn of_symbol(&self, symbol: Symbol, now: Timestamp) -> Option<&Value> {
        self.symbols.iter().find(|(known, _)| *known == symbol).map(|(_, said)| said.at(now))
    }

    /// What is said beside the markets: limits, and filters of the exchange as a whole and of assets.
    pub(crate) fn around(&self, now: Timestamp) -> &Value {
        self.around.at(now)
    }

    /// The answer to a request. What a market is now goes before what the snapshot says of it.
    pub(crate) fn answer(
        &self,
        catalogue: &Catalogue,
        parameters: &Parameters,
        (now, unit): (Timestamp, TimeUnit),
        now_is: impl Fn(Symbol, &mut Cow<'_, Value>),
    ) -> Result<Vec<u8>, No> {
        let selection = Selection::read(parameters)?;
        let is_gone = |symbol: Symbol| {
            catalogue.market(symbol).and_then(|market| market.delisted).is_some_and(|until| until <= now)
        };
        let is_here = |symbol: Symbol| {
            !is_gone(symbol)
                && catalogue.market(symbol).is_some_and(|market| market.listed().is_none_or(|from| from <= now))
        };
        let here: Vec<_> = self.symbols.iter().filter(|(symbol, _)| is_here(*symbol)).collect();
        if let Some(names) = &selection.symbols {
            let known: BTreeSet<&str> = here.iter().map(|(symbol, _)| symbol.as_str()).collect();
            if names.iter().any(|name| !known.contains(name.as_str())) {
                return Err(No::saying(-1121, "Invalid symbol."));
            }
        }
        let told = here.iter().map(|(symbol, said)| {
            let mut entry = Cow::Borrowed(said.at(now));
            now_is(*symbol, &mut entry);
            entry
        });
        let mut chosen: Vec<Value> = told.filter(|entry| selection.has(entry)).map(Cow::into_owned).collect();
        if !selection.shows_permission_sets {
            chosen.iter_mut().for_each(|entry| entry["permissionSets"] = json!([]));
        }
        let mut answer = self.around(now).clone();
        answer["serverTime"] = time_number(now, unit).into();
        answer["symbols"] = chosen.into();
        Ok(answer.to_string().into_bytes())
    }
}

/// Snapshots by their times, one after the other as a run keeps them.
fn snapshots(text: &str, shift_us: i64) -> Result<Vec<(Timestamp, Value)>, ExchangeError> {
    let taken = |info: &Value| {
        let number = info["serverTime"].as_i64();
        let time = number.and_then(Timestamp::from_either_unit).map(|(time, _)| time.plus(shift_us));
        time.unwrap_or(Timestamp::MIN)
    };
    let read = serde_json::Deserializer::from_str(text).into_iter().map(|info| info.map(|info| (taken(&info), info)));
    let no_json = |reason: String| ExchangeError::ExchangeInfo { reason };
    let mut all = read.collect::<Result<Vec<_>, _>>().map_err(|error| no_json(error.to_string()))?;
    if all.is_empty() {
        return Err(no_json("there is none".to_owned()));
    }
    all.sort_by_key(|(taken, _)| *taken);
    Ok(all)
}

/// Which symbols a request wants.
struct Selection {
    symbols: Option<Vec<String>>,
    permissions: Vec<String>,
    status: Option<String>,
    shows_permission_sets: bool,
}

impl Selection {
    fn read(parameters: &Parameters) -> Result<Self, No> {
        let combination = || No::saying(-1128, "Combination of optional parameters invalid.");
        let symbols = match (parameters.optional("symbol")?, parameters.symbols()?) {
            (Some(_), Some(_)) => return Err(combination()),
            (Some(name), None) => Some(vec![legal_symbol(name)?.to_string()]),
            (None, several) => several,
        };
        let (permissions, status) = (parameters.optional("permissions")?, parameters.optional("symbolStatus")?);
        if symbols.is_some() && (permissions.is_some() || status.is_some()) {
            return Err(combination());
        }
        if status.is_some_and(|status| !["TRADING", "HALT", "BREAK"].contains(&status)) {
            return Err(No::saying(-1122, "Invalid symbolStatus."));
        }
        let shows_permission_sets = parameters.boolean("showPermissionSets")?.unwrap_or(true);
        let permissions: Vec<String> = match permissions {
            None => ["SPOT", "MARGIN", "LEVERAGED"].map(str::to_owned).into(),
            Some(text) if text.starts_with('[') => list("permissions", text)?,
            Some(text) => vec![text.to_owned()],
        };
        if !permissions.iter().all(|name| is_permission(name)) {
            return Err(invalid("permissions"));
        }
        Ok(Self { symbols, permissions, status: status.map(str::to_owned), shows_permission_sets })
    }

    fn has(&self, entry: &Value) -> bool {
        if let Some(names) = &self.symbols {
            return names.iter().any(|name| entry["symbol"] == name.as_str());
        }
        let sets = entry["permissionSets"].as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
        let own = entry["permissions"].as_array().into_iter().flatten();
        let mut permissions = sets.chain(own).filter_map(Value::as_str);
        self.status.as_ref().is_none_or(|wanted| entry["status"] == wanted.as_str())
            && permissions.any(|permission| self.permissions.iter().any(|wanted| wanted == permission))
    }
}

/// Those of the documents; of groups there are more from year to year.
fn is_permission(name: &str) -> bool {
    let is_group = |number: &str| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit());
    ["SPOT", "MARGIN", "LEVERAGED"].contains(&name) || name.strip_prefix("TRD_GRP_").is_some_and(is_group)
}

/// A symbol as an older snapshot has it, with what newer ones say beside it: that it is not
/// allowed.
fn completed(mut entry: Value) -> Value {
    let Some(fields) = entry.as_object_mut() else { return entry };
    let mut complete = |name: &str, default: Value| {
        fields.entry(name).or_insert(default);
    };
    for name in ["baseAssetPrecision", "quotePrecision", "quoteAssetPrecision"] {
        complete(name, 8.into());
    }
    for name in ["baseCommissionPrecision", "quoteCommissionPrecision"] {
        complete(name, 8.into());
    }
    // First, as all others are not allowed.
    complete("isSpotTradingAllowed", true.into());
    for name in Instrument::FLAGS {
        complete(name, false.into());
    }
    complete("permissions", json!([]));
    complete("defaultSelfTradePreventionMode", "NONE".into());
    complete("allowedSelfTradePreventionModes", json!(["NONE"]));
    let alternatives = fields["permissions"].as_array().filter(|list| !list.is_empty()).cloned();
    let sets = json!([alternatives.unwrap_or_else(|| vec!["SPOT".into()])]);
    fields.entry("permissionSets").or_insert(sets);
    entry
}

/// What there is to say of a symbol that no snapshot knows.
fn made_up(symbol: Symbol, market: &Listed) -> Value {
    let mut plan = market.plan_for_rules();
    plan.symbol = symbol;
    (plan.base_asset, plan.quote_asset) = (market.base_asset, market.quote_asset);
    if let Some((tick, step)) = market.grid {
        (plan.tick, plan.step) = (tick, step);
    }
    plan.symbol_info()
}
