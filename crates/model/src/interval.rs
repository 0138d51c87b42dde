//! Bar intervals, with the two spellings of the month.
//!
//! For: names, lengths and the calendar of bars. Not for: judging real bars (after outages
//! they open where they like; the lake measures that).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// How long a bar lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say all there is")]
pub enum Interval {
    OneSecond,
    OneMinute,
    ThreeMinutes,
    FiveMinutes,
    FifteenMinutes,
    ThirtyMinutes,
    OneHour,
    TwoHours,
    FourHours,
    SixHours,
    EightHours,
    TwelveHours,
    OneDay,
    ThreeDays,
    OneWeek,
    OneMonth,
}

use Interval::{
    EightHours, FifteenMinutes, FiveMinutes, FourHours, OneDay, OneHour, OneMinute, OneMonth, OneSecond, OneWeek,
    SixHours, ThirtyMinutes, ThreeDays, ThreeMinutes, TwelveHours, TwoHours,
};

impl Interval {
    /// Every interval of the exchange, shortest first.
    pub const ALL: [Self; 16] = [
        OneSecond,
        OneMinute,
        ThreeMinutes,
        FiveMinutes,
        FifteenMinutes,
        ThirtyMinutes,
        OneHour,
        TwoHours,
        FourHours,
        SixHours,
        EightHours,
        TwelveHours,
        OneDay,
        ThreeDays,
        OneWeek,
        OneMonth,
    ];

    /// As REST and WebSocket write it: `1M` is the month.
    #[must_use]
    pub const fn rest_name(self) -> &'static str {
        match self {
            OneMonth => "1M",
            _ => self.archive_name(),
        }
    }

    /// As archives and the lake write it: `1mo` is the month, safe where case does not count.
    #[must_use]
    pub const fn archive_name(self) -> &'static str {
        match self {
            OneSecond => "1s",
            OneMinute => "1m",
            ThreeMinutes => "3m",
            FiveMinutes => "5m",
            FifteenMinutes => "15m",
            ThirtyMinutes => "30m",
            OneHour => "1h",
            TwoHours => "2h",
            FourHours => "4h",
            SixHours => "6h",
            EightHours => "8h",
            TwelveHours => "12h",
            OneDay => "1d",
            ThreeDays => "3d",
            OneWeek => "1w",
            OneMonth => "1mo",
        }
    }

    /// Its length in microseconds; `None` for the month, whose length is the calendar's.
    #[must_use]
    pub const fn micros(self) -> Option<i64> {
        Some(match self {
            OneSecond => SECOND,
            OneMinute => MINUTE,
            ThreeMinutes => 3 * MINUTE,
            FiveMinutes => 5 * MINUTE,
            FifteenMinutes => 15 * MINUTE,
            ThirtyMinutes => 30 * MINUTE,
            OneHour => HOUR,
            TwoHours => 2 * HOUR,
            FourHours => 4 * HOUR,
            SixHours => 6 * HOUR,
            EightHours => 8 * HOUR,
            TwelveHours => 12 * HOUR,
            OneDay => DAY,
            ThreeDays => 3 * DAY,
            OneWeek => 7 * DAY,
            OneMonth => return None,
        })
    }

    /// The regular open at or before an instant. Weeks begin on Monday; three-day bars are
    /// counted from 1970-01-01, as the exchange's are.
    #[must_use]
    pub fn open_at(self, instant: Timestamp) -> Timestamp {
        let micros = instant.micros();
        match self.micros() {
            None => {
                let (year, month, _) = instant.date();
                Timestamp::from_date(year, month, 1).unwrap_or(Timestamp::MIN)
            }
            Some(length) => {
                // 1970-01-01 was a Thursday; the Monday before it is three days earlier.
                let origin = if self == OneWeek { -3 * DAY } else { 0 };
                Timestamp::from_micros(micros - (micros - origin).rem_euclid(length))
            }
        }
    }

    /// The instant at which the bar after one that opens at `open` opens.
    #[must_use]
    pub fn next_open(self, open: Timestamp) -> Timestamp {
        match self.micros() {
            Some(length) => open.plus(length),
            None => {
                let (year, month, _) = open.date();
                let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                Timestamp::from_date(year, month, 1).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// The last microsecond of a bar that opens at `open`.
    #[must_use]
    pub fn close_of(self, open: Timestamp) -> Timestamp {
        self.next_open(open).plus(-1)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.archive_name())
    }
}

/// A text that names no interval of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an interval; use one of 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1mo")]
pub struct IntervalError;

impl FromStr for Interval {
    type Err = IntervalError;
    fn from_str(text: &str) -> Result<Self, IntervalError> {
        Self::ALL.into_iter().find(|i| i.archive_name() == text || i.rest_name() == text).ok_or(IntervalError)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.archive_name())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn both_spellings_are_read() {
        for interval in Interval::ALL {
            assert_eq!(interval.rest_name().parse(), Ok(interval));
            assert_eq!(interval.archive_name().parse(), Ok(interval));
        }
        assert_eq!("1M".parse(), Ok(OneMonth));
        assert_eq!("1mo".parse(), Ok(OneMonth));
        assert_eq!("7m".parse::<Interval>(), Err(IntervalError));
    }

    #[test]
    fn the_calendar() {
        assert_eq!(OneWeek.open_at(t("2024-01-15T08:00:00Z")), t("2024-01-15"));
        assert_eq!(OneWeek.open_at(t("2024-01-14T08:00:00Z")), t("2024-01-08"));
        assert_eq!(OneMonth.open_at(t("2024-02-29T08:00:00Z")), t("2024-02-01"));
        assert_eq!(OneMonth.next_open(t("2023-12-01")), t("2024-01-01"));
        assert_eq!(OneMonth.close_of(t("2024-02-01")), t("2024-02-29T23:59:59.999999Z"));
        assert_eq!(OneMinute.close_of(t("2023-01-01")), t("2023-01-01T00:00:59.999999Z"));
        assert_eq!(FifteenMinutes.open_at(t("2023-01-01T00:29:59Z")), t("2023-01-01T00:15:00Z"));
    }
}
