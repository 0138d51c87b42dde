//! One order of a run, explained: the run is made again with notes about that order.
//!
//! For: from a run's folder and what was typed to the notes, to words, and to whether the notes
//! tell of the same run. Not for: deciding what is noted (`candlewick_simulator::trace`).

mod again;
mod changes;
mod costs;
mod facts;
mod figures;
mod filters;
mod page;
mod quiet;
mod same;
mod story;
mod subject;

pub(crate) use again::Again;
pub(crate) use same::{Difference, compare};
pub(crate) use story::Story;
pub(crate) use subject::find;
