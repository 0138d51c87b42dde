//! `timestamp` and `recvWindow`, which belong to every signed endpoint (`rest-api.md`, Timing
//! security): their form and their bounds.
//!
//! For: whoever serves requests, and order files that carry them over from a log. Not for: whether
//! a request is fresh, which takes a clock.

use super::{RawParameters, illegal, missing, whole};
use crate::execution::Refusal;
use crate::time::Timestamp;

/// The window where none is sent, in microseconds.
const DEFAULT_US: i64 = 5_000_000;
const MOST_MS: i64 = 60_000;

/// Both, where they are sent.
pub(super) fn check(raw: &RawParameters) -> Result<(), Refusal> {
    if let Some(text) = raw.get("timestamp") {
        timestamp(Some(text))?;
    }
    receive_window_us(raw.get("recvWindow")).map(drop)
}

/// When a request was sent: milliseconds or microseconds. What is no plausible time is taken for
/// milliseconds.
pub fn timestamp(text: Option<&str>) -> Result<Timestamp, Refusal> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| missing("timestamp"))?;
    let number: i64 = whole("timestamp", text)?;
    Ok(Timestamp::from_either_unit(number).map_or(Timestamp::from_millis(number), |(time, _)| time))
}

/// For how long a request is good, in microseconds: milliseconds with up to three decimals, 5,000
/// if it was not sent, at most 60,000.
pub fn receive_window_us(text: Option<&str>) -> Result<i64, Refusal> {
    let Some(text) = text else { return Ok(DEFAULT_US) };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (millis, part) = text.split_once('.').unwrap_or((text, ""));
    if millis.is_empty() || !digits(millis) || part.len() > 3 || !digits(part) {
        return Err(illegal("recvWindow", r"^\d+(\.\d{0,3})?$"));
    }
    let millis = millis.parse().unwrap_or(i64::MAX).min(MOST_MS + 1);
    let decimals = part.bytes().chain(std::iter::repeat(b'0')).take(3);
    let micros = millis * 1_000 + decimals.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    if micros > MOST_MS * 1_000 {
        let text = format!("'recvWindow' contains unexpected value. Cannot be greater than {MOST_MS}.");
        return Err(Refusal::naming(-1102, text));
    }
    Ok(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_up_to_three_decimals_and_a_most() {
        assert_eq!(receive_window_us(None), Ok(5_000_000));
        for (text, micros) in
            [("0", 0), ("6.", 6_000), ("6.9", 6_900), ("6000.346", 6_000_346), ("60000.000", 60_000_000)]
        {
            assert_eq!(receive_window_us(Some(text)), Ok(micros), "{text}");
        }
        for text in ["60000.001", "70000", "99999999999999999999"] {
            assert_eq!(receive_window_us(Some(text)).unwrap_err().code, -1102, "{text}");
        }
        for text in ["", "-1", "+1", "abc", ".5", "1.2345", "6e3", "1 "] {
            assert_eq!(receive_window_us(Some(text)).unwrap_err().code, -1100, "{text}");
        }
    }

    #[test]
    fn times_are_whole_numbers_of_either_unit() {
        let time = Timestamp::from_millis(1_499_827_319_559);
        assert_eq!(timestamp(Some("1499827319559")), Ok(time));
        assert_eq!(timestamp(Some("1499827319559000")), Ok(time));
        let code = |text| timestamp(text).unwrap_err().code;
        assert_eq!([code(None), code(Some("")), code(Some("abc")), code(Some("-5"))], [-1102, -1102, -1100, -1100]);
        assert_eq!(code(Some("99999999999999999999")), -1108);
    }
}
