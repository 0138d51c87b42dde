//! Limits of requests and of orders, as the served `exchangeInfo` promises them.
//!
//! For: weight and number of requests of an address, their headers and refusals; headers of the
//! unfilled-order count. Not for: counting orders, which the venue does.
//!
//! Time is the simulated one: a client that lives a simulated minute in a second may send in
//! that second what it might send in the minute, as it might at the exchange.

mod orders;

use std::net::IpAddr;
use std::sync::Mutex;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use candlewick_model::{Refusal, Timestamp};

pub(super) use orders::{full_until, tell_counts};

use super::answer::No;
use crate::data::limits::{Ledger, Limits, Verdict, interval};

/// What addresses may ask for and what they have asked for.
pub(super) struct IpLimits {
    limits: Limits,
    /// `x-mbx-used-weight-1m`.
    header: HeaderName,
    ledger: Mutex<Ledger>,
}

impl IpLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let header = named("x-mbx-used-weight", interval(limits.weight_window));
        Self { limits, header, ledger: Mutex::default() }
    }

    /// Books a request.
    pub(super) fn judge(&self, address: IpAddr, weight: u32, now: Timestamp) -> Verdict {
        self.ledger.lock().expect("no handler panics with it").book(address, weight, now, &self.limits)
    }

    /// Books a request: the weight that is used now, or the answer that it gets instead.
    pub(super) fn book(&self, address: IpAddr, weight: u32, now: Timestamp) -> Result<u32, Box<Response>> {
        match self.judge(address, weight, now) {
            Verdict::Passed { used } => Ok(used),
            Verdict::Refused { used, retry_after_s, refusal, .. } => {
                let mut response = refused(StatusCode::TOO_MANY_REQUESTS, refusal, retry_after_s);
                self.tell(&mut response, used);
                Err(response.into())
            }
            Verdict::Banned { retry_after_s, refusal, .. } => {
                Err(refused(StatusCode::IM_A_TEAPOT, refusal, retry_after_s).into())
            }
        }
    }

    /// Takes back what a request has cost that was booked at a time: the weight that is used now.
    pub(super) fn give_back(&self, address: IpAddr, weight: u32, booked: Timestamp) -> u32 {
        self.ledger.lock().expect("no handler panics with it").give_back(address, weight, booked, &self.limits)
    }

    /// How much weight there may be in which window.
    pub(super) fn weight_limit(&self) -> (u32, (i64, &'static str)) {
        let limit = if self.limits.weight == u32::MAX { Limits::default().weight } else { self.limits.weight };
        (limit, interval(self.limits.weight_window))
    }

    /// Puts the used weight into the headers of an answer.
    pub(super) fn tell(&self, response: &mut Response, used: u32) {
        let used = HeaderValue::from(used);
        response.headers_mut().insert(HeaderName::from_static("x-mbx-used-weight"), used.clone());
        response.headers_mut().insert(self.header.clone(), used);
    }

    /// Forgets everything that was used and refused.
    pub(super) fn forgive(&self) {
        *self.ledger.lock().expect("no handler panics with it") = Ledger::default();
    }
}

fn refused(status: StatusCode, refusal: Refusal, retry_after_s: i64) -> Response {
    let mut response = No(refusal).into_response();
    *response.status_mut() = status;
    wait(&mut response, retry_after_s);
    response
}

/// Tells a client how many seconds to wait.
fn wait(response: &mut Response, seconds: i64) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

/// A header that ends in the length of a window: `-1m`, `-10s`.
fn named(prefix: &str, (number, unit): (i64, &str)) -> HeaderName {
    let letter = unit[..1].to_ascii_lowercase();
    HeaderName::try_from(format!("{prefix}-{number}{letter}")).expect("letters, digits and hyphens")
}
