//! Answers that are a no: limits, bans, and statuses that a fault asks for.

use axum::http::{StatusCode, header};
use bytes::Bytes;
use candlewick_model::time::MINUTE;
use candlewick_model::{Refusal, Timestamp};
use serde_json::json;

use super::answer::Asked;
use super::limits::Verdict;
use super::respond::{self, Reply, put, reply};
use crate::faults::{Fault, FaultKind};

/// The answer of a request that does not get as far as its content.
pub(super) fn refused(asked: &Asked, verdict: Option<&Verdict>, now: Timestamp) -> Option<Reply> {
    match verdict {
        Some(Verdict::Banned { retry_after_s, refusal, .. }) => {
            return Some(too_many(StatusCode::IM_A_TEAPOT, *retry_after_s, refusal));
        }
        Some(Verdict::Refused { retry_after_s, refusal, .. }) => {
            return Some(too_many(StatusCode::TOO_MANY_REQUESTS, *retry_after_s, refusal));
        }
        _ => {}
    }
    answer_of(asked.fault(FaultKind::Status)?, asked.is_rest(), &asked.path, now)
}

/// The answer that a fault of the kind `status` gives.
pub(crate) fn answer_of(fault: &Fault, is_rest: bool, path: &str, now: Timestamp) -> Option<Reply> {
    let status = StatusCode::from_u16(fault.status?).ok()?;
    let own = fault.code.zip(fault.msg.as_ref());
    let mut answer = match status.as_u16() {
        _ if own.is_some() => {
            let (code, text) = own?;
            refusal_reply(status, &Refusal::naming(code, text.clone()))
        }
        429 | 418 => {
            let left = (MINUTE - now.micros().rem_euclid(MINUTE)).div_euclid(1_000_000) + 1;
            let text =
                "Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API.";
            too_many(status, fault.retry_after.map_or(left, i64::from), &Refusal::new(-1003, text))
        }
        404 if !is_rest => respond::no_such_key(path.trim_start_matches('/')),
        503 if !is_rest => respond::error(status, "SlowDown", "Please reduce your request rate.", &[]),
        500 if !is_rest => {
            respond::error(status, "InternalError", "We encountered an internal error. Please try again.", &[])
        }
        400..=500 if is_rest && status != StatusCode::FORBIDDEN => {
            let text = "An unknown error occurred while processing the request.";
            refusal_reply(status, &Refusal::new(-1000, text))
        }
        // Whatever stands before the exchange answers in HTML.
        _ => {
            let reason = status.canonical_reason().unwrap_or("Error");
            let page = format!(
                "<html>\r\n<head><title>{0} {reason}</title></head>\r\n<body>\r\n<center><h1>{0} {reason}</h1></center>\r\n</body>\r\n</html>\r\n",
                status.as_u16()
            );
            reply(status, "text/html", page)
        }
    };
    if let Some(seconds) = fault.retry_after {
        put(&mut answer, header::RETRY_AFTER, &seconds.to_string());
    }
    Some(answer)
}

fn too_many(status: StatusCode, retry_after_s: i64, refusal: &Refusal) -> Reply {
    let mut answer = refusal_reply(status, refusal);
    put(&mut answer, header::RETRY_AFTER, &retry_after_s.to_string());
    answer
}

pub(crate) fn refusal_reply(status: StatusCode, refusal: &Refusal) -> Reply {
    json_reply(status, json!(refusal).to_string())
}

pub(super) fn json_reply(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    reply(status, "application/json;charset=UTF-8", body)
}
