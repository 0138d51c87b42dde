//! The matching engine and the backtest.
//!
//! For: turning bars and commands into execution reports, rule by rule as `docs/fill-rules.md`
//! numbers them, and running a strategy against that. Not for: files, async, clocks, HTTP; it
//! does no I/O and draws no random numbers.
//!
//! [`Replay`] is the venue on its bars: the backtest drives it here, the local exchange drives
//! the same one behind its HTTP server.

mod backtest;
mod commission;
mod matching;
mod path;
mod replay;
mod timeline;
mod venue;

pub use backtest::{Backtest, BacktestError, Finished};
pub use path::{Point, PointKind};
pub use replay::{Market, Replay};
pub use timeline::Timeline;
pub use venue::VenueEvent;
