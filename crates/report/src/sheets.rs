//! The tables of the page.
//!
//! For: cells with their text, what they sort by and how they lean; long tables are cut and say
//! where the rest is. Not for: every row (CSV).

use candlewick_model::run::{Event, PathModel, Run, RunMarket};
use candlewick_model::{ExpiryReason, Gap, Order, Side, Symbol, Timestamp};
use serde::Serialize;

use crate::activity::MarketFigures;
use crate::csv::{Rejection, average_price, refused, unless_zero};
use crate::format::{
    NOTHING, amount, close_time, count, decimals_for, decimals_of, duration, float, percent, price, signed,
    signed_percent, time,
};
use crate::statistics::{Performance, Statistics};
use crate::tiles::tone;
use crate::trips::market_of;
use crate::unprotected::is_rejected;

/// Rows that a table of the page holds.
pub(crate) const ROWS: usize = 500;
/// Rows that a page of a table shows.
const SHOWN: usize = 15;

#[derive(Serialize)]
pub(crate) struct Cell {
    text: String,
    /// What the column sorts by, where that is not the text.
    sort: Option<f64>,
    class: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Sheet {
    name: &'static str,
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Vec<Cell>>,
    shown: usize,
    pub(crate) total: String,
    more: Option<String>,
    file: &'static str,
}

impl Sheet {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

pub(crate) fn text(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), sort: None, class: "" }
}

pub(crate) fn number(text: String, sort: f64) -> Cell {
    Cell { text, sort: Some(sort), class: "n" }
}

fn leaning(text: String, value: f64) -> Cell {
    let class = match tone(value) {
        "up" => "n up",
        "down" => "n down",
        _ => "n",
    };
    Cell { text, sort: Some(value), class }
}

pub(crate) fn instant(t: Timestamp) -> Cell {
    Cell { text: time(t), sort: Some(t.micros() as f64), class: "t" }
}

pub(crate) fn side(side: Side) -> Cell {
    let class = if side == Side::Buy { "buy" } else { "sell" };
    Cell { text: side.as_str().to_owned(), sort: None, class }
}

/// The column that says which market a row is about; not shown where there is one market.
pub(crate) const MARKET: (&str, &str) = ("Market", "");

/// Decimals of prices and quantities on a market.
pub(crate) fn decimals(run: &Run, symbol: Symbol) -> (u32, u32) {
    let market = market_of(run, symbol);
    (decimals_of(market.tick.units()), decimals_of(market.step.units()))
}

pub(crate) fn sheet(
    run: &Run,
    name: &'static str,
    file: &'static str,
    columns: &[(&'static str, &'static str)],
    total: usize,
    mut rows: Vec<Vec<Cell>>,
) -> Sheet {
    let mut columns = columns.to_vec();
    let market = columns.iter().position(|column| *column == MARKET);
    if let (Some(at), [_]) = (market, &run.markets[..]) {
        columns.remove(at);
        rows.iter_mut().for_each(|row| drop(row.remove(at)));
    }
    let left = total.saturating_sub(rows.len()) as u64;
    let more = (left > 0).then(|| format!("{} more in {file}", count(left)));
    Sheet { name, columns, rows, shown: SHOWN, total: count(total as u64), more, file }
}

pub(crate) fn trades(run: &Run, statistics: &Statistics) -> Sheet {
    let money = decimals_for(statistics.curve.initial);
    let trips = &statistics.trips;
    let all = trips.closed.iter().map(|t| (t, false)).chain(trips.open.iter().map(|t| (t, true)));
    let row = |(t, open): (&crate::trips::RoundTrip, bool)| {
        let (prices, quantities) = decimals(run, t.symbol);
        let exit = if open { Cell { text: "open".into(), ..instant(t.exit_time) } } else { instant(t.exit_time) };
        vec![
            number(count(t.number), t.number as f64),
            text(t.symbol.as_str()),
            side(t.side),
            instant(t.entry_time),
            exit,
            number(amount(t.quantity, quantities), t.quantity.to_f64()),
            number(price(t.entry_price, prices), t.entry_price.to_f64()),
            number(price(t.exit_price, prices), t.exit_price.to_f64()),
            number(count(t.bars_held), t.bars_held as f64),
            number(amount(t.commission, money), t.commission.to_f64()),
            leaning(signed(t.pnl, money), t.pnl.to_f64()),
            leaning(signed_percent(t.growth), t.growth.unwrap_or(0.0)),
        ]
    };
    let columns = [
        ("#", "n"),
        MARKET,
        ("Side", ""),
        ("Entry", "t"),
        ("Exit", "t"),
        ("Quantity", "n"),
        ("In at", "n"),
        ("Out at", "n"),
        ("Bars", "n"),
        ("Commission", "n"),
        ("Profit", "n"),
        ("Return", "n"),
    ];
    let total = trips.closed.len() + trips.open.len();
    sheet(run, "trades", "trades.csv", &columns, total, all.take(ROWS).map(row).collect())
}

