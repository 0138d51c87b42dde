//! A local Binance-compatible exchange and Data Portal.
//!
//! For: serving a recorded or generated market over HTTP on this machine, with the matcher
//! behind it and time in lock step. Not for: strategies (it knows none) or the outside world.

mod audience;
pub mod data;
mod digits;
mod error;
pub mod faults;
pub mod generate;
mod history;
mod local;
mod market;
mod outlet;
pub mod server;
mod streams;
mod symbol_info;
mod trader;
mod user;

pub use data::{DataOptions, DataServer, Portal};
pub use error::ExchangeError;
pub use faults::FaultPlan;
pub use generate::MarketPlan;
pub use local::{LocalExchange, Stepped, TakesUp};
pub use server::{ApiKey, Keys, Permission, Server, Service};
