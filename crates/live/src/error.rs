//! Why a live run stops.

use std::path::PathBuf;

use candlewick_binance::rest::RestError;
use candlewick_model::{InstrumentError, Symbol, Timestamp};

/// What the outside world breaks, or what must not go on.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The exchange cannot be reached, or does not make sense.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// Its exchangeInfo cannot be read.
    #[error("exchangeInfo of {symbol}: {source}")]
    ExchangeInfo {
        /// Which market.
        symbol: Symbol,
        /// What is wrong.
        source: InstrumentError,
    },
    /// It does not list the market.
    #[error("the exchange does not list {symbol}")]
    Symbol {
        /// Which market.
        symbol: Symbol,
    },
    /// The account holds less than the slice that the strategy is given.
    #[error("the account holds {held} {asset} free, the strategy is to have {wanted}")]
    Capital {
        /// Of which asset.
        asset: String,
        /// What is there.
        held: String,
        /// What is wanted.
        wanted: String,
    },
    /// The journal cannot be written or read.
    #[error("journal {}: {source}", path.display())]
    Journal {
        /// Which file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// An answer contradicts what is known of an order.
    #[error("order {order_id}: {reason}")]
    Order {
        /// Which order.
        order_id: u64,
        /// What does not fit.
        reason: String,
    },
    /// The strategy answers its own reports for ever.
    #[error("the strategy still sends commands after {rounds} rounds at {time}")]
    Rounds {
        /// How many.
        rounds: usize,
        /// The instant.
        time: Timestamp,
    },
}
