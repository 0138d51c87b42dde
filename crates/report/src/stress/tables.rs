//! What page, terminal and callouts say about stress.

use candlewick_model::run::{Bearing, Run, StressRecord};
use candlewick_model::stress::{Episode, KINDS, Trouble};
use candlewick_model::{Amount, Price, Timestamp};
use serde::Serialize;

use super::{late_stops, median_and_worst};
use crate::format::{NOTHING, amount, count, decimals_for, duration, percent, price, signed, signed_percent};
use crate::sheets::{Cell, MARKET, ROWS, Sheet, decimals, instant, number, sheet, side, text};
use crate::statistics::Statistics;

/// The section of the page.
#[derive(Serialize)]
pub(crate) struct Section {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// What goes wrong how often and for how long in this run.
    kinds: Vec<(String, String)>,
    /// What all seeds together say, where there are several.
    over_all: Option<String>,
    #[serde(skip)]
    pub(crate) late: Sheet,
    #[serde(skip)]
    pub(crate) episodes: Sheet,
}

/// The section of the page, where the run is one under stress.
pub(crate) fn section(run: &Run, statistics: &Statistics) -> Option<Section> {
    let record = run.stress.as_ref()?;
    let shown = shown(record);
    Some(Section {
        columns: shown.iter().map(|(name, _)| name.clone()).collect(),
        rows: rows(
            statistics,
            record.calm.map(|calm| calm.final_equity),
            &shown.iter().map(|(_, bearing)| *bearing).collect::<Vec<_>>(),
        ),
        kinds: kinds(&record.episodes),
        over_all: over_all(record),
        late: late(run),
        episodes: episodes(run, record),
    })
}

/// The runs that stand side by side.
fn shown(record: &StressRecord) -> Vec<(String, &Bearing)> {
    let mut shown: Vec<_> = record.calm.iter().map(|calm| ("Calm".to_owned(), calm)).collect();
    shown.extend(record.runs.first().map(|(seed, this)| (format!("This run, seed {seed}"), this)));
    if record.runs.len() > 1
        && let Some([(middle, median), (last, worst)]) = median_and_worst(record)
    {
        let of = count(record.runs.len() as u64);
        shown.push((format!("Median of {of}, seed {middle}"), median));
        shown.push((format!("Worst of {of}, seed {last}"), worst));
    }
    shown
}

fn rows(statistics: &Statistics, calm: Option<Amount>, shown: &[&Bearing]) -> Vec<Vec<String>> {
    let decimals = decimals_for(statistics.curve.initial);
    let row = |name: &str, of: &dyn Fn(&Bearing) -> String| {
        std::iter::once(name.to_owned()).chain(shown.iter().map(|bearing| of(bearing))).collect()
    };
    let counted = |name: &str, of: fn(&Bearing) -> u64| row(name, &|bearing| count(of(bearing)));
    vec![
        row("Final equity", &|b| amount(b.final_equity, decimals)),
        row("Against the calm run", &|b| match calm.and_then(|calm| b.final_equity.checked_sub(calm)) {
            Some(Amount::ZERO) | None => NOTHING.to_owned(),
            Some(more) => signed(more, decimals),
        }),
        row("Return", &|b| signed_percent(b.growth)),
        row("Max drawdown", &|b| percent(Some(-b.max_drawdown))),
        counted("Orders accepted", |b| b.orders),
        counted("Commands refused", |b| b.refused),
        counted("of these before the venue", |b| b.rejected),
        counted("Outcomes unknown", |b| b.unknown),
        counted("Got through on a later try", |b| b.retried),
        counted("Delayed", |b| b.delayed),
        counted("A live session would have ended", |b| b.given_up),
        row("Halted while exposed", &|b| if b.halted_us == 0 { NOTHING.to_owned() } else { duration(b.halted_us) }),
        counted("Stops held up by a halt", |b| b.stops_late),
    ]
}

