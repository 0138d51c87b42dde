//! What every request of the REST API meets before its handler: limits, the table of endpoints,
//! parameters, key and signature.
//!
//! For: one order of checks for all endpoints. Not for: what an endpoint itself reads and
//! answers. The order: size, limits of the address, path and method, unit of time, parameters
//! that can be read, key, signature and time, parameters that are not known.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use candlewick_binance::wire::API_KEY_HEADER;
use candlewick_model::{TimeUnit, Timestamp};

use super::answer::No;
use super::endpoints::{self, Endpoint, Found};
use super::limits::tell_counts;
use super::request::{Parameters, payload};
use super::security::{Asker, Permission, Security};
use super::trouble::ClockAhead;
use super::{Shared, time_unit};
use crate::data::listen::Peer;

/// Bodies of requests are shorter by far.
pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
/// A body that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that may be answered.
pub(crate) struct Admitted {
    pub(crate) parameters: Parameters,
    pub(crate) unit: TimeUnit,
    /// The number of the account whose key it was; 0 where no key is needed.
    pub(crate) account: usize,
    /// How far the exchange's clock is off, where a fault wants that.
    pub(super) ahead: ClockAhead,
}

impl Admitted {
    pub(crate) fn parts(&self) -> (&Parameters, TimeUnit) {
        (&self.parameters, self.unit)
    }
}

/// How handlers get at it.
pub(crate) type Asked = Extension<Arc<Admitted>>;

/// Lets a request of the API pass, or answers it.
pub(super) async fn admit(state: &Shared, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = match whole(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(status) => return unread(status),
    };
    if !takes_json(&parts.headers) {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    let arrived = Arrived::of(&parts, &body);
    let ahead = parts.extensions.get::<ClockAhead>().copied().unwrap_or_default();
    let found = endpoints::find(&parts.method, parts.uri.path());
    let now = state.exchange().now();
    let (address, weight) = (arrived.address, arrived.weight(&found, state));
    let mut used = match state.ip_limits.book(address, weight, now) {
        Ok(used) => used,
        Err(refused) => return *refused,
    };
    let mut response = match found {
        Found::Nothing => not_found(&parts.headers),
        Found::OtherMethods(allowed) => other_methods(&allowed),
        Found::Endpoint(endpoint) => match arrived.admitted(endpoint, state, now, ahead) {
            Err(no) => no.into_response(),
            Ok(admitted) => {
                let account = admitted.account;
                parts.extensions.insert(Arc::new(admitted));
                // What handlers read has been read.
                let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
                if endpoint.unfilled > 0 {
                    let exchange = state.exchange();
                    tell_counts(&mut response, &exchange.unfilled_orders(account), endpoint.unfilled, exchange.now());
                }
                if endpoint.is_free(&response) {
                    used = state.ip_limits.give_back(address, weight, now);
                }
                response
            }
        },
    };
    state.ip_limits.tell(&mut response, used);
    say_charset(&mut response);
    response
}

/// As the exchange writes it.
fn say_charset(response: &mut Response) {
    if let Some(kind) = response.headers_mut().get_mut(header::CONTENT_TYPE).filter(|kind| *kind == "application/json")
    {
        *kind = HeaderValue::from_static("application/json;charset=UTF-8");
    }
}

/// A body, unless it is too long or does not come.
pub(crate) async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, StatusCode> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, bytes_max)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// The answer to a request whose body is too long or has not come.
pub(super) fn unread(status: StatusCode) -> Response {
    let mut response = No::saying(-1130, "Invalid data sent for a parameter.").into_response();
    *response.status_mut() = status;
    say_charset(&mut response);
    response
}

/// A request as it came.
struct Arrived<'a> {
    headers: &'a HeaderMap,
    address: IpAddr,
    parameters: Result<Parameters, No>,
    payload: String,
}

impl<'a> Arrived<'a> {
    fn of(parts: &'a Parts, body: &[u8]) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let peer = parts.extensions.get::<Peer>().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.address);
        // What comes with a GET is not looked at, neither as parameters nor as signed.
        let body = if [Method::GET, Method::HEAD].contains(&parts.method) { &[] } else { body };
        let body = std::str::from_utf8(body).map_err(|_| No::saying(-1100, "Illegal characters found in a parameter."));
        let form = |body| if is_form(&parts.headers) { body } else { "" };
        let payload = payload(query, body.as_deref().unwrap_or_default());
        let parameters = body.and_then(|body| Parameters::read(query, form(body)));
        Self { headers: &parts.headers, address: peer, parameters, payload }
    }

    fn weight(&self, found: &Found, shared: &Shared) -> u32 {
        match (found, &self.parameters) {
            (Found::Endpoint(endpoint), Ok(parameters)) => {
                endpoint.weight.of(parameters, |name| name.parse().is_ok_and(|symbol| shared.exchange().has(symbol)))
            }
            _ => 1,
        }
    }

    fn admitted(self, endpoint: &Endpoint, shared: &Shared, now: Timestamp, ahead: ClockAhead) -> Result<Admitted, No> {
        let unit = time_unit(self.headers)?;
        let api_key = self.headers.get(API_KEY_HEADER).and_then(|key| key.to_str().ok());
        let asker = Asker { api_key, address: self.address };
        let parameters = self.parameters?;
        let clock = ahead.of(now);
        let signed = |needed: Permission| parameters.authorise(asker, &self.payload, &shared.keys, needed, clock);
        let account = match endpoint.security {
            Security::None => 0,
            Security::KeyOnly(needed) => shared.keys.admit(asker, needed)?.account(),
            Security::Signed(needed) => signed(needed)?,
            Security::Logon | Security::Session(_) => {
                return Err(No::saying(-1002, "You are not authorized to execute this request."));
            }
        };
        match (endpoint.parameters, endpoint.security) {
            (None, _) => parameters.no_duplicates()?,
            (Some(known), Security::Signed(_)) => parameters.only_signed(known)?,
            (Some(known), _) => parameters.only(known)?,
        }
        Ok(Admitted { parameters, unit, account, ahead })
    }
}

/// Parameters in a body are read if it is a form, or does not say what it is.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// SBE is not enabled: who takes nothing else gets nothing (`faqs/sbe_faq.md`).
fn takes_json(headers: &HeaderMap) -> bool {
    let accepted = || headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let names = |kind: &str| accepted().any(|value| value.contains(kind));
    !names("application/sbe") || names("application/json") || names("*/*")
}

/// A page for browsers, nothing for programs.
pub(super) fn not_found(headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.contains("text/html") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let page = "<html><body><h2>404 Not found</h2></body></html>";
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

fn other_methods(allowed: &str) -> Response {
    let mut response = No::saying(-1020, "This operation is not supported.").into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
