//! `lake ls`: the series with their spans and sizes, by their footers alone.

use std::process::ExitCode;

use candlewick_model::Timestamp;
use serde::Serialize;

use super::{Selection, table, text};
use crate::failure::Failure;

/// A series as `ls` prints it.
#[derive(Serialize)]
struct Row {
    symbol: String,
    interval: String,
    bars: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    gaps: usize,
    files: usize,
    bytes: u64,
}

pub(super) fn run(selection: &Selection) -> Result<ExitCode, Failure> {
    let (lake, series) = selection.series()?;
    let (mut rows, mut is_damaged) = (Vec::new(), false);
    for series in series {
        let files = match lake.files(&series) {
            Err(error) if error.is_damage() => {
                eprintln!("error: {series}: {error}");
                is_damaged = true;
                continue;
            }
            other => other.map_err(Failure::outside)?,
        };
        let gaps_inside: usize = files.iter().map(|f| f.provenance.gaps.len()).sum();
        let ends = files.iter().filter_map(|f| Some((f.provenance.first?, f.provenance.last?)));
        let ends: Vec<_> = ends.collect();
        let gaps_between = ends.windows(2).filter(|pair| series.interval.next_open(pair[0].1) < pair[1].0).count();
        rows.push(Row {
            symbol: series.symbol.to_string(),
            interval: series.interval.to_string(),
            bars: files.iter().map(|f| f.provenance.rows).sum(),
            first: ends.first().map(|e| e.0),
            last: ends.last().map(|e| e.1),
            gaps: gaps_inside + gaps_between,
            files: files.len(),
            bytes: files.iter().map(|f| f.bytes).sum(),
        });
    }
    let code = ExitCode::from(u8::from(is_damaged));
    if selection.json {
        crate::commands::print_json(&rows)?;
        return Ok(code);
    }
    let mut table = table(&["symbol", "interval", "bars", "first", "last", "gaps", "files", "MB"]);
    for row in rows {
        table.add_row([
            row.symbol,
            row.interval,
            row.bars.to_string(),
            text(row.first),
            text(row.last),
            row.gaps.to_string(),
            row.files.to_string(),
            format!("{:.2}", row.bytes as f64 / 1e6),
        ]);
    }
    crate::commands::print(&format!("{table}\n"))?;
    Ok(code)
}
