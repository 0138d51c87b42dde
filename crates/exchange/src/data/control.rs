//! `/control/…`, which no real exchange has: faults, the record of requests, the clock.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use candlewick_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::Shared;
use crate::faults::{FaultPlan, Server};

type Here = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/time", get(time).post(set_time))
        .route("/limits", axum::routing::delete(forgive))
}

async fn faults(State(shared): Here) -> Json<Value> {
    Json(shared.faults().describe())
}

async fn add_faults(State(shared): Here, body: Bytes) -> Response {
    match FaultPlan::from_json(&body, Server::Data) {
        Ok(plan) => {
            let mut faults = shared.faults();
            faults.add(plan);
            Json(faults.describe()).into_response()
        }
        Err(error) => bad(&error.to_string()),
    }
}

async fn clear_faults(State(shared): Here) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
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

async fn set_time(state: Here, body: Bytes) -> Response {
    match serde_json::from_slice::<SetTime>(&body) {
        Ok(set) => {
            if let Some(now) = set.now {
                state.clock().put(now);
            }
            if let Some(speed) = set.speed {
                state.clock().set_speed(speed);
            }
            time(state).await.into_response()
        }
        Err(error) => bad(&error.to_string()),
    }
}

fn bad(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response()
}
