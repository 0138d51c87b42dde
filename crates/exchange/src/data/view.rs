//! The catalogue at an instant: what has happened of it, the open bar as far as it has come.

use candlewick_model::{Bar, Bars, Symbol, Timestamp};

use super::aggregate::{Grid, joined};
use super::catalogue::Catalogue;
use super::trades;

/// Which bars are asked for, by when they open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) limit: usize,
}

/// The bars that somebody who asks now is told: the oldest where a start is given, else the
/// most recent ones. Of an open bar trades count by their time.
pub(super) fn page(catalogue: &Catalogue, symbol: Symbol, grid: Grid, wanted: &Wanted, now: Timestamp) -> Bars {
    let ticks = catalogue.market(symbol).and_then(|market| market.grid);
    let finest = catalogue.finest(symbol);
    let happened = |part: &Bar| {
        let regular = finest.map_or(part.close_time, |finest| finest.close_of(part.open_time));
        let open = || Bar { close_time: regular, ..trades::so_far(part, now, ticks) };
        Some(if part.close_time < now { *part } else { open() })
    };
    page_of(catalogue, symbol, grid, wanted, now, &happened)
}

/// What of one of the finest bars has happened; `None` if it has not opened.
pub(crate) type Happened<'a> = &'a dyn Fn(&Bar) -> Option<Bar>;

/// The same, where somebody else knows what of a bar has happened.
pub(crate) fn page_of(
    catalogue: &Catalogue,
    symbol: Symbol,
    grid: Grid,
    wanted: &Wanted,
    now: Timestamp,
    happened: Happened<'_>,
) -> Bars {
    let Some(span) = catalogue.span(symbol) else { return Bars::default() };
    let end = wanted.end.unwrap_or(now).min(now).min(span.end);
    let mut bars = match wanted.start {
        Some(start) => forward(catalogue, symbol, grid, start.max(grid.open_at(span.start)), end, wanted.limit),
        None => backward(catalogue, symbol, grid, grid.open_at(span.start), end, wanted.limit),
    };
    if let Some(last) = bars.len().checked_sub(1)
        && grid.next_open(bars.open_time.at(last)) > now
    {
        let open = so_far(catalogue, symbol, grid, &bars.bar(last), now, happened);
        bars = bars.slice(0..last);
        open.into_iter().for_each(|open| bars.push(open));
    }
    bars
}

fn forward(catalogue: &Catalogue, symbol: Symbol, grid: Grid, start: Timestamp, end: Timestamp, limit: usize) -> Bars {
    let mut found = Bars::default();
    let mut at = start;
    while at <= end && found.len() < limit {
        let Some(stretch) = catalogue.around(symbol, grid, at) else { break };
        let opens = &stretch.bars.open_time;
        let (from, to) = (opens.partition_point(|t| t < at), opens.partition_point(|t| t <= end));
        found.append(stretch.bars.slice(from..to.min(from + limit - found.len()).max(from)));
        at = stretch.range.end;
    }
    found
}

fn backward(catalogue: &Catalogue, symbol: Symbol, grid: Grid, start: Timestamp, end: Timestamp, limit: usize) -> Bars {
    let mut found = Bars::default();
    let mut at = end;
    while at >= start && found.len() < limit {
        let Some(stretch) = catalogue.around(symbol, grid, at) else { break };
        let to = stretch.bars.open_time.partition_point(|t| t <= at);
        let mut earlier = stretch.bars.slice(to.saturating_sub(limit - found.len())..to);
        earlier.append(found);
        found = earlier;
        at = stretch.range.start.plus(-1);
        if stretch.range.start == Timestamp::MIN {
            break;
        }
    }
    found
}

/// What of a bar has happened, from the finest bars that there are.
fn so_far(
    catalogue: &Catalogue,
    symbol: Symbol,
    grid: Grid,
    bar: &Bar,
    now: Timestamp,
    happened: Happened<'_>,
) -> Option<Bar> {
    let finest = catalogue.finest(symbol)?;
    if finest > grid.interval
        && let Some(whole) = catalogue.around(symbol, Grid::utc(finest), now).map(|stretch| stretch.bars)
        && let Some(row) = whole.open_time.partition_point(|t| t <= bar.open_time).checked_sub(1)
    {
        let ticks = catalogue.market(symbol).and_then(|market| market.grid);
        return Some(trades::second_so_far(bar, &whole.bar(row), now, ticks));
    }
    if finest == grid.interval {
        return happened(bar);
    }
    let stretch = catalogue.around(symbol, Grid::utc(finest), now)?;
    let opens = &stretch.bars.open_time;
    let rows = opens.partition_point(|t| t < bar.open_time)..opens.partition_point(|t| t <= now);
    let parts = rows.filter_map(|row| happened(&stretch.bars.bar(row)));
    joined(parts, finest, bar.open_time, grid.next_open(bar.open_time))
}

