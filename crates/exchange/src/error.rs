//! Why the local exchange cannot serve.

use std::net::SocketAddr;

/// What the outside world breaks.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The port is taken, or listening ended.
    #[error("cannot serve on {address}: {source}")]
    Bind {
        /// Where it was to listen.
        address: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
    /// The snapshot that is to be served is no JSON.
    #[error("the exchangeInfo to be served is not JSON: {reason}")]
    ExchangeInfo {
        /// What is wrong with it.
        reason: String,
    },
}
