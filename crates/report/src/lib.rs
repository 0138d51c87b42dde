//! Reports: what the record of a run says, as figures, tables, a page, JSON and text.
//!
//! For: reading a [`Run`](candlewick_model::run::Run) honestly: [`statistics`](fn@statistics),
//! CSV, JSON and the tear sheet follow from it and from nothing else, so that the same run gives
//! the same bytes. Not for: knowing how the run was made, refusing to overwrite, or printing.

pub mod activity;
pub mod csv;
pub mod curve;
mod format;
pub mod json;
pub mod ratios;
pub mod statistics;
pub mod terminal;
pub mod trips;

pub use statistics::{Statistics, statistics};
