//! The answer of `exchangeInfo` for all markets, cut down to what a request selects.

use std::collections::BTreeSet;

use candlewick_binance::wire::time_number;
use candlewick_model::{Refusal, Symbol, TimeUnit, Timestamp};
use serde_json::{Value, json};

use super::catalogue::{Catalogue, Listed};
use super::limits::Limits;
use crate::ExchangeError;
use crate::server::answer::No;
use crate::server::request::Parameters;

/// What is said of the symbols, and around them.
pub(super) struct Information {
    around: Value,
    symbols: Vec<(Symbol, Value)>,
}

impl Information {
    pub(super) fn new(catalogue: &Catalogue, limits: &Limits) -> Result<Self, ExchangeError> {
        let parsed = catalogue.exchange_info.as_deref().map(serde_json::from_str::<Value>).transpose();
        let given = parsed.map_err(|error| ExchangeError::ExchangeInfo { reason: error.to_string() })?;
        let listed = given.as_ref().and_then(|info| info["symbols"].as_array()).cloned().unwrap_or_default();
        let of = |symbol: Symbol| {
            let own = listed.iter().find(|entry| entry["symbol"] == symbol.as_str()).cloned();
            own.or_else(|| catalogue.market(symbol).map(|market| made_up(symbol, market)))
        };
        let symbols = catalogue.symbols().filter_map(|symbol| Some((symbol, of(symbol)?))).collect();
        let filters = given.map_or_else(|| json!([]), |info| info["exchangeFilters"].clone());
        let around = json!({
            "timezone": "UTC",
            "serverTime": 0,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limits.weight},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
                {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": limits.requests}
            ],
            "exchangeFilters": if filters.is_array() { filters } else { json!([]) }
        });
        Ok(Self { around, symbols })
    }

    /// The answer to a request.
    pub(super) fn answer(
        &self,
        catalogue: &Catalogue,
        parameters: &Parameters,
        unit: TimeUnit,
        now: Timestamp,
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
        let mut chosen: Vec<Value> =
            here.iter().map(|(_, entry)| entry).filter(|entry| selection.has(entry)).cloned().collect();
        if !selection.shows_permission_sets {
            chosen.iter_mut().for_each(|entry| entry["permissionSets"] = json!([]));
        }
        let mut answer = self.around.clone();
        answer["serverTime"] = time_number(now, unit).into();
        answer["symbols"] = chosen.into();
        Ok(answer.to_string().into_bytes())
    }
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
        let list = |name: &str, text: &str| -> Result<Vec<String>, No> {
            if !text.starts_with('[') {
                return Ok(vec![text.to_owned()]);
            }
            serde_json::from_str(text).map_err(|_| {
                let range = r#"^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$"#;
                let text = format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
                Refusal::naming(-1100, text).into()
            })
        };
        let (symbol, symbols) = (parameters.get("symbol"), parameters.get("symbols"));
        let (permissions, status) = (parameters.get("permissions"), parameters.get("symbolStatus"));
        let symbols = match (symbol, symbols) {
            (Some(_), Some(_)) => return Err(combination()),
            (Some(symbol), None) => Some(vec![symbol.to_owned()]),
            (None, Some(text)) => Some(list("symbols", text)?),
            (None, None) => None,
        };
        if symbols.is_some() && (permissions.is_some() || status.is_some()) {
            return Err(combination());
        }
        if let Some(names) = &symbols
            && names.iter().collect::<BTreeSet<_>>().len() < names.len()
        {
            return Err(No::saying(-1151, "Symbol is present multiple times in the list."));
        }
        if status.is_some_and(|status| !["TRADING", "HALT", "BREAK"].contains(&status)) {
            return Err(No::saying(-1122, "Invalid symbolStatus."));
        }
        let shows_permission_sets = match parameters.get("showPermissionSets") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(No::saying(-1130, "Data sent for parameter 'showPermissionSets' is not valid.")),
        };
        let usual = || ["SPOT", "MARGIN", "LEVERAGED"].map(str::to_owned).into();
        let permissions = permissions.map_or_else(|| Ok(usual()), |text| list("permissions", text))?;
        Ok(Self { symbols, permissions, status: status.map(str::to_owned), shows_permission_sets })
    }

    fn has(&self, entry: &Value) -> bool {
        if let Some(names) = &self.symbols {
            return names.iter().any(|name| entry["symbol"] == name.as_str());
        }
        let sets = entry["permissionSets"].as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
        let own = entry["permissions"].as_array().into_iter().flatten();
        let mut permissions = sets.chain(own).filter_map(Value::as_str);
        self.status.as_ref().is_none_or(|status| entry["status"] == status.as_str())
            && permissions.any(|permission| self.permissions.iter().any(|wanted| wanted == permission))
    }
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
