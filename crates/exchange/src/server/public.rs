//! Market data: endpoints without a signature. Tickers are in `tickers`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use candlewick_binance::wire::{
    AggTradeRow, AveragePrice, Depth, ExecutionRules, Level, PriceRangeRule, ReferenceCalculation, ReferencePrice,
    ServerTime, SymbolRules, TradeRow, time_number,
};
use candlewick_model::{TimeUnit, Timestamp};
use candlewick_simulator::{PriceRange, Reference};
use serde_json::{Value, json};

use super::admission::Asked;
use super::answer::{Answer, No};
use super::request::Parameters;
use super::select::{Selected, bad_combination, one};
use super::{Shared, State, tickers};
use crate::data::klines;
use crate::data::rows;
use crate::market::Joined;

/// The endpoints of market data.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v3/ping", get(ping))
        .route("/api/v3/time", get(time))
        .route("/api/v3/exchangeInfo", get(exchange_info))
        .route("/api/v3/executionRules", get(execution_rules))
        .route("/api/v3/depth", get(depth))
        .route("/api/v3/trades", get(trades))
        .route("/api/v3/historicalTrades", get(historical_trades))
        .route("/api/v3/aggTrades", get(joined_trades))
        .route("/api/v3/klines", get(bars))
        .route("/api/v3/uiKlines", get(bars))
        .route("/api/v3/avgPrice", get(average_price))
        .route("/api/v3/ticker/24hr", get(tickers::day))
        .route("/api/v3/ticker/tradingDay", get(tickers::trading_day))
        .route("/api/v3/ticker", get(tickers::window))
        .route("/api/v3/ticker/price", get(tickers::price))
        .route("/api/v3/ticker/bookTicker", get(tickers::book))
        .route("/api/v3/referencePrice", get(reference_price))
        .route("/api/v3/referencePrice/calculation", get(reference_calculation))
}

async fn ping() -> Json<Value> {
    Json(json!({}))
}

async fn time(state: State, Extension(asked): Asked) -> Answer<ServerTime> {
    Ok(Json(ServerTime { server_time: time_number(asked.ahead.of(state.exchange().now()), asked.unit) }))
}

/// The snapshot in force, cut down to the markets that are here, as they are at the simulated time.
async fn exchange_info(state: State, Extension(asked): Asked) -> Result<Response, No> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let now_is = |symbol, entry: &mut Cow<'_, Value>| {
        if let Some(view) = exchange.view(symbol) {
            view.put_into(entry.to_mut());
        }
    };
    let (catalogue, now) = (exchange.catalogue(), exchange.now());
    state.information.answer(catalogue, parameters, (now, unit), now_is).map(as_json)
}

async fn execution_rules(state: State, Extension(asked): Asked) -> Answer<ExecutionRules> {
    let (parameters, _) = asked.parts();
    if ["symbol", "symbols", "symbolStatus"].iter().filter(|name| parameters.get(name).is_some()).count() > 1 {
        return Err(bad_combination());
    }
    let exchange = state.exchange();
    let views = Selected::read(parameters, &exchange)?.of_status(parameters, &exchange)?;
    let rule = |range: PriceRange| PriceRangeRule {
        bid_limit_mult_up: range.bid_limit_mult_up,
        bid_limit_mult_down: range.bid_limit_mult_down,
        ask_limit_mult_up: range.ask_limit_mult_up,
        ask_limit_mult_down: range.ask_limit_mult_down,
    };
    let symbol_rules = views.iter().map(|view| SymbolRules {
        symbol: view.market.symbol,
        rules: view.market.price_range.map(rule).into_iter().collect(),
    });
    Ok(Json(ExecutionRules { symbol_rules: symbol_rules.collect() }))
}

async fn depth(state: State, Extension(asked): Asked) -> Answer<Depth> {
    let (parameters, _) = asked.parts();
    let exchange = state.exchange();
    let view = one(parameters, &exchange)?;
    let book = view.book(parameters.limit(100, 5_000)?);
    let levels = |side: Vec<(_, _)>| side.into_iter().map(|(price, quantity)| Level(price, quantity)).collect();
    Ok(Json(Depth { last_update_id: book.last_update_id, bids: levels(book.bids), asks: levels(book.asks) }))
}