/// Orders: those first that were rejected when they were to go onto the book, then those that expired
/// for want of liquidity, then the others, by id.
pub(crate) fn orders(run: &Run) -> Sheet {
    let starved = |o: &Order| o.expiry_reason == Some(ExpiryReason::InsufficientLiquidity);
    let rank = |o: &&Order| if is_rejected(o) { 0 } else { 2 - u32::from(starved(o)) };
    let mut all: Vec<_> = run.orders.iter().collect();
    all.sort_by_key(rank);
    let row = |o: &Order| {
        let (prices, quantities) = decimals(run, o.symbol);
        let at = |p: Option<candlewick_model::Price>| match p.filter(|p| !p.is_zero()) {
            Some(p) => number(price(p, prices), p.to_f64()),
            None => number(NOTHING.to_owned(), 0.0),
        };
        let ended = o.expiry_reason.map_or_else(|| o.status.to_string(), |r| format!("{} {r}", o.status));
        let class = if rank(&o) < 2 { "warn" } else { "" };
        vec![
            number(count(o.order_id), o.order_id as f64),
            text(o.symbol.as_str()),
            instant(o.created),
            side(o.side),
            text(format!("{} {}", o.order_type, o.time_in_force)),
            at(Some(o.price)),
            stop(o, prices),
            number(amount(o.quantity.into(), quantities), o.quantity.to_f64()),
            number(amount(o.filled_quantity.into(), quantities), o.filled_quantity.to_f64()),
            at(average_price(o)),
            Cell { class, ..text(ended) },
            text(o.client_order_id.as_str()),
        ]
    };
    let columns = [
        ("Id", "n"),
        MARKET,
        ("Accepted", "t"),
        ("Side", ""),
        ("Type", ""),
        ("Limit", "n"),
        ("Stop", "n"),
        ("Quantity", "n"),
        ("Filled", "n"),
        ("At", "n"),
        ("Status", ""),
        ("Client id", ""),
    ];
    sheet(run, "orders", "orders.csv", &columns, run.orders.len(), all.into_iter().take(ROWS).map(row).collect())
}

/// What an order waits for: a price, a distance that it trails, or both.
fn stop(o: &Order, decimals: u32) -> Cell {
    let stop = unless_zero(o.stop_price.is_zero(), price(o.stop_price, decimals));
    let delta = o.trailing_delta.map(|delta| format!("{} bps", count(delta.into())));
    let told: Vec<_> = stop.into_iter().chain(delta).collect();
    let told = if told.is_empty() { NOTHING.to_owned() } else { told.join(", ") };
    number(told, o.stop_price.to_f64())
}

pub(crate) fn rejections(run: &Run) -> Sheet {
    let row = |Rejection { event, parameters }: Rejection| {
        let Event::Refused { time, action, refusal, .. } = event else { unreachable!("refused commands only") };
        let of = |name: &str| parameters.get(name).unwrap_or_default().to_owned();
        let asked = ["side", "type", "quantity", "quoteOrderQty", "price"].map(of);
        let asked: Vec<&str> = asked.iter().map(String::as_str).filter(|t| !t.is_empty()).collect();
        let names = ["newClientOrderId", "origClientOrderId", "orderId"].map(of);
        vec![
            instant(time),
            text(of("symbol")),
            text(action.as_str()),
            Cell { class: "n down", ..number(refusal.code.to_string(), refusal.code.into()) },
            text(refusal.text.as_ref()),
            text(asked.join(" ")),
            text(names.into_iter().find(|n| !n.is_empty()).unwrap_or_default()),
        ]
    };
    let columns = [("Time", "t"), MARKET, ("Asked", ""), ("Code", "n"), ("Text", ""), ("Order", ""), ("Client id", "")];
    let total = run.events.iter().filter(|e| matches!(e, Event::Refused { .. })).count();
    sheet(run, "rejections", "rejections.csv", &columns, total, refused(run).take(ROWS).map(row).collect())
}

/// Refusals and expiries, counted.
pub(crate) fn refusals(statistics: &Statistics) -> Vec<(String, String)> {
    let refused = statistics.refusals.iter().map(|r| (format!("{} {} {}", r.action, r.code, r.text), count(r.count)));
    let expired = statistics.expiries.iter().map(|e| (format!("EXPIRED {}", e.reason), count(e.count)));
    refused.chain(expired).collect()
}

