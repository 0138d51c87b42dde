//! The result of an ingest, or of a plan, as text and as JSON.

use candlewick_ingest::{Estimate, Outcome, Target};
use serde::Serialize;

use super::Arguments;
use super::arguments::Until;
use crate::failure::Failure;

/// More series than this are told in one line, and only those with something to tell in lines of
/// their own.
const SHOWN_EACH: usize = 20;

/// Prints what was done on standard output, and what was odd or failed on standard error.
pub(super) fn print(arguments: &Arguments, outcomes: &[(Target, Outcome)], seconds: f64) -> Result<(), Failure> {
    let summaries: Vec<_> = outcomes.iter().map(|(target, outcome)| Summary::of(*target, outcome)).collect();
    if arguments.json {
        match summaries.as_slice() {
            [one] => super::super::print_json(one)?,
            many => super::super::print_json(&many)?,
        }
    } else {
        super::super::print(&text(&summaries, outcomes, seconds))?;
    }
    for (target, outcome) in outcomes {
        outcome.notes.iter().for_each(|note| eprintln!("note: {note}"));
        outcome
            .contradictions
            .iter()
            .for_each(|text| eprintln!("error: {target}: sources contradict each other: {text}"));
        outcome.troubles.iter().for_each(|trouble| eprintln!("error: {trouble}"));
        if !outcome.is_nothing() && !outcome.absent.is_empty() {
            let absent: Vec<_> = outcome.absent.iter().map(ToString::to_string).collect();
            eprintln!("error: {target}: not on the portal: {}", shortened(&absent));
        }
        if outcome.is_nothing() && outcome.untried == 0 {
            let to = match arguments.to {
                Until::Now => "now".to_owned(),
                Until::Period(to) => to.to_string(),
            };
            eprintln!(
                "error: the portal has nothing of {target} from {} to {to}; check the symbol, the interval and the range",
                arguments.from()
            );
        }
    }
    let untried: usize = outcomes.iter().map(|(_, outcome)| outcome.untried).sum();
    if untried > 0 {
        eprintln!(
            "error: {untried} more files of the lake were not tried; what is in the lake is whole, run the same command again once the disk is in order"
        );
    }
    Ok(())
}

fn text(summaries: &[Summary], outcomes: &[(Target, Outcome)], seconds: f64) -> String {
    if let ([summary], [(target, _)]) = (summaries, outcomes) {
        return summary.text(&target.to_string(), Some(seconds));
    }
    let mut sum = Outcome::default();
    let is_worth_a_line = |outcome: &Outcome| outcomes.len() <= SHOWN_EACH || !outcome.is_whole();
    let mut lines = String::new();
    for ((target, outcome), summary) in outcomes.iter().zip(summaries) {
        if is_worth_a_line(outcome) {
            lines.push_str(&summary.text(&target.to_string(), None));
        }
        sum.archives += outcome.archives;
        sum.csv_bytes += outcome.csv_bytes;
        sum.written_bytes += outcome.written_bytes;
        sum.rows += outcome.rows;
        sum.rest_bars += outcome.rest_bars;
        sum.present += outcome.present;
    }
    let whole = outcomes.iter().filter(|(_, outcome)| outcome.is_whole()).count();
    lines
        + &format!(
            "{} series, {whole} whole: {} rows from {} archives, {} bars over REST ({:.1} MB of CSV, {:.1} MB written), {} months or days were there, in {seconds:.2} s\n",
            outcomes.len(),
            sum.rows,
            sum.archives,
            sum.rest_bars,
            mega(sum.csv_bytes),
            mega(sum.written_bytes),
            sum.present,
        )
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// One target's result as it is printed.
#[derive(Serialize)]
struct Summary {
    symbol: String,
    interval: String,
    archives: usize,
    archive_bytes: u64,
    csv_bytes: u64,
    bars: u64,
    rest_bars: u64,
    lake_bytes_written: u64,
    already_present: usize,
    before_first: usize,
    unverified: usize,
    stale_checksum: usize,
    replaced: usize,
    absent: Vec<String>,
    contradictions: Vec<String>,
    failed: Vec<String>,
    notes: Vec<String>,
}

impl Summary {
    fn of(target: Target, outcome: &Outcome) -> Self {
        let name = target.to_string();
        Self {
            symbol: target.symbol.to_string(),
            interval: name.rsplit(' ').next().unwrap_or_default().to_owned(),
            archives: outcome.archives,
            archive_bytes: outcome.archive_bytes,
            csv_bytes: outcome.csv_bytes,
            bars: outcome.rows,
            rest_bars: outcome.rest_bars,
            lake_bytes_written: outcome.written_bytes,
            already_present: outcome.present,
            before_first: outcome.before_first,
            unverified: outcome.unverified,
            stale_checksum: outcome.stale,
            replaced: outcome.replaced,
            absent: outcome.absent.iter().map(ToString::to_string).collect(),
            contradictions: outcome.contradictions.clone(),
            failed: outcome.troubles.iter().map(ToString::to_string).collect(),
            notes: outcome.notes.clone(),
        }
    }

    fn text(&self, name: &str, seconds: Option<f64>) -> String {
        let seconds = seconds.map_or(String::new(), |seconds| format!(" in {seconds:.2} s"));
        let mut lines = vec![format!(
            "{name}: {} {} from {} archives ({:.1} MB of CSV, {:.1} MB written){seconds}",
            self.bars,
            if self.interval.ends_with("trades") { "trades" } else { "bars" },
            self.archives,
            mega(self.csv_bytes),
            mega(self.lake_bytes_written)
        )];
        for (count, before, behind) in [
            (self.rest_bars, "over REST: ", " bars"),
            (self.already_present as u64, "already in the lake: ", " months or days"),
            (self.before_first as u64, "before the first archive: ", " months or days"),
            (self.unverified as u64, "without CHECKSUM file: ", " archives"),
            (self.stale_checksum as u64, "with a stale CHECKSUM file: ", " archives"),
            (self.replaced as u64, "published anew and replaced: ", " archives"),
            (self.contradictions.len() as u64, "sources contradict each other: ", " bars"),
            (self.failed.len() as u64, "failed: ", ""),
        ] {
            if count > 0 {
                lines.push(format!("{before}{count}{behind}"));
            }
        }
        if !self.absent.is_empty() {
            lines.push(format!("not on the portal: {}", shortened(&self.absent)));
        }
        lines.join("\n") + "\n"
    }
}

/// The first few of a list.
fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 8;
    let first = list[..list.len().min(SHOWN)].join(" ");
    if list.len() > SHOWN { format!("{first} and {} more", list.len() - SHOWN) } else { first }
}

