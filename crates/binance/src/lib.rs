//! The exchange's wire: Data Portal archives.
//!
//! For: names, formats and protocols exactly as the exchange has them. Not for: strategies,
//! the matcher, or where data are kept.

pub mod archive;
