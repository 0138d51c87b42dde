//! The WebSocket API (`/ws-api/v3`): the same endpoints as over REST, one after the other on one
//! connection, and what there is only here: sessions and subscriptions to an account's events.
//!
//! For: connections of that kind. Every request goes the way of a REST request (limits of the
//! address, the table of endpoints, key, signature and time, parameters) and to the same handler;
//! only how it comes and how the answer is wrapped is different. Not for: streams of markets.

mod caller;
mod message;
mod reply;
mod session;
mod subscriptions;

use std::sync::Arc;

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use candlewick_binance::signing::parse_query;
use candlewick_model::TimeUnit;

use self::session::Session;
use self::subscriptions::Subscriptions;
use super::answer::No;
use super::socket::Handshake;
use super::{Shared, State, unit_of};

/// Where it is.
const PATH: &str = "/ws-api/v3";
/// What a connection costs.
const WEIGHT: u32 = 2;

/// The way to the API; requests are passed on to these handlers.
pub(super) fn routes(handlers: Router) -> Router<Arc<Shared>> {
    let connect = async move |state: State, RawQuery(query): RawQuery, handshake: Handshake| {
        connect(state, &query.unwrap_or_default(), handshake, handlers)
    };
    Router::new().route(PATH, any(connect))
}

fn connect(state: State, query: &str, handshake: Handshake, handlers: Router) -> Response {
    let wishes = match Wishes::read(query) {
        Ok(wishes) => wishes,
        Err(no) => return no.into_response(),
    };
    let (axum::extract::State(shared), address) = (state, handshake.address());
    let connected = shared.exchange().now();
    if let Err(refused) = shared.ip_limits.book(address, WEIGHT, connected) {
        return *refused;
    }
    handshake.accept(move |outlet| Session {
        shared,
        handlers,
        outlet,
        address,
        wishes,
        connected,
        logon: None,
        subscriptions: Subscriptions::default(),
    })
}

/// What a client wishes for all of its requests, in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wishes {
    unit: TimeUnit,
    tells_limits: bool,
}

impl Wishes {
    fn read(query: &str) -> Result<Self, No> {
        let pairs = parse_query(query).ok_or(No::saying(-1100, "Illegal characters found in a parameter."))?;
        if pairs.iter().any(|(name, value)| name == "responseFormat" && value != "json") {
            return Err(No::saying(-1155, "SBE is not enabled."));
        }
        let get = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        Ok(Self {
            unit: unit_of(get("timeUnit"))?,
            tells_limits: tells_limits(get("returnRateLimits"))?.unwrap_or(true),
        })
    }
}

fn tells_limits(sent: Option<&str>) -> Result<Option<bool>, No> {
    match sent {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(No::saying(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")),
    }
}
