//! The way of messages to one connection: as many as it has room for, and no more.
//!
//! For: telling many listeners the same without any of them holding the others up. Who does not
//! take what is said falls behind and is left. Not for: what is said, or the connection itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// So many messages may wait.
const WAITING_MAX: usize = 16_384;
/// So many bytes of them may.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Where messages are put in.
#[derive(Clone)]
pub(crate) struct Outlet {
    queue: Sender<Utf8Bytes>,
    listener: Arc<Listener>,
}

/// Where they come out.
pub(crate) struct Inlet {
    queue: Receiver<Utf8Bytes>,
    listener: Arc<Listener>,
}

/// What both ends know of who listens.
#[derive(Default)]
struct Listener {
    fell_behind: AtomicBool,
    told: Notify,
    /// Bytes that wait.
    bytes: AtomicUsize,
}

/// A new way.
pub(crate) fn way() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let listener = Arc::<Listener>::default();
    (Outlet { queue: sender, listener: Arc::clone(&listener) }, Inlet { queue: receiver, listener })
}

impl Outlet {
    /// Says something. Where there is no room the listener has fallen behind, for good.
    pub(crate) fn say(&self, text: impl Into<Utf8Bytes>) {
        if self.is_lost() {
            return;
        }
        let text = text.into();
        let bytes = text.len() + self.listener.bytes.fetch_add(text.len(), Ordering::Relaxed);
        if bytes > WAITING_BYTES_MAX || self.queue.try_send(text).is_err() {
            self.give_up();
        }
    }

    /// The listener has fallen behind, for good.
    pub(crate) fn give_up(&self) {
        self.listener.fell_behind.store(true, Ordering::Relaxed);
        self.listener.told.notify_one();
    }

    /// Whether it leads to the same connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.queue.same_channel(&other.queue)
    }

    /// Whether nobody listens any more, or somebody who has missed something.
    pub(crate) fn is_lost(&self) -> bool {
        self.queue.is_closed() || self.listener.has_fallen_behind()
    }

    /// Whether half of the room is taken: who can wait should.
    pub(crate) fn is_busy(&self) -> bool {
        let is_half_full = || self.listener.bytes.load(Ordering::Relaxed) > WAITING_BYTES_MAX / 2;
        !self.is_lost() && (self.queue.capacity() < WAITING_MAX / 2 || is_half_full())
    }
}

impl Listener {
    fn has_fallen_behind(&self) -> bool {
        self.fell_behind.load(Ordering::Relaxed)
    }
}

impl Inlet {
    /// The next messages, so many at most: how many there were. None once something was lost, or
    /// nobody speaks any more.
    pub(crate) async fn next_many(&mut self, messages: &mut Vec<Utf8Bytes>, most: usize) -> usize {
        if self.has_fallen_behind() {
            return 0;
        }
        let before = messages.len();
        let count = self.queue.recv_many(messages, most).await;
        self.taken(&messages[before..]);
        count
    }

    /// The next message, if it is there.
    pub(crate) fn waiting(&mut self) -> Option<Utf8Bytes> {
        let text = self.queue.try_recv().ok();
        self.taken(text.as_slice());
        text
    }

    fn taken(&self, texts: &[Utf8Bytes]) {
        let bytes = texts.iter().map(|text| text.len()).sum();
        self.listener.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether something could not be said.
    pub(crate) fn has_fallen_behind(&self) -> bool {
        self.listener.has_fallen_behind()
    }

    /// Waits until something could not be said.
    pub(crate) async fn fallen_behind(&self) {
        while !self.has_fallen_behind() {
            self.listener.told.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_listen_falls_behind() {
        let (outlet, mut inlet) = way();
        let mut taken = Vec::new();
        outlet.say("first");
        outlet.say("second");
        assert_eq!((inlet.next_many(&mut taken, 9).await, inlet.waiting()), (2, None));
        assert_eq!((taken[0].as_str(), taken[1].as_str()), ("first", "second"));
        (0..WAITING_MAX).for_each(|_| outlet.say("more"));
        assert!(outlet.is_busy() && !inlet.has_fallen_behind());
        outlet.say("too much");
        inlet.fallen_behind().await;
        assert!(outlet.is_lost() && inlet.has_fallen_behind());
        assert_eq!(inlet.next_many(&mut taken, 9).await, 0);
    }

    #[test]
    fn long_messages_have_less_room() {
        let (outlet, mut inlet) = way();
        let long = Utf8Bytes::from("x".repeat(WAITING_BYTES_MAX / 4));
        (0..3).for_each(|_| outlet.say(long.clone()));
        assert!(outlet.is_busy());
        assert_eq!(inlet.waiting(), Some(long.clone()));
        assert!(!outlet.is_busy() && !outlet.is_lost());
        (0..2).for_each(|_| outlet.say(long.clone()));
        assert!(!outlet.is_lost(), "as much as there is room for");
        outlet.say("more");
        assert!(outlet.is_lost());
    }

    #[test]
    fn who_has_gone_is_lost() {
        let (outlet, inlet) = way();
        drop(inlet);
        assert!(outlet.is_lost() && !outlet.is_busy());
    }
}
