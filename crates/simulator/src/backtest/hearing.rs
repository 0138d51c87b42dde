//! What the strategy hears, and when: at once, or after its session has waited for an outcome.
//!
//! For: delivering. Not for: deciding how long a session waits (`stress::Line`).

use std::collections::VecDeque;

use candlewick_model::Timestamp;
use candlewick_strategy::{Outgoing, Session, Strategy};

use super::Backtest;
use crate::desk::VenueEvent;
use crate::setup::Transfer;
use crate::stress::{Held, Line};

impl<S: Strategy> Backtest<S> {
    /// Hands what the venue has said to the strategy; a refusal is about `market`.
    pub(super) fn deliver(&mut self, market: Option<usize>) {
        if self.line.is_none() && !self.replay.has_said() {
            return;
        }
        self.replay.swap_events(&mut self.said);
        if let Some(line) = &mut self.line
            && line.holds()
        {
            return line.hold_said(self.replay.now(), &mut self.said, market);
        }
        self.said.iter().for_each(|event| tell(&mut self.session, event, market));
        self.said.clear();
    }

    /// Hands anything else to the strategy.
    #[inline]
    pub(super) fn hand(&mut self, time: Timestamp, held: Held) {
        match &mut self.line {
            Some(line) if line.holds() => line.hold(time, held),
            _ => hear(&mut self.session, time, held),
        }
    }

    /// Whether the session waits for an outcome, so that the strategy hears nothing.
    #[inline]
    pub(super) fn is_deaf(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.holds())
    }

    /// Lets the session go on if it has waited long enough; whether the strategy hears.
    pub(super) fn listen(&mut self, due: impl Fn(Timestamp) -> bool) -> bool {
        while let Some(line) = &mut self.line
            && line.holds()
        {
            match line.next_end() {
                Some(end) if due(end) => {
                    line.end_wait(&mut self.session, end);
                    self.collect();
                }
                _ if line.waits() => return false,
                _ => self.catch_up(),
            }
        }
        true
    }

    /// The strategy hears what happened meanwhile, instant by instant, until its session must
    /// wait again.
    fn catch_up(&mut self) {
        while let Some(line) = &mut self.line
            && !line.waits()
            && let Some(instant) = line.next_held()
        {
            if self.session.next_timer().is_some_and(|at| at < instant) {
                self.session.fire_timer();
            } else {
                while let Some(held) = line.take_held(instant) {
                    hear(&mut self.session, instant, held);
                }
            }
            self.collect();
        }
    }

    /// After the last bar: what happened is heard to the end, and nothing is sent any more.
    pub(super) fn hang_up(&mut self, mut line: Line) -> VecDeque<Outgoing> {
        line.hang_up(&mut self.session);
        while let Some(instant) = line.next_held() {
            while let Some(held) = line.take_held(instant) {
                hear(&mut self.session, instant, held);
            }
        }
        line.say(self.session.take_commands());
        line.into_outbox()
    }
}

/// Delivers what a venue has said; a refusal is about `market`.
fn tell<S: Strategy>(session: &mut Session<S>, event: &VenueEvent, market: Option<usize>) {
    match event {
        VenueEvent::Report(report) => session.report(report),
        VenueEvent::Refused { time, command, action, refusal } => {
            if let Some(market) = market {
                session.look_at_market(market);
            }
            session.refused(*time, *command, *action, refusal);
        }
        VenueEvent::ListStatus(status) => session.list_status(status.clone()),
        VenueEvent::Tested { time, command } => session.tested(*time, *command),
    }
}

#[inline]
fn hear<S: Strategy>(session: &mut Session<S>, time: Timestamp, held: Held) {
    match held {
        Held::Said(event, market) => tell(session, &event, market),
        Held::Bar(series, at) => session.next_bar(series, at),
        Held::Mark(at) => session.mark(at),
        Held::Paid(Transfer { asset, amount, .. }) => session.balance_update(time, asset, amount),
    }
}
