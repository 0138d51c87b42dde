//! The parts of the page that are not tables: headline, tiles, callouts, band, model, hashes.
//!
//! For: words around figures. Not for: markup (the template).

use candlewick_model::run::{DetailKind, MakerFill, NotRun, PathModel, Run, RunMarket, Slippage};
use candlewick_model::{Amount, CommissionRates, ExpiryReason, Liquidity, Rate, Side};
use serde::Serialize;

use crate::curve::growth;
use crate::format::{
    NOTHING, amount, close_time, count, decimals_for, duration, float, percent, signed, signed_percent, time,
};
use crate::statistics::Statistics;

/// What was traded: symbol and interval, or how many markets.
pub(crate) fn title(run: &Run) -> String {
    match &run.markets[..] {
        [market] => format!("{} {}", market.symbol, market.interval),
        markets => {
            let names: Vec<_> = markets.iter().take(4).map(|market| market.symbol.as_str()).collect();
            let more = if markets.len() > 4 { ", …" } else { "" };
            format!("{} markets: {}{more}", markets.len(), names.join(", "))
        }
    }
}

/// Where a figure leans: `up`, `down` or nothing.
pub(crate) fn tone(value: f64) -> &'static str {
    match value {
        v if v > 0.0 => "up",
        v if v < 0.0 => "down",
        _ => "",
    }
}

#[derive(Serialize)]
pub(crate) struct Head {
    strategy: String,
    title: String,
    from: String,
    to: String,
    span: String,
    bars: String,
    parameters: Vec<(String, String)>,
    quote: String,
}

pub(crate) fn head(run: &Run, statistics: &Statistics) -> Head {
    let period = &statistics.period;
    let nothing = || NOTHING.to_owned();
    Head {
        strategy: run.strategy.clone(),
        title: title(run),
        from: period.from.map_or_else(nothing, time),
        to: period.to.map_or_else(nothing, close_time),
        span: duration(period.span_us),
        bars: count(period.bars),
        parameters: run.parameters.clone(),
        quote: run.counted_in.to_string(),
    }
}

#[derive(Serialize)]
pub(crate) struct Tile {
    label: &'static str,
    value: String,
    note: String,
    tone: &'static str,
}

pub(crate) fn tiles(run: &Run, statistics: &Statistics) -> Vec<Tile> {
    let (s, hold) = (&statistics.strategy, &statistics.buy_and_hold);
    let decimals = decimals_for(statistics.curve.initial);
    let trips = &statistics.round_trips;
    let tile = |label, value, note, tone| Tile { label, value, note, tone };
    let held = |value: String| format!("buy & hold {value}");
    let share = |part: Amount, whole: Amount| if whole.is_zero() { None } else { Some(part.to_f64() / whole.to_f64()) };
    vec![
        tile("Return", signed_percent(s.growth), held(signed_percent(hold.growth)), tone(s.growth.unwrap_or(0.0))),
        tile(
            "Profit",
            signed(s.pnl, decimals),
            format!("{} at the end", amount(s.final_equity, decimals)),
            tone(s.pnl.to_f64()),
        ),
        tile("CAGR", signed_percent(s.cagr), held(signed_percent(hold.cagr)), tone(s.cagr.unwrap_or(0.0))),
        tile("Sharpe", float(s.ratios.sharpe, 2), held(float(hold.ratios.sharpe, 2)), ""),
        tile("Max drawdown", percent(Some(-s.max_drawdown)), held(percent(Some(-hold.max_drawdown))), ""),
        tile(
            "Win rate",
            percent(trips.win_rate),
            format!("{} round trips, factor {}", count(trips.count), float(trips.profit_factor, 2)),
            "",
        ),
        tile(
            "Exposure",
            percent(statistics.exposure.time),
            format!("turnover {}\u{d7} equity", float(statistics.fills.turnover, 1)),
            "",
        ),
        tile(
            "Commission",
            amount(statistics.commission_value, decimals),
            format!(
                "{} of initial equity in {}",
                percent(share(statistics.commission_value, s.initial_equity)),
                run.counted_in
            ),
            "",
        ),
    ]
}

/// What a reader must not miss, before any table.
pub(crate) fn callouts(run: &Run, statistics: &Statistics) -> Vec<String> {
    let mut all = crate::stress::callouts(run, statistics);
    all.extend(crate::unprotected::told(run));
    let not_run = |n: &NotRun| format!("Beside this run should stand {}, which could not be made: {}.", n.run, n.why);
    all.extend(run.not_run.iter().map(not_run));
    let word = ExpiryReason::InsufficientLiquidity.as_str();
    if let Some(expiry) = statistics.expiries.iter().find(|e| e.reason == word) {
        all.push(format!(
            "{} orders expired for want of liquidity ({word}): the bar's volume share was used up.",
            count(expiry.count)
        ));
    }
    for market in &run.markets {
        about_data(run, market, &mut all);
    }
    if !statistics.curve.adjusted.is_empty() {
        let net = signed(statistics.curve.transferred, decimals_for(statistics.curve.initial));
        all.push(format!(
            "{net} {} were paid in and out: the profit leaves them out, and growth, drawdown and ratios are those of money that stayed (time-weighted).",
            run.counted_in
        ));
    }
    let never = statistics.commands.all.never_sent;
    if never > 0 {
        all.push(format!("{} commands came after the last bar and were never sent.", count(never)));
    }
    all
}

