//! How a session deals with an exchange in trouble: what it sends again, what it looks for, and
//! for how long.
//!
//! For: live, which does it, and the backtest under stress, which must do the same. Not for:
//! doing either.

use candlewick_model::Refusal;
use candlewick_model::time::SECOND;

/// How often a command is sent that was certainly not executed, and how often an order of
/// unknown outcome is looked for.
pub const TRIES: u32 = 5;
/// Between two tries, unless the exchange asks for more: microseconds.
pub const PAUSE_US: i64 = SECOND;
/// The longest that the exchange's `Retry-After` is obeyed before the run gives up.
pub const RETRY_AFTER_MAX_SECONDS: u32 = 120;

/// What a session does about an answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// The strategy is told.
    Refused,
    /// It may have been executed: it is not sent again, but looked for.
    LookUp,
    /// It was certainly not executed: it is sent again, after so many microseconds.
    Again {
        /// How many.
        after_us: i64,
    },
    /// The run ends.
    GiveUp,
}

/// What a session does about a trading command that was answered with an error: by the status of
/// HTTP, the exchange's code, and `Retry-After` in seconds.
#[must_use]
pub fn reaction(status: u16, code: i32, retry_after: Option<u32>) -> Reaction {
    let seconds = retry_after.unwrap_or(1);
    match (status, code) {
        (429, _) if seconds <= RETRY_AFTER_MAX_SECONDS => Reaction::Again { after_us: i64::from(seconds) * SECOND },
        (418 | 429, _) | (400..500, -1016) => Reaction::GiveUp,
        (500.., _) | (_, -1006 | -1007) => Reaction::LookUp,
        (_, -1021) => Reaction::Again { after_us: 0 },
        _ => Reaction::Refused,
    }
}

/// What the strategy is told of an unknown outcome that stayed unknown: the exchange does not
/// know the order.
#[must_use]
pub const fn never_seen() -> Refusal {
    Refusal::new(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    )
}