pub(crate) fn gaps(run: &Run) -> Sheet {
    let row = |(market, g): (&RunMarket, &Gap)| {
        let length = g.to.micros() - g.from.micros();
        let missing = number(count(g.missing), g.missing as f64);
        let first = market.bars.open_time.first().unwrap_or(Timestamp::MAX);
        let place = match (market.uncovered.contains(g), g.to <= first) {
            (false, _) => "between bars",
            (true, true) => "before the first bar",
            (true, false) => "after the last bar",
        };
        vec![
            text(market.symbol.as_str()),
            text(place),
            instant(g.from),
            instant(g.to),
            number(duration(length), length as f64),
            missing,
        ]
    };
    let columns = [MARKET, ("Where", ""), ("From", "t"), ("To", "t"), ("Length", "n"), ("Bars missing", "n")];
    let all = || {
        run.markets.iter().flat_map(|market| market.uncovered.iter().chain(&market.gaps).map(move |gap| (market, gap)))
    };
    sheet(run, "gaps", "summary.json", &columns, all().count(), all().take(ROWS).map(row).collect())
}

#[derive(Serialize)]
pub(crate) struct MarketRow {
    name: String,
    /// Whether the charts show it at first: the one that goes back furthest.
    first: bool,
    cells: Vec<String>,
    profit: String,
    tone: &'static str,
}

/// What each market came to, where there are several.
pub(crate) fn markets(run: &Run, statistics: &Statistics) -> Vec<MarketRow> {
    if run.markets.len() == 1 {
        return Vec::new();
    }
    let decimals = decimals_for(statistics.curve.initial);
    let since = |market: &RunMarket| market.bars.open_time.first();
    let oldest = run.markets.iter().min_by_key(|market| since(market)).map(|market| market.symbol);
    let row = |(market, figures): (&RunMarket, &MarketFigures)| MarketRow {
        first: oldest == Some(market.symbol),
        name: format!("{} {}", market.symbol, market.interval),
        cells: vec![
            count(market.bars.len() as u64),
            count(figures.orders),
            count(figures.fills),
            count(figures.round_trips),
            percent(figures.win_rate),
        ],
        profit: signed(figures.pnl, decimals),
        tone: tone(figures.pnl.to_f64()),
    };
    run.markets.iter().zip(&statistics.markets).map(row).collect()
}

/// Strategy beside buy and hold, a row a figure.
pub(crate) fn compared(statistics: &Statistics) -> Vec<[String; 3]> {
    let both = |name: &str, of: &dyn Fn(&Performance) -> String| {
        [name.to_owned(), of(&statistics.strategy), of(&statistics.buy_and_hold)]
    };
    let decimals = decimals_for(statistics.curve.initial);
    vec![
        both("Final equity", &|p| amount(p.final_equity, decimals)),
        both("Return", &|p| signed_percent(p.growth)),
        both("CAGR", &|p| signed_percent(p.cagr)),
        both("Volatility, a year", &|p| percent(p.ratios.volatility)),
        both("Sharpe", &|p| float(p.ratios.sharpe, 2)),
        both("Sortino", &|p| float(p.ratios.sortino, 2)),
        both("Calmar", &|p| float(p.calmar, 2)),
        both("Max drawdown", &|p| percent(Some(-p.max_drawdown))),
        both("Longest drawdown", &|p| duration(p.longest_drawdown_us)),
        both("Skewness", &|p| float(p.ratios.skewness, 2)),
        both("Excess kurtosis", &|p| float(p.ratios.excess_kurtosis, 2)),
    ]
}