fn about_data(run: &Run, market: &RunMarket, all: &mut Vec<String>) {
    let whose = match &run.markets[..] {
        [_] => String::new(),
        _ => format!("{}: ", market.symbol),
    };
    if let Some(assumed) = market.assumed_filters {
        let (from, to) = (time(assumed.from), time(assumed.to));
        let days = duration(assumed.to.micros() - assumed.from.micros());
        all.push(format!(
            "{whose}Filters are assumed from {from} to {to} ({days}): no snapshot of exchangeInfo is that old."
        ));
    }
    for gap in &market.uncovered {
        let (from, to) = (time(gap.from), time(gap.to));
        all.push(format!("{whose}The lake has no bars from {from} to {to}, which the run asks for."));
    }
    let missing: u64 = market.gaps.iter().map(|g| g.missing).sum();
    if missing > 0 {
        let gaps = market.gaps.len() as u64;
        let plural = if gaps == 1 { "gap" } else { "gaps" };
        all.push(format!("{whose}{} {plural} in the data, {} bars missing.", count(gaps), count(missing)));
    }
}

#[derive(Serialize)]
pub(crate) struct BandPoint {
    path: &'static str,
    equity: String,
    /// What it grew by; with transfers, which are no growth, the profit.
    growth: String,
    /// Where it stands between the lowest and the highest, in percent; nowhere if it was not run.
    at: Option<f64>,
}

/// The three paths from left to right, where they were to be run.
pub(crate) fn band(run: &Run, statistics: &Statistics) -> Option<Vec<BandPoint>> {
    let band = run.band?;
    let initial = statistics.curve.initial;
    let points = [("pessimistic", band.pessimistic), ("nearest", band.nearest), ("optimistic", band.optimistic)];
    let run_ones = || points.iter().filter_map(|point| Some(point.1?.to_f64()));
    let low = run_ones().fold(f64::INFINITY, f64::min);
    let high = run_ones().fold(f64::NEG_INFINITY, f64::max);
    let at = |value: Amount| if high > low { (value.to_f64() - low) / (high - low) * 100.0 } else { 50.0 };
    let point = |(path, value): (&'static str, Option<Amount>)| match value {
        None => BandPoint { path, equity: "not run".to_owned(), growth: NOTHING.to_owned(), at: None },
        Some(value) => BandPoint {
            path,
            equity: amount(value, decimals_for(initial)),
            growth: if statistics.curve.adjusted.is_empty() {
                signed_percent(growth(initial, value))
            } else {
                let pnl = value.units() - initial.units() - statistics.curve.transferred.units();
                signed(Amount::from_units(pnl), decimals_for(initial))
            },
            at: Some((at(value) * 10.0).round() / 10.0),
        },
    };
    Some(points.map(point).into())
}

/// All parts added, by side where that matters.
fn commission(rates: &CommissionRates) -> String {
    let discount = rates.discount.map(|d| format!("; {} off the standard part when paid in {}", rate(d.rate), d.asset));
    let discount = discount.unwrap_or_default();
    let of = |liquidity| {
        let [buy, sell] = [Side::Buy, Side::Sell].map(|side| rates.total(side, liquidity));
        if buy == sell { rate(buy) } else { format!("{} bought, {} sold", rate(buy), rate(sell)) }
    };
    format!("maker {}, taker {}{discount}", of(Liquidity::Maker), of(Liquidity::Taker))
}

fn rate(rate: Rate) -> String {
    let text = format!("{:.6}", rate.to_f64() * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The settings that turned candles into fills on a market.
pub(crate) fn fill_model(market: &RunMarket) -> Vec<(&'static str, String)> {
    let model = &market.fill_model;
    let path = match model.path {
        PathModel::Nearest => "nearest: the extreme nearer to the open comes first".to_owned(),
        PathModel::Pessimistic => "pessimistic: the way that leaves less equity is kept".to_owned(),
        PathModel::Optimistic => "optimistic: the way that leaves more equity is kept".to_owned(),
        PathModel::Detail => detail(&market.details),
    };
    let maker = match model.maker_fill {
        MakerFill::Through => "through: when the price goes beyond the limit",
        MakerFill::Touch => "touch: when the price reaches the limit",
    };
    let slippage = match model.slippage {
        Slippage::None => "none".to_owned(),
        Slippage::Ticks(ticks) => format!("{ticks} ticks"),
        Slippage::BasisPoints(points) => format!("{points} basis points"),
        Slippage::SquareRoot(points) => format!("{points} basis points × √(share of the bar's volume)"),
    };
    let plural = if model.half_spread_ticks == 1 { "tick" } else { "ticks" };
    let bars = if market.is_of_trades { "made of trades, for want of the exchange's" } else { "the exchange's" };
    vec![
        ("Bars", bars.to_owned()),
        ("Path inside a bar", path),
        ("Resting orders fill", maker.to_owned()),
        ("Half spread", format!("{} {plural}", model.half_spread_ticks)),
        ("Slippage of takers", slippage),
        ("Share of a bar's volume", rate(model.volume_share)),
        ("Latency", format!("{} ms", float(Some(model.latency_us as f64 / 1000.0), 3))),
        ("Commission", commission(&model.fees)),
        ("Tick and step", format!("{} {}, {} {}", market.tick, market.quote_asset, market.step, market.base_asset)),
    ]
}

fn detail(kinds: &[DetailKind]) -> String {
    let names: Vec<_> = kinds.iter().map(DetailKind::to_string).collect();
    match &names[..] {
        [] => "detail, but there was none: the extreme nearer to the open comes first".to_owned(),
        names => format!("detail: along {}; where there is none the nearer extreme first", names.join(", else ")),
    }
}

/// What the same result needs again.
pub(crate) fn provenance(run: &Run) -> Vec<(&'static str, String)> {
    let p = &run.provenance;
    vec![
        ("Data", p.data_sha256.clone()),
        ("Configuration", p.configuration_sha256.clone()),
        ("Filters", p.filters_sha256.clone()),
        ("Program", p.program_version.clone()),
    ]
}