/// What a run would take, as it is printed.
#[derive(Serialize)]
struct PlanRow {
    series: String,
    present: usize,
    archives: usize,
    archive_bytes: Option<u64>,
    before_first: usize,
    absent: usize,
    rest_requests: u64,
    rest_weight: u64,
}

/// The weight of one request for bars (`GET /api/v3/klines`).
const WEIGHT: u64 = 2;
/// For the estimate of time: a usual line, and four fifths of 6,000 a minute.
const BYTES_PER_SECOND: f64 = 10e6;
const WEIGHT_PER_SECOND: f64 = 80.0;

/// Prints a plan on standard output.
pub(super) fn print_plan(estimates: &[(Target, Estimate)], json: bool) -> Result<(), Failure> {
    let row = |(target, e): &(Target, Estimate)| PlanRow {
        series: target.to_string(),
        present: e.present,
        archives: e.archives,
        archive_bytes: e.archive_bytes,
        before_first: e.before_first,
        absent: e.absent,
        rest_requests: e.rest_requests,
        rest_weight: e.rest_requests * WEIGHT,
    };
    let rows: Vec<_> = estimates.iter().map(row).collect();
    if json {
        return super::super::print_json(&rows);
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["series", "present", "archives", "MB", "not listed yet", "not there", "REST requests", "weight"]);
    let size = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| format!("{:.1}", mega(bytes)));
    for row in &rows {
        table.add_row([
            row.series.clone(),
            row.present.to_string(),
            row.archives.to_string(),
            if row.archives == 0 { "0".to_owned() } else { size(row.archive_bytes) },
            row.before_first.to_string(),
            row.absent.to_string(),
            row.rest_requests.to_string(),
            row.rest_weight.to_string(),
        ]);
    }
    let archives: usize = rows.iter().map(|row| row.archives).sum();
    let bytes: u64 = rows.iter().filter_map(|row| row.archive_bytes).sum();
    let (requests, weight) = rows.iter().fold((0, 0), |(r, w), row| (r + row.rest_requests, w + row.rest_weight));
    let is_known = rows.iter().all(|row| row.archives == 0 || row.archive_bytes.is_some());
    let size = if is_known { format!("{:.1} MB", mega(bytes)) } else { "size unknown without a listing".to_owned() };
    let seconds = bytes as f64 / BYTES_PER_SECOND + weight as f64 / WEIGHT_PER_SECOND;
    super::super::print(&format!(
        "{table}\n{archives} archives ({size}), {requests} REST requests of weight {weight}; about {} at 10 MB a second and four fifths of the weight limit\n",
        duration(seconds)
    ))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}
