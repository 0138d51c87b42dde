//! Why the local exchange cannot serve.

use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// A folder that is to be served as a portal is none.
    #[error("{path} holds no folder `data`; name the folder that has data/spot/… in it")]
    NoPortal {
        /// Which one.
        path: PathBuf,
    },
    /// An archive of the folder cannot be read.
    #[error("{path}: {reason}")]
    Archive {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] candlewick_lake::LakeError),
    /// Certificate or key cannot be used.
    #[error("TLS: {path}: {reason}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The faults that are to be switched on make no sense.
    #[error("faults: {reason}")]
    Faults {
        /// What is wrong with them.
        reason: String,
    },
    /// A file of keys cannot be used.
    #[error("keys: {path}: {reason}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, without quoting it.
        reason: String,
    },
    /// A state cannot be gone on with.
    #[error("state: {path}: {reason}")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The venue itself cannot go on.
    #[error("the exchange cannot go on: {reason}")]
    Broken {
        /// Why.
        reason: String,
    },
    /// Time cannot begin there.
    #[error("time cannot begin at {from}: there are bars until {end}")]
    Begin {
        /// Where it was to begin.
        from: candlewick_model::Timestamp,
        /// When the last bar closes.
        end: candlewick_model::Timestamp,
    },
    /// A key belongs to an account that cannot be there.
    #[error("keys: account {account} is too high a number; there can be {accounts}, counted from 0")]
    NoAccount {
        /// Which one.
        account: usize,
        /// How many there are.
        accounts: usize,
    },
}
