//! `--clock wall`: which shift lets history happen now.
//!
//! A shift by whole days leaves bars on their grids of minutes, hours and days, and every time of
//! day what it was; by whole hours or minutes only on those. Weeks and months begin elsewhere.

use anyhow::anyhow;
use candlewick_model::time::{DAY, HOUR, MINUTE};
use candlewick_model::{Interval, Timestamp};
use candlewick_simulator::Setup;

/// A shift, and on which grid bars keep their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    pub(super) by: i64,
    pub(super) grid: &'static str,
}

/// A shift that brings an instant of a setup's history to `now`, soon after `from`, or after its
/// first bar.
pub(super) fn of_setup(setup: &Setup, from: Option<Timestamp>, now: Timestamp) -> anyhow::Result<Shift> {
    let ends = setup.markets.iter().filter_map(|market| market.bars.close_time.last());
    let end = ends.max().unwrap_or(Timestamp::MIN);
    let intervals = setup
        .markets
        .iter()
        .flat_map(|market| std::iter::once(market.interval).chain(market.longer.iter().map(|(interval, _)| *interval)));
    shift(now, from.unwrap_or(setup.start().plus(1)), end, intervals)
}

fn shift(
    now: Timestamp,
    from: Timestamp,
    end: Timestamp,
    intervals: impl Iterator<Item = Interval>,
) -> anyhow::Result<Shift> {
    let mut own = 1;
    for interval in intervals {
        let length = interval.micros().ok_or_else(|| {
            anyhow!("--clock wall: no shift leaves bars of {interval} whole months; serve shorter ones")
        })?;
        own = least_common_multiple(own, length);
    }
    let left = end.micros().saturating_sub(from.micros());
    let mut chosen = None;
    // The coarsest that leaves half of what there is; else the finest that leaves anything.
    for (grid, length) in [("days", DAY), ("hours", HOUR), ("minutes", MINUTE)] {
        let step = if length % own == 0 { length } else { least_common_multiple(own, DAY) };
        let skipped = (now.micros() - from.micros()).rem_euclid(step);
        if skipped < left {
            chosen = Some(Shift { by: now.micros() - from.micros() - skipped, grid });
        }
        if skipped <= left / 2 || step != length {
            break;
        }
    }
    chosen.ok_or_else(|| anyhow!("--clock wall: the history from {from} to {end} is too short; it needs a day or two"))
}

fn least_common_multiple(a: i64, b: i64) -> i64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a / divisor * b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn chosen(now: &str, from: &str, end: &str, intervals: &[Interval]) -> (String, &'static str) {
        let (now, from, end) = (at(now), at(from), at(end));
        let shift = shift(now, from, end, intervals.iter().copied()).unwrap();
        let begins = now.plus(-shift.by);
        assert!(from <= begins && begins < end, "{begins}");
        (begins.to_string(), shift.grid)
    }

    #[test]
    fn history_begins_at_the_time_of_day_that_it_is() {
        let minutes = [Interval::OneMinute];
        let now = "2026-11-27T22:17:34.5Z";
        let whole = |from, end, intervals: &[Interval]| chosen(now, from, end, intervals);
        assert_eq!(
            whole("2023-03-01", "2023-04-01", &minutes),
            ("2023-03-01T22:17:34.500Z".to_owned(), "days"),
            "the first one after the beginning"
        );
        assert_eq!(whole("2023-03-10T23:00:00Z", "2023-04-01", &minutes).0, "2023-03-11T22:17:34.500Z");
        assert_eq!(whole("2023-03-01", "2023-03-02", &minutes), ("2023-03-01T00:17:34.500Z".to_owned(), "hours"));
        assert_eq!(
            whole("2023-03-01", "2023-03-01T00:20:00Z", &minutes),
            ("2023-03-01T00:00:34.500Z".to_owned(), "minutes")
        );
        // Bars of hours are never moved by minutes, those of weeks by weeks.
        let hours = [Interval::OneMinute, Interval::OneHour];
        assert_eq!(whole("2023-03-01", "2023-03-02", &hours).1, "hours");
        let weeks = whole("2023-03-01", "2023-09-01", &[Interval::OneWeek]).0;
        assert_eq!((at(now).micros() - at(&weeks).micros()) % (7 * DAY), 0);
    }

    #[test]
    fn what_cannot_be_shifted_is_told() {
        let no = |interval, end| {
            let intervals = std::iter::once(interval);
            shift(at("2026-11-27T22:17:34Z"), at("2023-03-01"), at(end), intervals).unwrap_err().to_string()
        };
        assert!(no(Interval::OneMonth, "2024-03-01").contains("whole months"));
        assert!(no(Interval::OneDay, "2023-03-01T12:00:00Z").contains("too short"));
    }
}
