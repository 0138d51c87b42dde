//! From sources to the lake: plan, download, verify, decode, write, fill, refresh.
//!
//! For: Data Portal archives over HTTP or from a folder, and REST where archives have nothing.
//! Not for: what is in a Parquet file (the lake) or in a zip (`binance::archive`).

mod archive;
mod discover;
mod download;
mod error;
mod estimate;
mod exchange_info;
mod follow;
mod outcome;
mod pages;
mod plan;
mod portal;
mod rebuild;
mod refresh;
mod repair;
mod rest;
mod run;
mod series;
mod trades;

pub use discover::symbols_of;
pub use error::{IngestError, Trouble};
pub use estimate::Estimate;
pub use exchange_info::{is_exchange_info_due, store_exchange_info, traded_symbols};
pub use follow::{Follower, Step};
pub use outcome::{Outcome, Progress};
pub use pages::closed_bars;
pub use plan::{PlanError, Span, Target};
pub use portal::{PORTAL, PORTAL_LISTING, Portal};
pub use repair::{Empty, Filled, Remaining, Repaired, StillDamaged};
pub use rest::{Answer, BarSource, Paged, REST_PATH};
pub use run::Engine;
