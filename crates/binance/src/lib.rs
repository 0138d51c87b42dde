//! The exchange's wire: its JSON, signing, REST, and the Data Portal's archives.
//!
//! For: everything that is spelled the way the exchange spells it. Not for: strategies, the
//! matcher, or where data are kept.

pub mod rest;
pub mod signing;
pub mod wire;
