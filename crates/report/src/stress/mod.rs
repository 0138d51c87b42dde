//! How a run bears exchange trouble: the same run calm, under this trouble, and under that of
//! other seeds.
//!
//! For: the figures that are compared (`bearing`), stops that came too late (`late`), and what
//! page, JSON and terminal say about both (`tables`). Not for: making the runs.

mod bearing;
mod late;
mod tables;

use candlewick_model::run::{Bearing, StressRecord};

pub use bearing::bearing;
pub use late::{LateStop, late_stops};
pub(crate) use tables::{callouts, section, terminal};

/// The seeds in the order of what was left at the end, the worst first.
fn ranked(record: &StressRecord) -> Vec<&(u64, Bearing)> {
    let mut ranked: Vec<_> = record.runs.iter().collect();
    // The sort is stable: of equals the earlier seed comes first.
    ranked.sort_by_key(|(_, bearing)| bearing.final_equity);
    ranked
}

/// The seed in the middle (the worse of two), and the worst.
pub(crate) fn median_and_worst(record: &StressRecord) -> Option<[&(u64, Bearing); 2]> {
    let ranked = ranked(record);
    Some([*ranked.get(ranked.len().checked_sub(1)? / 2)?, *ranked.first()?])
}
