//! The page of `lake check`: one HTML file that needs nothing but itself.
//!
//! Every series has a strip over the same years, so that outages stand below each other.

use std::ops::Range;

use candlewick_lake::{Check, EndKind, Severity};
use candlewick_model::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::check::{minute, percent};
use super::details::{details, word};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Width of a strip in its own units.
const WIDTH: f64 = 1_000.0;
/// What is listed of each kind.
const LISTED: usize = 200;

#[derive(Serialize)]
struct Row {
    name: String,
    state: &'static str,
    bars: usize,
    first: String,
    last: String,
    there: String,
    gaps: usize,
    missing: u64,
    strip: Vec<Mark>,
    details: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    label: &'static str,
    text: String,
    state: &'static str,
}

/// A part of a strip.
#[derive(Serialize)]
struct Mark {
    class: &'static str,
    x: String,
    width: String,
    title: String,
}

/// The page.
pub(super) fn render(checks: &[Check]) -> String {
    let times = all_times(checks);
    let mut rows: Vec<(Severity, Row)> = checks.iter().map(|check| (check.severity, row(check, &times))).collect();
    rows.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let count = |severity| checks.iter().filter(|check| check.severity == severity).count();
    let missing = |of: fn(&Check) -> u64| checks.iter().map(of).sum::<u64>();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let template = environment.template_from_str(TEMPLATE).expect("the template is ours and tested");
    let page = template.render(context! {
        style => safe(STYLE),
        script => safe(SCRIPT),
        series => checks.len(),
        bars => checks.iter().map(|check| check.bars).sum::<usize>(),
        problems => count(Severity::Problem),
        warnings => count(Severity::Warning),
        missing => missing(|check| check.missing),
        missing_problem => missing(|check| check.missing_problem),
        ticks => Value::from(Serde(ticks(&times))),
        rows => Value::from(Serde(rows)),
    });
    page.expect("the template is ours and tested")
}

/// From the first bar of all series to the end of the last one.
fn all_times(checks: &[Check]) -> Range<Timestamp> {
    let first = checks.iter().filter_map(|check| check.first).min().unwrap_or_default();
    let last = checks.iter().filter_map(|check| Some(check.interval.next_open(check.last?))).max().unwrap_or(first);
    first..last.max(first.plus(1))
}

fn place(times: &Range<Timestamp>, at: Timestamp) -> f64 {
    let of = |time: Timestamp| time.micros() as f64;
    (of(at) - of(times.start)) / (of(times.end) - of(times.start)) * WIDTH
}

fn mark(class: &'static str, times: &Range<Timestamp>, of: Range<Timestamp>, title: String) -> Mark {
    // What is short must be seen all the same.
    let x = place(times, of.start).min(WIDTH - 2.5);
    let width = (place(times, of.end) - x).max(2.5);
    Mark { class, x: format!("{x:.2}"), width: format!("{width:.2}"), title }
}

fn row(check: &Check, times: &Range<Timestamp>) -> Row {
    let line = |severity| match severity {
        Severity::Fact => "fact",
        other => word(other),
    };
    let details = details(check, LISTED);
    Row {
        name: format!("{} {}", check.symbol, check.interval),
        state: word(check.severity),
        bars: check.bars,
        first: minute(check.first),
        last: minute(check.last),
        there: percent(check),
        gaps: check.gaps.len(),
        missing: check.missing,
        strip: strip(check, times),
        details: details.into_iter().map(|d| Line { label: d.label, text: d.text, state: line(d.severity) }).collect(),
    }
}

/// What is there, then what is quiet, then what is not there.
fn strip(check: &Check, times: &Range<Timestamp>) -> Vec<Mark> {
    let (Some(first), Some(last)) = (check.first, check.last) else { return Vec::new() };
    let end = check.interval.next_open(last);
    let mut marks = vec![mark("there", times, first..end, format!("{} to {}", first, last))];
    for quiet in &check.zero_volume.long {
        let title = format!("{} bars without trades from {} to {}", quiet.bars, quiet.from, quiet.to);
        marks.push(mark("quiet", times, quiet.from..quiet.to, title));
    }
    for gap in &check.gaps {
        let class = if gap.is_problem { "hole" } else { "outage" };
        let title = format!("{} to {}: {} bars: {}: {}", gap.from, gap.to, gap.missing, gap.cause.text(), gap.evidence);
        marks.push(mark(class, times, gap.from..gap.to, title));
    }
    let ends = [(&check.head, first..first), (&check.tail, end..end)];
    for (end, at) in ends {
        if let Some(end) = end.as_ref().filter(|end| end.kind == EndKind::CutFile) {
            marks.push(mark("hole", times, at, format!("cut file: {}", end.evidence)));
        }
    }
    for found in &check.discontinuities {
        let title = format!("{} at {}, {} at {}", found.before, found.last, found.after, found.first);
        marks.push(mark("break", times, found.first..found.first, title));
    }
    marks
}

/// Years, or months where there are few years.
fn ticks(times: &Range<Timestamp>) -> Vec<(String, String)> {
    let ((from_year, from_month, _), (to_year, to_month, _)) = (times.start.date(), times.end.date());
    let months = (to_year - from_year) * 12 + to_month as i32 - from_month as i32;
    let step = [1, 3, 12, 24].into_iter().find(|step| months / step <= 12).unwrap_or(36);
    let opens = (0..=months + 1).map(|n| (from_year * 12 + from_month as i32 - 1 + n).div_euclid(1));
    let opens = opens.filter(|month| month % step == 0).filter_map(|month| {
        let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
        let at = Timestamp::from_date(year, month as u32, 1)?;
        let label = if step % 12 == 0 { format!("{year}") } else { format!("{year}-{month:02}") };
        (times.contains(&at)).then(|| (format!("{:.2}", place(times, at)), label))
    });
    opens.collect()
}
