//! What can come of a request besides its answer.

use candlewick_model::Refusal;

/// Why a request has no answer of the expected kind.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The exchange said no. For a trading request that is an outcome, not a fault.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// HTTP 429 or 418: stop until the time is over. Going on leads to a ban.
    #[error("{what}: over the request limit (HTTP {status}), retry after {} s", retry_after_seconds.map_or("?".to_owned(), |s| s.to_string()))]
    Limited {
        /// The request.
        what: String,
        /// 429, or 418 once the address is banned.
        status: u16,
        /// What the exchange asks for.
        retry_after_seconds: Option<u64>,
    },
    /// A trading request that may or may not have been executed. Look the order up by its
    /// client id before doing anything else.
    #[error("{what}: outcome unknown ({reason})")]
    Unknown {
        /// The request.
        what: String,
        /// What happened instead of an answer.
        reason: String,
    },
    /// The request was not delivered, or the answer to a question got lost.
    #[error("{what}: {}", causes(source))]
    Transport {
        /// The request.
        what: String,
        /// What happened, without the address, which carries the signature.
        source: reqwest::Error,
    },
    /// An answer that makes no sense.
    #[error("{what}: answer not understood: {reason}")]
    Answer {
        /// The request.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// An error with what caused it, which is where `reqwest` says what really happened.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl RestError {
    pub(crate) fn transport(what: &str, source: reqwest::Error) -> Self {
        Self::Transport { what: what.to_owned(), source: source.without_url() }
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
