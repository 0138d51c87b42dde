//! The REST client: one method an endpoint, answers in the exchange's or the model's words.
//!
//! For: signing with the server's time, asking for microseconds, telling refusals from
//! failures. Not for: retries, weight budgets and what to do about an unknown outcome (the
//! caller decides; [`RestError::Unknown`] tells it that it has to).

mod endpoints;
mod error;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use candlewick_model::{Refusal, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

pub use endpoints::{KlineRange, OrderName, TradeRange};
pub use error::RestError;

use crate::signing::{Credentials, query_string};
use crate::wire::{API_KEY_HEADER, TIME_UNIT_HEADER};

/// Tells the local time; only its difference to the server's matters.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// How long an answer may take before it counts as lost: the exchange's own limit of ten
/// seconds, and some for the way.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to one exchange, real or local.
pub struct Rest {
    http: reqwest::Client,
    base_url: String,
    credentials: Option<Credentials>,
    receive_window_ms: u32,
    clock: Clock,
    /// Server time minus local time, in microseconds.
    offset_us: AtomicI64,
}

/// What a request needs besides its parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Security {
    Open,
    Signed,
}

impl Rest {
    /// A client of the exchange at a base URL such as `https://api.binance.com`.
    pub fn new(base_url: &str, clock: Clock) -> Result<Self, RestError> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let builder = reqwest::Client::builder().timeout(TIMEOUT).tcp_nodelay(true);
        // A proxy of the environment has no business between this machine and itself.
        let builder = if is_loopback(&base_url) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|e| RestError::transport("set up the HTTP client", e))?;
        Ok(Self { http, base_url, credentials: None, receive_window_ms: 5_000, clock, offset_us: AtomicI64::new(0) })
    }

    /// With the key and secret that signed endpoints need.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// With another `recvWindow` than 5,000 ms.
    #[must_use]
    pub fn with_receive_window_ms(mut self, receive_window_ms: u32) -> Self {
        self.receive_window_ms = receive_window_ms;
        self
    }

    /// Where it connects to.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Measures how far the server's clock is from the local one, and gives the server's time.
    /// The answer is taken to have been made halfway between question and arrival.
    pub async fn synchronise(&self) -> Result<Timestamp, RestError> {
        let asked = (self.clock)();
        let server = self.time().await?;
        let arrived = (self.clock)();
        let halfway = asked.micros() + (arrived.micros() - asked.micros()) / 2;
        self.offset_us.store(server.micros() - halfway, Ordering::Relaxed);
        Ok(server)
    }

    /// The server's time as far as it is known.
    #[must_use]
    pub fn server_time(&self) -> Timestamp {
        (self.clock)().plus(self.offset_us.load(Ordering::Relaxed))
    }

    /// Sends a request and reads its answer.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &'static str,
        security: Security,
        parameters: &[(&str, &str)],
    ) -> Result<T, RestError> {
        let trades = method != Method::GET;
        let what = What { method: method.clone(), path };
        let response = self.send(method, path, security, parameters).await.map_err(|e| what.not_answered(trades, e))?;
        let status = response.status();
        if status.is_success() {
            let body = response.bytes().await.map_err(|e| what.not_answered(trades, e))?;
            return serde_json::from_slice(&body)
                .map_err(|e| RestError::Answer { what: what.to_string(), reason: e.to_string() });
        }
        Err(what.failure(trades, status, response).await)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        security: Security,
        parameters: &[(&str, &str)],
    ) -> Result<Response, reqwest::Error> {
        let mut query = query_string(parameters.iter().copied());
        if security == Security::Signed
            && let Some(credentials) = &self.credentials
        {
            let timestamp = self.server_time().micros();
            let separator = if query.is_empty() { "" } else { "&" };
            query.push_str(&format!("{separator}recvWindow={}&timestamp={timestamp}", self.receive_window_ms));
            let signature = credentials.sign(&query);
            query.push_str(&format!("&signature={signature}"));
        }
        let url = if query.is_empty() || method == Method::POST {
            format!("{}{path}", self.base_url)
        } else {
            format!("{}{path}?{query}", self.base_url)
        };
        let mut request = self.http.request(method.clone(), url).header(TIME_UNIT_HEADER, "MICROSECOND");
        if security == Security::Signed
            && let Some(credentials) = &self.credentials
        {
            let mut key = reqwest::header::HeaderValue::from_str(credentials.expose_api_key())
                .unwrap_or(reqwest::header::HeaderValue::from_static(""));
            key.set_sensitive(true);
            request = request.header(API_KEY_HEADER, key);
        }
        if method == Method::POST {
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(query);
        }
        request.send().await
    }
}

/// A request, for messages: never with its parameters, which carry the signature.
struct What {
    method: Method,
    path: &'static str,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl What {
    /// No answer, or none that is whole. What was never delivered is a plain failure; a
    /// trading request that may have been delivered has an unknown outcome.
    fn not_answered(&self, trades: bool, error: reqwest::Error) -> RestError {
        if trades && !error.is_connect() && !error.is_builder() {
            return RestError::Unknown { what: self.to_string(), reason: error.without_url().to_string() };
        }
        RestError::transport(&self.to_string(), error)
    }

    /// An answer that is no success.
    async fn failure(&self, trades: bool, status: StatusCode, response: Response) -> RestError {
        let retry_after_seconds =
            response.headers().get("Retry-After").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let body = response.text().await.unwrap_or_default();
        let refusal = serde_json::from_str::<Refusal>(&body).ok();
        let what = self.to_string();
        let http = status.as_u16();
        if http == 429 || http == 418 {
            return RestError::Limited { what, status: http, retry_after_seconds };
        }
        let unknown = status.is_server_error() || refusal.as_ref().is_some_and(|r| matches!(r.code, -1006 | -1007));
        match refusal {
            _ if unknown && trades => RestError::Unknown { what, reason: format!("HTTP {http}: {}", shortened(&body)) },
            Some(refusal) if !status.is_server_error() => RestError::Refused(refusal),
            _ => RestError::Answer { what, reason: format!("HTTP {http}: {}", shortened(&body)) },
        }
    }
}

fn shortened(body: &str) -> String {
    body.chars().take(200).collect()
}

pub(crate) fn is_loopback(base_url: &str) -> bool {
    let host = base_url.split("://").nth(1).unwrap_or(base_url);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}
