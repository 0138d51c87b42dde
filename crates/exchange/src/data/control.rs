//! `/control/…`, which no real exchange has: faults, the record of requests, the clock.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{Json, Response};
use axum::routing::{delete, get};
use candlewick_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::Shared;
use crate::control::{self, Sent, Told, error, faults, kept_out};
use crate::faults::{FaultPlan, Server};

type Here = State<Arc<Shared>>;

pub(super) fn routes(shared: &Shared) -> Router<Arc<Shared>> {
    Router::new()
        .route("/faults", faults(&shared.faults).post(add_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/time", get(time).post(set_time))
        .route("/limits", delete(forgive))
        .route_layer(from_fn(guard))
}

/// It serves this machine alone.
async fn guard(request: Request, next: Next) -> Response {
    match kept_out(&request, false) {
        None => next.run(request).await,
        Some(refused) => refused,
    }
}

async fn add_faults(State(shared): Here, Sent(body): Sent) -> Response {
    match FaultPlan::from_json(&body, Server::Data) {
        Ok(plan) => control::add(&shared.faults, plan),
        Err(reason) => error(StatusCode::BAD_REQUEST, &reason.to_string()),
    }
}

async fn requests(State(shared): Here) -> Json<Value> {
    let record = shared.record();
    Json(serde_json::to_value(&*record).unwrap_or_default())
}

async fn clear_requests(State(shared): Here) -> StatusCode {
    shared.record().clear();
    StatusCode::NO_CONTENT
}

/// Uses and bans of all addresses are forgotten.
async fn forgive(State(shared): Here) -> StatusCode {
    *shared.ledger() = super::limits::Ledger::default();
    StatusCode::NO_CONTENT
}

async fn time(State(shared): Here) -> Json<Value> {
    let clock = shared.clock();
    let now = clock.now();
    Json(json!({ "now": now, "micros": now.micros(), "speed": clock.speed() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetTime {
    now: Option<Timestamp>,
    speed: Option<f64>,
}

async fn set_time(state: Here, Told(set): Told<SetTime>) -> Json<Value> {
    if let Some(now) = set.now {
        state.clock().put(now);
    }
    if let Some(speed) = set.speed {
        state.clock().set_speed(speed);
    }
    time(state).await
}
