//! One request from its arrival to its answer: faults, limits, content, and the way back.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use candlewick_model::{Refusal, Timestamp};
use serde_json::json;

use super::archives::Edition;
use super::klines::{self, Disorder};
use super::limits::Verdict;
use super::listen::Peer;
use super::record::Recorded;
use super::refuse::{json_reply, refusal_reply, refused};
use super::respond::{self, Reply, put, reply};
use super::service::Shared;
use super::{bucket, rows, transport, view};
use crate::faults::{Asking, Fault, FaultKind};
use crate::server::answer::No;
use crate::server::request::Parameters;
use crate::server::time_unit;

/// A request as it came.
pub(super) struct Asked {
    method: Method,
    /// Percent-decoded.
    pub(super) path: String,
    query: String,
    headers: HeaderMap,
    /// The scheme and the host by which the client reached this server.
    reached_by: (&'static str, String),
    faults: Vec<Fault>,
    now: Timestamp,
}

impl Asked {
    pub(super) fn fault(&self, kind: FaultKind) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.kind == kind)
    }

    pub(super) fn is_rest(&self) -> bool {
        self.path.starts_with("/api/")
    }
}

/// Counts a request for as long as its answer is being made, even if the client leaves.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.record().begin();
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.record().end();
    }
}

pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    peer: Option<Extension<Peer>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let path = decoded(path).unwrap_or_else(|| path.to_owned());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let now = shared.clock().now();
    let _under_way = UnderWay::new(&shared);
    let asking = Asking { method: parts.method.as_str(), path: &path, query: &query, now };
    let faults = shared.faults().meet(&asking);
    let peer = peer.map(|Extension(peer)| peer);
    let scheme = if peer.as_ref().is_some_and(|peer| peer.is_secure) { "https" } else { "http" };
    // HTTP/2 has no `Host`, but an authority.
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or(parts.uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
    let reached_by = (scheme, host.to_owned());
    let asked = Arc::new(Asked { method: parts.method, path, query, headers: parts.headers, reached_by, faults, now });
    if let Some(delay) = asked.fault(FaultKind::Delay).and_then(|fault| fault.delay_ms) {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let weight = weight(&asked);
    let verdict = asked.is_rest().then(|| {
        let address = peer.map_or(std::net::Ipv4Addr::LOCALHOST.into(), |peer| peer.address);
        shared.ledger().book(address, weight, now, &shared.limits)
    });
    let reply = match refused(&asked, verdict.as_ref(), now) {
        Some(reply) => reply,
        None => content(&shared, &asked).await,
    };
    let is_file = asked.path.contains("/data/") && reply.status().is_success();
    let mut reply = transport::spoiled(reply, &asked.faults, is_file);
    if shared.compresses && asked.is_rest() {
        reply = transport::compressed(reply, &asked.headers);
    }
    if let Some(Verdict::Passed { used } | Verdict::Refused { used, .. }) = verdict {
        put(&mut reply, header::HeaderName::from_static("x-mbx-used-weight"), &used.to_string());
        put(&mut reply, header::HeaderName::from_static("x-mbx-used-weight-1m"), &used.to_string());
    }
    shared.record().add(Recorded {
        time: now,
        method: asked.method.to_string(),
        path: asked.path.clone(),
        query: asked.query.clone(),
        range: asked.headers.get(header::RANGE).and_then(|value| value.to_str().ok()).map(str::to_owned),
        status: reply.status().as_u16(),
        weight: if asked.is_rest() { weight } else { 0 },
        bytes: reply.body().len(),
        faults: asked.faults.iter().map(|fault| fault.kind).collect(),
    });
    transport::sent(reply, asked.method == Method::HEAD, &asked.faults)
}

/// What a request costs.
fn weight(asked: &Asked) -> u32 {
    match asked.path.as_str() {
        "/api/v3/klines" | "/api/v3/uiKlines" => 2,
        "/api/v3/exchangeInfo" => 20,
        _ => 1,
    }
}

/// What the request asks for. Files, listings and bars that are not in memory take their time,
/// which must not be that of other requests.
async fn content(shared: &Arc<Shared>, asked: &Arc<Asked>) -> Reply {
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return if asked.is_rest() {
            let text = format!("Request method '{}' is not supported.", asked.method);
            json_reply(StatusCode::METHOD_NOT_ALLOWED, json!({ "code": -1020, "msg": text }).to_string())
        } else {
            let message = "The specified method is not allowed against this resource.";
            respond::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message, &[])
        };
    }
    if asked.is_rest() && !is_slow(shared, asked) {
        return rest(shared, asked);
    }
    let (shared, asked) = (Arc::clone(shared), Arc::clone(asked));
    let made = tokio::task::spawn_blocking(move || {
        if asked.is_rest() { rest(&shared, &asked) } else { bucket_content(&shared, &asked) }
    });
    made.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be made");
        let text = "An unknown error occurred while processing the request.";
        refusal_reply(StatusCode::INTERNAL_SERVER_ERROR, &Refusal::new(-1000, text))
    })
}

/// Whether bars have to be made first.
fn is_slow(shared: &Shared, asked: &Asked) -> bool {
    let request = || {
        let parameters = Parameters::read(&asked.query, "").ok()?;
        klines::Request::read(&parameters, shared.catalogue()).ok()
    };
    match asked.path.as_str() {
        "/api/v3/klines" | "/api/v3/uiKlines" => {
            request().is_some_and(|request| !shared.catalogue().is_at_hand(request.symbol, request.grid))
        }
        _ => false,
    }
}