/// Orders, fills and round trips, counted.
pub(crate) fn trading(run: &Run, statistics: &Statistics) -> Vec<(&'static str, String)> {
    let decimals = decimals_for(statistics.curve.initial);
    let (c, o, f, t) = (&statistics.commands, &statistics.orders, &statistics.fills, &statistics.round_trips);
    let money = |value: Option<candlewick_model::Amount>| {
        value.map_or_else(|| NOTHING.to_owned(), |value| signed(value, decimals))
    };
    let mut rows = vec![
        ("Round trips", format!("{} ({} won, {} lost)", count(t.count), count(t.won), count(t.lost))),
        ("Profit factor", float(t.profit_factor, 2)),
        ("Expectancy", money(t.expectancy)),
        ("Mean win / loss", format!("{} / {}", money(t.mean_win), money(t.mean_loss))),
        ("Best / worst", format!("{} / {}", money(t.best), money(t.worst))),
        ("Bars held, mean", float(t.mean_bars_held, 1)),
        ("Losing streak", count(t.longest_losing_streak)),
        ("Open position", money(Some(t.open_pnl))),
        ("Commands sent", c.told(|c| c.sent)),
        ("Refused / done by half", format!("{} / {}", c.told(|c| c.refused), count(c.all.half_done))),
        ("Never sent", c.told(|c| c.never_sent)),
        ("Orders accepted", count(o.accepted)),
        ("Filled / canceled", format!("{} / {}", count(o.filled), count(o.canceled))),
        ("Expired / open", format!("{} / {}", count(o.expired), count(o.open))),
        ("Fills", format!("{} ({} maker)", count(f.count), percent(f.maker_share))),
        ("Notional", amount(f.notional, decimals)),
        ("Mean exposure", percent(statistics.exposure.mean)),
    ];
    for c in &statistics.commission {
        let paid = amount(c.amount, if c.asset == run.counted_in { decimals } else { 8 });
        rows.push(("Commission", format!("{paid} {}", c.asset)));
    }
    rows
}

#[derive(Serialize)]
pub(crate) struct Year {
    year: i32,
    months: Vec<Option<MonthCell>>,
    total: MonthCell,
    hold: String,
}

#[derive(Serialize)]
pub(crate) struct MonthCell {
    text: String,
    class: &'static str,
    /// How strongly it is coloured, in percent.
    weight: u32,
}

fn month_cell(growth: Option<f64>, full: f64) -> MonthCell {
    let value = growth.unwrap_or(0.0);
    let weight = if full > 0.0 { (value.abs() / full * 55.0).round().min(55.0) as u32 } else { 0 };
    MonthCell { text: float(growth.map(|g| g * 100.0), 1), class: tone(value), weight }
}

/// Months as a table of years.
pub(crate) fn years(statistics: &Statistics) -> Vec<Year> {
    let months = &statistics.months;
    let full = months.iter().filter_map(|m| m.growth).map(f64::abs).fold(0.0, f64::max);
    let mut years: Vec<Year> = Vec::new();
    for year in months.iter().map(|m| m.year).collect::<std::collections::BTreeSet<_>>() {
        let of_year = || months.iter().filter(move |m| m.year == year);
        let cell = |n| of_year().find(|m| m.month == n).map(|m| month_cell(m.growth, full));
        let compound = |of: fn(&crate::curve::Month) -> Option<f64>| {
            of_year().map(of).try_fold(1.0, |product, g| g.map(|g| product * (1.0 + g))).map(|p| p - 1.0)
        };
        let hold = float(compound(|m| m.buy_and_hold).map(|g| g * 100.0), 1);
        years.push(Year {
            year,
            months: (1..=12).map(cell).collect(),
            total: month_cell(compound(|m| m.growth), 0.0),
            hold,
        });
    }
    years
}

/// The deepest drawdowns.
pub(crate) fn drawdowns(statistics: &Statistics) -> Vec<[String; 5]> {
    let row = |d: &crate::curve::Drawdown| {
        [
            percent(Some(-d.depth)),
            close_time(d.peak),
            close_time(d.trough),
            d.recovered.map_or_else(|| "not yet".to_owned(), close_time),
            duration(d.duration_us),
        ]
    };
    statistics.drawdowns.iter().map(row).collect()
}

/// What candles cannot know, and how often that decided something.
pub(crate) fn assumptions(run: &Run) -> Vec<(&'static str, String, bool)> {
    let a = &run.assumptions;
    let row = |text, n: u64| (text, count(n), n > 0);
    let mut rows = vec![
        row("Fills cut short because the bar's volume share was used up", a.budget_exhausted),
        row("Fills of a remainder in a later bar than its order's first", a.remainder_filled),
        row("Market orders that expired, wholly or in part, for want of liquidity", a.market_order_expired),
        row("Stops and pending orders rejected when they were to go onto the book", a.rejected_when_triggered),
        row("Bars in which the order of high and low mattered", a.path_order_mattered),
        row("Filters judged by the last price because there was no average", a.average_replaced),
        row("Filters judged by a snapshot younger than the instant", a.filters_assumed),
        row("Maker fills, whose place in the queue is unknown", a.maker_fills),
        row("Taker fills at half spread plus slippage", a.taker_fills),
    ];
    if run.markets.iter().any(|market| market.fill_model.path == PathModel::Detail) {
        let known =
            ("Bars in which orders worked, walked along finer bars or trades", count(a.bars_with_detail), false);
        let unknown = row("… of which there were none, so that the nearer extreme came first", a.bars_without_detail);
        rows.splice(5..5, [known, unknown]);
    }
    rows
}
