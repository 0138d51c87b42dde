//! A year of minutes as a pyramid: the same run in ever coarser buckets, so that the page draws
//! a few thousand points whatever it shows.
//!
//! For: choosing bucket lengths and reducing bars and equity to them. A bucket keeps first,
//! last, lowest and highest of what it stands for, so nothing that would be seen is lost. Not
//! for: how buckets are written (`chart`).

use candlewick_model::number::ONE;
use candlewick_model::run::RunMarket;
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use candlewick_model::{Amount, Price, Timestamp};

use crate::view::View;

/// Buckets that the finest level over the whole run may have.
const FINEST: i64 = 46_000;
/// Levels get coarser until they have no more than this.
const COARSEST: usize = 320;
/// Up to this many buckets the next level is at least twice as coarse, above it four times.
const DENSE: usize = 5_000;
/// Bars around fills that are kept one by one where the whole run is too long for that.
const DETAIL: usize = 20_000;
/// How many bars to either side of a fill, the most that fits.
const AROUND: [usize; 6] = [480, 240, 120, 60, 30, 10];
/// Bucket lengths, with their names.
const LENGTHS: [(i64, &str); 16] = [
    (5 * SECOND, "5s"),
    (15 * SECOND, "15s"),
    (30 * SECOND, "30s"),
    (MINUTE, "1m"),
    (5 * MINUTE, "5m"),
    (15 * MINUTE, "15m"),
    (30 * MINUTE, "30m"),
    (HOUR, "1h"),
    (2 * HOUR, "2h"),
    (4 * HOUR, "4h"),
    (8 * HOUR, "8h"),
    (DAY, "1d"),
    (3 * DAY, "3d"),
    (9 * DAY, "9d"),
    (27 * DAY, "27d"),
    (81 * DAY, "81d"),
];

/// What a stretch of bars comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) time: Timestamp,
    pub(crate) open: Price,
    pub(crate) high: Price,
    pub(crate) low: Price,
    pub(crate) close: Price,
    pub(crate) volume: Amount,
    pub(crate) close_min: Price,
    pub(crate) close_max: Price,
    pub(crate) hold: Amount,
    pub(crate) hold_min: Amount,
    pub(crate) hold_max: Amount,
    pub(crate) equity: Amount,
    pub(crate) equity_min: Amount,
    pub(crate) equity_max: Amount,
    pub(crate) drawdown: f64,
    pub(crate) hold_drawdown: f64,
}

/// The run in buckets of one length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    /// Microseconds of a bucket.
    pub(crate) length: i64,
    /// For example `15m`.
    pub(crate) name: String,
    /// Stretches that the level covers; none: all of the run.
    pub(crate) windows: Vec<(Timestamp, Timestamp)>,
    /// The buckets that hold bars, in order.
    pub(crate) buckets: Vec<Bucket>,
}

impl Bucket {
    fn of(view: &View, row: usize, time: Timestamp) -> Self {
        let bars = &view.market.bars;
        Self {
            time,
            open: bars.open[row],
            high: bars.high[row],
            low: bars.low[row],
            close: bars.close[row],
            volume: bars.volume.at(row),
            close_min: bars.close[row],
            close_max: bars.close[row],
            hold: view.buy_and_hold[row],
            hold_min: view.buy_and_hold[row],
            hold_max: view.buy_and_hold[row],
            equity: view.equity[row],
            equity_min: view.equity[row],
            equity_max: view.equity[row],
            drawdown: view.drawdown[row],
            hold_drawdown: view.buy_and_hold_drawdown[row],
        }
    }

    fn add(&mut self, next: &Self) {
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.volume = self.volume.checked_add(next.volume).unwrap_or(Amount::MAX);
        self.close_min = self.close_min.min(next.close_min);
        self.close_max = self.close_max.max(next.close_max);
        self.hold = next.hold;
        self.hold_min = self.hold_min.min(next.hold_min);
        self.hold_max = self.hold_max.max(next.hold_max);
        self.equity = next.equity;
        self.equity_min = self.equity_min.min(next.equity_min);
        self.equity_max = self.equity_max.max(next.equity_max);
        self.drawdown = self.drawdown.max(next.drawdown);
        self.hold_drawdown = self.hold_drawdown.max(next.hold_drawdown);
    }
}

