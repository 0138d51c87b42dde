//! The report as JSON, and the events of a run as JSON lines.
//!
//! For: programs. Money is text with eight decimals, ratios are numbers, what is not defined is
//! null; names and units stand in `docs/outputs.md`. Not for: series a row a bar
//! (`equity.csv`).

use candlewick_model::run::{
    AssumedFilters, Assumptions, Band, Bearing, CommandId, DetailKind, Event, FillModel, Halt, NotRun, Provenance, Run,
    RunMarket,
};
use candlewick_model::stress::Episode;
use candlewick_model::{Account, Asset, Gap, Interval, Price, Quantity, Symbol, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::csv::{Rejection, refused};
use crate::statistics::Statistics;
use crate::stress::{LateStop, late_stops};
use crate::trips::RoundTrip;
use crate::unprotected::{Unprotected, unprotected};

/// Goes up when a name or a unit in `summary.json` changes or goes away.
pub const SCHEMA: u32 = 2;

/// What a replay of candles cannot know (section 7 of the fill rules).
pub const UNKNOWN: [&str; 4] = [
    "Queue position: a resting order fills in full priority once the price is beyond its limit.",
    "How others react to these orders.",
    "Depth of the book beyond a share of each bar's volume.",
    "Outages of the exchange, other than as gaps in its candles and as the stress that is asked for.",
];

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    strategy: &'a str,
    #[serde(serialize_with = "pairs")]
    parameters: &'a [(String, String)],
    markets: Vec<Market<'a>>,
    counted_in: Asset,
    statistics: &'a Statistics,
    band: Option<Band>,
    stress: Option<Stress<'a>>,
    not_run: &'a [NotRun],
    assumptions: Assumptions,
    filter_notes: &'a [String],
    does_not_know: [&'static str; 4],
    provenance: &'a Provenance,
    initial_account: &'a Account,
    account: &'a Account,
    trades: &'a [RoundTrip],
    open_trades: &'a [RoundTrip],
    rejections: Vec<Refused>,
    unprotected: Vec<Unprotected>,
}

#[derive(Serialize)]
struct Market<'a> {
    symbol: Symbol,
    base_asset: Asset,
    quote_asset: Asset,
    interval: Interval,
    tick: Price,
    step: Quantity,
    bars: usize,
    is_of_trades: bool,
    details: &'a [DetailKind],
    fill_model: FillModel,
    assumed_filters: Option<AssumedFilters>,
    gaps: &'a [Gap],
    uncovered: &'a [Gap],
    halts: &'a [Halt],
}

/// The run beside the same run without trouble, and under other seeds.
#[derive(Serialize)]
struct Stress<'a> {
    calm: Option<Bearing>,
    runs: Vec<Seeded>,
    late_stops: Vec<LateStop>,
    episodes: &'a [Episode],
}

#[derive(Serialize)]
struct Seeded {
    seed: u64,
    #[serde(flatten)]
    bearing: Bearing,
}

impl<'a> Stress<'a> {
    fn of(run: &'a Run) -> Option<Self> {
        let record = run.stress.as_ref()?;
        let seeded = |(seed, bearing): &(u64, Bearing)| Seeded { seed: *seed, bearing: *bearing };
        Some(Self {
            calm: record.calm,
            runs: record.runs.iter().map(seeded).collect(),
            late_stops: late_stops(run),
            episodes: &record.episodes,
        })
    }
}

impl<'a> Market<'a> {
    fn of(market: &'a RunMarket) -> Self {
        Self {
            symbol: market.symbol,
            base_asset: market.base_asset,
            quote_asset: market.quote_asset,
            interval: market.interval,
            tick: market.tick,
            step: market.step,
            bars: market.bars.len(),
            is_of_trades: market.is_of_trades,
            details: &market.details,
            fill_model: market.fill_model,
            assumed_filters: market.assumed_filters,
            gaps: &market.gaps,
            uncovered: &market.uncovered,
            halts: &market.halts,
        }
    }
}

#[derive(Serialize)]
struct Refused {
    time: Timestamp,
    command: CommandId,
    action: &'static str,
    code: i32,
    msg: String,
    parameters: candlewick_model::RawParameters,
}

fn pairs<S: Serializer>(pairs: &[(String, String)], s: S) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(Some(pairs.len()))?;
    for (name, value) in pairs {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

fn rejection(Rejection { event, parameters }: Rejection) -> Option<Refused> {
    let Event::Refused { time, command, action, refusal } = event else { return None };
    let action = action.as_str();
    Some(Refused { time, command, action, code: refusal.code, msg: refusal.text.into_owned(), parameters })
}

/// `summary.json`: what the page says, for programs.
#[must_use]
pub fn summary(run: &Run, statistics: &Statistics) -> String {
    let summary = Summary {
        schema: SCHEMA,
        strategy: &run.strategy,
        parameters: &run.parameters,
        markets: run.markets.iter().map(Market::of).collect(),
        counted_in: run.counted_in,
        statistics,
        band: run.band,
        stress: Stress::of(run),
        not_run: &run.not_run,
        assumptions: run.assumptions,
        filter_notes: &run.filter_notes,
        does_not_know: UNKNOWN,
        provenance: &run.provenance,
        initial_account: &run.initial,
        account: &run.account,
        trades: &statistics.trips.closed,
        open_trades: &statistics.trips.open,
        rejections: refused(run).filter_map(rejection).collect(),
        unprotected: unprotected(run),
    };
    let mut text = serde_json::to_string_pretty(&summary).expect("plain values become JSON");
    text.push('\n');
    text
}

/// `events.jsonl`: everything that happened, one event a line.
#[must_use]
pub fn events(run: &Run) -> String {
    let mut text = Vec::with_capacity(run.events.len() * 256);
    for event in &run.events {
        serde_json::to_writer(&mut text, &event).expect("plain values become JSON");
        text.push(b'\n');
    }
    String::from_utf8(text).expect("JSON is UTF-8")
}
