//! The exchange's wire: its JSON, signing and REST, and the Data Portal's archives.
//!
//! For: names, formats and protocols exactly as the exchange has them. Not for: strategies,
//! the matcher, or where data are kept.

pub mod archive;
pub mod market;
pub mod rest;
pub mod signing;
pub mod weight;
pub mod wire;
