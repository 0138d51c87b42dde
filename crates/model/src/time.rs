//! Instants in UTC microseconds, and how they are read and written.
//!
//! For: every time in the core. Not for: asking what time it is (nothing in this crate may),
//! nor for time zones (the program's edges).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Timestamp(i64);

/// In which unit a file or message wrote its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Milliseconds: Spot archives up to 2024-12, REST by default.
    Milliseconds,
    /// Microseconds: Spot archives from 2025-01-01.
    Microseconds,
}

/// The first instant that a Binance Spot time may have (2017-01-01), and the first beyond
/// (2100-01-01). A number that lies in neither unit's window is an error, not a guess.
const PLAUSIBLE: std::ops::Range<i64> = 1_483_228_800 * SECOND..4_102_444_800 * SECOND;

impl Timestamp {
    /// Before every instant.
    pub const MIN: Self = Self(i64::MIN);
    /// After every instant.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds.
    #[must_use]
    #[inline]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From milliseconds; beyond the range of microseconds it saturates.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
    /// Microseconds.
    #[must_use]
    #[inline]
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Milliseconds, floored, as the exchange shows them.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    /// This instant moved by some microseconds; saturates at the ends of time.
    #[must_use]
    #[inline]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Reads a number whose unit is told by its size alone: milliseconds and microseconds of
    /// the years 2017 to 2099 do not overlap. `None` for anything else (seconds, nanoseconds,
    /// other centuries).
    #[must_use]
    pub fn from_either_unit(number: i64) -> Option<(Self, TimeUnit)> {
        if PLAUSIBLE.contains(&number) {
            Some((Self(number), TimeUnit::Microseconds))
        } else {
            let micros = number.checked_mul(1_000)?;
            PLAUSIBLE.contains(&micros).then_some((Self(micros), TimeUnit::Milliseconds))
        }
    }

    /// Midnight UTC of a date of the proleptic Gregorian calendar; `None` for a date that
    /// does not exist.
    #[must_use]
    pub fn from_date(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self(days_from_civil(year, month, day) * DAY))
    }

    /// Year, month and day in UTC.
    #[must_use]
    pub fn date(self) -> (i32, u32, u32) {
        civil_from_days(self.0.div_euclid(DAY))
    }
}

/// Days of a month of the Gregorian calendar.
#[must_use]
pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so
// that the leap day is the last day of its year.
fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

impl fmt::Display for Timestamp {
    /// `2023-01-01T00:00:00Z`, with `.123` or `.123456` only where it is not a whole second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let of_day = self.0.rem_euclid(DAY);
        let part = of_day % SECOND;
        // Tables have one in each row: put together by hand, and told at once.
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put(&mut text[..4], i64::from(year.clamp(0, 9_999)));
        put(&mut text[5..7], month.into());
        put(&mut text[8..10], day.into());
        put(&mut text[11..13], of_day / HOUR);
        put(&mut text[14..16], of_day / MINUTE % 60);
        put(&mut text[17..19], of_day / SECOND % 60);
        put(&mut text[20..26], part);
        let end = match part {
            0 => 19,
            part if part % 1_000 == 0 => 23,
            _ => 26,
        };
        text[end] = b'Z';
        let text = std::str::from_utf8(&text[..=end]).expect("digits and signs");
        if (0..=9_999).contains(&year) { f.write_str(text) } else { write!(f, "{year:04}{}", &text[4..]) }
    }
}

/// The last digits of a number.
fn put(digits: &mut [u8], mut number: i64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// A text that is no instant of the form `2023-01-01`, `2023-01-01T12:30:00Z` or with decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UTC time such as 2023-01-31 or 2023-01-31T12:30:00Z")]
pub struct TimeError;

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let number = |range: std::ops::Range<usize>| -> Result<u32, TimeError> {
            let part = text.get(range).ok_or(TimeError)?;
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(TimeError);
            }
            part.parse().map_err(|_| TimeError)
        };
        let separator = |at: usize, wanted: &[u8]| {
            text.as_bytes().get(at).filter(|b| wanted.contains(b)).map(|_| ()).ok_or(TimeError)
        };
        separator(4, b"-")?;
        separator(7, b"-")?;
        let year = i32::try_from(number(0..4)?).map_err(|_| TimeError)?;
        let midnight = Self::from_date(year, number(5..7)?, number(8..10)?).ok_or(TimeError)?;
        if text.len() == 10 {
            return Ok(midnight);
        }
        separator(10, b"T ")?;
        separator(13, b":")?;
        separator(16, b":")?;
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError);
        }
        let rest = text.get(19..).ok_or(TimeError)?.strip_suffix('Z').ok_or(TimeError)?;
        let part = match rest.strip_prefix('.') {
            None if rest.is_empty() => 0,
            Some(digits) if (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
                let scale = 10_i64.pow(6 - digits.len() as u32);
                digits.parse::<i64>().map_err(|_| TimeError)? * scale
            }
            _ => return Err(TimeError),
        };
        let of_day = i64::from(hour) * HOUR + i64::from(minute) * MINUTE + i64::from(second) * SECOND;
        Ok(midnight.plus(of_day + part))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_told_apart_by_size() {
        let ms = Timestamp::from_either_unit(1_672_531_200_000).unwrap();
        let us = Timestamp::from_either_unit(1_672_531_200_000_000).unwrap();
        assert_eq!(ms.0, us.0);
        assert_eq!((ms.1, us.1), (TimeUnit::Milliseconds, TimeUnit::Microseconds));
        assert_eq!(ms.0.to_string(), "2023-01-01T00:00:00Z");
        for absurd in [0, -1, 1_672_531_200, 1_672_531_200_000_000_000, i64::MAX, i64::MIN] {
            assert_eq!(Timestamp::from_either_unit(absurd), None, "{absurd}");
        }
    }

    #[test]
    fn texts() {
        for text in ["2023-01-01T00:00:00Z", "2024-02-29T23:59:59.999Z", "2023-03-24T12:39:41.646123Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2023",
            "2023-02-29",
            "2023-13-01",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:00:00",
            "2023-01-01T00:00:00.Z",
            "+023-01-01",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let t = Timestamp::from_micros(micros);
            prop_assert_eq!(t.to_string().parse::<Timestamp>(), Ok(t));
        }
    }
}
