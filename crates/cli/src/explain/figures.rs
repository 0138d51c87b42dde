//! Figures as an explanation shows them: exact, without trailing zeros.

use std::fmt::Display;

use candlewick_model::number::ONE;
use candlewick_model::{Amount, Price, Quantity, Rate};

/// Without the zeros that say nothing.
pub(super) fn short(number: impl Display) -> String {
    let text = number.to_string();
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A number of units of 1e-16, exactly.
fn exact(units: i128) -> String {
    let one = i128::from(ONE) * i128::from(ONE);
    let sign = if units < 0 { "-" } else { "" };
    short(format!("{sign}{}.{:016}", units.abs() / one, units.abs() % one))
}

/// Price × quantity, exactly.
pub(super) fn worth(price: Price, quantity: Quantity) -> String {
    exact(i128::from(price.units()) * i128::from(quantity.units()))
}

/// Price × factor, exactly.
pub(super) fn scaled(price: Price, factor: Rate) -> String {
    exact(i128::from(price.units()) * i128::from(factor.units()))
}

/// A share in percent.
pub(super) fn percent(rate: Rate) -> String {
    short(format!("{}.{:06}", rate.units() / 1_000_000, rate.units() % 1_000_000)) + " %"
}

/// Bounds of which each may be switched off.
pub(super) fn bounds(least: Option<String>, most: Option<String>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "no bounds".to_owned(),
    }
}

/// Sum of amounts that fit.
pub(super) fn sum(amounts: &[Amount]) -> Amount {
    Amount::from_units(amounts.iter().map(|amount| amount.units()).sum())
}

/// One of something, or several.
pub(super) fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_and_short() {
        let (price, quantity): (Price, Quantity) = ("28000.10".parse().unwrap(), "0.00000003".parse().unwrap());
        assert_eq!((short(price), short(100)), ("28000.1".into(), "100".into()));
        assert_eq!(worth(price, quantity), "0.000840003");
        assert_eq!(scaled(price, "0.2".parse().unwrap()), "5600.02");
        assert_eq!(scaled("0.00000001".parse().unwrap(), "0.00000001".parse().unwrap()), "0.0000000000000001");
        assert_eq!(
            (percent("0.25".parse().unwrap()), percent("0.00075".parse().unwrap())),
            ("25 %".into(), "0.075 %".into())
        );
        assert_eq!(bounds(None, Some("9".into())), "at most 9");
    }
}
