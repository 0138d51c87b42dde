//! The local exchange without its HTTP: the replay, simulated time, and what was said so far.
//!
//! For: lock step. Time stands still between calls; [`LocalExchange::step`] lets it go on to
//! the next instant at which something happens, and a trading request moves the market to the
//! next point that takes commands, exactly as a command of a backtest waits for it. Not for:
//! requests, signatures and JSON (`server`).

use crate::history::History;
use candlewick_model::Command;
use candlewick_model::run::CommandId;
use candlewick_model::{Account, Bar, Interval, Order, OrderLimit, Refusal, Symbol, Timestamp};
use candlewick_simulator::{Point, PointKind, Replay, Setup, VenueEvent};

/// The market that is served.
const ONLY: usize = 0;

/// A market under way with everything that it has said.
pub struct LocalExchange {
    replay: Replay,
    /// Simulated time: the replay's point, or later but before the next point.
    now: Timestamp,
    symbol: Symbol,
    interval: Interval,
    /// How many bars have closed.
    closed: usize,
    running: Option<Bar>,
    history: History,
    last_command: CommandId,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// Simulated time now.
    pub time: Timestamp,
    /// How many orders changed on the way, changes of one order counted each.
    pub reports: usize,
    /// How many bars closed on the way (none or one).
    pub bars: usize,
    /// Whether the market has ended: nothing will happen any more.
    pub ended: bool,
}

impl LocalExchange {
    /// The first market of a setup, about to open. Panics if it has no bars.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let replay = Replay::new(setup);
        let market = &setup.markets[0];
        Self {
            now: replay.now(),
            symbol: market.timeline.last().symbol,
            interval: market.interval,
            replay,
            closed: 0,
            running: None,
            history: History::default(),
            last_command: 0,
        }
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The one market.
    #[must_use]
    pub fn symbol(&self) -> Symbol {
        self.symbol
    }

    /// The length of its bars.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Lets time go on until an order changes or a bar closes, but not beyond `until`.
    pub fn step(&mut self, until: Option<Timestamp>) -> Result<Stepped, Refusal> {
        loop {
            let Some(next) = self.next_point()? else { return Ok(self.stepped(0, 0, true)) };
            if let Some(until) = until.filter(|until| next.time > *until) {
                self.now = self.now.max(until);
                return Ok(self.stepped(0, 0, false));
            }
            let reports = self.advance().len();
            let bars = usize::from(next.kind == PointKind::Close);
            if reports + bars > 0 {
                return Ok(self.stepped(reports, bars, false));
            }
        }
    }

    /// The point that comes next. What cannot be read is the exchange's trouble.
    fn next_point(&mut self) -> Result<Option<Point>, Refusal> {
        self.replay.next_point(ONLY).map_err(|error| Refusal::naming(-1000, error.to_string()))
    }

    fn stepped(&self, reports: usize, bars: usize, ended: bool) -> Stepped {
        Stepped { time: self.now, reports, bars, ended }
    }

    /// Takes up a trading request: where the market stands if commands are taken there, else
    /// at the next point that takes them. What the request itself caused is given back.
    pub fn take_up(&mut self, command: &Command) -> Result<Vec<VenueEvent>, Refusal> {
        if !(self.replay.takes_commands(ONLY) && self.now == self.replay.now()) {
            self.advance_to_an_open()?;
        }
        self.last_command += 1;
        self.replay.execute(self.last_command, command);
        Ok(self.absorb())
    }

    fn advance_to_an_open(&mut self) -> Result<(), Refusal> {
        loop {
            if self.next_point()?.is_none() {
                return Err(Refusal::new(-1016, "This service is no longer available."));
            }
            self.advance();
            if self.replay.takes_commands(ONLY) {
                return Ok(());
            }
        }
    }

    /// Moves the market to its next point.
    fn advance(&mut self) -> Vec<VenueEvent> {
        let Some(point) = self.replay.advance(ONLY) else { return Vec::new() };
        self.now = point.time;
        let bar = self.replay.bars(ONLY).bar(point.bar);
        let price = self.replay.last_price(ONLY);
        self.running = match (point.kind, self.running) {
            (PointKind::Open, _) | (PointKind::Inside, None) => {
                Some(Bar { high: price, low: price, open: price, close: price, ..share_of(&bar, 0) })
            }
            (PointKind::Inside, Some(so_far)) => {
                let thirds = 1 + i32::from(!so_far.volume.is_zero());
                let (high, low) = (so_far.high.max(price), so_far.low.min(price));
                Some(Bar { high, low, open: so_far.open, close: price, ..share_of(&bar, thirds) })
            }
            (PointKind::Between, so_far) => so_far.map(|bar| Bar { close: price, ..bar }),
            (PointKind::Close, _) => {
                self.closed = point.bar + 1;
                None
            }
        };
        self.absorb()
    }

    /// Takes over what the venue has said.
    fn absorb(&mut self) -> Vec<VenueEvent> {
        let events: Vec<_> = self.replay.drain_events().collect();
        events.iter().for_each(|event| self.history.take_in(event));
        events
    }

    /// Closed bars, and last the one that is still open, if time is inside one: as far as it
    /// has got.
    #[must_use]
    pub fn bars(&self, from: Option<Timestamp>, to: Option<Timestamp>, limit: usize) -> Vec<Bar> {
        let bars = self.replay.bars(ONLY);
        let opens = &bars.open_time[..self.closed];
        let start = from.map_or(0, |from| opens.partition_point(|open| *open < from));
        let end = to.map_or(opens.len(), |to| opens.partition_point(|open| *open <= to)).max(start);
        let inside = |bar: &&Bar| from.is_none_or(|t| bar.open_time >= t) && to.is_none_or(|t| bar.open_time <= t);
        let running = self.running.as_ref().filter(inside);
        let found = end - start + usize::from(running.is_some());
        // With a start the oldest, without one the most recent.
        let skipped = if from.is_some() { 0 } else { found.saturating_sub(limit) };
        (start..end).map(|row| bars.bar(row)).chain(running.copied()).skip(skipped).take(limit).collect()
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.replay.account()
    }

    /// Orders that are not done, by id.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.replay.open_orders(ONLY)
    }

    /// What the account has done.
    #[must_use]
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// How many unfilled orders were placed in the running window of each limit.
    #[must_use]
    pub fn unfilled_orders(&self) -> Vec<(OrderLimit, u32)> {
        self.replay.unfilled_orders(self.now)
    }
}

/// So many thirds of what will have been traded when the bar closes; the first extreme has
/// one behind it, the second two.
fn share_of(bar: &Bar, thirds: i32) -> Bar {
    let part =
        |whole: candlewick_model::Amount| candlewick_model::Amount::from_units(whole.units() * i128::from(thirds) / 3);
    Bar {
        volume: part(bar.volume),
        quote_volume: part(bar.quote_volume),
        taker_buy_volume: part(bar.taker_buy_volume),
        taker_buy_quote_volume: part(bar.taker_buy_quote_volume),
        trades: bar.trades * i64::from(thirds) / 3,
        ..*bar
    }
}
