//! One strategy with its context and the log of what happened: the part of a run that is the
//! same in backtest and live.
//!
//! For: runners. They decide *when* something is delivered; what follows from it is decided
//! here, once. Not for: venues and transport.

use std::collections::{VecDeque, vec_deque};
use std::sync::Arc;

use candlewick_model::run::{CommandId, Event, Marks};
use candlewick_model::{
    Account, Action, Amount, Amounts, Asset, Bar, Bars, EventLog, ExecutionReport, Instrument, ListStatus, Refusal,
    Times, Timestamp,
};

use crate::{Context, Outgoing, Series, Strategy};

/// A running strategy.
pub struct Session<S> {
    strategy: S,
    context: Context,
    equity: Amounts,
    /// When each equity was taken, where that is not when the bars of the only series close.
    marks: Times,
    /// Up to which row the strategy has taken in each series ahead of time, of several.
    taken_in: Vec<usize>,
}

impl<S: Strategy> Session<S> {
    /// A session that has not started.
    pub fn new(strategy: S, context: Context) -> Self {
        let longest = context.all_series().iter().map(|series| series.bars.len()).max();
        let taken_in = vec![0; context.series_count()];
        let equity = Amounts::with_capacity(longest.unwrap_or(0));
        Self { strategy, context, equity, marks: Times::default(), taken_in }
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

    /// Other filters come into force on a market.
    pub fn instrument(&mut self, market: usize, instrument: Arc<Instrument>) {
        self.context.set_instrument(market, instrument);
    }

    /// What is delivered next is about this market.
    pub fn look_at_market(&mut self, market: usize) {
        self.context.look_at_market(market);
    }

    /// Delivers a report.
    pub fn report(&mut self, report: &ExecutionReport) {
        self.context.set_now(report.time);
        self.context.events.push_report(report);
        self.context.apply(report);
        self.strategy.on_report(&mut self.context, report);
    }

    /// Delivers a change of a list.
    pub fn list_status(&mut self, status: ListStatus) {
        self.context.set_now(status.time);
        self.context.events.push(Event::ListStatus(status.clone()));
        self.context.look_at_symbol(&status.symbol);
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

    /// Delivers a deposit, or a withdrawal where it is negative.
    pub fn balance_update(&mut self, time: Timestamp, asset: Asset, amount: Amount) {
        self.context.set_now(time);
        self.context.events.push(Event::BalanceUpdate { time, asset, amount });
        self.context.transfer(asset, amount);
    }

    /// Records what the strategy is not told.
    pub fn note(&mut self, event: Event) {
        self.context.events.push(event);
    }

    /// Delivers the next bar of a series, which has just closed.
    #[inline]
    pub fn next_bar(&mut self, series: usize, now: Timestamp) {
        self.context.set_now(now);
        if self.context.all_series()[series].delivered < self.taken_in[series] {
            return self.context.reveal_taken_in(series);
        }
        let bar = self.context.reveal_bar(series);
        self.strategy.on_bar(&mut self.context, &bar);
    }

    /// Delivers bars of the only series that close one after the other without anything else
    /// happening, up to a row or until the strategy has said something or set a timer.
    #[inline]
    pub fn next_bars(&mut self, to: usize) {
        let first = self.context.all_series()[0].delivered;
        self.context.calm_down();
        let mut row = first;
        while row < to && self.context.is_calm() {
            let quiet = self.strategy.quiet_bars(0, &self.context.all_series()[0].bars, row..to);
            if quiet > 0 {
                // The strategy has something to say to the one after them, most likely an order.
                self.context.all_series()[0].bars.fetch(row + quiet + 1);
                self.context.reveal_bars(0, quiet);
                row += quiet;
            }
            if row < to {
                let close = self.context.all_series()[0].bars.close_time.at(row);
                self.next_bar(0, close);
                row += 1;
            }
        }
        self.context.worth_along(row - first, &mut self.equity);
    }

    /// Lets the strategy take in bars of a series ahead of time, before a row, if it has none
    /// left that it has; gives the row of the next bar that it wants to be handed.
    #[inline]
    pub fn take_in(&mut self, series: usize, to: usize) -> usize {
        let Series { bars, delivered, .. } = &self.context.all_series()[series];
        let taken_in = &mut self.taken_in[series];
        if *taken_in <= *delivered {
            *taken_in = delivered + self.strategy.quiet_bars(series, bars, *delivered..to.max(*delivered));
        }
        *taken_in
    }

    /// Delivers so many bars of every series, which close together and were taken in.
    pub fn pass_taken_in(&mut self, count: usize) {
        for series in 0..self.context.series_count() {
            self.context.reveal_bars(series, count);
        }
        let Series { bars, delivered, .. } = &self.context.all_series()[0];
        self.marks.extend_from(&bars.close_time, delivered - count..*delivered);
        self.context.worth_along(count, &mut self.equity);
    }

    /// Notes what everything is worth, after all bars that have closed by now were delivered.
    #[inline]
    pub fn mark(&mut self, now: Timestamp) {
        self.context.reveal_prices(now);
        self.equity.push(self.context.equity());
        if self.context.series_count() > 1 {
            self.marks.push(now);
        }
    }

    /// Delivers a bar that the history does not hold yet, of the only series.
    pub fn push_bar(&mut self, now: Timestamp, bar: Bar) {
        self.context.append_bar(0, bar);
        self.next_bar(0, now);
        self.mark(now);
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
    pub fn take_commands(&mut self) -> vec_deque::Drain<'_, Outgoing> {
        self.context.commands.drain(..)
    }

    /// Puts what the strategy has said behind what is on its way; moves none of it where there is
    /// nothing, as most often.
    #[inline]
    pub fn hand_over(&mut self, to: &mut VecDeque<Outgoing>) {
        if to.is_empty() {
            std::mem::swap(to, &mut self.context.commands);
        } else {
            to.append(&mut self.context.commands);
        }
    }

    /// What the strategy will send up to an instant whatever happens until then.
    #[must_use]
    pub fn planned(&self, until: Timestamp) -> Vec<Outgoing> {
        self.context.outgoing(self.strategy.planned(until))
    }

    /// Records a command that the market ended too early for.
    pub fn not_sent(&mut self, Outgoing { id, time, command, .. }: Outgoing) {
        let action = command.action();
        self.context.events.push(Event::NotSent { time, command: id, action, parameters: command });
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
        unsent.into_iter().for_each(|outgoing| self.not_sent(outgoing));
    }

    /// The log so far.
    #[must_use]
    pub fn events(&self) -> &EventLog {
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
        let series = self.context.all_series();
        let marks = match series {
            [only] => Marks::Closes(Arc::clone(&only.bars), only.delivered),
            _ => Marks::Merged(self.marks),
        };
        Outcome {
            account: self.context.ledger().account(),
            marks,
            bars: series.iter().map(|series| Arc::clone(&series.bars)).collect(),
            equity: self.equity,
            events: self.context.events,
        }
    }
}

/// What a session leaves behind.
pub struct Outcome {
    /// What the slice holds.
    pub account: Account,
    /// The bars of each series, the delivered ones first.
    pub bars: Vec<Arc<Bars>>,
    /// The instants at which bars have closed.
    pub marks: Marks,
    /// Equity at each of them.
    pub equity: Amounts,
    /// Everything that happened.
    pub events: EventLog,
}
