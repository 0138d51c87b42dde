//! A local Binance-compatible exchange and Data Portal.
//!
//! For: serving a recorded or generated market over HTTP on this machine, with the matcher
//! behind it and time in lock step. Not for: strategies (it knows none) or the outside world.

pub mod generate;
mod symbol_info;

pub use generate::MarketPlan;
