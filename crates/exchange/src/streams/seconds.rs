//! `<symbol>@kline_1s` of a market whose own bars are minutes: at each point of the path the seconds
//! that it has passed, and the one in which it stands.

use candlewick_model::time::SECOND;
use candlewick_model::{Interval, Timestamp};

use super::Topic;
use super::klines::say;
use super::listeners::{Listeners, Pace};
use crate::audience::Change;
use crate::market::View;

/// The stream of seconds.
pub(super) struct Seconds {
    /// The first second that has not been told whole.
    next: Timestamp,
    pace: Pace,
}

impl Seconds {
    pub(super) fn begin(view: &View<'_>) -> Self {
        Self { next: view.next_second(), pace: Pace::of(SECOND) }
    }
}

impl Topic for Seconds {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        if change == Change::Orders {
            return;
        }
        for second in view.seconds_from(self.next) {
            if second.is_whole {
                self.next = second.bar.close_time.plus(1);
            } else if !self.pace.allows(view.now()) {
                continue;
            }
            say(view, Interval::OneSecond, &second.bar, second.first_trade, second.is_whole, listeners);
        }
    }

    fn jump(&mut self, view: &View<'_>) {
        *self = Self::begin(view);
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}
