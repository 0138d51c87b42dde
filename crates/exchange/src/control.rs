//! What `/control/…` of both servers has in common: whom it lets in, how a body is read, and faults.
//!
//! For: errors as `{"error": …}`, bounded bodies, and other sites in a browser of this machine,
//! which are kept out. Not for: what either server has of its own.

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::{FaultPlan, Faults, SharedFaults};
use crate::server::whole;

/// A scenario of faults may have thousands of them.
const BODY_BYTES_MAX: usize = 2 << 20;

pub(crate) fn error(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

/// A body as it was sent.
pub(crate) struct Sent(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let unread = |status: StatusCode| error(status, status.canonical_reason().unwrap_or_default());
        whole(request.into_body(), BODY_BYTES_MAX).await.map(Self).map_err(unread)
    }
}

/// A body of JSON, whatever its type is called; none is an object without members.
pub(crate) struct Told<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Told<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Sent(body) = Sent::from_request(request, state).await?;
        let refused = |reason: &str| error(StatusCode::BAD_REQUEST, reason);
        let text = body.trim_ascii();
        // A list would be taken for the members in their order.
        if !text.is_empty() && !text.starts_with(b"{") {
            return Err(refused("the body is no JSON object"));
        }
        let text = if text.is_empty() { b"{}" } else { text };
        serde_json::from_slice(text).map(Self).map_err(|reason| refused(&reason.to_string()))
    }
}

/// `/control/faults` of a server, but for switching more on.
pub(crate) fn faults<S>(faults: &SharedFaults) -> MethodRouter<S> {
    get(described).delete(clear).with_state(Arc::clone(faults))
}

/// What is switched on, and how often it was met.
async fn described(State(faults): State<SharedFaults>) -> Json<Value> {
    Json(held(&faults).describe())
}

/// Switches all off.
async fn clear(State(faults): State<SharedFaults>) -> StatusCode {
    held(&faults).clear();
    StatusCode::NO_CONTENT
}

/// Switches more on, and tells of all.
pub(crate) fn add(faults: &SharedFaults, plan: FaultPlan) -> Response {
    let mut faults = held(faults);
    faults.add(plan);
    Json(faults.describe()).into_response()
}

fn held(faults: &SharedFaults) -> MutexGuard<'_, Faults> {
    faults.lock().expect("no handler panics with it")
}

/// The answer to what is not let in: what a page of another site sends, also one whose name points
/// here.
pub(crate) fn kept_out(request: &Request, serves_others: bool) -> Option<Response> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let reason = "control is for this machine: by a loopback name, and not from a page of another site";
    (!is_own(request.headers(), authority, serves_others)).then(|| error(StatusCode::FORBIDDEN, reason))
}

fn is_own(headers: &HeaderMap, authority: Option<&str>, serves_others: bool) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST).or(authority) else { return false };
    let name = if host.ends_with(']') { host } else { host.rsplit_once(':').map_or(host, |(name, _)| name) };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = match address {
        Ok(address) => address.is_loopback() || serves_others,
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    };
    let is_own_page = match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => [format!("http://{host}"), format!("https://{host}")].iter().any(|own| origin == own.as_str()),
    };
    let crosses = text(header::HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site == "cross-site");
    is_here && is_own_page && !crosses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_own_pages_are_let_in() {
        let own = |host: &str, origin: Option<&str>, serves_others| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_own(&headers, None, serves_others)
        };
        for host in ["127.0.0.1:8420", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8420", "[::1]", "127.9.9.9"] {
            assert!(own(host, None, false), "{host}");
            assert!(own(host, Some(&format!("http://{host}")), false), "{host}");
            assert!(!own(host, Some("http://example.org"), false) && !own(host, Some("null"), false), "{host}");
        }
        for host in ["example.org:8420", "localhost.example.org", "192.168.0.7:8420", "", "[::2]:1"] {
            assert!(!own(host, None, false), "{host}");
        }
        assert!(own("192.168.0.7:8420", None, true) && !own("example.org", None, true));
        assert!(!own("127.0.0.1:8420", Some("http://127.0.0.1:9"), false), "another port is another site");
        assert!(!is_own(&HeaderMap::new(), None, false) && is_own(&HeaderMap::new(), Some("localhost:1"), false));
        let mut crossing = HeaderMap::new();
        crossing.insert(header::HOST, "localhost".parse().unwrap());
        crossing.insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert!(!is_own(&crossing, None, false));
    }
}
