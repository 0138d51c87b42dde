//! What befalls what is said on a WebSocket.
//!
//! For: deciding it at the moment at which something is said, in simulated time, whenever it is
//! written then. Not for: doing it (`outlet`, `server::socket`).

use std::sync::MutexGuard;

use candlewick_model::Timestamp;

use super::{Faults, SharedFaults};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is told.
    Told,
    /// It is not told, and nobody notices.
    Silent,
    /// The connection breaks in its place.
    Dropped,
}

/// The faults that one connection may meet, by the path at which it began.
#[derive(Default)]
pub(crate) struct SocketFaults {
    path: String,
    faults: SharedFaults,
}

impl SocketFaults {
    pub(crate) fn new(path: &str, faults: &SharedFaults) -> Self {
        Self { path: path.to_owned(), faults: SharedFaults::clone(faults) }
    }

    /// What becomes of the next message. Most of the time there are no faults, and nobody needs to
    /// know what time it is.
    pub(crate) fn fate(&self, now: impl FnOnce() -> Timestamp) -> Fate {
        if self.armed().is_empty() {
            return Fate::Told;
        }
        let now = now();
        self.armed().meet_socket(&self.path, now)
    }

    /// Whether everything on it is silent: pings too, which are no messages.
    pub(crate) fn is_silent(&self, now: impl FnOnce() -> Timestamp) -> bool {
        if self.armed().is_empty() {
            return false;
        }
        let now = now();
        self.armed().silences(&self.path, now)
    }

    fn armed(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("nobody panics with it")
    }
}
