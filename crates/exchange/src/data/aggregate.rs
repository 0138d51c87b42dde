//! Longer bars from shorter ones: exact sums, extremes, first and last prices.
//!
//! For: intervals that are not stored, time zones, and the bar that is still open. Not for:
//! filling holes; where there is no shorter bar there is no longer one.

use candlewick_model::time::{DAY, MINUTE};
use candlewick_model::{Amount, Bar, Bars, Interval, Timestamp};

/// The bars of an interval as somebody in a time zone sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Grid {
    pub(crate) interval: Interval,
    /// How far the time zone is ahead of UTC.
    pub(crate) offset_us: i64,
}

impl Grid {
    pub(crate) const fn utc(interval: Interval) -> Self {
        Self { interval, offset_us: 0 }
    }

    /// The open of the bar that an instant lies in.
    pub(crate) fn open_at(self, instant: Timestamp) -> Timestamp {
        self.interval.open_at(instant.plus(self.offset_us)).plus(-self.offset_us)
    }

    /// The open of the bar after one.
    pub(crate) fn next_open(self, open: Timestamp) -> Timestamp {
        self.interval.next_open(open.plus(self.offset_us)).plus(-self.offset_us)
    }

    /// The same grid without an offset that does not show.
    pub(crate) fn plain(self) -> Self {
        let is_unmoved = self.interval.micros().is_some_and(|length| length <= DAY && self.offset_us % length == 0);
        if is_unmoved { Self::utc(self.interval) } else { self }
    }

    /// Whether every bar of this grid consists of whole bars of a shorter interval in UTC.
    pub(crate) fn is_made_of(self, shorter: Interval) -> bool {
        let Some(part) = shorter.micros().filter(|part| *part <= DAY) else { return false };
        let whole = self.interval.micros().unwrap_or(DAY);
        shorter < self.interval && whole % part == 0 && self.offset_us % part == 0
    }
}

/// Bars of a grid from shorter ones.
pub(crate) fn aggregate(shorter: &Bars, from: Interval, grid: Grid) -> Bars {
    let mut bars = Bars::default();
    let mut at = 0;
    while at < shorter.len() {
        let open = grid.open_at(shorter.open_time.at(at));
        let next = grid.next_open(open);
        let end = shorter.open_time.partition_point(|time| time < next).max(at);
        if let Some(bar) = joined((at..end).map(|row| shorter.bar(row)), from, open, next) {
            bars.push(bar);
        }
        at = end;
    }
    bars
}

/// One bar from the shorter ones in it, if there are any. After an outage the last of them may
/// end early; so does the long one then.
pub(crate) fn joined(
    shorter: impl IntoIterator<Item = Bar>,
    from: Interval,
    open: Timestamp,
    next: Timestamp,
) -> Option<Bar> {
    let parts = shorter.into_iter().reduce(|so_far, part| with(&so_far, &part))?;
    Some(made(&parts, from, open, next))
}

/// Shorter bars and one more; the times are those of the last one.
pub(crate) fn with(so_far: &Bar, part: &Bar) -> Bar {
    Bar {
        close_time: part.close_time,
        close: part.close,
        high: so_far.high.max(part.high),
        low: so_far.low.min(part.low),
        volume: sum(so_far.volume, part.volume),
        quote_volume: sum(so_far.quote_volume, part.quote_volume),
        taker_buy_volume: sum(so_far.taker_buy_volume, part.taker_buy_volume),
        taker_buy_quote_volume: sum(so_far.taker_buy_quote_volume, part.taker_buy_quote_volume),
        trades: so_far.trades + part.trades,
        open_time: part.open_time,
        ..*so_far
    }
}

/// The long bar that such parts make.
pub(crate) fn made(parts: &Bar, from: Interval, open: Timestamp, next: Timestamp) -> Bar {
    let last_ends_early = parts.close_time < from.close_of(parts.open_time);
    let close_time = if last_ends_early { parts.close_time } else { next.plus(-1) };
    Bar { open_time: open, close_time, ..*parts }
}

