//! A run in a few lines of plain text.
//!
//! For: the terminal; the program prints it. Not for: colours or widths (it fits 80 columns).

use std::fmt::Write;

use candlewick_model::run::{NotRun, Run, RunMarket};

use crate::commands::CommandCount;
use crate::format::{amount, close_time, count, decimals_for, duration, float, percent, signed, signed_percent, time};
use crate::statistics::{Performance, Statistics};
use crate::tiles::title;

/// The summary, with a line break at its end.
#[must_use]
pub fn summary(run: &Run, statistics: &Statistics) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<13} {value}").expect("a String takes everything");
    line("run", format!("{} on {}", run.strategy, title(run)));
    line("period", period(statistics));
    line("equity", equity(run, &statistics.strategy));
    line("strategy", performance(&statistics.strategy));
    line("buy and hold", performance(&statistics.buy_and_hold));
    line("commands", commands(statistics));
    line("orders", orders(statistics));
    line("fills", fills(run, statistics));
    line("round trips", trips(run, statistics));
    for market in statistics.markets.iter().filter(|_| run.markets.len() > 1) {
        let pnl = signed(market.pnl, decimals_for(statistics.curve.initial));
        let [orders, fills, trips] = [market.orders, market.fills, market.round_trips].map(count);
        line("market", format!("{:<11} {orders} orders, {fills} fills, {trips} round trips, {pnl}", market.symbol));
    }
    if !statistics.curve.adjusted.is_empty() {
        let net = signed(statistics.curve.transferred, decimals_for(statistics.curve.initial));
        line("transfers", format!("{net} {} paid in and out; the profit leaves it out", run.counted_in));
    }
    if let Some(band) = run.band {
        let decimals = decimals_for(statistics.curve.initial);
        let [low, mid, high] = [band.pessimistic, band.nearest, band.optimistic]
            .map(|a| a.map_or_else(|| "not run".to_owned(), |a| amount(a, decimals)));
        line("band", format!("pessimistic {low}   nearest {mid}   optimistic {high}"));
    }
    for (name, told) in crate::stress::terminal(run, statistics) {
        line(name, told);
    }
    for NotRun { run, why } in &run.not_run {
        line("not run", format!("{run}: {why}"));
    }
    for refusal in &statistics.refusals {
        line("refused", format!("{} × {} {} {}", count(refusal.count), refusal.action, refusal.code, refusal.text));
    }
    for expiry in &statistics.expiries {
        line("expired", format!("{} × {}", count(expiry.count), expiry.reason));
    }
    for warning in crate::unprotected::told(run) {
        line("warning", warning);
    }
    for note in notes(run) {
        line("note", note);
    }
    text
}

fn period(statistics: &Statistics) -> String {
    let period = &statistics.period;
    match period.from.zip(period.to) {
        None => "no bars".to_owned(),
        Some((from, to)) => format!(
            "{} to {} UTC, {}, {} bars",
            time(from),
            close_time(to),
            duration(period.span_us),
            count(period.bars)
        ),
    }
}

fn equity(run: &Run, performance: &Performance) -> String {
    let decimals = decimals_for(performance.initial_equity);
    let [from, to] = [performance.initial_equity, performance.final_equity].map(|a| amount(a, decimals));
    format!("{from} → {to} {} ({})", run.counted_in, signed(performance.pnl, decimals))
}

fn performance(p: &Performance) -> String {
    let (growth, cagr) = (signed_percent(p.growth), signed_percent(p.cagr));
    let (down, sharpe) = (percent(Some(-p.max_drawdown)), float(p.ratios.sharpe, 2));
    format!("return {growth:>10}   a year {cagr:>10}   drawdown {down:>8}   Sharpe {sharpe:>6}")
}

fn orders(statistics: &Statistics) -> String {
    let n = &statistics.orders;
    let [accepted, filled, canceled, expired, open] = [n.accepted, n.filled, n.canceled, n.expired, n.open].map(count);
    format!("{accepted} accepted: {filled} filled, {canceled} canceled, {expired} expired, {open} open")
}

fn commands(statistics: &Statistics) -> String {
    let n = &statistics.commands;
    let more = |what: &str, of: fn(&CommandCount) -> u64| match of(&n.all) {
        0 => String::new(),
        _ => format!("; {what} {}", n.told(of)),
    };
    let (refused, never) = (more("refused", |c| c.refused), more("never sent", |c| c.never_sent));
    let half = more("done by half", |c| c.half_done);
    format!("sent {}{refused}{half}{never}", n.told(|c| c.sent))
}

fn fills(run: &Run, statistics: &Statistics) -> String {
    let decimals = decimals_for(statistics.curve.initial);
    let n = &statistics.fills;
    let (maker, cost) = (percent(n.maker_share), amount(statistics.commission_value, decimals));
    format!(
        "{} ({maker} maker), turnover {}×, commission {cost} {}",
        count(n.count),
        float(n.turnover, 1),
        run.counted_in
    )
}

fn trips(run: &Run, statistics: &Statistics) -> String {
    let decimals = decimals_for(statistics.curve.initial);
    let n = &statistics.round_trips;
    let (won, factor) = (percent(n.win_rate), float(n.profit_factor, 2));
    let each = n.expectancy.map_or_else(|| crate::format::NOTHING.to_owned(), |e| signed(e, decimals));
    format!("{}, won {won}, profit factor {factor}, {each} {} each", count(n.count), run.counted_in)
}

fn notes(run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    let symbol = |market: &RunMarket| match &run.markets[..] {
        [_] => String::new(),
        _ => format!("{}: ", market.symbol),
    };
    for market in &run.markets {
        let missing: u64 = market.gaps.iter().map(|g| g.missing).sum();
        if missing > 0 {
            let gaps = count(market.gaps.len() as u64);
            notes.push(format!("{}{gaps} gaps in the data, {} bars missing", symbol(market), count(missing)));
        }
        for gap in &market.uncovered {
            let (from, to) = (time(gap.from), time(gap.to));
            notes.push(format!("{}the lake has no bars from {from} to {to}, which the run asks for", symbol(market)));
        }
        if let Some(assumed) = market.assumed_filters {
            let (from, to) = (time(assumed.from), time(assumed.to));
            notes.push(format!("{}filters assumed from {from} to {to}: the snapshot is younger", symbol(market)));
        }
    }
    match &run.filter_notes[..] {
        [] => {}
        [only] => notes.push(format!("exchangeInfo: {only}")),
        [first, others @ ..] => {
            notes.push(format!("exchangeInfo: {first}; {} more in the report", count(others.len() as u64)));
        }
    }
    notes
}