/// Episodes by kind: how many, and how long together.
fn kinds(episodes: &[Episode]) -> Vec<(String, String)> {
    let of_kind = |(kind, word): (usize, &&str)| {
        let all = || episodes.iter().filter(move |episode| episode.trouble.kind() == kind);
        let lasted: i64 = all().map(|episode| episode.to.micros() - episode.from.micros()).sum();
        let number = all().count() as u64;
        (number > 0).then(|| (format!("{} × {word}", count(number)), duration(lasted)))
    };
    KINDS.iter().enumerate().filter_map(of_kind).collect()
}

fn over_all(record: &StressRecord) -> Option<String> {
    let (seed, deepest) = record.runs.iter().max_by(|a, b| a.1.max_drawdown.total_cmp(&b.1.max_drawdown))?;
    let all = count(record.runs.len() as u64);
    let below = record.calm.map(|calm| {
        let below = record.runs.iter().filter(|(_, b)| b.final_equity < calm.final_equity).count();
        format!("{} of {all} seeds end below the calm run. ", count(below as u64))
    });
    let (below, depth) = (below.unwrap_or_default(), percent(Some(-deepest.max_drawdown)));
    (record.runs.len() > 1).then(|| format!("{below}The deepest drawdown of all {all} seeds is {depth} (seed {seed})."))
}

fn late(run: &Run) -> Sheet {
    let all = late_stops(run);
    let at = |t: Option<Timestamp>, none: &str| t.map_or_else(|| text(none), instant);
    let row = |stop: &super::LateStop| {
        let (prices, _) = decimals(run, stop.symbol);
        let priced = |p: Price| number(price(p, prices), p.to_f64());
        let stop_price =
            if stop.stop_price.is_zero() { number("trails".to_owned(), 0.0) } else { priced(stop.stop_price) };
        vec![
            number(count(stop.order_id), stop.order_id as f64),
            text(stop.symbol.as_str()),
            side(stop.side),
            text(stop.order_type.as_str()),
            text(stop.status.as_str()),
            instant(stop.halted),
            instant(stop.reopened),
            at(stop.triggered, "never"),
            stop_price,
            stop.average_price.map_or_else(|| number(NOTHING.to_owned(), 0.0), priced),
        ]
    };
    let columns = [
        ("Order", "n"),
        MARKET,
        ("Side", ""),
        ("Type", ""),
        ("Status", ""),
        ("Halted", "t"),
        ("Reopened", "t"),
        ("Triggered", "t"),
        ("Stop", "n"),
        ("Filled at", "n"),
    ];
    sheet(run, "late", "summary.json", &columns, all.len(), all.iter().take(ROWS).map(row).collect())
}

fn episodes(run: &Run, record: &StressRecord) -> Sheet {
    let row = |episode: &Episode| {
        let length = episode.to.micros() - episode.from.micros();
        let names: Vec<_> = episode.symbols.iter().map(|symbol| symbol.as_str()).collect();
        vec![
            instant(episode.from),
            instant(episode.to),
            text(KINDS[episode.trouble.kind()]),
            text(if names.is_empty() { "all".to_owned() } else { names.join(", ") }),
            details(&episode.trouble),
            number(duration(length), length as f64),
        ]
    };
    let columns = [("From", "t"), ("To", "t"), ("Kind", ""), MARKET, ("What", ""), ("Length", "n")];
    let rows = record.episodes.iter().take(ROWS).map(row).collect();
    sheet(run, "episodes", "summary.json", &columns, record.episodes.len(), rows)
}

fn details(trouble: &Trouble) -> Cell {
    text(match trouble {
        Trouble::Halt => "nothing matches, orders are refused".to_owned(),
        Trouble::Timeout { executed } => {
            format!("-1007; {} executed all the same", percent(Some(executed.to_f64())))
        }
        Trouble::Latency { ms } => format!("{} ms longer under way", count((*ms).into())),
        Trouble::Rejection(rejection) => {
            let after = rejection.retry_after.map(|seconds| format!(", Retry-After {seconds} s")).unwrap_or_default();
            format!("HTTP {}{after}: {} {}", rejection.status, rejection.code, rejection.msg)
        }
    })
}

