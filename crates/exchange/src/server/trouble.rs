//! Faults that requests meet: late, lost and spoilt answers, refusals that nobody meant, a clock
//! that is off.
//!
//! For: what can go wrong between a client and the exchange, around everything that a request
//! meets otherwise. Not for: which of them a request meets (`crate::faults`), or what changes
//! the market itself.

use std::io::Error;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::extract::ws::Utf8Bytes;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use candlewick_model::{Refusal, Timestamp};
use futures_util::stream;

use super::{Shared, State, admission};
use crate::data::{refuse, transport};
use crate::faults::{Asking, Fault, FaultKind};

/// How far the exchange's clock is ahead for a request: microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClockAhead(pub(super) i64);

impl ClockAhead {
    /// What the clock shows.
    pub(super) fn of(self, now: Timestamp) -> Timestamp {
        now.plus(self.0)
    }
}

/// The faults that a request meets, over HTTP or on a WebSocket.
#[derive(Default)]
pub(super) struct Met(Vec<Fault>);

impl Met {
    /// Most requests meet none, and that is found out fast.
    pub(super) fn by(
        shared: &Shared,
        method: &str,
        path: &str,
        query: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Self {
        let mut faults = shared.faults();
        if faults.is_empty() {
            return Self::default();
        }
        Self(faults.meet(&Asking { method, path, query: &query(), now }))
    }

    fn fault(&self, kind: FaultKind) -> Option<&Fault> {
        self.0.iter().find(|fault| fault.kind == kind)
    }

    /// Lets pass what time is lost on the way.
    pub(super) async fn wait(&self) {
        if let Some(delay) = self.fault(FaultKind::Delay).and_then(|fault| fault.delay_ms) {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
    }

    pub(super) fn ahead(&self) -> ClockAhead {
        let offset = self.fault(FaultKind::Clock).and_then(|fault| fault.offset_ms);
        ClockAhead(offset.unwrap_or(0).saturating_mul(1_000))
    }

    /// What arrives of a message on a WebSocket, after which time, and whether the connection breaks
    /// behind it.
    pub(super) fn on_its_way(&self, text: Utf8Bytes) -> Arriving {
        let has = |kind| self.fault(kind).is_some();
        // A frame that promises more than there is does not come to its end.
        if has(FaultKind::Lost) || has(FaultKind::WrongLength) {
            return Arriving { text: None, after: Duration::ZERO, breaks: has(FaultKind::WrongLength) };
        }
        let rate = self.fault(FaultKind::Slow).and_then(|fault| fault.rate);
        let cut = self.fault(FaultKind::Cut);
        let mut bytes = Bytes::from(text);
        bytes = transport::spoiled(Response::new(bytes), &self.0, false).into_body();
        if let Some(fault) = cut {
            bytes.truncate(fault.bytes.unwrap_or(bytes.len() / 2));
        }
        let after = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes.len() as f64 / f64::from(rate)));
        // A text frame has nothing but characters.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Arriving { text: Some(text.into()), after, breaks: cut.is_some() }
    }

    /// What comes in place of the answer, and whether the request is executed all the same.
    pub(super) fn instead(&self, shared: &Shared) -> Option<(&Fault, bool)> {
        let kinds = [FaultKind::Lost, FaultKind::Timeout, FaultKind::Status];
        let fault = kinds.into_iter().find_map(|kind| self.fault(kind))?;
        Some((fault, shared.faults().happens(fault.executes())))
    }
}

/// A message on its way.
pub(super) struct Arriving {
    /// `None`: nothing of it arrives.
    pub(super) text: Option<Utf8Bytes>,
    pub(super) after: Duration,
    /// Whether the connection does not last longer.
    pub(super) breaks: bool,
}

/// Lets a request of the API meet its faults on the way to its admission; others are not looked
/// at.
pub(super) async fn meet(state: State, request: Request, next: Next) -> Response {
    if !["/api/", "/sapi/"].iter().any(|of_api| request.uri().path().starts_with(of_api)) {
        return next.run(request).await;
    }
    if state.faults().is_empty() {
        return admission::admit(&state, request, next).await;
    }
    let now = state.exchange().now();
    let (parts, body) = request.into_parts();
    let body = match admission::whole(body, admission::BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(status) => return admission::unread(status),
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let query = || format!("{}&{}", parts.uri.query().unwrap_or_default(), String::from_utf8_lossy(&body));
    let met = Met::by(&state, method.as_str(), &path, query, now);
    let mut request = Request::from_parts(parts, Body::from(body));
    met.wait().await;
    request.extensions_mut().insert(met.ahead());
    let response = match met.instead(&state) {
        None => admission::admit(&state, request, next).await,
        Some((fault, is_executed)) => {
            if is_executed {
                admission::admit(&state, request, next).await;
            }
            // What comes without an answer cannot be spoilt any more.
            match answer_of(fault, &path, now) {
                lost if fault.kind == FaultKind::Lost => return lost,
                answer => answer,
            }
        }
    };
    if met.0.is_empty() { response } else { spoiled(response, &method, &met.0).await }
}

/// What is answered in place of the answer.
pub(super) fn answer_of(fault: &Fault, path: &str, now: Timestamp) -> Response {
    match fault.kind {
        FaultKind::Lost => {
            let broken = stream::once(async { Err::<Bytes, _>(Error::other("a fault breaks the connection")) });
            Body::from_stream(broken).into_response()
        }
        FaultKind::Timeout => {
            let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
            let text =
                "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
            let refusal = Refusal::new(-1007, text);
            refuse::refusal_reply(status.unwrap_or(StatusCode::GATEWAY_TIMEOUT), &refusal).map(Body::from)
        }
        _ => refuse::answer_of(fault, true, path, now)
            .map_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |reply| reply.map(Body::from)),
    }
}

/// The answer as it arrives.
async fn spoiled(response: Response, method: &Method, faults: &[Fault]) -> Response {
    let (parts, body) = response.into_parts();
    // Own answers are whole in memory.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let reply = transport::spoiled(Response::from_parts(parts, body), faults, false);
    transport::sent(reply, method == Method::HEAD, faults)
}
