//! The vocabulary of Candlewick: numbers, time, bars, instruments and their filters, orders,
//! execution reports, the account, and the record of a run.
//!
//! For: what every other crate must agree on, as pure values and pure functions. This crate
//! knows no I/O, no async, no clock, no HTTP, no Parquet and no strategy.

pub mod bar;
pub mod interval;
pub mod number;
pub mod time;

pub use bar::{Bar, BarError, Bars, Gap};
pub use interval::Interval;
pub use number::{Amount, NumberError, Price, Quantity, Rate};
pub use time::{TimeUnit, Timestamp};
