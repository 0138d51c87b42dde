//! Ratios of a series of equity: growth a year, volatility, Sharpe, Sortino.
//!
//! For: floats, and only those that are defined: what is not is `None`, never NaN or infinite.
//! Roots and powers come from `libm`, so that every platform gives the same digits. Not for:
//! money, which stays exact.
//!
//! Conventions: simple returns from close to close, the first from the initial equity; markets
//! are open all year, so a year has 365 days of bars (12 bars of a month); the riskless rate is
//! zero; deviations are of the sample (n − 1), the downside deviation is the root of the mean
//! over all bars of squared negative returns.

use candlewick_model::time::DAY;
use candlewick_model::{Amount, Interval};
use serde::Serialize;

/// Microseconds in the year of 365 days.
pub const YEAR: i64 = 365 * DAY;
/// A deviation below this is rounding and counts as none.
const NOISE: f64 = 1e-14;

/// What a series earned for the risk it took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Ratios {
    /// Deviation of the returns of bars, times the root of bars a year.
    pub volatility: Option<f64>,
    /// Mean return over deviation, times the root of bars a year.
    pub sharpe: Option<f64>,
    /// Mean return over downside deviation, times the root of bars a year.
    pub sortino: Option<f64>,
    /// Skewness of the returns of bars.
    pub skewness: Option<f64>,
    /// Kurtosis of the returns of bars above that of a normal distribution.
    pub excess_kurtosis: Option<f64>,
}

/// How many bars of an interval a year has.
#[must_use]
pub fn bars_per_year(interval: Interval) -> f64 {
    interval.micros().map_or(12.0, |length| YEAR as f64 / length as f64)
}

/// A float that can be written down.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Growth a year over a span; `None` under a day (it would be a number without meaning) and
/// where it does not fit.
#[must_use]
pub fn cagr(initial: Amount, last: Amount, span_us: i64) -> Option<f64> {
    if initial <= Amount::ZERO || span_us < DAY {
        return None;
    }
    let factor = (last.to_f64() / initial.to_f64()).max(0.0);
    finite(libm::pow(factor, YEAR as f64 / span_us as f64) - 1.0)
}

/// Returns from close to close; `None` once equity was not above zero.
fn returns(initial: Amount, equity: &[Amount]) -> Option<Vec<f64>> {
    let mut before = initial.to_f64();
    let mut all = Vec::with_capacity(equity.len());
    for value in equity.iter().map(|e| e.to_f64()) {
        if before <= 0.0 {
            return None;
        }
        all.push(value / before - 1.0);
        before = value;
    }
    Some(all)
}

/// The ratios of a series.
#[must_use]
pub fn ratios(initial: Amount, equity: &[Amount], interval: Interval) -> Ratios {
    let Some(returns) = returns(initial, equity).filter(|r| r.len() >= 2) else { return Ratios::default() };
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let moment = |power: fn(f64) -> f64| returns.iter().map(|r| power(r - mean)).sum::<f64>();
    let squares = moment(|d| d * d);
    let deviation = libm::sqrt(squares / (n - 1.0));
    let downside = libm::sqrt(returns.iter().map(|r| r.min(0.0)).map(|r| r * r).sum::<f64>() / n);
    let root = libm::sqrt(bars_per_year(interval));
    let over = |part: f64, whole: f64| if whole > NOISE { finite(part / whole) } else { None };
    let population = libm::sqrt(squares / n);
    Ratios {
        volatility: finite(deviation * root),
        sharpe: over(mean * root, deviation),
        sortino: over(mean * root, downside),
        skewness: over(1.0, population).map(|inverse| moment(|d| d * d * d) / n * inverse * inverse * inverse),
        excess_kurtosis: over(1.0, population)
            .map(|inverse| moment(|d| d * d * d * d) / n * (inverse * inverse) * (inverse * inverse) - 3.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(values: &[i128]) -> Vec<Amount> {
        values.iter().map(|v| Amount::from_units(v * 100_000_000)).collect()
    }

    fn near(value: Option<f64>, wanted: f64) {
        let value = value.expect("defined");
        assert!((value - wanted).abs() < 1e-9, "{value} is not {wanted}");
    }

    #[test]
    fn by_hand() {
        // 100 → 110 → 99 → 108.9: returns +0.1, −0.1, +0.1; mean 1/30.
        // Deviations 1/15, −2/15, 1/15: squares 6/225; over 2: 3/225, root 0.115470.
        // A year has 365 daily bars, root 19.104973: volatility 2.206052…,
        // Sharpe (1/30)/0.1154700538 × 19.1049731745 = 5.5151307…
        // Downside √(0.01/3) = 0.0577350; Sortino (1/30)/0.0577350269 × 19.1049731745 = 11.0302614…
        // Skewness: cubes (1 − 8 + 1)/3375 = −6/3375, over 3: −0.000592593;
        // over (√(6/675))³ = 0.000838052: −0.7071068.
        let exact: Vec<Amount> = [11_000_000_000_i128, 9_900_000_000, 10_890_000_000].map(Amount::from_units).into();
        let r = ratios(amounts(&[100])[0], &exact, Interval::OneDay);
        near(r.volatility, 0.115_470_053_837_925_15 * 19.104_973_174_542_8);
        near(r.sharpe, 5.515_130_702_591);
        near(r.sortino, 11.030_261_405_183);
        near(r.skewness, -std::f64::consts::FRAC_1_SQRT_2);
        near(r.excess_kurtosis, -1.5);
    }

    #[test]
    fn what_is_undefined_is_none() {
        let hundred = amounts(&[100])[0];
        assert_eq!(ratios(hundred, &[], Interval::OneDay), Ratios::default());
        assert_eq!(ratios(hundred, &amounts(&[101]), Interval::OneDay), Ratios::default());
        assert_eq!(ratios(Amount::ZERO, &amounts(&[0, 0]), Interval::OneDay), Ratios::default());
        assert_eq!(ratios(hundred, &amounts(&[50, 0, 0]), Interval::OneDay), Ratios::default());
        let flat = ratios(hundred, &amounts(&[100, 100, 100]), Interval::OneMinute);
        assert_eq!((flat.volatility, flat.sharpe, flat.sortino, flat.skewness), (Some(0.0), None, None, None));
        let ruin = ratios(hundred, &amounts(&[50, 0]), Interval::OneDay);
        near(ruin.sortino, -0.75 / libm::sqrt((0.25 + 1.0) / 2.0) * libm::sqrt(365.0));
    }

    #[test]
    fn growth_a_year() {
        // Doubled in half a year of 182.5 days: four times in a year.
        near(cagr(amounts(&[1])[0], amounts(&[2])[0], YEAR / 2), 3.0);
        near(cagr(amounts(&[1])[0], Amount::ZERO, YEAR), -1.0);
        assert_eq!(cagr(amounts(&[1])[0], amounts(&[2])[0], DAY - 1), None);
        assert_eq!(cagr(Amount::ZERO, amounts(&[2])[0], YEAR), None);
        assert_eq!(cagr(amounts(&[1])[0], amounts(&[1_000_000])[0], DAY), None, "beyond what a float holds");
    }

    #[test]
    fn months_count_twelve() {
        assert_eq!(bars_per_year(Interval::OneMonth), 12.0);
        assert_eq!(bars_per_year(Interval::OneHour), 8760.0);
    }
}
