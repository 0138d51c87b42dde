//! One request and what its answer means.

use std::time::Duration;

use bytes::Bytes;
use candlewick_model::Refusal;
use candlewick_model::time::{MINUTE, SECOND};
use futures_util::StreamExt;
use reqwest::{Response, StatusCode};

use crate::rest::RestError;
use crate::weight::window_of_header;
use crate::wire::TIME_UNIT_HEADER;

/// No answer is larger: exchangeInfo has some 20 MB.
const SIZE_MAX: usize = 256 << 20;

/// What came of a request.
pub(super) struct Attempt {
    /// Used weights by the length of their windows, as the headers say.
    pub(super) used: Vec<(i64, u64)>,
    pub(super) result: Result<Bytes, Failed>,
}

/// Why there is no answer.
pub(super) enum Failed {
    /// 429 or 418.
    Limited { is_ban: bool, retry_after_us: i64 },
    /// Trying again gives the same.
    No(RestError),
    /// Trying again may help.
    Passing { error: RestError, is_server: bool },
}

/// A client for some hosts.
pub(super) fn http(hosts: &[String], certificate: Option<&[u8]>) -> Result<reqwest::Client, RestError> {
    let failed = |e| RestError::transport("set up the HTTP client", e);
    let is_local = hosts.iter().all(|host| crate::rest::is_loopback(host));
    let mut client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60))
        // Between two ends of one machine compression only costs.
        .gzip(!is_local)
        .user_agent(concat!("candlewick/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = certificate {
        client = client.add_root_certificate(reqwest::Certificate::from_pem(pem).map_err(failed)?);
    }
    if is_local {
        client = client.no_proxy();
    }
    client.build().map_err(failed)
}

pub(super) async fn get(http: &reqwest::Client, path: &str, url: &str) -> Attempt {
    let what = format!("GET {path}");
    let lost = |error: reqwest::Error| Failed::Passing { error: RestError::transport(&what, error), is_server: false };
    let response = match http.get(url).header(TIME_UNIT_HEADER, "MICROSECOND").send().await {
        Ok(response) => response,
        Err(error) => return Attempt { used: Vec::new(), result: Err(lost(error)) },
    };
    let used = used(&response);
    let (status, retry_after) = (response.status(), retry_after(&response));
    let result = match body(&what, response).await {
        Err(Read::Lost(error)) => Err(lost(error)),
        Err(Read::Huge(error)) => Err(Failed::No(error)),
        Ok(body) if status.is_success() => Ok(body),
        Ok(body) => Err(failed(what, status, retry_after, &body)),
    };
    Attempt { used, result }
}

fn used(response: &Response) -> Vec<(i64, u64)> {
    let of = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((window_of_header(name.as_str())?, value.to_str().ok()?.parse().ok()?))
    };
    response.headers().iter().filter_map(of).collect()
}

fn retry_after(response: &Response) -> Option<i64> {
    response.headers().get("Retry-After")?.to_str().ok()?.trim().parse().ok()
}

/// Why a body did not come.
enum Read {
    Lost(reqwest::Error),
    Huge(RestError),
}

async fn body(what: &str, response: Response) -> Result<Bytes, Read> {
    let mut bytes = Vec::with_capacity(response.content_length().unwrap_or(0).min(SIZE_MAX as u64) as usize);
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(Read::Lost)?);
        if bytes.len() > SIZE_MAX {
            let reason = "it is larger than any answer".to_owned();
            return Err(Read::Huge(RestError::Answer { what: what.to_owned(), reason }));
        }
    }
    Ok(bytes.into())
}

fn failed(what: String, status: StatusCode, retry_after: Option<i64>, body: &[u8]) -> Failed {
    let text = String::from_utf8_lossy(body);
    if matches!(status.as_u16(), 429 | 418) {
        let is_ban = status.as_u16() == 418;
        let usual = if is_ban { 2 * MINUTE } else { 10 * SECOND };
        let asked = retry_after.filter(|seconds| *seconds >= 0).map(|seconds| seconds.saturating_mul(SECOND));
        return Failed::Limited { is_ban, retry_after_us: asked.unwrap_or(usual) };
    }
    let refusal = serde_json::from_slice::<Refusal>(body).ok();
    let is_passing = status.is_server_error()
        || refusal.as_ref().is_some_and(|r| matches!(r.code, -1000 | -1001 | -1006 | -1007 | -1008));
    // In one line: gateways answer in pages of HTML.
    let shortened: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    let answer = RestError::Answer { what, reason: format!("HTTP {}: {shortened}", status.as_u16()) };
    match refusal {
        _ if is_passing => Failed::Passing { error: answer, is_server: true },
        Some(refusal) => Failed::No(RestError::Refused(refusal)),
        // The firewall before the exchange (403) and the like: another host may answer.
        None => Failed::No(answer),
    }
}
