//! What there is to say of a checked series, in words: for the terminal and for the page.

use candlewick_lake::{Check, End, EndKind, Likeness, Severity};

/// One thing to say.
pub(super) struct Detail {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) severity: Severity,
}

/// Of lists as long as they are; `limit` is for each.
pub(super) fn details(check: &Check, limit: usize) -> Vec<Detail> {
    let mut details = Vec::new();
    damages(check, &mut details);
    ends(check, &mut details);
    gaps(check, limit, &mut details);
    bars(check, &mut details);
    prices(check, limit, &mut details);
    sources(check, &mut details);
    details
}

/// The line that begins the details of a series.
pub(super) fn heading(check: &Check) -> String {
    let text = super::text;
    format!(
        "{} {}: {} bars from {} to {}, {} missing in {} gaps",
        check.symbol,
        check.interval,
        check.bars,
        text(check.first),
        text(check.last),
        check.missing,
        check.gaps.len()
    )
}

pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Fact => "ok",
        Severity::Warning => "warning",
        Severity::Problem => "problem",
    }
}

const fn problem_or_fact(is_problem: bool) -> Severity {
    if is_problem { Severity::Problem } else { Severity::Fact }
}

fn damages(check: &Check, details: &mut Vec<Detail>) {
    let problems = check.files.iter().filter_map(|file| file.problem.clone());
    details.extend(problems.map(|text| Detail { label: "damaged", text, severity: Severity::Problem }));
}

fn ends(check: &Check, details: &mut Vec<Detail>) {
    let mut end = |label, end: &Option<End>| {
        let Some(end) = end.as_ref().filter(|end| end.kind != EndKind::Whole) else { return };
        let what = match end.kind {
            EndKind::Whole => "",
            EndKind::Listing => "listing",
            EndKind::Delisting => "delisting",
            EndKind::CutFile => "cut file",
            EndKind::BeforeOthers => "before others",
        };
        let text = format!("{}: {what}: {}", end.at, end.evidence);
        details.push(Detail { label, text, severity: problem_or_fact(end.is_problem) });
    };
    end("begins", &check.head);
    end("ends", &check.tail);
}

fn gaps(check: &Check, limit: usize, details: &mut Vec<Detail>) {
    for gap in check.gaps.iter().take(limit) {
        let (from, to, missing, cause) = (gap.from, gap.to, gap.missing, gap.cause.text());
        let text = format!("{from} to {to}: {missing} bars: {cause}: {}", gap.evidence);
        details.push(Detail { label: "gap", text, severity: problem_or_fact(gap.is_problem) });
    }
    if check.gaps.len() > limit {
        let rest = &check.gaps[limit..];
        let missing: u64 = rest.iter().map(|gap| gap.missing).sum();
        let severity = problem_or_fact(rest.iter().any(|gap| gap.is_problem));
        let text = format!("{} more of {missing} bars (--all-details or --json list them)", rest.len());
        details.push(Detail { label: "gap", text, severity });
    }
}

fn bars(check: &Check, details: &mut Vec<Detail>) {
    for finding in &check.findings {
        let (bars, kind, first) = (finding.bars, finding.kind.text(), finding.first);
        let span = if bars == 1 { format!("at {first}") } else { format!("from {first} to {}", finding.last) };
        let text = format!("{bars} {kind}, {span}");
        details.push(Detail { label: "bars", text, severity: finding.severity });
    }
    if let Some(longest) = check.zero_volume.longest {
        let (stretches, bars) = (check.zero_volume.stretches, longest.bars);
        let text = format!(
            "{stretches} stretches without trades, the longest of {bars} bars from {} to {}",
            longest.from, longest.to
        );
        details.push(Detail { label: "quiet", text, severity: Severity::Fact });
    }
}

fn prices(check: &Check, limit: usize, details: &mut Vec<Detail>) {
    for found in check.discontinuities.iter().take(limit) {
        let likely = match found.likely {
            Likeness::Redenominated => "redenominated?",
            Likeness::Reused => "another asset under this name?",
        };
        let text = format!("{likely} {} at {}, {} at {}", found.before, found.last, found.after, found.first);
        details.push(Detail { label: "name", text, severity: Severity::Warning });
    }
    for jump in check.jumps.iter().take(limit.min(5)) {
        let text = format!("{}: opens at {} after {}", jump.time, jump.after, jump.before);
        details.push(Detail { label: "jump", text, severity: Severity::Warning });
    }
}

fn sources(check: &Check, details: &mut Vec<Detail>) {
    for odd in &check.odd_sources {
        let (sources, kind, bars, first) = (odd.sources, odd.kind.text(), odd.bars, &odd.first);
        let text = format!("{sources} {kind} ({bars} bars), the first is {first}");
        details.push(Detail { label: "sources", text, severity: odd.severity });
    }
    let state = |state| serde_json::to_value(state).ok().and_then(|v| Some(v.as_str()?.replace('_', " ")));
    let shares = check
        .sources
        .iter()
        .map(|(of, share)| format!("{} {} with {} bars", share.sources, state(of).unwrap_or_default(), share.bars));
    let text = shares.collect::<Vec<_>>().join(", ");
    details.push(Detail { label: "from", text, severity: Severity::Fact });
}
