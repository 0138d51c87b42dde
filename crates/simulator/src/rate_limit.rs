//! The unfilled-order count (`faqs/order_count_decrement.md`): every order counts in the windows
//! of the clock, and its first fill takes some of that back.

use candlewick_model::order::RateInterval;
use candlewick_model::{Liquidity, OrderLimit, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

/// What a first fill gives back: one as a taker, five as a maker, as in the FAQ's examples (rule
/// 8.22).
const fn given_back(liquidity: Liquidity) -> u32 {
    match liquidity {
        Liquidity::Taker => 1,
        Liquidity::Maker => 5,
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnfilledOrders {
    windows: Vec<Window>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Window {
    limit: OrderLimit,
    /// The number of the running window since 1970, and the count in it.
    number: i64,
    count: u32,
}

impl UnfilledOrders {
    pub(crate) fn new(limits: &[OrderLimit]) -> Self {
        let window = |limit: &OrderLimit| Window { limit: *limit, number: i64::MIN, count: 0 };
        Self { windows: limits.iter().map(window).collect() }
    }

    /// The limits, each with how many count at an instant.
    pub(crate) fn counts(&self, now: Timestamp) -> Vec<(OrderLimit, u32)> {
        let count = |window: &Window| {
            let mut then = window.clone();
            then.go_to(now);
            (then.limit, then.count)
        };
        self.windows.iter().map(count).collect()
    }

    /// Other limits come into force. A window of the same length goes on, another one begins
    /// (rule 8.39).
    pub(crate) fn change_to(&mut self, limits: &[OrderLimit]) {
        let mut changed = Self::new(limits);
        for window in &mut changed.windows {
            let before = self.windows.iter().find(|before| before.limit.counts_as(&window.limit));
            if let Some(Window { number, count, .. }) = before {
                (window.number, window.count) = (*number, *count);
            }
        }
        *self = changed;
    }

    /// Whether these are the limits that it counts for.
    pub(crate) fn is_of(&self, limits: &[OrderLimit]) -> bool {
        self.windows.iter().map(|window| window.limit).eq(limits.iter().copied())
    }

    /// Whether so many more orders may be placed; each limit with its count is shown to `see`.
    pub(crate) fn check(
        &mut self,
        now: Timestamp,
        orders: u32,
        see: &mut impl FnMut(OrderLimit, u32, bool),
    ) -> Result<(), Refusal> {
        for window in &mut self.windows {
            window.go_to(now);
            let holds = window.count.saturating_add(orders) <= window.limit.limit;
            see(window.limit, window.count, holds);
            if !holds {
                let OrderLimit { interval, interval_num, limit } = window.limit;
                let text =
                    format!("Too many new orders; current limit is {limit} orders per {interval_num} {interval}.");
                return Err(Refusal::naming(-1015, text));
            }
        }
        Ok(())
    }

    pub(crate) fn placed(&mut self, now: Timestamp, orders: u32) {
        for window in &mut self.windows {
            window.go_to(now);
            window.count = window.count.saturating_add(orders);
        }
    }

    /// An order has filled for the first time.
    pub(crate) fn first_fill(&mut self, now: Timestamp, liquidity: Liquidity) {
        for window in &mut self.windows {
            window.go_to(now);
            window.count = window.count.saturating_sub(given_back(liquidity));
        }
    }
}

impl Window {
    fn go_to(&mut self, now: Timestamp) {
        let length = (i64::from(self.limit.interval_num) * seconds(self.limit.interval)).saturating_mul(1_000_000);
        let number = now.micros().div_euclid(length);
        if number != self.number {
            self.number = number;
            self.count = 0;
        }
    }
}

const fn seconds(interval: RateInterval) -> i64 {
    match interval {
        RateInterval::Second => 1,
        RateInterval::Minute => 60,
        RateInterval::Day => 86_400,
    }
}
