//! Tests of the report as a whole, on runs that are small enough to check by hand.

mod edges;
mod events;
pub(crate) mod made;
mod outputs;
mod page;
mod portfolio;
mod properties;
mod stress;
mod tiny;
