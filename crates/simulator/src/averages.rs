//! The price that stands for the market over some minutes (rule 5.3).

use std::sync::Arc;

use candlewick_model::{Bars, Price, Timestamp};
use serde::{Deserialize, Serialize};

/// The finest bars at hand, and how far they have closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Averages {
    #[serde(skip)]
    pub(crate) bars: Arc<Bars>,
    /// How many of them had closed when an average was last asked for.
    pub(crate) closed: usize,
    /// How often there was no average, so that the last price stood in.
    pub(crate) replaced: u64,
}

impl Averages {
    pub(crate) fn new(bars: Arc<Bars>) -> Self {
        Self { bars, closed: 0, replaced: 0 }
    }

    /// Goes on from where another one stood; the bars are its own.
    pub(crate) fn resume(&mut self, state: Self) {
        *self = Self { bars: std::mem::take(&mut self.bars), ..state };
    }

    /// The average over the last `minutes`; the last price where there is none.
    pub(crate) fn price(
        &mut self,
        minutes: u32,
        now: Timestamp,
        last: Price,
        running: (Timestamp, Timestamp),
    ) -> Price {
        self.average(minutes, now, running).unwrap_or_else(|| {
            self.replaced += u64::from(minutes > 0);
            last
        })
    }

    /// The average over the last `minutes`, where there is one. The running bar (its times) is no
    /// closed one, even where bars overlap and time has passed its end.
    pub(crate) fn average(&mut self, minutes: u32, now: Timestamp, running: (Timestamp, Timestamp)) -> Option<Price> {
        let bars = &self.bars;
        let closed = |row: usize| match (bars.open_time.get(row), bars.close_time.get(row)) {
            (Some(open), Some(close)) => *close <= now && (*open, *close) != running,
            _ => false,
        };
        self.closed = gallop(self.closed, closed);
        bars.average_price(self.closed, now, minutes)
    }
}

/// The first row at or after `from` that is not `closed`; all before it are. Strides grow and
/// shrink, because since the last question one bar may have closed or a thousand.
pub(crate) fn gallop(from: usize, closed: impl Fn(usize) -> bool) -> usize {
    let (mut row, mut stride) = (from, 1);
    while closed(row + stride - 1) {
        row += stride;
        stride *= 2;
    }
    while stride > 1 {
        stride /= 2;
        if closed(row + stride - 1) {
            row += stride;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galloping_arrives_where_walking_does() {
        for end in 0..200 {
            for from in 0..=end {
                assert_eq!(gallop(from, |row| row < end), end);
            }
        }
    }
}
