//! The way of messages to one connection: as many as it has room for, and no more.
//!
//! For: telling many listeners the same without any of them holding the others up. Who does not
//! take what is said falls behind and is left. Not for: what is said, or the connection itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// So many messages may wait.
const WAITING_MAX: usize = 16_384;

/// Where messages are put in.
#[derive(Clone)]
pub(crate) struct Outlet {
    queue: Sender<Utf8Bytes>,
    fell_behind: Arc<AtomicBool>,
}

/// Where they come out.
pub(crate) struct Inlet {
    queue: Receiver<Utf8Bytes>,
    fell_behind: Arc<AtomicBool>,
}

/// A new way.
pub(crate) fn way() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let fell_behind = Arc::new(AtomicBool::new(false));
    (Outlet { queue: sender, fell_behind: Arc::clone(&fell_behind) }, Inlet { queue: receiver, fell_behind })
}

impl Outlet {
    /// Says something. Where there is no room the listener has fallen behind, for good.
    pub(crate) fn say(&self, text: impl Into<Utf8Bytes>) {
        if !self.is_lost() && self.queue.try_send(text.into()).is_err() {
            self.fell_behind.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it leads to the same connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.queue.same_channel(&other.queue)
    }

    /// Whether nobody listens any more, or somebody who has missed something.
    pub(crate) fn is_lost(&self) -> bool {
        self.queue.is_closed() || self.fell_behind.load(Ordering::Relaxed)
    }

    /// Whether half of the room is taken: who can wait should.
    pub(crate) fn is_busy(&self) -> bool {
        !self.is_lost() && self.queue.capacity() < WAITING_MAX / 2
    }
}

impl Inlet {
    /// The next message; `None` once something was lost, or nobody speaks any more.
    pub(crate) async fn next(&mut self) -> Option<Utf8Bytes> {
        if self.has_fallen_behind() { None } else { self.queue.recv().await }
    }

    /// Whether something could not be said.
    pub(crate) fn has_fallen_behind(&self) -> bool {
        self.fell_behind.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_listen_falls_behind() {
        let (outlet, mut inlet) = way();
        outlet.say("first");
        assert_eq!(inlet.next().await.as_deref(), Some("first"));
        (0..WAITING_MAX).for_each(|_| outlet.say("more"));
        assert!(outlet.is_busy() && !inlet.has_fallen_behind());
        outlet.say("too much");
        assert!(outlet.is_lost() && inlet.has_fallen_behind());
        assert_eq!(inlet.next().await, None);
    }

    #[test]
    fn who_has_gone_is_lost() {
        let (outlet, inlet) = way();
        drop(inlet);
        assert!(outlet.is_lost() && !outlet.is_busy());
    }
}
