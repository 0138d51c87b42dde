//! The market-data side of a local Binance: Data Portal, bucket listing, klines over REST.
//!
//! For: many symbols and intervals from a lake, a folder of archives or generated markets,
//! with the exchange's limits and with faults on demand. Not for: orders and accounts
//! (`server`).

mod aggregate;
mod answer;
mod archives;
mod bucket;
mod cache;
mod catalogue;
mod clock;
mod control;
mod exchange_info;
mod faults;
mod folder;
mod generated;
mod klines;
pub(crate) mod limits;
pub(crate) mod listen;
mod record;
mod refuse;
mod release;
mod respond;
mod rows;
pub(crate) mod service;
mod trade_csv;
mod trades;
mod transport;
mod view;

pub use archives::{Edition, Portal, PortalFile};
pub use catalogue::Catalogue;
pub use clock::ServerClock;
pub use faults::{Fault, FaultKind, FaultPlan};
pub use generated::{MarketName, MarketNameError};
pub use limits::Limits;
pub use listen::Tls;
pub use record::{Record, Recorded};
pub use service::{DataOptions, DataServer};
