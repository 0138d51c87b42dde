//! The request weight that the exchange allows, and how not to exceed it.
//!
//! For: how much may be sent when ([`Budget`], a state machine that is told the time), and
//! sharing that between all processes of a machine ([`SharedBudget`], a small file). Not for:
//! sending anything.
//!
//! The exchange counts in fixed windows of its own clock and answers 429, then bans, when a
//! count goes over the limit. Every time here is the server's.

mod budget;
mod limit;
mod rain;
mod shared;

pub use budget::{Budget, Decision, WindowStatus};
pub use limit::{Kind, Limit, limits_of, window_of_header};
pub use rain::Rain;
pub use shared::{SharedBudget, budget_folder};