/// Consecutive bars of one bucket become one; `length` 0 leaves every bar by itself.
fn reduce(view: &View, rows: std::ops::Range<usize>, length: i64, into: &mut Vec<Bucket>) {
    let mut last: Option<Bucket> = None;
    for row in rows {
        let open = view.market.bars.open_time.at(row);
        let time = if length == 0 { open } else { open.plus(-open.micros().rem_euclid(length)) };
        let bar = Bucket::of(view, row, time);
        match &mut last {
            Some(bucket) if length > 0 && bucket.time == time => bucket.add(&bar),
            _ => into.extend(last.replace(bar)),
        }
    }
    into.extend(last);
}

/// The levels of a view, finest first.
pub(crate) fn levels(view: &View) -> Vec<Level> {
    let RunMarket { bars: all, interval, .. } = view.market;
    let bars = all.len();
    let finest = FINEST / view.of as i64;
    let base = interval.micros().unwrap_or(30 * DAY);
    let mut levels = Vec::new();
    if bars == 0 {
        return levels;
    }
    let span = all.open_time.at(bars - 1).micros() - all.open_time.at(0).micros();
    let mut least = 0;
    if bars as i64 <= finest {
        let mut buckets = Vec::with_capacity(bars);
        reduce(view, 0..bars, 0, &mut buckets);
        levels.push(Level { length: base, name: interval.to_string(), windows: Vec::new(), buckets });
        least = base * if bars > DENSE { 4 } else { 2 };
    } else {
        levels.extend(detail(view, base));
    }
    for (length, name) in LENGTHS {
        let small_enough = levels.last().is_some_and(|l| l.windows.is_empty() && l.buckets.len() <= COARSEST);
        if length <= base || length < least || span / length > finest || small_enough {
            continue;
        }
        let mut buckets = Vec::new();
        reduce(view, 0..bars, length, &mut buckets);
        least = length * if buckets.len() > DENSE { 4 } else { 2 };
        levels.push(Level { length, name: name.to_owned(), windows: Vec::new(), buckets });
    }
    levels
}

/// Every bar of the neighbourhood of fills, as wide as there is room for.
fn detail(view: &View, base: i64) -> Option<Level> {
    let bars = &view.market.bars;
    let most = DETAIL / view.of;
    let rows: Vec<usize> = view
        .fills
        .iter()
        .map(|(report, _)| bars.open_time.partition_point(|t| t <= report.time).saturating_sub(1))
        .collect();
    let mut windows = Vec::new();
    for around in AROUND {
        windows = neighbourhoods(&rows, around, bars.len());
        if windows.iter().map(ExactSizeIterator::len).sum::<usize>() <= most {
            break;
        }
    }
    let mut buckets = Vec::new();
    let mut covered = Vec::new();
    for window in windows {
        if buckets.len() + window.len() > most {
            break;
        }
        covered.push((bars.open_time.at(window.start), bars.close_time.at(window.end - 1)));
        reduce(view, window, 0, &mut buckets);
    }
    let name = view.market.interval.to_string();
    (!buckets.is_empty()).then_some(Level { length: base, name, windows: covered, buckets })
}

/// The rows and so many to either side, overlapping stretches joined.
fn neighbourhoods(rows: &[usize], around: usize, bars: usize) -> Vec<std::ops::Range<usize>> {
    let mut windows: Vec<std::ops::Range<usize>> = Vec::new();
    for row in rows {
        let (start, end) = (row.saturating_sub(around), (row + around + 1).min(bars));
        match windows.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => windows.push(start..end),
        }
    }
    windows
}

/// A unit in which sums of about this size have seven digits.
pub(crate) fn unit_for(size: Amount) -> i128 {
    let digits = size.units().unsigned_abs().checked_ilog10().unwrap_or(0);
    10_i128.pow(digits.saturating_sub(6).min(30))
}

