//! How an answer goes out: gzip, HEAD, and the faults of the way.

use std::io::Error;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream;

use super::respond::Reply;
use crate::faults::{Fault, FaultKind};

/// Smaller bodies are not worth it.
const COMPRESSED_MIN: usize = 256;

/// Compresses the body if the client takes it so.
pub(super) fn compressed(reply: Reply, asked: &HeaderMap) -> Reply {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes_gzip = accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|part| part == "q=0")
    });
    if !takes_gzip || reply.body().len() < COMPRESSED_MIN {
        return reply;
    }
    let (mut parts, body) = reply.into_parts();
    // Level 0 would only store.
    let level = libdeflater::CompressionLvl::new(1).unwrap_or_default();
    let mut compressor = libdeflater::Compressor::new(level);
    let mut packed = vec![0; compressor.gzip_compress_bound(body.len())];
    let Ok(length) = compressor.gzip_compress(&body, &mut packed) else { return Reply::from_parts(parts, body) };
    packed.truncate(length);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    Reply::from_parts(parts, packed.into())
}

/// What is wrong with the body, whatever is in it; files are corrupted where they are made.
pub(crate) fn spoiled(reply: Reply, faults: &[Fault], is_file: bool) -> Reply {
    let fault = |kind: FaultKind| faults.iter().find(|fault| fault.kind == kind);
    let (parts, mut body) = reply.into_parts();
    if fault(FaultKind::Corrupt).is_some() && !is_file {
        body = corrupted(&body);
    }
    if let Some(fault) = fault(FaultKind::Truncated) {
        body = body.slice(..fault.bytes.unwrap_or(body.len() / 2).min(body.len()));
    }
    Reply::from_parts(parts, body)
}

/// With another byte in the middle.
pub(super) fn corrupted(body: &Bytes) -> Bytes {
    let mut bytes = body.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x55;
    }
    bytes.into()
}

/// Puts the answer on its way, with what goes wrong on it.
pub(crate) fn sent(reply: Reply, is_head: bool, faults: &[Fault]) -> Response<Body> {
    let (mut parts, body) = reply.into_parts();
    let fault = |kind: FaultKind| faults.iter().find(|fault| fault.kind == kind);
    let more = fault(FaultKind::WrongLength).map_or(0, |fault| fault.bytes.unwrap_or(10));
    let promised = body.len().saturating_add(more);
    if parts.status != 304 {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    }
    if is_head {
        return Response::from_parts(parts, Body::empty());
    }
    let rate = fault(FaultKind::Slow).and_then(|fault| fault.rate);
    let cut = fault(FaultKind::Cut).map(|fault| fault.bytes.unwrap_or(body.len() / 2).min(body.len()));
    if rate.is_none() && cut.is_none() && promised == body.len() {
        return Response::from_parts(parts, Body::from(body));
    }
    let breaks = cut.is_some() || promised != body.len();
    let body = body.slice(..cut.unwrap_or(body.len()));
    Response::from_parts(parts, Body::from_stream(pieces(body, rate, breaks)))
}

/// A body in pieces, with pauses in between; at its end the connection may break.
fn pieces(body: Bytes, rate: Option<u32>, breaks: bool) -> impl futures_util::Stream<Item = Result<Bytes, Error>> {
    // Ten pieces a second.
    let size = rate.map_or(usize::MAX, |rate| (rate as usize / 10).max(1));
    let pause = rate.map(|rate| Duration::from_secs_f64(size as f64 / f64::from(rate)));
    stream::unfold(Some(body), move |left| async move {
        let mut left = left?;
        if left.is_empty() {
            // What was said so far must arrive before the connection breaks.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return breaks.then(|| (Err(Error::other("a fault cuts the connection")), None));
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let piece = left.split_to(size.min(left.len()));
        Some((Ok(piece), Some(left)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(accepted: &str, body: usize) -> (usize, bool) {
        let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
        let reply = compressed(Response::new(Bytes::from(vec![b'a'; body])), &asked);
        (reply.body().len(), reply.headers().contains_key(header::CONTENT_ENCODING))
    }

    #[test]
    fn only_who_asks_gets_gzip_and_it_is_smaller() {
        for accepted in ["gzip", "deflate, gzip;q=0.5, br"] {
            let (length, is_packed) = length(accepted, 10_000);
            assert!(is_packed && length < 1_000, "{accepted} {length}");
        }
        for (accepted, body) in [("gzip;q=0", 10_000), ("br", 10_000), ("", 10_000), ("gzip", 100)] {
            assert_eq!(length(accepted, body), (body, false), "{accepted}");
        }
    }
}
