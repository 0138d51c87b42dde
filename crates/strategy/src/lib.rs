//! Strategies: deterministic state machines that take in bars, execution reports and timers,
//! and give out commands.
//!
//! For: the trait, what a strategy may see and do ([`Context`]), the part of a run that
//! backtest and live share ([`Session`], [`patience`]), and the built-ins. Not for: venues, I/O or clocks; a
//! strategy cannot tell on which venue it runs, and "backtest = live" follows from that.

mod builtin;
mod context;
mod names;
pub mod patience;
mod session;

pub use builtin::{Builtin, BuiltinError, MaCross, MeanReversion, PerMarket, Script, ScriptError};
pub use context::{Context, Outgoing, Series, World};
pub use session::{Outcome, Session};

use std::ops::Range;

use candlewick_model::run::CommandId;
use candlewick_model::{Action, Bar, Bars, ExecutionReport, ListStatus, RawParameters, Refusal, Timestamp};

/// A trading strategy. Everything it may use is in the context; everything it wants it says
/// there. Object-safe, and compiled into the replay loop where its type is known.
pub trait Strategy {
    /// Before the first bar.
    fn on_start(&mut self, context: &mut Context) {
        let _ = context;
    }

    /// A bar has closed.
    fn on_bar(&mut self, context: &mut Context, bar: &Bar);

    /// Bars of a series close one after the other, and nothing happens meanwhile that is about
    /// their market: takes in as many of the rows `next` as it has nothing to say to, and gives
    /// their number. What happens on other markets meanwhile, and timers, must not change its
    /// mind.
    ///
    /// For speed alone: it must leave the strategy as [`Self::on_bar`] for each of them would,
    /// which is called for the bar after them. Rows before `next` have closed, those from
    /// `next.end` on are not to be looked at. By default none is taken in so.
    fn quiet_bars(&mut self, series: usize, bars: &Bars, next: Range<usize>) -> usize {
        let _ = (series, bars, next);
        0
    }

    /// An order of this strategy changed. The context already knows.
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        let _ = (context, report);
    }

    /// An order list of this strategy changed.
    fn on_list_status(&mut self, context: &mut Context, status: &ListStatus) {
        let _ = (context, status);
    }

    /// An order that was only to be tested would be taken.
    fn on_tested(&mut self, context: &mut Context, command: CommandId) {
        let _ = (context, command);
    }

    /// The venue refused a command: no order came of it.
    fn on_refused(&mut self, context: &mut Context, command: CommandId, refusal: &Refusal) {
        let _ = (context, command, refusal);
    }

    /// A timer that was set for `at` has come.
    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        let _ = (context, at);
    }

    /// What will be sent up to an instant whatever happens until then, in order, each at its
    /// time, as [`Context::send_raw`] takes it. Paths that are chosen by their outcome look at it
    /// (rule 2.2). Most strategies know of nothing.
    fn planned(&self, until: Timestamp) -> Vec<Planned> {
        let _ = until;
        Vec::new()
    }
}

/// A command that will be sent.
pub type Planned = (Timestamp, Action, RawParameters);

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn on_start(&mut self, context: &mut Context) {
        (**self).on_start(context);
    }
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        (**self).on_bar(context, bar);
    }
    fn quiet_bars(&mut self, series: usize, bars: &Bars, next: Range<usize>) -> usize {
        (**self).quiet_bars(series, bars, next)
    }
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        (**self).on_report(context, report);
    }
    fn on_list_status(&mut self, context: &mut Context, status: &ListStatus) {
        (**self).on_list_status(context, status);
    }
    fn on_tested(&mut self, context: &mut Context, command: CommandId) {
        (**self).on_tested(context, command);
    }
    fn on_refused(&mut self, context: &mut Context, command: CommandId, refusal: &Refusal) {
        (**self).on_refused(context, command, refusal);
    }
    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        (**self).on_timer(context, at);
    }
    fn planned(&self, until: Timestamp) -> Vec<Planned> {
        (**self).planned(until)
    }
}
