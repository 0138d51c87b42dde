//! One strategy with its context and the log of what happened: the part of a run that is the
//! same in backtest and live.
//!
//! For: runners. They decide *when* something is delivered; what follows from it is decided
//! here, once. Not for: venues and transport.

use std::sync::Arc;

use candlewick_model::ledger::Valuation;
use candlewick_model::run::{CommandId, Event};
use candlewick_model::{
    Account, Action, Amount, Bar, Bars, Command, ExecutionReport, Instrument, ListStatus, Refusal, Timestamp,
};

use crate::{Context, Strategy};

/// A running strategy.
pub struct Session<S> {
    strategy: S,
    context: Context,
    /// The ledger as of the last report, as equity needs it.
    valuation: Valuation,
    equity: Vec<Amount>,
}

impl<S: Strategy> Session<S> {
    /// A session that has not started.
    pub fn new(strategy: S, context: Context) -> Self {
        let equity = Vec::with_capacity(context.history().len());
        Self { strategy, valuation: context.valuation(), context, equity }
    }

    /// Lets the strategy begin, before the first bar.
    pub fn start(&mut self, now: Timestamp) {
        self.context.set_now(now);
        self.strategy.on_start(&mut self.context);
    }

    /// The instant that was handled last.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// Other filters come into force.
    pub fn instrument(&mut self, instrument: Arc<Instrument>) {
        self.context.set_instrument(instrument);
    }

    /// Delivers a report.
    pub fn report(&mut self, report: &ExecutionReport) {
        self.context.set_now(report.time);
        self.context.events.push(Event::ExecutionReport(*report));
        self.context.apply(report);
        self.valuation = self.context.valuation();
        self.strategy.on_report(&mut self.context, report);
    }

    /// Delivers a change of a list.
    pub fn list_status(&mut self, status: ListStatus) {
        self.context.set_now(status.time);
        self.context.events.push(Event::ListStatus(status.clone()));
        self.strategy.on_list_status(&mut self.context, &status);
    }

    /// Delivers that an order which was only to be tested would be taken.
    pub fn tested(&mut self, time: Timestamp, command: CommandId) {
        self.context.set_now(time);
        self.context.events.push(Event::Tested { time, command });
        self.strategy.on_tested(&mut self.context, command);
    }

    /// Delivers a refusal.
    pub fn refused(&mut self, time: Timestamp, command: CommandId, action: Action, refusal: &Refusal) {
        self.context.set_now(time);
        self.context.events.push(Event::Refused { time, command, action, refusal: refusal.clone() });
        self.strategy.on_refused(&mut self.context, command, refusal);
    }

    /// Delivers the next bar of the history, which has just closed.
    #[inline]
    pub fn next_bar(&mut self, now: Timestamp) {
        self.context.set_now(now);
        let bar = self.context.reveal_bar();
        self.equity.push(self.valuation.equity(bar.close));
        self.strategy.on_bar(&mut self.context, &bar);
    }

    /// Delivers a bar that the history does not hold yet.
    pub fn push_bar(&mut self, now: Timestamp, bar: Bar) {
        self.context.append_bar(bar);
        self.next_bar(now);
    }

    /// When the next timer is due.
    #[inline]
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.context.next_timer()
    }

    /// Fires the earliest timer, if there is one.
    pub fn fire_timer(&mut self) {
        if let Some(at) = self.context.pop_timer() {
            self.context.set_now(at);
            self.strategy.on_timer(&mut self.context, at);
        }
    }

    /// Whether the strategy has said something that was not taken yet.
    #[inline]
    #[must_use]
    pub fn has_commands(&self) -> bool {
        !self.context.commands.is_empty()
    }

    /// Takes what the strategy has said, in order.
    pub fn take_commands(&mut self) -> std::vec::Drain<'_, (CommandId, Command)> {
        self.context.commands.drain(..)
    }

    /// Records a command that the market ended too early for.
    pub fn not_sent(&mut self, command: CommandId, parameters: Command) {
        let action = parameters.action();
        let left = self.context.events.iter().rev().find_map(|event| match event {
            Event::Sent { time, command: sent, .. } if *sent == command => Some(*time),
            _ => None,
        });
        let time = left.unwrap_or_else(|| self.context.now());
        self.context.events.push(Event::NotSent { time, command, action, parameters });
    }

    /// Ends the session after the last bar: timers that are still set fire once, in order, and
    /// what they make the strategy send is never sent; timers set meanwhile are dropped.
    pub fn finish(&mut self) {
        let mut due = Vec::new();
        while let Some(at) = self.context.pop_timer() {
            due.push(at);
        }
        for at in due {
            self.context.set_now(at);
            self.strategy.on_timer(&mut self.context, at);
        }
        self.context.clear_timers();
        let unsent: Vec<_> = self.context.commands.drain(..).collect();
        for (command, parameters) in unsent {
            self.not_sent(command, parameters);
        }
    }

    /// The log so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.context.events
    }

    /// The context, to look at.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What the session leaves behind.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        Outcome {
            account: self.context.ledger().account(),
            bars: self.context.history(),
            equity: self.equity,
            events: self.context.events,
        }
    }
}

/// What a session leaves behind.
pub struct Outcome {
    /// What the slice holds.
    pub account: Account,
    /// The bars, the delivered ones first.
    pub bars: Arc<Bars>,
    /// Equity at the close of each delivered bar.
    pub equity: Vec<Amount>,
    /// Everything that happened.
    pub events: Vec<Event>,
}