fn sum(a: Amount, b: Amount) -> Amount {
    Amount::from_units(a.units() + b.units())
}

/// `timeZone` as the exchange takes it: `0`, `8`, `-1:00`, `05:45`, from -12:00 to +14:00.
pub(crate) fn time_zone(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        let is_number = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (digits(hours, 1..=2)?, digits(minutes, 2..=2)?);
    let offset = sign * (hours * 60 + minutes);
    (minutes < 60 && (-12 * 60..=14 * 60).contains(&offset)).then_some(offset * MINUTE)
}

#[cfg(test)]
mod tests {
    use candlewick_model::Interval::{OneDay, OneHour, OneMinute, OneMonth, OneWeek, ThirtyMinutes, ThreeDays};
    use candlewick_model::time::HOUR;

    use super::*;
    use crate::MarketPlan;

    fn t(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn minutes() -> Bars {
        MarketPlan::bitcoin(3, OneMinute, t("2023-02-26"), t("2023-03-15")).bars()
    }

    #[test]
    fn steps_on_the_way_make_no_difference() {
        let minutes = minutes();
        let hours = aggregate(&minutes, OneMinute, Grid::utc(OneHour));
        for interval in [OneDay, ThreeDays, OneWeek, OneMonth] {
            let direct = aggregate(&minutes, OneMinute, Grid::utc(interval));
            assert_eq!(aggregate(&hours, OneHour, Grid::utc(interval)), direct, "{interval}");
            assert_eq!(direct.trades.iter().sum::<i64>(), minutes.trades.iter().sum::<i64>());
        }
        let week = aggregate(&minutes, OneMinute, Grid::utc(OneWeek)).bar(1);
        assert_eq!((week.open_time, week.close_time), (t("2023-02-27"), t("2023-03-05T23:59:59.999999Z")));
        assert_eq!(week.open, minutes.open[minutes.open_time.iter().position(|x| x == t("2023-02-27")).unwrap()]);
    }

    #[test]
    fn days_of_a_time_zone() {
        let grid = Grid { interval: OneDay, offset_us: 8 * HOUR };
        let days = aggregate(&minutes(), OneMinute, grid);
        assert_eq!(days.open_time.at(1), t("2023-02-26T16:00:00Z"));
        let months = Grid { interval: OneMonth, offset_us: -5 * HOUR };
        assert_eq!(months.open_at(t("2023-03-01T04:59:00Z")), t("2023-02-01T05:00:00Z"));
        assert_eq!(Grid { interval: OneHour, offset_us: 8 * HOUR }.plain(), Grid::utc(OneHour));
        assert!(grid.is_made_of(OneHour) && !grid.is_made_of(OneDay));
        let half = Grid { interval: OneDay, offset_us: 5 * HOUR + 45 * MINUTE };
        assert!(half.is_made_of(OneMinute) && !half.is_made_of(ThirtyMinutes));
    }

    #[test]
    fn time_zones() {
        for (text, minutes) in
            [("0", 0), ("8", 480), ("-1:00", -60), ("05:45", 345), ("+14:00", 840), ("-12:00", -720), ("-0:30", -30)]
        {
            assert_eq!(time_zone(text), Some(minutes * MINUTE), "{text}");
        }
        for text in ["", "-", "14:01", "-12:01", "8:5", "1:60", "x", "008", "8:", ":30", "UTC"] {
            assert_eq!(time_zone(text), None, "{text}");
        }
    }

    #[test]
    fn a_bar_ends_where_its_last_part_did() {
        let mut minutes = minutes().slice(0..60);
        minutes.close_time.set(59, minutes.close_time.at(59).plus(-20_000_000));
        let hour = aggregate(&minutes, OneMinute, Grid::utc(OneHour)).bar(0);
        assert_eq!(hour.close_time, t("2023-02-26T00:59:39.999999Z"));
    }
}
