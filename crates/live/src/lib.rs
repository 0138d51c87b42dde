//! Strategies on an exchange: the runner, its journal, and the proof that it does what the
//! backtest did.
//!
//! For: driving a [`candlewick_strategy::Session`] over REST against any base URL, in real time
//! or in lock step with the local exchange. Not for: the matcher's inside, or files other than
//! the journal.

mod clock;
mod error;
mod expand;
mod feed;
mod inbox;
mod journal;
mod pace;
pub mod parity;
mod runner;
mod sender;

pub use clock::{fixed_clock, system_clock};
pub use error::LiveError;
pub use journal::{Journal, JournalRead};
pub use pace::Pace;
pub use runner::{Plan, Runner};
