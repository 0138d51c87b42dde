//! Names of archives and when they come out.

use candlewick_binance::archive::{ArchiveName, Dataset};
use candlewick_model::time::DAY;
use candlewick_model::{Interval, Period, Timestamp};

/// Daily files have these intervals, monthly ones all.
pub(super) fn is_daily(interval: Interval) -> bool {
    interval <= Interval::OneDay
}

/// When the file of a period comes out: a day's at its end, a month's on the first Monday of
/// the next.
pub(super) fn comes_out(period: Period) -> Timestamp {
    let end = period.range().end;
    match period {
        Period::Day { .. } => end,
        Period::Month { .. } => Interval::OneWeek.open_at(end.plus(7 * DAY - 1)),
    }
}

/// When a file comes out; not before its last bar is over.
pub(super) fn published(name: &ArchiveName) -> Timestamp {
    let usual = comes_out(name.period);
    match name.dataset {
        Dataset::Klines(interval) => usual.max(interval.next_open(interval.open_at(name.period.range().end.plus(-1)))),
        Dataset::AggTrades | Dataset::Trades => usual,
    }
}

/// The archive that a key names, if it does.
pub(super) fn named(key: &str) -> Option<ArchiveName> {
    let mut parts = key.strip_prefix("data/spot/")?.split('/');
    let (span, dataset, symbol) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    let dataset = match dataset {
        "klines" => Dataset::Klines(parts.next()?.parse().ok()?),
        "aggTrades" => Dataset::AggTrades,
        "trades" => Dataset::Trades,
        _ => return None,
    };
    let file = parts.next()?;
    let what = match dataset {
        Dataset::Klines(interval) => interval.archive_name(),
        Dataset::AggTrades => "aggTrades",
        Dataset::Trades => "trades",
    };
    let period = file.strip_suffix(".zip")?.strip_prefix(&format!("{symbol}-{what}-"))?.parse().ok()?;
    let name = ArchiveName { symbol, dataset, period };
    let is_there = span == "monthly" || !matches!(dataset, Dataset::Klines(interval) if !is_daily(interval));
    (is_there && name.path() == key).then_some(name)
}
