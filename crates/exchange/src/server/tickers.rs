//! Tickers: what markets did over a day, a trading day or a window, their last and best prices.

use axum::{Extension, Json};
use candlewick_binance::wire::{
    BookTicker, DayTicker, MiniTicker, PriceTicker, Ticker, WindowSums, WindowTicker, percent, time_number,
};
use candlewick_model::time::DAY;
use candlewick_model::{Interval, TimeUnit, Timestamp};
use serde_json::{Value, json};

use super::State;
use super::admission::{Admitted, Asked};
use super::answer::{Answer, No};
use super::request::Parameters;
use super::select::{Selected, is_mini, window_us};
use crate::data::aggregate::Grid;
use crate::data::klines::offset;
use crate::local::LocalExchange;
use crate::market::{Statistics, View};

/// What a window is told with.
struct Window {
    open_time: Timestamp,
    close_time: Timestamp,
    statistics: Statistics,
    unit: TimeUnit,
}

pub(super) async fn day(state: State, Extension(asked): Asked) -> Answer<Value> {
    windows(&state, &asked, Selected::read, Window::day, |_| Ok(|now: Timestamp| (now.plus(-DAY), now)))
}

pub(super) async fn trading_day(state: State, Extension(asked): Asked) -> Answer<Value> {
    windows(&state, &asked, Selected::read_named, Window::full, |parameters| {
        let grid = Grid { interval: Interval::OneDay, offset_us: offset(parameters)? };
        Ok(move |now| {
            let open = grid.open_at(now);
            (open, grid.next_open(open).plus(-1))
        })
    })
}

/// It begins on a minute and ends now.
pub(super) async fn window(state: State, Extension(asked): Asked) -> Answer<Value> {
    windows(&state, &asked, Selected::read_named, Window::full, |parameters| {
        let length = window_us(parameters)?;
        Ok(move |now| (Interval::OneMinute.open_at(now).plus(-length), now))
    })
}

/// What the markets that are selected did over a window, which follows from the time and from
/// parameters of its own; all of it, or the short form that is the same for all.
fn windows<Span: Fn(Timestamp) -> (Timestamp, Timestamp)>(
    state: &State,
    asked: &Admitted,
    select: impl FnOnce(&Parameters, &LocalExchange) -> Result<Selected, No>,
    full: impl Fn(&Window, &View<'_>) -> Ticker,
    span: impl FnOnce(&Parameters) -> Result<Span, No>,
) -> Answer<Value> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let selected = select(parameters, &exchange)?;
    let is_mini = is_mini(parameters)?;
    let span = span(parameters)?;
    let ticker = |view: &View<'_>| {
        let (open_time, close_time) = span(view.now());
        let window = Window { open_time, close_time, statistics: view.statistics(open_time), unit };
        if is_mini { window.mini(view) } else { full(&window, view) }
    };
    let views = selected.of_status(parameters, &exchange)?;
    told(&selected, views.iter().map(ticker).collect())
}

pub(super) async fn price(state: State, Extension(asked): Asked) -> Answer<Value> {
    let (parameters, _) = asked.parts();
    let exchange = state.exchange();
    let selected = Selected::read(parameters, &exchange)?;
    let row = |view: &View<'_>| PriceTicker { symbol: view.market.symbol, price: view.last_price() };
    told(&selected, selected.of_status(parameters, &exchange)?.iter().map(row).collect())
}

pub(super) async fn book(state: State, Extension(asked): Asked) -> Answer<Value> {
    let (parameters, _) = asked.parts();
    let exchange = state.exchange();
    let selected = Selected::read(parameters, &exchange)?;
    let row = |view: &View<'_>| {
        let [(bid_price, bid_qty), (ask_price, ask_qty)] = view.best();
        BookTicker { symbol: view.market.symbol, bid_price, bid_qty, ask_price, ask_qty }
    };
    told(&selected, selected.of_status(parameters, &exchange)?.iter().map(row).collect())
}

/// One row for one market, an array for several.
fn told<T: serde::Serialize>(selected: &Selected, rows: Vec<T>) -> Answer<Value> {
    Ok(Json(match (selected, rows.first()) {
        (Selected::One(_), Some(row)) => json!(row),
        (Selected::One(_), None) => return Err(No::saying(-1121, "Invalid symbol.")),
        (Selected::Many(_), _) => json!(rows),
    }))
}

impl Window {
    fn number(&self, time: Timestamp) -> i64 {
        time_number(time, self.unit)
    }

    fn sums(&self) -> WindowSums {
        let statistics = &self.statistics;
        WindowSums {
            open_price: statistics.open,
            high_price: statistics.high,
            low_price: statistics.low,
            last_price: statistics.last_price(),
            volume: statistics.volume,
            quote_volume: statistics.quote_volume,
            open_time: self.number(self.open_time),
            close_time: self.number(self.close_time),
            first_id: statistics.first_id,
            last_id: statistics.last_id,
            count: statistics.count,
        }
    }

    fn mini(&self, view: &View<'_>) -> Ticker {
        Ticker::Mini(MiniTicker { symbol: view.market.symbol, sums: self.sums() })
    }

    fn full(&self, view: &View<'_>) -> Ticker {
        let statistics = &self.statistics;
        Ticker::Window(WindowTicker {
            symbol: view.market.symbol,
            price_change: statistics.change(),
            price_change_percent: percent(statistics.change(), statistics.open),
            weighted_avg_price: statistics.average(),
            sums: self.sums(),
        })
    }

    fn day(&self, view: &View<'_>) -> Ticker {
        let statistics = &self.statistics;
        let [(bid_price, bid_qty), (ask_price, ask_qty)] = view.best();
        Ticker::Day(DayTicker {
            symbol: view.market.symbol,
            price_change: statistics.change(),
            price_change_percent: percent(statistics.change(), statistics.open),
            weighted_avg_price: statistics.average(),
            prev_close_price: statistics.previous_close,
            last_price: statistics.last_price(),
            last_qty: statistics.last_quantity,
            bid_price,
            bid_qty,
            ask_price,
            ask_qty,
            open_price: statistics.open,
            high_price: statistics.high,
            low_price: statistics.low,
            volume: statistics.volume,
            quote_volume: statistics.quote_volume,
            open_time: self.number(self.open_time),
            close_time: self.number(self.close_time),
            first_id: statistics.first_id,
            last_id: statistics.last_id,
            count: statistics.count,
        })
    }
}