fn rest(shared: &Shared, asked: &Asked) -> Reply {
    let answer = match asked.path.as_str() {
        "/api/v3/ping" => plain(asked, |_| Ok(b"{}".to_vec())),
        "/api/v3/time" => plain(asked, |unit| {
            let now = candlewick_binance::wire::time_number(asked.now, unit);
            Ok(json!({ "serverTime": now }).to_string().into_bytes())
        }),
        "/api/v3/exchangeInfo" => exchange_info(shared, asked),
        "/api/v3/klines" | "/api/v3/uiKlines" => page(shared, asked),
        _ => {
            let page = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n</body>\r\n</html>\r\n";
            return reply(StatusCode::NOT_FOUND, "text/html", page);
        }
    };
    match answer {
        Ok(body) => json_reply(StatusCode::OK, body),
        Err(No(refusal)) => refusal_reply(StatusCode::BAD_REQUEST, &refusal),
    }
}

type Answered = Result<Vec<u8>, No>;

fn plain(asked: &Asked, body: impl FnOnce(candlewick_model::TimeUnit) -> Answered) -> Answered {
    let unit = time_unit(&asked.headers)?;
    Parameters::read(&asked.query, "")?.only(&[])?;
    body(unit)
}

fn exchange_info(shared: &Shared, asked: &Asked) -> Answered {
    let unit = time_unit(&asked.headers)?;
    let parameters = Parameters::read(&asked.query, "")?;
    parameters.only(&["symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"])?;
    shared.information.answer(shared.catalogue(), &parameters, (asked.now, unit), |_, _| ())
}

fn page(shared: &Shared, asked: &Asked) -> Answered {
    let unit = time_unit(&asked.headers)?;
    let request = klines::Request::read(&Parameters::read(&asked.query, "")?, shared.catalogue())?;
    let mut wanted = request.wanted;
    if asked.fault(FaultKind::OtherRange).is_some() {
        let length = request.grid.interval.micros().unwrap_or(30 * candlewick_model::time::DAY);
        let back = length.saturating_mul(i64::try_from(wanted.limit).unwrap_or(1_000));
        wanted.start = wanted.start.map(|start| start.plus(-back));
        wanted.end = wanted.end.map(|end| end.plus(-back));
    }
    let mut bars = view::page(shared.catalogue(), request.symbol, request.grid, &wanted, asked.now);
    for (kind, disorder) in
        [(FaultKind::ReorderedRows, Disorder::Reordered), (FaultKind::DuplicatedRows, Disorder::Duplicated)]
    {
        if asked.fault(kind).is_some() {
            bars = disorder.apply(&bars);
        }
    }
    Ok(rows::page(&bars, unit))
}

/// Files, listings, the front page.
fn bucket_content(shared: &Shared, asked: &Asked) -> Reply {
    let path = asked.path.trim_start_matches('/');
    // The bucket has two addresses: a host of its own, and a path of S3's.
    let in_bucket = path.strip_prefix(bucket::NAME).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let key = in_bucket.map_or(path, |rest| rest.trim_start_matches('/'));
    if !key.is_empty() {
        return bucket_file(shared, asked, key);
    }
    let (scheme, host) = &asked.reached_by;
    if in_bucket.is_none() && !bucket::Request::is_one(&asked.query) && !host.contains("s3") {
        return respond::front_page(&format!("{scheme}://{}/{}", respond::safe_host(host), bucket::NAME));
    }
    match bucket::Request::read(&asked.query) {
        Ok(request) => {
            let is_repeated = asked.fault(FaultKind::RepeatedPage).is_some();
            let request = if is_repeated { request.first_page() } else { request };
            let is_empty = asked.fault(FaultKind::EmptyPage).is_some();
            respond::xml(StatusCode::OK, request.answer(&shared.portal, is_empty))
        }
        Err(argument) => respond::invalid_argument(&argument),
    }
}

fn bucket_file(shared: &Shared, asked: &Asked, key: &str) -> Reply {
    let other = |kind: FaultKind| asked.fault(kind).map(|fault| fault.edition.unwrap_or(Edition::Early));
    let stale = other(FaultKind::StaleChecksum).filter(|_| key.ends_with(".CHECKSUM"));
    let edition = stale.or(other(FaultKind::Edition)).unwrap_or_default();
    let Some(mut file) = shared.portal.edition(key, edition) else { return respond::no_such_key(key) };
    if asked.fault(FaultKind::WrongChecksum).is_some() && key.ends_with(".CHECKSUM") {
        let name = key.rsplit('/').next().unwrap_or_default().trim_end_matches(".CHECKSUM");
        file.bytes = format!("{}  {name}\n", "0123456789abcdef".repeat(4)).into();
    }
    if asked.fault(FaultKind::Corrupt).is_some() {
        file.bytes = transport::corrupted(&file.bytes);
    }
    respond::file(&file, key, &asked.headers)
}

/// Undoes percent-encoding; `None` where that is no text.
fn decoded(path: &str) -> Option<String> {
    if !path.contains('%') {
        return Some(path.to_owned());
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| hex::decode(code).ok()).filter(|_| *first == b'%');
        match code {
            Some(code) => {
                bytes.extend(code);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