async fn trades(state: State, Extension(asked): Asked) -> Answer<Vec<TradeRow>> {
    let (parameters, unit) = asked.parts();
    told_trades(&state, parameters, unit)
}

async fn historical_trades(state: State, Extension(asked): Asked) -> Answer<Vec<TradeRow>> {
    let (parameters, unit) = asked.parts();
    told_trades(&state, parameters, unit)
}

fn told_trades(state: &Shared, parameters: &Parameters, unit: TimeUnit) -> Answer<Vec<TradeRow>> {
    let exchange = state.exchange();
    let view = one(parameters, &exchange)?;
    let trades = view.trades(number(parameters, "fromId")?, parameters.limit(500, 1_000)?);
    Ok(Json(trades.iter().map(|trade| TradeRow::of(trade, unit)).collect()))
}

async fn joined_trades(state: State, Extension(asked): Asked) -> Answer<Vec<AggTradeRow>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let view = one(parameters, &exchange)?;
    let from = number(parameters, "fromId")?;
    let (start, end) = (parameters.time("startTime")?, parameters.time("endTime")?.map(last_of_millisecond));
    let wanted = match (from, start, end) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => return Err(bad_combination()),
        (Some(from), None, None) => Joined::FromId(from),
        (None, Some(start), end) => Joined::From(start, end.unwrap_or(Timestamp::MAX)),
        (None, None, end) => Joined::Until(end.unwrap_or(Timestamp::MAX)),
    };
    let trades = view.joined_trades(&wanted, parameters.limit(500, 1_000)?);
    Ok(Json(trades.iter().map(|trade| AggTradeRow::of(trade, unit)).collect()))
}

/// An end in whole milliseconds takes in all of its last one.
fn last_of_millisecond(time: Timestamp) -> Timestamp {
    if time.micros() % 1_000 == 0 { time.plus(999) } else { time }
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, No> {
    Ok(parameters.whole(name)?.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
}

async fn bars(state: State, Extension(asked): Asked) -> Result<Response, No> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let request = klines::Request::read(parameters, exchange.catalogue())?;
    if !exchange.catalogue().has(request.symbol, request.grid) {
        // What is no whole number of bars is not made up.
        return Err(No::saying(-1120, "Invalid interval."));
    }
    let view = exchange.view(request.symbol).ok_or(No::saying(-1121, "Invalid symbol."))?;
    Ok(as_json(rows::page(&view.bars(exchange.catalogue(), &request), unit)))
}

fn as_json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn average_price(state: State, Extension(asked): Asked) -> Answer<AveragePrice> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let (price, mins, last) = one(parameters, &exchange)?.average();
    Ok(Json(AveragePrice { mins, price, close_time: time_number(last, unit) }))
}

const NO_REFERENCE: No = No::saying(-2043, "This symbol doesn't have a reference price.");

async fn reference_price(state: State, Extension(asked): Asked) -> Answer<ReferencePrice> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let view = one(parameters, &exchange)?;
    let (reference_price, since) = view.reference().ok_or(NO_REFERENCE)?;
    Ok(Json(ReferencePrice { symbol: view.market.symbol, reference_price, timestamp: time_number(since, unit) }))
}

async fn reference_calculation(state: State, Extension(asked): Asked) -> Answer<ReferenceCalculation> {
    let (parameters, _) = asked.parts();
    let exchange = state.exchange();
    let view = one(parameters, &exchange)?;
    let symbol = view.market.symbol;
    Ok(Json(match &view.market.reference {
        Reference::Absent => return Err(NO_REFERENCE),
        Reference::Recorded(_) => ReferenceCalculation::External { symbol, external_calculation_id: 1 },
        Reference::Mean(mean) => {
            let (bucket_width_ms, bucket_count) = mean.window();
            ReferenceCalculation::ArithmeticMean { symbol, bucket_count, bucket_width_ms }
        }
    }))
}
