//! Listen keys (`/api/v3/userDataStream`), which the exchange has retired: for clients that are
//! older than that, where the server is told to have them.
//!
//! For: making, keeping and closing a key. Not for: what is told under it (`user`).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::State;
use super::admission::Asked;
use super::answer::No;

const UNKNOWN: No = No::saying(-1125, "This listenKey does not exist.");

pub(super) async fn start(state: State, Extension(asked): Asked) -> Response {
    if !state.has_listen_keys {
        return gone();
    }
    let mut exchange = state.exchange();
    let now = exchange.now();
    exchange.audience.users.expire(now);
    let key = exchange.audience.users.keys.of_account(asked.account, now);
    Json(json!({ "listenKey": key })).into_response()
}

pub(super) async fn keep(state: State, Extension(asked): Asked) -> Result<Response, No> {
    if !state.has_listen_keys {
        return Ok(gone());
    }
    let key = asked.parameters.mandatory("listenKey")?;
    let mut exchange = state.exchange();
    let now = exchange.now();
    exchange.audience.users.expire(now);
    let is_kept = exchange.audience.users.keys.keep(asked.account, key, now);
    if is_kept { Ok(Json(json!({})).into_response()) } else { Err(UNKNOWN) }
}

pub(super) async fn close(state: State, Extension(asked): Asked) -> Result<Response, No> {
    if !state.has_listen_keys {
        return Ok(gone());
    }
    let key = asked.parameters.mandatory("listenKey")?;
    let mut exchange = state.exchange();
    let now = exchange.now();
    let users = &mut exchange.audience.users;
    users.expire(now);
    if users.keys.account(key) != Some(asked.account) {
        return Err(UNKNOWN);
    }
    users.close(key);
    Ok(Json(json!({})).into_response())
}

/// Where they are retired, what stands before the exchange answers.
fn gone() -> Response {
    let page = "<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n<center><h1>410 Gone</h1></center>\r\n</body>\r\n</html>\r\n";
    (StatusCode::GONE, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}