/// What a reader must not miss.
pub(crate) fn callouts(run: &Run, statistics: &Statistics) -> Vec<String> {
    let Some(record) = &run.stress else { return Vec::new() };
    let Some((seed, this)) = record.runs.first() else { return Vec::new() };
    let decimals = decimals_for(statistics.curve.initial);
    let ends = record.calm.map(|calm| {
        let more = this.final_equity.units() - calm.final_equity.units();
        let sum = amount(Amount::from_units(more.abs()), decimals);
        let ends = match sum.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            false => "where".to_owned(),
            true => format!("{sum} {} {}", run.counted_in, if more < 0 { "below where" } else { "above where" }),
        };
        format!(" It ends {ends} the same run ends without ({}).", signed_percent(calm.growth))
    });
    let mut all = vec![format!(
        "This is a run under stress (seed {seed}): {}.{}",
        told(&record.episodes),
        ends.unwrap_or_default()
    )];
    if this.given_up > 0 {
        let times = if this.given_up == 1 { "once".to_owned() } else { format!("{} times", count(this.given_up)) };
        all.push(format!("A live session would have ended {times}: over the request limit for longer than it waits."));
    }
    if this.stops_late > 0 {
        let (n, s) = (count(this.stops_late), if this.stops_late == 1 { "" } else { "s" });
        all.push(format!(
            "{n} stop{s} could not trigger in time: history reached the price while the market was halted."
        ));
    }
    all
}

fn told(episodes: &[Episode]) -> String {
    let all: Vec<_> = kinds(episodes).into_iter().map(|(kind, lasted)| format!("{kind} ({lasted})")).collect();
    if all.is_empty() { "nothing was drawn".to_owned() } else { all.join(", ") }
}

/// Lines for the terminal: a name, and what is to be said.
pub(crate) fn terminal(run: &Run, statistics: &Statistics) -> Vec<(&'static str, String)> {
    let Some(record) = &run.stress else { return Vec::new() };
    let decimals = decimals_for(statistics.curve.initial);
    let mut lines = vec![("stress", told(&record.episodes))];
    let names = ["  calm", "  this run", "  median", "  worst"];
    let skipped = usize::from(record.calm.is_none());
    for ((at, name), (_, b)) in names.into_iter().enumerate().skip(skipped).zip(shown(record)) {
        let seed = match at {
            0 | 1 => String::new(),
            _ => median_and_worst(record).map(|pair| format!("   seed {}", pair[at - 2].0)).unwrap_or_default(),
        };
        let down = percent(Some(-b.max_drawdown));
        let money = amount(b.final_equity, decimals);
        lines.push((name, format!("{money}   return {:>9}   drawdown {down:>8}{seed}", signed_percent(b.growth))));
    }
    if let Some((_, b)) = record.runs.first() {
        let [refused, unknown, late, ended] = [b.refused, b.unknown, b.stops_late, b.given_up].map(count);
        let halted = duration(b.halted_us);
        lines.push((
            "  trouble",
            format!("{refused} refused, {unknown} unknown, {late} stops late, {halted} halted and exposed, {ended} × live would have ended"),
        ));
    }
    if let Some(text) = over_all(record) {
        lines.push(("  seeds", text));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_words() {
        let words = |json: &str| {
            let episode: Episode = serde_json::from_str(json).unwrap();
            serde_json::to_value(details(&episode.trouble)).unwrap()["text"].as_str().unwrap().to_owned()
        };
        let dated = |rest: &str| format!(r#"{{"from":"2023-01-01","to":"2023-01-02",{rest}}}"#);
        assert_eq!(words(&dated(r#""kind":"timeout","executed":0.25"#)), "-1007; 25.00% executed all the same");
        assert_eq!(words(&dated(r#""kind":"latency","ms":2000"#)), "2,000 ms longer under way");
        assert_eq!(
            words(&dated(r#""kind":"rejection","code":-1003,"retry_after":5"#)),
            "HTTP 429, Retry-After 5 s: -1003 Too many requests queued."
        );
    }
}
