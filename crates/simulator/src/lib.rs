//! The matching engine and the backtest.
//!
//! For: turning bars and commands into execution reports, rule by rule as `docs/fill-rules.md`
//! numbers them, and running a strategy against that. Not for: files, async, clocks, HTTP; it
//! does no I/O, and draws no random numbers but from a generator that it is given (`stress`).
//!
//! [`Replay`] is the venue on its bars: the backtest drives it here, the local exchange drives
//! the same one behind its HTTP server.

mod averages;
mod backtest;
mod book;
mod desk;
mod detail;
mod fingerprint;
mod path;
mod rate_limit;
mod reference;
mod replay;
mod setup;
mod stress;
mod timeline;
pub mod trace;
mod venue;

pub use backtest::{Backtest, BacktestError, Finished};
pub use book::Mismatch;
pub use desk::{DiscountPrices, VenueEvent};
pub use detail::{Detail, DetailError, DetailSource, Print, Unreadable};
pub use fingerprint::Fingerprint;
pub use path::{Point, PointKind};
pub use reference::{MovingMean, PriceRange, Reference};
pub use replay::{Replay, ReplayState, ResumeError};
pub use setup::{Limits, Market, Setup, Transfer};
pub use stress::{Stress, draw};
pub use timeline::Timeline;
