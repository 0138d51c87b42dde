//! Endpoints without a signature.

use axum::Json;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use candlewick_binance::wire::{Kline, ServerTime, time_number};
use candlewick_model::{Interval, Symbol};
use serde_json::{Value, json};

use super::answer::{Answer, No};
use super::request::Parameters;
use super::{State, time_unit};

pub(super) async fn ping() -> Json<Value> {
    Json(json!({}))
}

pub(super) async fn time(state: State, headers: HeaderMap) -> Answer<ServerTime> {
    let unit = time_unit(&headers)?;
    Ok(Json(ServerTime { server_time: time_number(state.exchange().now(), unit) }))
}

/// The snapshot, cut down to the one symbol that is traded here, with the simulated time.
pub(super) async fn exchange_info(state: State, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer<Value> {
    let unit = time_unit(&headers)?;
    let parameters = Parameters::read(query.as_deref().unwrap_or_default(), "")?;
    let (now, served) = {
        let exchange = state.exchange();
        (exchange.now(), exchange.symbol())
    };
    check_symbols(&parameters, served)?;
    let mut info = state.exchange_info.clone();
    info["serverTime"] = time_number(now, unit).into();
    Ok(Json(info))
}

/// `symbol` or `symbols`, which exclude each other.
fn check_symbols(parameters: &Parameters, served: Symbol) -> Result<(), No> {
    let asked = match (parameters.get("symbol"), parameters.get("symbols")) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => return Err(No::saying(-1128, "Combination of optional parameters invalid.")),
        (Some(symbol), None) => vec![symbol.to_owned()],
        (None, Some(list)) => {
            let list: Result<Vec<String>, _> = serde_json::from_str(list);
            list.map_err(|_| No::saying(-1100, "Illegal characters found in parameter 'symbols'; legal range is '^\\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]{1,20}\"){0,}){0,1}\\]$'."))?
        }
    };
    if asked.iter().all(|symbol| symbol == served.as_str()) {
        Ok(())
    } else {
        Err(No::saying(-1121, "Invalid symbol."))
    }
}

pub(super) async fn klines(state: State, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer<Vec<Kline>> {
    let unit = time_unit(&headers)?;
    let parameters = Parameters::read(query.as_deref().unwrap_or_default(), "")?;
    let exchange = state.exchange();
    parameters.symbol(exchange.symbol())?;
    let name = parameters.mandatory("interval")?;
    // Case counts: `1M` is the month. Other lengths than the market's are not made up.
    if Interval::ALL.iter().find(|i| i.rest_name() == name) != Some(&exchange.interval()) {
        return Err(No::saying(-1120, "Invalid interval."));
    }
    let bars = exchange.bars(parameters.time("startTime")?, parameters.time("endTime")?, parameters.limit()?);
    Ok(Json(bars.iter().map(|bar| Kline::of(bar, unit)).collect()))
}
