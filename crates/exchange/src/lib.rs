//! A local Binance-compatible exchange and Data Portal.
//!
//! For: serving a recorded or generated market over HTTP on this machine, with the matcher
//! behind it and time in lock step. Not for: strategies (it knows none) or the outside world.

mod audience;
mod control;
pub mod data;
mod digits;
mod error;
pub mod faults;
pub mod generate;
mod history;
mod journal;
mod local;
mod market;
mod outlet;
mod pace;
mod revision;
pub mod server;
mod streams;
mod symbol_info;
mod trader;
mod user;
mod when;

pub use data::{DataOptions, DataServer, Portal};
pub use error::ExchangeError;
pub use faults::FaultPlan;
pub use generate::MarketPlan;
pub use journal::StateFile;
pub use local::{LocalExchange, Stepped, TakesUp};
pub use pace::{Speed, SpeedError};
pub use revision::Revision;
pub use server::{ApiKey, Keys, Listen, Permission, Server, Service, Time};
