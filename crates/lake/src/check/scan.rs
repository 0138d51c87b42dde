//! One pass over bars. Files are passed over side by side and their results joined, so that a
//! series of any length takes the memory of a file or two.

use candlewick_model::{Bar, Bars, Gap, Interval, Timestamp};
use serde::Serialize;

use super::price::{Discontinuity, PriceJump};
use super::quiet::Quiet;
use super::rules::{Kind, Severity, judge};
use crate::series::gaps_of;

/// Bars with something odd about them. Gaps are listed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is odd.
    pub kind: Kind,
    /// How bad that is.
    pub severity: Severity,
    /// In how many bars.
    pub bars: usize,
    /// When the first of them opens.
    pub first: Timestamp,
    /// When the last of them opens.
    pub last: Timestamp,
}

/// What was seen in the bars of a file, or of several that follow each other.
#[derive(Debug)]
pub(super) struct Scan {
    interval: Interval,
    pub(super) bars: usize,
    pub(super) first: Bar,
    pub(super) last: Bar,
    first_traded: Option<Bar>,
    last_traded: Option<Bar>,
    found: [Option<Finding>; Kind::ALL.len()],
    pub(super) gaps: Vec<Gap>,
    pub(super) quiet: Quiet,
    pub(super) jumps: Vec<PriceJump>,
    pub(super) discontinuities: Vec<Discontinuity>,
}

/// More jumps than these are counted, not listed.
const JUMPS: usize = 100;

impl Scan {
    /// `None` for no bars.
    pub(super) fn of(bars: &Bars, interval: Interval) -> Option<Self> {
        let mut rows = bars.iter();
        let first = rows.next()?;
        let mut scan = Self {
            interval,
            bars: 0,
            first,
            last: first,
            first_traded: None,
            last_traded: None,
            found: [None; Kind::ALL.len()],
            gaps: gaps_of(bars, interval),
            quiet: Quiet::default(),
            jumps: Vec::new(),
            discontinuities: Vec::new(),
        };
        scan.push(first);
        for bar in rows {
            scan.pair(&bar);
            scan.push(bar);
        }
        scan.quiet.forget_inner();
        Some(scan)
    }

    /// What the last bar and the next one say together.
    fn pair(&mut self, bar: &Bar) {
        if bar.open_time <= self.last.close_time {
            self.count(Kind::Overlapping, bar.open_time);
        }
        if let Some(jump) = PriceJump::between(&self.last, bar) {
            self.count(Kind::Jump, bar.open_time);
            if self.jumps.len() < JUMPS {
                self.jumps.push(jump);
            }
        }
    }

    fn push(&mut self, bar: Bar) {
        let found = &mut self.found;
        judge(&bar, self.interval, |kind| count(found, kind, bar.open_time));
        self.quiet.push(&bar, self.interval);
        if !bar.volume.is_zero() {
            self.first_traded = self.first_traded.or(Some(bar));
            self.discontinuities.extend(self.last_traded.and_then(|last| Discontinuity::between(&last, &bar)));
            self.last_traded = Some(bar);
        }
        self.bars += 1;
        self.last = bar;
    }

    fn count(&mut self, kind: Kind, open_time: Timestamp) {
        count(&mut self.found, kind, open_time);
    }

    /// Adds what was seen in the bars of the next file.
    pub(super) fn join(mut self, next: Self) -> Self {
        self.pair(&next.first);
        self.gaps.extend(gaps_of(&[self.last, next.first].into_iter().collect(), self.interval));
        self.gaps.extend(next.gaps);
        let traded = self.last_traded.zip(next.first_traded);
        self.discontinuities.extend(traded.and_then(|(last, first)| Discontinuity::between(&last, &first)));
        self.discontinuities.extend(next.discontinuities);
        self.jumps.extend(next.jumps);
        self.jumps.truncate(JUMPS);
        self.quiet.join(next.quiet);
        for (own, theirs) in self.found.iter_mut().zip(next.found) {
            *own = match (*own, theirs) {
                (Some(own), Some(theirs)) => Some(Finding { bars: own.bars + theirs.bars, last: theirs.last, ..own }),
                (own, theirs) => own.or(theirs),
            };
        }
        self.first_traded = self.first_traded.or(next.first_traded);
        self.last_traded = next.last_traded.or(self.last_traded);
        Self { bars: self.bars + next.bars, last: next.last, ..self }
    }

    /// What was found, the worst first.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.found.iter().flatten().copied().collect()
    }

    pub(super) fn zero_volume(&self) -> usize {
        self.found[Kind::ZeroVolume as usize].map_or(0, |finding| finding.bars)
    }
}

#[inline]
fn count(found: &mut [Option<Finding>; Kind::ALL.len()], kind: Kind, open_time: Timestamp) {
    let new = Finding { kind, severity: kind.severity(), bars: 0, first: open_time, last: open_time };
    let finding = found[kind as usize].get_or_insert(new);
    finding.bars += 1;
    finding.last = open_time;
}
