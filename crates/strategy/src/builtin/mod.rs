//! Strategies that come with the program.

mod ma_cross;
mod mean_reversion;
mod per_market;
mod script;

pub use ma_cross::MaCross;
pub use mean_reversion::MeanReversion;
pub use per_market::PerMarket;
pub use script::{Script, ScriptError};

use std::ops::Range;

use candlewick_model::run::CommandId;
use candlewick_model::{Bar, Bars, ExecutionReport, ListStatus, Refusal, Timestamp};

use crate::{Context, Planned, Strategy};

/// Why the parameters of a built-in are no good.
#[derive(Debug, thiserror::Error)]
pub enum BuiltinError {
    /// A parameter is outside of what makes sense.
    #[error("`{name}` is {value}; it must be {must}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        must: &'static str,
    },
    /// The order file of `script`.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

/// Any of the built-ins, for where the type is chosen at run time.
pub enum Builtin {
    /// Market orders on a moving-average crossing.
    MaCross(MaCross),
    /// Resting limit orders around a moving average.
    MeanReversion(MeanReversion),
    /// The orders of a file.
    Script(Script),
    /// One of the above for each market.
    PerMarket(PerMarket<Builtin>),
}

impl Builtin {
    fn as_dyn(&mut self) -> &mut dyn Strategy {
        match self {
            Self::MaCross(s) => s,
            Self::MeanReversion(s) => s,
            Self::Script(s) => s,
            Self::PerMarket(s) => s,
        }
    }
}

impl Strategy for Builtin {
    fn on_start(&mut self, context: &mut Context) {
        self.as_dyn().on_start(context);
    }
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        self.as_dyn().on_bar(context, bar);
    }
    fn quiet_bars(&mut self, series: usize, bars: &Bars, next: Range<usize>) -> usize {
        self.as_dyn().quiet_bars(series, bars, next)
    }
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        self.as_dyn().on_report(context, report);
    }
    fn on_list_status(&mut self, context: &mut Context, status: &ListStatus) {
        self.as_dyn().on_list_status(context, status);
    }
    fn on_tested(&mut self, context: &mut Context, command: CommandId) {
        self.as_dyn().on_tested(context, command);
    }
    fn on_refused(&mut self, context: &mut Context, command: CommandId, refusal: &Refusal) {
        self.as_dyn().on_refused(context, command, refusal);
    }
    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        self.as_dyn().on_timer(context, at);
    }
    fn planned(&self, until: Timestamp) -> Vec<Planned> {
        match self {
            Self::Script(script) => script.planned(until),
            Self::MaCross(_) | Self::MeanReversion(_) | Self::PerMarket(_) => Vec::new(),
        }
    }
}
