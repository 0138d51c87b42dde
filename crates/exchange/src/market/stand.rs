//! Where the path of a market stands.

use candlewick_model::{Price, Timestamp};
use candlewick_simulator::{Point, PointKind};

/// How far a market has got.
#[derive(Debug, Clone)]
pub(super) struct Stand {
    /// When it reached its last point.
    pub(super) time: Timestamp,
    /// How many of its bars have closed.
    pub(super) closed: usize,
    /// The way inside of the bar behind them, if it has opened.
    pub(super) running: Option<Way>,
    /// How often its book has changed.
    pub(super) updates: u64,
}

/// The way that was gone inside of a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) low: Price,
    pub(super) high: Price,
    pub(super) last: Price,
    /// How many points lie behind the open.
    pub(super) points: usize,
}

impl Stand {
    pub(super) fn new(before: Timestamp) -> Self {
        Self { time: before, closed: 0, running: None, updates: 0 }
    }

    pub(super) fn pass(&mut self, point: Point, price: Price) {
        self.time = point.time;
        self.updates += 1;
        let way = Way { low: price, high: price, last: price, points: 0 };
        self.running = match (point.kind, self.running) {
            (PointKind::Close, _) => None,
            (PointKind::Open, _) | (_, None) => Some(way),
            (PointKind::Inside | PointKind::Between, Some(so_far)) => Some(Way {
                low: so_far.low.min(price),
                high: so_far.high.max(price),
                last: price,
                points: so_far.points + 1,
            }),
        };
        if point.kind == PointKind::Close {
            self.closed = point.bar + 1;
        }
    }
}
