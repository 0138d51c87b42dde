//! Reports: what the record of a run says, as figures, tables, a page, JSON and text.
//!
//! For: reading a [`Run`](candlewick_model::run::Run) honestly: [`statistics`](fn@statistics),
//! CSV, JSON and the tear sheet follow from it and from nothing else, so that the same run gives
//! the same bytes. Not for: knowing how the run was made, refusing to overwrite, or printing.

pub mod activity;
mod chart;
pub mod commands;
pub mod csv;
pub mod curve;
mod encode;
mod format;
mod histogram;
pub mod json;
pub mod page;
mod pyramid;
pub mod ratios;
mod sheets;
pub mod statistics;
pub mod stress;
pub mod terminal;
mod tiles;
pub mod trips;
pub mod unprotected;
mod valuation;
mod view;
mod write;

pub use page::render as render_html;
pub use statistics::{Statistics, statistics};
pub use stress::bearing;
pub use trips::{RoundTrip, RoundTrips, round_trips};
pub use write::{FILES, ReportError, Written, write_all};

#[cfg(test)]
mod tests;
