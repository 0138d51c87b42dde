//! Figures as people read them: grouped, signed, cut to what matters.
//!
//! For: the page and the terminal. Not for: CSV and JSON, which carry every digit.

use candlewick_model::number::{ONE, SCALE};
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use candlewick_model::{Amount, Price, Timestamp};

/// What stands where nothing is defined.
pub(crate) const NOTHING: &str = "–";
/// The minus sign that is as wide as a plus.
const MINUS: &str = "\u{2212}";

/// How many decimals a number needs that is a multiple of `unit` (1e-8).
pub(crate) fn decimals_of(unit: i64) -> u32 {
    if unit <= 0 {
        return SCALE;
    }
    (0..SCALE).find(|places| unit % 10_i64.pow(SCALE - places) == 0).unwrap_or(SCALE)
}

/// Decimals that leave a sum of about this size seven digits: 2 for 10,000, 8 for 0.1.
pub(crate) fn decimals_for(size: Amount) -> u32 {
    let whole = size.units().unsigned_abs() / u128::from(ONE.unsigned_abs());
    let digits = if whole == 0 { 0 } else { whole.ilog10() + 1 };
    7_u32.saturating_sub(digits).clamp(2, SCALE)
}

fn grouped(whole: u128) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1,234.50`: rounded half away from zero to so many decimals.
pub(crate) fn amount(amount: Amount, decimals: u32) -> String {
    let unit = 10_u128.pow(SCALE - decimals.min(SCALE));
    let rounded = (amount.units().unsigned_abs() + unit / 2) / unit;
    let one = 10_u128.pow(decimals.min(SCALE));
    let sign = if amount < Amount::ZERO && rounded > 0 { MINUS } else { "" };
    let whole = grouped(rounded / one);
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{:0width$}", rounded % one, width = decimals as usize),
    }
}

/// As `amount`, with a plus before what is above zero.
pub(crate) fn signed(value: Amount, decimals: u32) -> String {
    let text = amount(value, decimals);
    let is_zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value > Amount::ZERO && !is_zero { format!("+{text}") } else { text }
}

/// A price with so many decimals.
pub(crate) fn price(value: Price, decimals: u32) -> String {
    amount(Amount::from_units(value.units().into()), decimals)
}

/// Every digit that says something.
pub(crate) fn short(number: impl std::fmt::Display) -> String {
    let text = number.to_string();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A count with groups.
pub(crate) fn count(value: u64) -> String {
    grouped(value.into())
}

/// `−1.50`; an empty dash where there is nothing.
pub(crate) fn float(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = value else { return NOTHING.to_owned() };
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value < 0.0 && !is_zero { format!("{MINUS}{text}") } else { text }
}

/// `12.34%`.
pub(crate) fn percent(value: Option<f64>) -> String {
    match value {
        None => NOTHING.to_owned(),
        // Beyond a million percent the digits say nothing.
        Some(v) if v.abs() >= 1e4 => format!("{}\u{d7}", float(Some(v), 0)),
        Some(v) => format!("{}%", float(Some(v * 100.0), 2)),
    }
}

/// `+12.34%`.
pub(crate) fn signed_percent(value: Option<f64>) -> String {
    let text = percent(value);
    let is_zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value.is_some_and(|v| v > 0.0) && !is_zero { format!("+{text}") } else { text }
}

/// `2024-01-15 12:30`, with seconds where there are any.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').expect("a time has a T");
    let clock = clock.trim_end_matches('Z');
    let clock = clock.strip_suffix(":00").unwrap_or(clock);
    // Extremes lie on thirds of a bar: the page shows seconds, CSV every digit.
    let clock = clock.split('.').next().unwrap_or(clock);
    format!("{date} {clock}")
}

/// The instant at which a bar that closes at `close` is over: `24:00` reads better than
/// `23:59:59.999999`.
pub(crate) fn close_time(close: Timestamp) -> String {
    time(if close.micros() % SECOND == SECOND - 1 { close.plus(1) } else { close })
}

/// The two largest units: `12d 4h`, `3h 20m`, `45s`.
pub(crate) fn duration(micros: i64) -> String {
    // A span between a close and an open is a microsecond short or long.
    let micros = (micros + SECOND / 2).max(0);
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let first = units.iter().position(|(length, _)| micros >= *length).unwrap_or(3);
    let (length, name) = units[first];
    let head = format!("{}{name}", grouped(u128::from((micros / length).unsigned_abs())));
    match units.get(first + 1).map(|(next, name)| (micros % length / next, name)) {
        Some((rest, name)) if rest > 0 => format!("{head} {rest}{name}"),
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let a = |text: &str| text.parse::<Amount>().unwrap();
        assert_eq!(amount(a("1234567.895"), 2), "1,234,567.90");
        assert_eq!(amount(a("-999.995"), 2), "\u{2212}1,000.00");
        assert_eq!(amount(a("-0.001"), 2), "0.00");
        assert_eq!(amount(a("12"), 0), "12");
        assert_eq!((signed(a("0.5"), 1), signed(a("0.001"), 1)), ("+0.5".into(), "0.0".into()));
        assert_eq!((percent(Some(0.12345)), percent(None)), ("12.35%".into(), "–".into()));
        assert_eq!((percent(Some(-0.00001)), signed_percent(Some(0.00001))), ("0.00%".into(), "0.00%".into()));
        assert_eq!(percent(Some(123_456.0)), "123456\u{d7}");
        assert_eq!((decimals_of(1_000_000), decimals_of(ONE), decimals_of(1), decimals_of(0)), (2, 0, 8, 8));
        assert_eq!((decimals_for(a("10000")), decimals_for(a("0.5")), decimals_for(a("5000000000"))), (2, 7, 2));
        assert_eq!(duration(12 * DAY + 4 * HOUR + 7), "12d 4h");
        assert_eq!((duration(0), duration(HOUR), duration(90 * SECOND)), ("0s".into(), "1h".into(), "1m 30s".into()));
        let t = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(time(t("2024-01-15T12:30:00Z")), "2024-01-15 12:30");
        assert_eq!(time(t("2024-01-15T12:30:19.999999Z")), "2024-01-15 12:30:19");
        assert_eq!(close_time(t("2024-01-31T23:59:59.999999Z")), "2024-02-01 00:00");
    }
}
