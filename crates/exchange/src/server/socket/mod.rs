//! WebSocket connections: everything about them but what is said.
//!
//! For: the handshake, pings, the end of a day, limits, and clients that do not take what they
//! are told. Whoever answers is a [`Conversation`]: it hears texts and speaks through an
//! [`Outlet`], as all who tell the connection something. Not for: what a text means.

mod connection;
mod entrance;
mod pulse;

use axum::extract::ws::Utf8Bytes;
use candlewick_model::Timestamp;

pub(crate) use connection::Leave;
pub(crate) use entrance::{Handshake, Sockets};
pub(crate) use pulse::Timing;

/// What a connection is for.
pub(crate) trait Conversation: Send + 'static {
    /// So many messages it may be sent a second, pings and pongs counted.
    const MESSAGES_A_SECOND: Option<u32>;

    /// Something has been said. Answers go into the outlet; the next text waits until this is done.
    fn hear(&mut self, text: Utf8Bytes) -> impl Future<Output = Result<(), Leave>> + Send;

    /// The event that tells of the connection's end to come.
    fn farewell(&self) -> Utf8Bytes;

    /// Simulated time.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests;