#[cfg(test)]
mod tests {
    use candlewick_model::Interval::{self, OneDay, OneHour, OneMinute, OneSecond};

    use super::*;

    fn t(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn catalogue() -> Catalogue {
        let names = ["BTCUSDT".parse().unwrap(), "ARBUSDT@2023-03-02T15:00:00Z".parse().unwrap()];
        Catalogue::generated(1, &names, OneMinute, &(t("2023-03-01")..t("2023-03-05")))
    }

    fn asked(interval: Interval, start: Option<&str>, end: Option<&str>, limit: usize, now: &str) -> Bars {
        let wanted = Wanted { start: start.map(t), end: end.map(t), limit };
        page(&catalogue(), "BTCUSDT".parse().unwrap(), Grid::utc(interval), &wanted, t(now))
    }

    #[test]
    fn the_ends_of_pages() {
        let now = "2023-03-02T00:00:30Z";
        let first_last = |bars: &Bars| (bars.open_time.at(0), bars.open_time.at(bars.len() - 1), bars.len());
        let recent = asked(OneMinute, None, None, 3, now);
        assert_eq!(first_last(&recent), (t("2023-03-01T23:58:00Z"), t("2023-03-02"), 3));
        let oldest = asked(OneMinute, Some("2017-01-01"), None, 2, now);
        assert_eq!(first_last(&oldest), (t("2023-03-01"), t("2023-03-01T00:01:00Z"), 2));
        let both = asked(OneMinute, Some("2023-03-01T00:00:01Z"), Some("2023-03-01T00:03:00Z"), 1_000, now);
        assert_eq!(first_last(&both), (t("2023-03-01T00:01:00Z"), t("2023-03-01T00:03:00Z"), 3));
        let until = asked(OneMinute, None, Some("2023-03-01T00:03:30Z"), 2, now);
        assert_eq!(first_last(&until), (t("2023-03-01T00:02:00Z"), t("2023-03-01T00:03:00Z"), 2));
        assert!(asked(OneMinute, Some("2023-03-03"), None, 2, now).is_empty(), "it has not happened");
        assert!(asked(OneMinute, Some("2023-03-01T02:00:00Z"), Some("2023-03-01T01:00:00Z"), 2, now).is_empty());
        assert!(asked(OneMinute, None, Some("2023-02-01"), 2, now).is_empty());
        let after_the_end = asked(OneMinute, None, None, 2, "2024-01-01");
        assert_eq!(after_the_end.open_time.at(1), t("2023-03-04T23:59:00Z"));
        assert_eq!(asked(OneSecond, Some("2017-01-01"), None, 1_000, now).open_time.at(999), t("2023-03-01T00:16:39Z"));
        let over_midnight = asked(OneSecond, None, None, 40, now);
        assert_eq!(first_last(&over_midnight), (t("2023-03-01T23:59:51Z"), t(now), 40));
    }

    #[test]
    fn the_open_bar_is_what_has_happened_so_far() {
        let now = "2023-03-01T10:20:30Z";
        let hour = asked(OneHour, None, None, 1, now).bar(0);
        assert_eq!(hour.close_time, t("2023-03-01T10:59:59.999999Z"));
        let minutes = asked(OneMinute, Some("2023-03-01T10:00:00Z"), None, 1_000, now);
        assert_eq!(minutes.len(), 21);
        let sum = |bars: &Bars| bars.volume.iter().map(|v| v.units()).sum::<i128>();
        assert_eq!((hour.volume.units(), hour.close), (sum(&minutes), minutes.close[20]));
        let seconds = asked(OneSecond, Some("2023-03-01T10:20:00Z"), None, 1_000, now);
        assert_eq!(sum(&seconds), minutes.volume.at(20).units());
        let whole = asked(OneMinute, Some("2023-03-01T10:20:00Z"), None, 1, "2023-03-02").bar(0);
        assert!(minutes.bar(20).volume < whole.volume);
        assert_eq!(asked(OneDay, None, None, 1, "2023-03-01").len(), 1);
    }
}
