//! The venue in process, driven as its clients drive a server in lock step: requests are taken up
//! where the market stands, or else at the next point that takes them.

use candlewick_conformance::Sent;
use candlewick_model::{Account, Command, OrderLimit, Timestamp};
use candlewick_simulator::{Replay, Setup, VenueEvent};

/// The market of a scenario.
const ONLY: usize = 0;

pub(super) struct LockStep {
    replay: Replay,
    /// The replay's point, or later but before the next one.
    now: Timestamp,
    requests: u64,
}

/// What came of a request.
pub(super) struct TakenUp {
    /// What happened on the way to the point at which it was taken up.
    pub(super) moved: Vec<VenueEvent>,
    /// What it caused; nothing where the market ended before.
    pub(super) caused: Option<Vec<VenueEvent>>,
    /// Whether more unfilled orders count by now than the limit allows.
    pub(super) is_over_limit: bool,
}

impl LockStep {
    pub(super) fn new(setup: &Setup) -> Self {
        let replay = Replay::new(setup);
        Self { now: replay.now(), replay, requests: 0 }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn account(&self) -> Account {
        self.replay.account()
    }

    pub(super) fn unfilled_orders(&self) -> Vec<(OrderLimit, u32)> {
        self.replay.unfilled_orders(self.now)
    }

    /// Lets the market go on until an instant: what happens on the way.
    pub(super) fn wait(&mut self, until: Timestamp) -> Vec<VenueEvent> {
        while self.replay.next_point(ONLY).unwrap().is_some_and(|point| point.time <= until) {
            self.advance();
        }
        if self.replay.next_point(ONLY).unwrap().is_some() {
            self.now = self.now.max(until);
        }
        self.replay.drain_events().collect()
    }

    fn advance(&mut self) -> bool {
        let point = self.replay.advance(ONLY);
        self.now = point.map_or(self.now, |point| point.time);
        point.is_some()
    }

    pub(super) fn take_up(&mut self, sent: &Sent) -> TakenUp {
        let stands = self.replay.takes_commands(ONLY) && self.now == self.replay.now();
        let mut is_there = stands;
        while !is_there && self.replay.next_point(ONLY).unwrap().is_some() {
            self.advance();
            is_there = self.replay.takes_commands(ONLY);
        }
        let moved = self.replay.drain_events().collect();
        let caused = is_there.then(|| {
            self.requests += 1;
            self.replay.execute(self.requests, &Command::Raw(sent.action, Box::new(sent.parameters.clone())));
            self.replay.drain_events().collect()
        });
        let is_over_limit = self.unfilled_orders().iter().any(|(limit, count)| *count > limit.limit);
        TakenUp { moved, caused, is_over_limit }
    }
}
