//! Drives a replay through a random world as the backtest does, turn by turn, and can stop it
//! and go on from its state anywhere.

use std::collections::VecDeque;

use candlewick_model::run::Assumptions;
use candlewick_model::{Account, Action, Price, RawParameters, Timestamp};
use candlewick_simulator::{Point, Replay, ReplayState, Setup, Transfer, VenueEvent};
use proptest::prelude::*;

use crate::ask::{Seen, ask};
use crate::world::{UNIT, World, instant};

/// What has just happened.
pub(crate) struct Turn {
    pub(crate) market: usize,
    pub(crate) cause: Cause,
}

pub(crate) enum Cause {
    /// The market went to a point, from a price.
    Move { point: Point, from: Price },
    /// A request was taken up.
    Command(Action),
    /// A deposit or a withdrawal.
    Transfer(Transfer),
}

/// Whoever looks on.
pub(crate) trait Watch {
    fn turn(&mut self, replay: &Replay, turn: &Turn, said: &[VenueEvent]) -> Result<(), TestCaseError>;
}

/// Nobody.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn turn(&mut self, _: &Replay, _: &Turn, _: &[VenueEvent]) -> Result<(), TestCaseError> {
        Ok(())
    }
}

/// Where a run is stopped and gone on with: at every so many turns, beginning with one.
pub(crate) type Stops = Option<(usize, usize)>;

/// What came of it.
pub(crate) struct Driven {
    pub(crate) said: Vec<VenueEvent>,
    /// The requests as they were sent, by their places among the world's.
    pub(crate) sent: Vec<Option<(Action, RawParameters)>>,
    /// The transfers that could be made.
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) account: Account,
    pub(crate) assumptions: Assumptions,
}

struct Driver<'a, W> {
    world: &'a World,
    setup: &'a Setup,
    replay: Replay,
    watch: &'a mut W,
    stops: Stops,
    turns: usize,
    start: Timestamp,
    said: Vec<VenueEvent>,
    sent: Vec<Option<(Action, RawParameters)>>,
}

pub(crate) fn drive(
    world: &World,
    setup: &Setup,
    stops: Stops,
    watch: &mut impl Watch,
) -> Result<Driven, TestCaseError> {
    drive_replay(Replay::new(setup), world, setup, stops, watch)
}

/// As [`drive`], with a replay that is about to begin.
pub(crate) fn drive_replay(
    replay: Replay,
    world: &World,
    setup: &Setup,
    stops: Stops,
    watch: &mut impl Watch,
) -> Result<Driven, TestCaseError> {
    let (start, sent) = (replay.now(), vec![None; world.ops.len()]);
    let mut driver = Driver { world, setup, replay, watch, stops, turns: 0, start, said: Vec::new(), sent };
    let mut transfers: VecDeque<_> = setup.transfers.iter().copied().collect();
    let mut made = Vec::new();
    let mut waiting: Vec<usize> = (0..world.ops.len()).collect();
    while let Some(now) = driver.next_instant() {
        while let Some(transfer) = transfers.pop_front_if(|transfer| transfer.time <= now) {
            if driver.replay.transfer(&transfer) {
                made.push(transfer);
                driver.end_turn(Turn { market: 0, cause: Cause::Transfer(transfer) })?;
            }
        }
        driver.move_markets(now)?;
        driver.take_up(now, &mut waiting)?;
    }
    let Driver { replay, said, sent, .. } = driver;
    Ok(Driven { said, sent, transfers: made, account: replay.account(), assumptions: replay.assumptions() })
}

impl<W: Watch> Driver<'_, W> {
    fn markets(&self) -> std::ops::Range<usize> {
        0..self.setup.markets.len()
    }

    /// The point of a market that comes next; there is no detail to be read.
    fn next_point(&mut self, market: usize) -> Option<Point> {
        self.replay.next_point(market).unwrap()
    }

    fn next_instant(&mut self) -> Option<Timestamp> {
        let next = self.markets().filter_map(|market| Some(self.next_point(market)?.time)).min()?;
        Some(next.max(self.replay.now()))
    }

    fn move_markets(&mut self, now: Timestamp) -> Result<(), TestCaseError> {
        for market in self.markets() {
            let from = self.replay.last_price(market);
            if self.next_point(market).is_some_and(|point| point.time <= now)
                && let Some(point) = self.replay.advance(market)
            {
                self.end_turn(Turn { market, cause: Cause::Move { point, from } })?;
            }
        }
        Ok(())
    }

    /// Requests that have arrived, in their order, where their markets take them up.
    fn take_up(&mut self, now: Timestamp, waiting: &mut Vec<usize>) -> Result<(), TestCaseError> {
        let mut at = 0;
        while let Some(&number) = waiting.get(at) {
            let op = &self.world.ops[number];
            let market = op.market % self.setup.markets.len();
            let latency = self.setup.markets[market].fill_model.latency_us;
            if instant(op.time).max(self.start).plus(latency) > now || !self.replay.takes_commands(market) {
                at += 1;
                continue;
            }
            waiting.remove(at);
            let (action, raw) = self.ask(number, market);
            let command = candlewick_model::Command::Raw(action, Box::new(raw.clone()));
            self.replay.execute(number as u64 + 1, &command);
            self.sent[number] = Some((action, raw));
            self.end_turn(Turn { market, cause: Cause::Command(action) })?;
        }
        Ok(())
    }

    fn ask(&self, number: usize, market: usize) -> (Action, RawParameters) {
        let last = self.replay.last_price(market).units() / UNIT;
        let open = self.replay.open_orders(market).collect();
        let (action, mut raw) = ask(&self.world.ops[number], &Seen { market, last, open, number });
        // What a strategy's context does.
        if matches!(action, Action::New | Action::CancelReplace) && raw.get("newClientOrderId").is_none() {
            raw.push("newClientOrderId", format!("cw{}", number + 1));
        }
        (action, raw)
    }

    fn end_turn(&mut self, turn: Turn) -> Result<(), TestCaseError> {
        if self.stops.is_some_and(|(every, first)| self.turns % every == first % every) {
            self.stop_and_go_on()?;
        }
        self.turns += 1;
        let said: Vec<_> = self.replay.drain_events().collect();
        self.watch.turn(&self.replay, &turn, &said)?;
        self.said.extend(said);
        Ok(())
    }

    /// Writes the state down, with what was said and not taken yet, and goes on from what was
    /// written.
    fn stop_and_go_on(&mut self) -> Result<(), TestCaseError> {
        let json = serde_json::to_string(&self.replay.state()).unwrap();
        let state: ReplayState = serde_json::from_str(&json).unwrap();
        let resumed = Replay::resume(self.setup, state).unwrap();
        prop_assert_eq!(&serde_json::to_string(&resumed.state()).unwrap(), &json);
        self.replay = resumed;
        Ok(())
    }
}
