//! `candlewick lake repair`: what the lake lacks between its first and last bars.

use std::process::ExitCode;

use candlewick_ingest::{BarSource, Empty, Engine, Filled, Remaining, Repaired, StillDamaged, Trouble};
use candlewick_lake::SeriesName;
use candlewick_model::{Interval, Symbol, Timestamp};
use clap::Args;
use serde::Serialize;

use super::Selection;
use crate::commands::ingest::{Bars, runtime};
use crate::commands::sources::{Asked, Sources};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sources: Sources,
    /// How many archives to fetch at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (lake, series) = arguments.selection.series()?;
    let portal = arguments.sources.portal().map_err(Failure::usage)?;
    let rest = arguments.sources.client().map_err(Failure::usage)?;
    let bars = Bars::new();
    let (repaired, is_lost) = runtime().map_err(Failure::outside)?.block_on(async {
        let Asked { rest, now, is_lost } = Asked::begin(rest).await;
        let rest = rest.as_ref().map(|rest| rest as &dyn BarSource);
        let engine = Engine::new(&portal, &lake, rest, arguments.concurrency.into(), &bars);
        (engine.repair(&series, now).await, is_lost)
    });
    bars.finish();
    if arguments.selection.json {
        let rows: Vec<_> = repaired.iter().map(|(series, repaired)| Row::of(*series, repaired)).collect();
        crate::commands::print_json(&rows)?;
    } else {
        crate::commands::print(&repaired.iter().map(|(series, repaired)| text(*series, repaired)).collect::<String>())?;
    }
    for (series, Repaired { outcome, damaged, .. }) in &repaired {
        outcome.notes.iter().for_each(|note| eprintln!("note: {note}"));
        outcome
            .contradictions
            .iter()
            .for_each(|text| eprintln!("error: {series}: sources contradict each other: {text}"));
        outcome.troubles.iter().for_each(|trouble| eprintln!("error: {trouble}"));
        for StillDamaged { file, why } in damaged {
            eprintln!(
                "error: {series}: {file} is damaged and stays so, and nothing else of the series was touched: {why}"
            );
        }
    }
    Ok(ExitCode::from(if is_lost { 3 } else { exit_code(&repaired) }))
}

/// As for an ingest: 3 where network or disk failed, 1 where something remains.
fn exit_code(repaired: &[(SeriesName, Repaired)]) -> u8 {
    let is_outside = repaired.iter().flat_map(|(_, one)| &one.outcome.troubles).any(Trouble::is_outside);
    if is_outside { 3 } else { u8::from(repaired.iter().any(|(_, one)| !one.is_whole())) }
}

/// A series as it is printed.
#[derive(Serialize)]
struct Row<'a> {
    symbol: Symbol,
    interval: Interval,
    rebuilt: &'a [String],
    damaged: &'a [StillDamaged],
    filled: &'a [Filled],
    empty: &'a [Empty],
    remaining: &'a [Remaining],
    contradictions: &'a [String],
    failed: Vec<String>,
    notes: &'a [String],
}

impl<'a> Row<'a> {
    fn of(SeriesName { symbol, interval }: SeriesName, repaired: &'a Repaired) -> Self {
        let Repaired { rebuilt, damaged, filled, empty, remaining, outcome } = repaired;
        let failed = outcome.troubles.iter().map(ToString::to_string).collect();
        let (contradictions, notes) = (&outcome.contradictions, &outcome.notes);
        Self { symbol, interval, rebuilt, damaged, filled, empty, remaining, contradictions, failed, notes }
    }
}

fn text(series: SeriesName, repaired: &Repaired) -> String {
    let Repaired { rebuilt, damaged, filled, empty, remaining, .. } = repaired;
    let mut lines = vec![format!(
        "{series}: {} bars filled in, {} damaged files made anew; {} holes stay empty, {} holes and {} damaged files remain",
        filled.iter().map(|filled| filled.bars).sum::<usize>(),
        rebuilt.len(),
        empty.len(),
        remaining.len(),
        damaged.len()
    )];
    let span = |from: Timestamp, to: Timestamp| format!("{from} to {to}");
    lines.extend(rebuilt.iter().map(|file| format!("  anew    {file}")));
    lines.extend(damaged.iter().map(|file| format!("  damaged {}", file.file)));
    lines.extend(filled.iter().map(|Filled { from, to, bars, by }| {
        format!("  filled  {}: {bars} bars from {}", span(*from, *to), by.join(", "))
    }));
    lines.extend(empty.iter().map(|Empty { from, to, missing, by }| {
        format!("  empty   {}: {missing} bars; so say {}", span(*from, *to), by.join(" and "))
    }));
    lines.extend(remaining.iter().map(|Remaining { from, to, missing, archive }| {
        let who = archive.as_ref().map_or("there is no archive".to_owned(), |path| format!("not in {path}"));
        format!("  remains {}: {missing} bars; {who}, and REST was not asked", span(*from, *to))
    }));
    lines.join("\n") + "\n"
}
