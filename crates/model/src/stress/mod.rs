//! Trouble with an exchange, as plain data: what goes wrong, when, on which markets, and how
//! often a seed is to bring it about.
//!
//! For: the backtest and the local exchange, which read the same tables. Not for: drawing
//! anything (whoever has a generator does), nor for what follows from trouble.

mod written;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::number::Rate;
use crate::text::Symbol;
use crate::time::Timestamp;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Trouble {
    /// The market stands still: status HALT.
    Halt,
    /// Commands are answered with -1007 after the exchange's own ten seconds.
    Timeout {
        /// The share of them that is executed all the same.
        executed: Rate,
    },
    /// Commands are under way for longer.
    Latency {
        /// By so many milliseconds.
        ms: u32,
    },
    /// Commands are refused before they reach the venue.
    Rejection(Rejection),
}

/// The words of the kinds, in the order of [`Trouble`].
pub const KINDS: [&str; 4] = ["halt", "timeout", "latency", "rejection"];

impl Trouble {
    /// Its place in [`KINDS`].
    #[must_use]
    pub const fn kind(&self) -> usize {
        match self {
            Self::Halt => 0,
            Self::Timeout { .. } => 1,
            Self::Latency { .. } => 2,
            Self::Rejection(_) => 3,
        }
    }
}

/// An answer in place of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// For example -1003.
    pub code: i32,
    /// The exchange's text.
    pub msg: Cow<'static, str>,
    /// The status of HTTP, which decides what a session makes of it.
    pub status: u16,
    /// The header `Retry-After`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// Trouble from one instant to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "written::Written")]
pub struct Episode {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// The markets that it concerns; all where none is named.
    pub symbols: Vec<Symbol>,
    /// What goes wrong.
    #[serde(flatten)]
    pub trouble: Trouble,
}

impl Episode {
    /// Whether it concerns a market; `None` is a command that names none that is there.
    #[must_use]
    pub fn concerns(&self, symbol: Option<Symbol>) -> bool {
        self.symbols.is_empty() || symbol.is_some_and(|symbol| self.symbols.contains(&symbol))
    }
}

/// Trouble that a seed brings about, so often and for so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Episodes in thirty days, on an average.
    pub per_month: Rate,
    /// Each lasts so many minutes, at least and at most.
    pub minutes: (u32, u32),
    /// Whether each market has its own episodes; all have the same otherwise.
    pub by_market: bool,
    /// The markets that it concerns; all where none is named.
    pub symbols: Vec<Symbol>,
    /// What goes wrong.
    pub trouble: Trouble,
}

/// Everything that is to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "written::WrittenScenario")]
pub struct Scenario {
    /// Decides what is drawn.
    pub seed: u64,
    /// How many seeds are tried, from `seed` on.
    pub runs: u32,
    /// What is drawn.
    pub drawn: Vec<Drawn>,
    /// What is known to the instant.
    pub episodes: Vec<Episode>,
}

impl Scenario {
    /// Every market that is named somewhere.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + '_ {
        let drawn = self.drawn.iter().flat_map(|drawn| &drawn.symbols);
        drawn.chain(self.episodes.iter().flat_map(|episode| &episode.symbols)).copied()
    }
}

/// Whether an episode begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It begins.
    Begins,
    /// It ends.
    Ends,
}

/// What a command met on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Met {
    /// It was under way for so much longer.
    Delayed {
        /// Milliseconds.
        ms: u32,
    },
    /// It was answered with -1007.
    TimedOut {
        /// Whether it reached the venue.
        executed: bool,
        /// When the session knew what had become of it.
        known: Timestamp,
    },
    /// It was refused on the way.
    Rejected {
        /// How, the last time.
        #[serde(flatten)]
        rejection: Rejection,
        /// How often.
        times: u32,
        /// What came of that.
        outcome: RejectionOutcome,
        /// When the session went on.
        known: Timestamp,
    },
}

/// What a session makes of a command that was rejected, perhaps several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionOutcome {
    /// It got through later.
    Passed,
    /// It is refused.
    Refused,
    /// It may have been executed: the session looked for it and found nothing.
    Unknown,
    /// A live session ends here; the backtest takes it as refused and goes on.
    GivenUp,
}
