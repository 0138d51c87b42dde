//! The scenarios of `tests/conformance`, for the tests that run them: in process (the
//! simulator's) and over HTTP (`tests/conformance_http`).
//!
//! For: one reading of the files, whose README says what the lines mean, the market that a
//! scenario is about, and whether what was told is what it expects. Not for: running anything,
//! nor for the program, which does not depend on it.

mod scenario;
mod told;
mod world;

pub use scenario::{Pairs, START, Scenario, Sent, all, folder, in_folder, lines, other_folder, pairs};
pub use told::{describe_list, describe_refusal, describe_report};
