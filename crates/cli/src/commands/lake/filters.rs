//! `lake filters`: a line for each rule of a market that changed.

use std::process::ExitCode;

use candlewick_lake::FilterHistory;
use candlewick_model::Symbol;
use clap::Args;

use super::table;
use crate::commands::{print, print_json};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The market, such as BTCUSDT.
    symbol: Symbol,
    /// The lake: a folder.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
    /// Print the rules of the first snapshot, too.
    #[arg(long)]
    initial: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let lake = super::open(&arguments.lake)?;
    let history = lake.filter_history(arguments.symbol).map_err(Failure::outside)?;
    for snapshot in &history.snapshots {
        snapshot.error.iter().for_each(|error| eprintln!("error: {error}"));
        snapshot.notes.iter().for_each(|note| eprintln!("note: {}: {note}", snapshot.file));
    }
    let is_known = history.snapshots.iter().any(|snapshot| snapshot.has_symbol);
    if !is_known {
        return Err(Failure::usage(anyhow::anyhow!(
            "none of the {} exchangeInfo snapshots in {} has {}; `candlewick lake add-exchange-info` stores one",
            history.snapshots.len(),
            arguments.lake,
            arguments.symbol
        )));
    }
    if arguments.json {
        print_json(&history)?;
    } else {
        print(&text(&history, arguments.initial))?;
    }
    let is_damaged = history.snapshots.iter().any(|snapshot| snapshot.error.is_some());
    Ok(ExitCode::from(u8::from(is_damaged)))
}

fn text(history: &FilterHistory, with_initial: bool) -> String {
    let mut out = String::new();
    let seen: Vec<_> = history.snapshots.iter().filter(|snapshot| snapshot.has_symbol).collect();
    let first = super::text(seen.first().and_then(|snapshot| snapshot.time));
    if with_initial {
        let mut initial = table(&["rule", "at first"]);
        history.initial.iter().for_each(|(rule, value)| {
            initial.add_row([rule, value]);
        });
        out += &format!("{initial}\n");
    }
    let mut changes = table(&["between", "and", "rule", "old", "new"]);
    for change in &history.changes {
        let (after, time) = (change.after.to_string(), change.time.to_string());
        let day = |time: &str| time[..10].to_owned();
        let (old, new) = old_and_new(change.old.as_deref(), change.new.as_deref());
        changes.add_row([day(&after), day(&time), change.rule.clone(), old, new]);
    }
    if !history.changes.is_empty() {
        out += &format!("{changes}\n");
    }
    out + &format!(
        "{}: {} changes of {} rules over {} snapshots since {first}\n",
        history.symbol,
        history.changes.len(),
        history.initial.len(),
        seen.len()
    )
}

/// Of lists of words only what went and what came.
fn old_and_new(old: Option<&str>, new: Option<&str>) -> (String, String) {
    let whole = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let (Some(before), Some(after)) = (old, new) else { return (whole(old), whole(new)) };
    if !(before.contains(' ') || after.contains(' ')) {
        return (whole(old), whole(new));
    }
    let without = |these: &str, those: &str, sign: char| {
        let is_other = |word: &&str| !those.split(' ').any(|other| other == *word);
        these.split(' ').filter(is_other).map(|word| format!("{sign}{word}")).collect::<Vec<_>>().join(" ")
    };
    (without(before, after, '−'), without(after, before, '+'))
}
