//! Stretches of bars in which nothing was traded.

use candlewick_model::time::MINUTE;
use candlewick_model::{Bar, Interval, Timestamp};
use serde::Serialize;

/// Bars without trades, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// When the first one opens.
    pub from: Timestamp,
    /// When the one after the last would open.
    pub to: Timestamp,
    /// How many.
    pub bars: usize,
}

impl Stretch {
    /// Single minutes without trades are everyday, and there are many of them.
    fn is_kept(&self) -> bool {
        self.bars >= 3 && self.to.micros() - self.from.micros() >= 3 * MINUTE
    }
}

/// All of a file or a series. Short ones are counted and forgotten, but for the first and the
/// last, which may go on in the file beside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Quiet {
    forgotten: usize,
    longest_forgotten: Option<Stretch>,
    /// In order.
    pub(super) stretches: Vec<Stretch>,
}

impl Quiet {
    /// Adds the next bar.
    #[inline]
    pub(super) fn push(&mut self, bar: &Bar, interval: Interval) {
        if bar.volume.is_zero() {
            self.add(Stretch { from: bar.open_time, to: interval.next_open(bar.open_time), bars: 1 });
        }
    }

    fn add(&mut self, next: Stretch) {
        match self.stretches.last_mut() {
            Some(last) if last.to == next.from => (last.to, last.bars) = (next.to, last.bars + next.bars),
            _ => self.stretches.push(next),
        }
    }

    /// Adds the bars that come next.
    pub(super) fn join(&mut self, next: Self) {
        next.stretches.into_iter().for_each(|stretch| self.add(stretch));
        self.forgotten += next.forgotten;
        self.longest_forgotten = longest([self.longest_forgotten, next.longest_forgotten].into_iter().flatten());
    }

    /// Forgets short stretches with bars on both sides.
    pub(super) fn forget_inner(&mut self) {
        let ends = [self.stretches.first().copied(), self.stretches.last().copied()];
        self.forget(|stretch| stretch.is_kept() || ends.contains(&Some(*stretch)));
    }

    /// Forgets all short stretches: there are no more bars.
    pub(super) fn forget_all(&mut self) {
        self.forget(Stretch::is_kept);
    }

    fn forget(&mut self, keep: impl Fn(&Stretch) -> bool) {
        let forgotten = self.stretches.extract_if(.., |stretch| !keep(stretch)).collect::<Vec<_>>();
        self.forgotten += forgotten.len();
        self.longest_forgotten = longest(self.longest_forgotten.into_iter().chain(forgotten));
    }

    /// How many there are, of any length.
    pub(super) fn count(&self) -> usize {
        self.forgotten + self.stretches.len()
    }

    /// The one of the most bars, the earliest of them.
    pub(super) fn longest(&self) -> Option<Stretch> {
        longest(self.stretches.iter().copied().chain(self.longest_forgotten))
    }
}

fn longest(stretches: impl Iterator<Item = Stretch>) -> Option<Stretch> {
    stretches.max_by_key(|stretch| (stretch.bars, std::cmp::Reverse(stretch.from)))
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Price};
    use proptest::prelude::*;

    use super::*;

    fn bar(minute: usize, is_quiet: bool) -> Bar {
        let (price, zero) = (Price::from_units(1), Amount::ZERO);
        let open_time = Timestamp::from_micros(minute as i64 * MINUTE);
        Bar {
            open_time,
            close_time: open_time.plus(MINUTE - 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: if is_quiet { zero } else { Amount::from_units(1) },
            quote_volume: zero,
            taker_buy_volume: zero,
            taker_buy_quote_volume: zero,
            trades: 0,
        }
    }

    fn of(bars: &[Bar]) -> Quiet {
        let mut quiet = Quiet::default();
        bars.iter().for_each(|bar| quiet.push(bar, Interval::OneMinute));
        quiet.forget_inner();
        quiet
    }

    proptest! {
        /// However a series is cut into files, its stretches are the same; and they are those
        /// that one finds by looking at every bar.
        #[test]
        fn files_leave_no_trace(
            kinds in prop::collection::vec(0..4_u8, 1..60),
            cuts in prop::collection::vec(0..60_usize, 0..5),
        ) {
            // 0 and 1: nothing traded; 2: traded; 3: no bar at all.
            let bars: Vec<Bar> = kinds.iter().enumerate().filter(|(_, k)| **k != 3).map(|(m, k)| bar(m, *k < 2)).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= bars.len()).collect();
            cuts.extend([0, bars.len()]);
            cuts.sort_unstable();
            let mut joined = Quiet::default();
            for pair in cuts.windows(2) {
                joined.join(of(&bars[pair[0]..pair[1]]));
            }
            joined.forget_all();
            let mut stretches: Vec<Stretch> = Vec::new();
            for (minute, _) in kinds.iter().enumerate().filter(|(_, kind)| **kind < 2) {
                let (from, to) = (bar(minute, true).open_time, bar(minute + 1, true).open_time);
                match stretches.last_mut() {
                    Some(last) if last.to == from => (last.to, last.bars) = (to, last.bars + 1),
                    _ => stretches.push(Stretch { from, to, bars: 1 }),
                }
            }
            prop_assert_eq!(joined.count(), stretches.len());
            prop_assert_eq!(joined.longest(), longest(stretches.iter().copied()));
            stretches.retain(Stretch::is_kept);
            prop_assert_eq!(joined.stretches, stretches);
        }
    }
}
