//! `lake resample`: coarser bars from finer ones, written or compared.

use std::process::ExitCode;

use candlewick_lake::{Contradiction, Difference, Lake, ResampleError, ResampledSeries, SeriesName};
use candlewick_model::{Bar, Interval, Symbol};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::no_such_series;
use crate::commands::{print, print_json};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The market, such as BTCUSDT.
    #[arg(long)]
    symbol: Symbol,
    /// Length of the bars that are there.
    #[arg(long, value_name = "INTERVAL")]
    from_interval: Interval,
    /// Length of the bars to make; a multiple of the other.
    #[arg(long, value_name = "INTERVAL")]
    to_interval: Interval,
    /// Write nothing; compare with the bars that archives and REST gave the lake. Exit code 1 if
    /// any differs.
    #[arg(long)]
    verify: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// The lake: a folder.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
}

/// More than these are counted, not printed.
const LISTED: usize = 20;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let lake = super::open(&arguments.lake)?;
    let finer = SeriesName { symbol: arguments.symbol, interval: arguments.from_interval };
    let coarser = SeriesName { interval: arguments.to_interval, ..finer };
    let made = lake.resample(&finer, coarser.interval).map_err(|error| match error {
        ResampleError::Interval { .. } => Failure::usage(error),
        other => Failure::outside(other),
    })?;
    if !lake.series().map_err(Failure::outside)?.contains(&finer) {
        return Err(no_such_series(&arguments.lake));
    }
    let result = if arguments.verify { verify(&lake, &coarser, &made)? } else { write(&lake, coarser, made)? };
    if arguments.json {
        print_json(&result.json)?;
    } else {
        print(&result.text)?;
    }
    Ok(ExitCode::from(u8::from(result.has_problems)))
}

struct Outcome {
    text: String,
    json: serde_json::Value,
    has_problems: bool,
}

/// What could be made, and what not.
fn told(coarser: &SeriesName, made: &ResampledSeries) -> String {
    let mut text = format!("{coarser}: {} bars made", made.len());
    if let (Some(first), Some(last)) = (
        made.chunks.iter().find_map(|chunk| chunk.bars.open_time.first()),
        made.chunks.iter().rev().find_map(|chunk| chunk.bars.open_time.last()),
    ) {
        text += &format!(" from {first} to {last}");
    }
    text += "\n";
    let partial = made.partial.iter().map(|partial| {
        format!("  partial   {}: made of {} bars of {}\n", partial.open_time, partial.there, partial.due)
    });
    let left_out = made.left_out.iter().map(|range| {
        format!("  left out  {} to {}: the finer series does not answer for all of it\n", range.start, range.end)
    });
    text + &listed(partial) + &listed(left_out)
}

fn listed(lines: impl ExactSizeIterator<Item = String>) -> String {
    let more = lines.len().saturating_sub(LISTED);
    let text: String = lines.take(LISTED).collect();
    if more > 0 { text + &format!("  … and {more} more; --json lists them\n") } else { text }
}

#[derive(Serialize)]
struct Stretch {
    from: candlewick_model::Timestamp,
    to: candlewick_model::Timestamp,
}

fn figures(coarser: &SeriesName, made: &ResampledSeries) -> serde_json::Value {
    let stretch = |range: &std::ops::Range<_>| Stretch { from: range.start, to: range.end };
    json!({
        "symbol": coarser.symbol,
        "interval": coarser.interval,
        "bars": made.len(),
        "partial": made.partial,
        "left_out": made.left_out.iter().map(stretch).collect::<Vec<_>>(),
    })
}

fn write(lake: &Lake, coarser: SeriesName, made: ResampledSeries) -> Result<Outcome, Failure> {
    let (mut text, mut json) = (told(&coarser, &made), figures(&coarser, &made));
    let written = lake.writer(coarser).and_then(|writer| writer.put(made.chunks)).map_err(Failure::outside)?;
    let contradictions = written.contradictions;
    json["bytes_written"] = written.bytes.into();
    json["contradictions"] = contradictions.iter().map(Contradiction::to_string).collect();
    text += &listed(contradictions.iter().map(|contradiction| format!("  other     {contradiction}\n")));
    text += &format!("  {} bytes written; what archives and REST say stays as it is\n", written.bytes);
    Ok(Outcome { text, json, has_problems: !contradictions.is_empty() })
}

fn verify(lake: &Lake, coarser: &SeriesName, made: &ResampledSeries) -> Result<Outcome, Failure> {
    let verified = lake.verify_resampled(coarser.symbol, coarser.interval, made).map_err(Failure::outside)?;
    let (equal, differences) = (verified.equal, &verified.differences);
    if equal == 0 && differences.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!("the lake has no bars of {coarser} to compare with")));
    }
    let mut json = figures(coarser, made);
    json["equal"] = equal.into();
    json["differences"] = differences.iter().map(difference_text).collect();
    let text = told(coarser, made)
        + &listed(differences.iter().map(|difference| format!("  differs   {}\n", difference_text(difference))))
        + &format!("  {equal} bars equal those of the exchange in every value, {} differ\n", differences.len());
    Ok(Outcome { text, json, has_problems: !differences.is_empty() })
}

fn difference_text(difference: &Difference) -> String {
    let what = match (&difference.exchange, &difference.made) {
        (Some(exchange), Some(made)) => {
            let values = columns(exchange).into_iter().zip(columns(made)).filter(|(a, b)| a != b);
            let values: Vec<_> = values.map(|((name, a), (_, b))| format!("{name} {a}, made {b}")).collect();
            format!("{}: {}", exchange.open_time, values.join("; "))
        }
        (Some(exchange), None) => format!("{}: the finer series has no bars there", exchange.open_time),
        (None, Some(made)) => format!("{}: the exchange has no such bar", made.open_time),
        (None, None) => String::new(),
    };
    match difference.partial {
        Some(partial) => format!("{what} (made of {} bars of {})", partial.there, partial.due),
        None => what,
    }
}

fn columns(bar: &Bar) -> [(&'static str, String); 10] {
    [
        ("close_time", bar.close_time.to_string()),
        ("open", bar.open.to_string()),
        ("high", bar.high.to_string()),
        ("low", bar.low.to_string()),
        ("close", bar.close.to_string()),
        ("volume", bar.volume.to_string()),
        ("quote_volume", bar.quote_volume.to_string()),
        ("taker_buy_volume", bar.taker_buy_volume.to_string()),
        ("taker_buy_quote_volume", bar.taker_buy_quote_volume.to_string()),
        ("trades", bar.trades.to_string()),
    ]
}
