//! Round trips by what they returned, as bars.
//!
//! For: seeing at a glance whether few large or many small trips decided. Not for: figures.

use serde::Serialize;

use crate::format::signed_percent;
use crate::trips::RoundTrip;

/// Bars on either side of zero.
const SIDE: i32 = 12;
/// Height of the tallest bar.
const TALLEST: f64 = 68.0;

#[derive(Serialize)]
pub(crate) struct Histogram {
    width: i32,
    low: String,
    high: String,
    bins: Vec<Bin>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bin {
    class: &'static str,
    x: i32,
    y: f64,
    height: f64,
}

/// Bars of equal width, zero between the middle two. The widest return but the outermost two
/// percent sets the range, so that one outlier does not flatten the rest; outliers count in the
/// outermost bars. None with fewer than five trips.
pub(crate) fn histogram(trips: &[RoundTrip]) -> Option<Histogram> {
    let returns: Vec<f64> = trips.iter().filter_map(|t| t.growth).collect();
    let mut sizes: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let range = *sizes.get((sizes.len() * 98 / 100).min(sizes.len().saturating_sub(1)))?;
    if returns.len() < 5 || range <= 0.0 {
        return None;
    }
    let counts = counts(&returns, range);
    let most = f64::from(*counts.iter().max()?);
    let bin = |(i, count): (i32, &u32)| {
        let height = (f64::from(*count) / most * TALLEST * 10.0).round() / 10.0;
        let class = if i < SIDE { "down" } else { "up" };
        Bin { class, x: i * 10, y: ((70.0 - height) * 10.0).round() / 10.0, height }
    };
    Some(Histogram {
        width: 2 * SIDE * 10,
        low: signed_percent(Some(-range)),
        high: signed_percent(Some(range)),
        bins: (0..).zip(&counts).map(bin).collect(),
    })
}

fn counts(returns: &[f64], range: f64) -> [u32; 2 * SIDE as usize] {
    let mut counts = [0; 2 * SIDE as usize];
    for value in returns {
        let at = libm::floor(value / range * f64::from(SIDE)) + f64::from(SIDE);
        counts[at.clamp(0.0, f64::from(2 * SIDE - 1)) as usize] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_lies_between_the_middle_two() {
        let counts = counts(&[-1.0, -0.01, 0.0, 0.01, 0.99, 7.0], 1.0);
        assert_eq!((counts[0], counts[11], counts[12], counts[23]), (1, 1, 2, 2));
        assert_eq!(counts.iter().sum::<u32>(), 6);
    }
}
