//! The handshake, who is let in, and the end of all connections.
//!
//! For: the number of attempts of an address, the connection's place among all of the server,
//! and telling every connection that the server stops. Not for: connections that have begun.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::Conversation;
use super::connection::converse;
use super::pulse::Timing;
use crate::data::listen::Peer;
use crate::faults::SocketFaults;
use crate::outlet::{Outlet, way_with};
use crate::server::Shared;
use crate::server::answer::No;

/// So often an address may connect in a window.
const ATTEMPTS_MAX: u32 = 300;
/// How long that window is.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// No message is longer; the longest that makes sense names 1,024 streams.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// An idle connection keeps this much for what might come.
const READ_BYTES: usize = 4 << 10;
/// Many small messages go out together.
const WRITE_BYTES: usize = 32 << 10;

/// How far the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Farewells are said; connections end after this.
    Leaving(Duration),
    Gone,
}

/// What all connections have in common.
pub(crate) struct Sockets {
    timing: Timing,
    /// Absent: addresses may connect as often as they like.
    attempts: Option<Mutex<HashMap<IpAddr, Attempts>>>,
    phase: watch::Sender<Phase>,
}

#[derive(Debug, Clone, Copy)]
struct Attempts {
    since: Instant,
    count: u32,
}

impl Sockets {
    pub(crate) fn new(timing: Timing, limits_addresses: bool) -> Self {
        let attempts = limits_addresses.then(Mutex::default);
        Self { timing, attempts, phase: watch::Sender::new(Phase::Open) }
    }

    /// Counts an attempt; whole seconds to wait if there were too many.
    fn admit(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let Some(attempts) = &self.attempts else { return Ok(()) };
        let mut attempts = attempts.lock().expect("nobody panics with it");
        attempts.retain(|_, attempts| now < attempts.since + WINDOW);
        let own = attempts.entry(address).or_insert(Attempts { since: now, count: 0 });
        own.count = own.count.saturating_add(1);
        let left = (own.since + WINDOW).saturating_duration_since(now);
        if own.count > ATTEMPTS_MAX { Err(left.as_secs() + 1) } else { Ok(()) }
    }

    /// A connection that may begin.
    pub(super) fn accept<C: Conversation>(
        &self,
        upgrade: WebSocketUpgrade,
        peer: Peer,
        faults: SocketFaults,
        open: impl FnOnce(Outlet) -> C + Send + 'static,
    ) -> Response {
        let (timing, phase) = (self.timing, self.phase.subscribe());
        let upgrade = upgrade.read_buffer_size(READ_BYTES).write_buffer_size(WRITE_BYTES);
        let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
        upgrade.on_upgrade(async move |socket| {
            let (outlet, inlet) = way_with(faults);
            converse(socket, inlet, open(outlet), timing, phase).await;
            drop(peer);
        })
    }

    /// Forgets how often addresses have connected.
    pub(crate) fn forgive(&self) {
        if let Some(attempts) = &self.attempts {
            attempts.lock().expect("nobody panics with it").clear();
        }
    }

    /// Tells all connections that they end after a while, and waits until they have.
    pub(crate) async fn leave(&self, grace: Duration) {
        self.phase.send_replace(Phase::Leaving(grace));
        self.phase.closed().await;
    }

    /// Ends all connections.
    pub(crate) fn end(&self) {
        self.phase.send_replace(Phase::Gone);
    }
}

/// A client that asks for a connection and may have one.
pub(crate) struct Handshake {
    upgrade: WebSocketUpgrade,
    peer: Peer,
    faults: SocketFaults,
    shared: Arc<Shared>,
}

impl FromRequestParts<Arc<Shared>> for Handshake {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, shared).await;
        let upgrade = upgrade.map_err(|rejection| rejection.into_response())?;
        let peer = parts.extensions.get::<Peer>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
        shared.sockets.admit(peer.address, Instant::now()).map_err(too_many)?;
        let faults = SocketFaults::new(parts.uri.path(), &shared.faults);
        Ok(Self { upgrade, peer, faults, shared: Arc::clone(shared) })
    }
}

fn too_many(wait_s: u64) -> Response {
    let mut response = No::saying(-1003, "Too many requests queued.").into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

impl Handshake {
    /// Where the client is.
    pub(crate) fn address(&self) -> IpAddr {
        self.peer.address
    }

    /// Shakes hands. Who speaks to the connection, first of all its conversation, does so through
    /// the outlet.
    pub(crate) fn accept<C: Conversation>(self, open: impl FnOnce(Outlet) -> C + Send + 'static) -> Response {
        self.shared.sockets.accept(self.upgrade, self.peer, self.faults, open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn attempts_are_counted_by_address() {
        let sockets = Sockets::new(Timing::default(), true);
        let begun = Instant::now();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(sockets.admit(HOME, begun), Ok(()));
        }
        assert_eq!(sockets.admit(HOME, begun + Duration::from_secs(299)), Err(2));
        assert_eq!(sockets.admit([10, 0, 0, 1].into(), begun), Ok(()));
        assert_eq!(sockets.admit(HOME, begun + WINDOW), Ok(()));
        sockets.forgive();
        assert_eq!(sockets.admit(HOME, begun), Ok(()));
    }

    #[test]
    fn they_are_not_where_addresses_are_not_limited() {
        let sockets = Sockets::new(Timing::default(), false);
        let now = Instant::now();
        assert!((0..10 * ATTEMPTS_MAX).all(|_| sockets.admit(HOME, now).is_ok()));
    }
}
