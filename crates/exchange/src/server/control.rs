//! What no real exchange has: lock step, and forgiveness.

use axum::Json;
use axum::http::StatusCode;
use candlewick_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use super::answer::Answer;

/// How far time may go at most.
#[derive(Deserialize)]
pub(super) struct Step {
    /// Microseconds; absent or null: to the next instant at which something happens.
    #[serde(default)]
    until: Option<i64>,
}

/// What happened.
#[derive(Serialize)]
pub(super) struct Stepped {
    /// Simulated time now, in microseconds.
    time: i64,
    /// How often an order changed.
    reports: usize,
    /// How many bars closed.
    bars: usize,
    /// Whether the market has ended.
    ended: bool,
}

/// Lets simulated time go on to the next instant at which an order changes or a bar closes,
/// but not beyond `until`.
pub(super) async fn step(state: State, Json(Step { until }): Json<Step>) -> Answer<Stepped> {
    let stepped = state.exchange().step(until.map(Timestamp::from_micros))?;
    let (time, reports, bars, ended) = (stepped.time.micros(), stepped.reports, stepped.bars, stepped.ended);
    Ok(Json(Stepped { time, reports, bars, ended }))
}

/// Forgets the weight that addresses have used, their bans, and how often they have connected.
pub(super) async fn forgive(state: State) -> StatusCode {
    state.ip_limits.forgive();
    state.sockets.forgive();
    StatusCode::NO_CONTENT
}