/// One whole in units of 1e-8, as a float.
pub(crate) const ONE_F64: f64 = ONE as f64;

#[cfg(test)]
mod tests {
    use candlewick_model::{Quantity, Side};
    use proptest::prelude::*;

    use candlewick_model::run::Run;

    use super::*;
    use crate::curve::EquityCurve;
    use crate::tests::made::Made;

    fn walk(closes: &[i64]) -> (Run, EquityCurve) {
        let mut made = Made::with("1000");
        for close in closes {
            let text = |offset: i64| Price::from_units((close + offset) * 1_000_000).to_string();
            let [open, high, low, close] = [text(1), text(7), text(-5), text(-2)];
            made = made.bar([&open, &high, &low, &close]);
            if made.run.orders.is_empty() {
                let size = Quantity::from_units(100_000_000).to_string();
                made = made.fill(Side::Buy, &open, &size);
            }
        }
        let run = made.run();
        let curve = EquityCurve::of(&run);
        (run, curve)
    }

    proptest! {
        #[test]
        fn buckets_keep_first_last_lowest_and_highest(
            closes in prop::collection::vec(100_i64..10_000, 1..200), days in 0_i64..40,
        ) {
            let (run, curve) = walk(&closes);
            let mut buckets = Vec::new();
            let market = &run.markets[0];
            reduce(&View::of(&run, &curve, market), 0..market.bars.len(), days * DAY, &mut buckets);
            let (first, last) = (buckets[0], buckets[buckets.len() - 1]);
            prop_assert_eq!(first.open, market.bars.open[0]);
            prop_assert_eq!(Some(&last.close), market.bars.close.last());
            prop_assert_eq!(Some(last.equity), run.equity.last());
            prop_assert_eq!(buckets.iter().map(|b| b.high).max(), market.bars.high.iter().copied().max());
            prop_assert_eq!(buckets.iter().map(|b| b.low).min(), market.bars.low.iter().copied().min());
            prop_assert_eq!(buckets.iter().map(|b| b.equity_max).max(), run.equity.iter().max());
            prop_assert_eq!(buckets.iter().map(|b| b.equity_min).min(), run.equity.iter().min());
            let volume = |v: i128, a: &Amount| v + a.units();
            prop_assert_eq!(
                buckets.iter().map(|b| b.volume).fold(0, |v, a| volume(v, &a)),
                market.bars.volume.iter().fold(0, |v, a| volume(v, &a))
            );
            let deepest = |all: &mut dyn Iterator<Item = f64>| all.fold(0.0, f64::max);
            prop_assert_eq!(
                deepest(&mut buckets.iter().map(|b| b.drawdown)),
                deepest(&mut curve.drawdown.iter().copied())
            );
            prop_assert!(buckets.is_sorted_by(|a, b| a.time < b.time));
            prop_assert!(buckets.len() as i64 <= market.bars.len() as i64 / days.max(1) + 2);
        }
    }

    #[test]
    fn short_runs_are_kept_whole() {
        let closes: Vec<i64> = (0..1_000).map(|i| 5_000 + i % 17).collect();
        let (run, curve) = walk(&closes);
        let levels = levels(&View::of(&run, &curve, &run.markets[0]));
        let names: Vec<_> = levels.iter().map(|l| (l.name.as_str(), l.buckets.len())).collect();
        assert_eq!(names[0], ("1d", 1_000));
        assert!(levels.iter().all(|l| l.windows.is_empty()));
        assert!(names.last().is_some_and(|(_, n)| *n <= COARSEST), "{names:?}");
    }

    #[test]
    fn neighbourhoods_are_joined() {
        assert_eq!(neighbourhoods(&[5, 6, 30], 3, 32), [2..10, 27..32]);
        assert_eq!(neighbourhoods(&[], 3, 32), []);
    }

    #[test]
    fn sums_have_seven_digits() {
        let sum = |text: &str| unit_for(text.parse().unwrap());
        assert_eq!((sum("10000"), sum("0.00000001"), sum("0")), (1_000_000, 1, 1));
    }
}
