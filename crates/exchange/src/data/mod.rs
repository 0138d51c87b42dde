//! The market-data side of a local Binance: Data Portal, bucket listing, klines over REST.
//!
//! For: many symbols and intervals from a lake, a folder of archives or generated markets,
//! with the exchange's limits and with faults on demand. Not for: orders and accounts
//! (`server`).

pub(crate) mod aggregate;
mod answer;
mod archives;
mod bucket;
mod cache;
pub(crate) mod catalogue;
mod clock;
mod control;
pub(crate) mod exchange_info;
mod folder;
mod generated;
pub(crate) mod klines;
pub(crate) mod limits;
pub(crate) mod listen;
mod patience;
mod record;
pub(crate) mod refuse;
mod release;
pub(crate) mod respond;
pub(crate) mod rows;
pub(crate) mod service;
pub(crate) mod trade_csv;
pub(crate) mod trades;
pub(crate) mod transport;
pub(crate) mod view;

pub use archives::{Edition, Portal, PortalFile};
pub use catalogue::Catalogue;
pub use clock::{ServerClock, wall_now};
pub use generated::{MarketName, MarketNameError};
pub use limits::Limits;
pub use listen::Tls;
pub use record::{Record, Recorded};
pub use service::{DataOptions, DataServer};
