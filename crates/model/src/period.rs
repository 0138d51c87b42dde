//! Calendar months and days in UTC: what an archive or a lake file holds.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::time::{DAY, TimeError, Timestamp, days_in_month};

/// A month or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A whole month.
    Month {
        /// Such as 2023.
        year: i32,
        /// 1 to 12.
        month: u32,
    },
    /// One day.
    Day {
        /// Such as 2023.
        year: i32,
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
    },
}

impl Period {
    /// First instant, and the first one after the period.
    #[must_use]
    pub fn range(self) -> Range<Timestamp> {
        let midnight = |y, m, d| Timestamp::from_date(y, m, d).expect("a period is a real date");
        match self {
            Self::Month { year, month } => {
                let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                midnight(year, month, 1)..midnight(next_year, next_month, 1)
            }
            Self::Day { year, month, day } => {
                let start = midnight(year, month, day);
                start..start.plus(DAY)
            }
        }
    }

    /// The month that this is or lies in.
    #[must_use]
    pub const fn month(self) -> Self {
        match self {
            Self::Month { year, month } | Self::Day { year, month, .. } => Self::Month { year, month },
        }
    }

    /// The year that this lies in.
    #[must_use]
    pub const fn year(self) -> i32 {
        match self {
            Self::Month { year, .. } | Self::Day { year, .. } => year,
        }
    }

    /// Its days; a day is its own.
    pub fn days(self) -> impl Iterator<Item = Self> {
        let (year, month, days) = match self {
            Self::Month { year, month } => (year, month, 1..=days_in_month(year, month)),
            Self::Day { year, month, day } => (year, month, day..=day),
        };
        days.map(move |day| Self::Day { year, month, day })
    }

    /// The day of an instant.
    #[must_use]
    pub fn day_of(instant: Timestamp) -> Self {
        let (year, month, day) = instant.date();
        Self::Day { year, month, day }
    }

    /// The month or day that begins and ends where a range does.
    #[must_use]
    pub fn of_range(range: &Range<Timestamp>) -> Option<Self> {
        let day = Self::day_of(range.start);
        [day, day.month()].into_iter().find(|period| period.range() == *range)
    }

    /// Whether every instant of the other lies in this.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        let (this, other) = (self.range(), other.range());
        this.start <= other.start && other.end <= this.end
    }
}

impl fmt::Display for Period {
    /// `2023-01` or `2023-01-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month { year, month } => write!(f, "{year:04}-{month:02}"),
            Self::Day { year, month, day } => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

impl FromStr for Period {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let whole_month = text.len() == 7;
        let date = if whole_month { format!("{text}-01") } else { text.to_owned() };
        if date.len() != 10 {
            return Err(TimeError);
        }
        let (year, month, day) = date.parse::<Timestamp>()?.date();
        Ok(if whole_month { Self::Month { year, month } } else { Self::Day { year, month, day } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_days() {
        let month: Period = "2024-02".parse().unwrap();
        assert_eq!(month.days().count(), 29);
        assert_eq!(month.range().end.to_string(), "2024-03-01T00:00:00Z");
        let day: Period = "2024-02-29".parse().unwrap();
        assert!(month.contains(day) && !day.contains(month));
        assert_eq!([month, day].map(|period| Period::of_range(&period.range())), [Some(month), Some(day)]);
        assert_eq!(Period::of_range(&(day.range().start..month.range().end.plus(1))), None);
        assert_eq!((day.month(), day.to_string().as_str()), (month, "2024-02-29"));
        for wrong in ["2024", "2024-13", "2023-02-29", "2024-02-29T00:00:00Z", "x"] {
            assert_eq!(wrong.parse::<Period>(), Err(TimeError), "{wrong}");
        }
    }
}
