//! The way of messages to one connection: as many as it has room for, and no more.
//!
//! For: telling many listeners the same without any of them holding the others up. Who does not
//! take what is said falls behind and is left. Faults of connections befall what is said here, at
//! the time at which it is said. Not for: what is said, or the connection itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use candlewick_model::Timestamp;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::faults::{Fate, SocketFaults};

/// So many messages may wait.
const WAITING_MAX: usize = 16_384;
/// So many bytes of them may.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Where messages are put in.
#[derive(Clone)]
pub(crate) struct Outlet {
    queue: Sender<Word>,
    listener: Arc<Listener>,
}

/// A message; none where the connection breaks.
type Word = Option<Utf8Bytes>;

/// Where they come out.
pub(crate) struct Inlet {
    queue: Receiver<Word>,
    listener: Arc<Listener>,
    words: Vec<Word>,
    /// Everything was taken up to where the connection breaks.
    is_broken: bool,
}

/// What both ends know of who listens.
#[derive(Default)]
struct Listener {
    faults: SocketFaults,
    fell_behind: AtomicBool,
    /// Nothing more is said on it.
    breaks: AtomicBool,
    told: Notify,
    /// Bytes that wait.
    bytes: AtomicUsize,
}

/// A new way, on which there are no faults.
#[cfg(test)]
pub(crate) fn way() -> (Outlet, Inlet) {
    way_with(SocketFaults::default())
}

/// A new way, with the faults that it may meet.
pub(crate) fn way_with(faults: SocketFaults) -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let listener = Arc::new(Listener { faults, ..Listener::default() });
    let inlet = Inlet { queue: receiver, listener: Arc::clone(&listener), words: Vec::new(), is_broken: false };
    (Outlet { queue: sender, listener }, inlet)
}

impl Outlet {
    /// Says something, at a simulated time. Where there is no room the listener has fallen behind,
    /// for good.
    pub(crate) fn say(&self, text: impl Into<Utf8Bytes>, now: Timestamp) {
        self.say_when(text, || now);
    }

    /// The same where what time it is must be asked for.
    pub(crate) fn say_when(&self, text: impl Into<Utf8Bytes>, now: impl FnOnce() -> Timestamp) {
        if self.is_lost() {
            return;
        }
        match self.listener.faults.fate(now) {
            Fate::Told => self.put(Some(text.into())),
            Fate::Silent => {}
            Fate::Dropped => {
                self.put(None);
                self.listener.breaks.store(true, Ordering::Relaxed);
            }
        }
    }

    fn put(&self, word: Word) {
        let length = word.as_ref().map_or(0, |text| text.len());
        let bytes = length + self.listener.bytes.fetch_add(length, Ordering::Relaxed);
        if bytes > WAITING_BYTES_MAX || self.queue.try_send(word).is_err() {
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
        let breaks = || self.listener.breaks.load(Ordering::Relaxed);
        self.queue.is_closed() || self.listener.has_fallen_behind() || breaks()
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
    /// The next messages, so many at most: how many there were. None once something was lost, the
    /// connection breaks, or nobody speaks any more.
    pub(crate) async fn next_many(&mut self, messages: &mut Vec<Utf8Bytes>, most: usize) -> usize {
        if self.has_fallen_behind() || self.is_broken {
            return 0;
        }
        let count = self.queue.recv_many(&mut self.words, most).await;
        let before = messages.len();
        messages.extend(self.words.drain(..).map_while(|word| word));
        self.taken(&messages[before..]);
        self.is_broken = messages.len() < before + count;
        messages.len() - before
    }

    /// The next message, if it is there.
    pub(crate) fn waiting(&mut self) -> Option<Utf8Bytes> {
        if self.is_broken {
            return None;
        }
        let word = self.queue.try_recv().ok()?;
        self.is_broken = word.is_none();
        self.taken(word.as_slice());
        word
    }

    fn taken(&self, texts: &[Utf8Bytes]) {
        let bytes = texts.iter().map(|text| text.len()).sum();
        self.listener.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether the connection breaks here.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether pings are left out, too.
    pub(crate) fn is_silent(&self, now: impl FnOnce() -> Timestamp) -> bool {
        self.listener.faults.is_silent(now)
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
    use crate::faults::{FaultPlan, Faults, Server, SharedFaults};

    const NOW: Timestamp = Timestamp::from_micros(0);

    #[tokio::test]
    async fn who_does_not_listen_falls_behind() {
        let (outlet, mut inlet) = way();
        let mut taken = Vec::new();
        outlet.say("first", NOW);
        outlet.say("second", NOW);
        assert_eq!((inlet.next_many(&mut taken, 9).await, inlet.waiting()), (2, None));
        assert_eq!((taken[0].as_str(), taken[1].as_str()), ("first", "second"));
        (0..WAITING_MAX).for_each(|_| outlet.say("more", NOW));
        assert!(outlet.is_busy() && !inlet.has_fallen_behind());
        outlet.say("too much", NOW);
        inlet.fallen_behind().await;
        assert!(outlet.is_lost() && inlet.has_fallen_behind());
        assert_eq!(inlet.next_many(&mut taken, 9).await, 0);
    }

    #[test]
    fn long_messages_have_less_room() {
        let (outlet, mut inlet) = way();
        let long = Utf8Bytes::from("x".repeat(WAITING_BYTES_MAX / 4));
        (0..3).for_each(|_| outlet.say(long.clone(), NOW));
        assert!(outlet.is_busy());
        assert_eq!(inlet.waiting(), Some(long.clone()));
        assert!(!outlet.is_busy() && !outlet.is_lost());
        (0..2).for_each(|_| outlet.say(long.clone(), NOW));
        assert!(!outlet.is_lost(), "as much as there is room for");
        outlet.say("more", NOW);
        assert!(outlet.is_lost());
    }

    #[test]
    fn who_has_gone_is_lost() {
        let (outlet, inlet) = way();
        drop(inlet);
        assert!(outlet.is_lost() && !outlet.is_busy());
    }

    /// What is told of a message a second, with a fault, and whether the connection breaks after it.
    async fn told(fault: &str) -> (Vec<String>, bool) {
        let plan = FaultPlan::from_toml(&format!("[[fault]]\npath = \"/ws/*\"\n{fault}"), Server::Trading).unwrap();
        let faults = SharedFaults::new(std::sync::Mutex::new(Faults::new(plan)));
        let (outlet, mut inlet) = way_with(SocketFaults::new("/ws/a", &faults));
        let (other, mut of_other) = way_with(SocketFaults::new("/stream", &faults));
        // Nothing is written before all of it was said.
        for second in 0..6 {
            let now = Timestamp::from_micros(second * 1_000_000);
            outlet.say(second.to_string(), now);
            other.say("x", now);
        }
        let mut texts = Vec::new();
        inlet.next_many(&mut texts, 9).await;
        assert_eq!(inlet.waiting(), None);
        assert_eq!(std::iter::from_fn(|| of_other.waiting()).count(), 6, "the path of the fault is another one");
        assert_eq!((outlet.is_lost(), other.is_lost()), (inlet.is_broken(), false));
        (texts.iter().map(|text| text.to_string()).collect(), inlet.is_broken())
    }

    #[tokio::test]
    async fn faults_befall_what_is_said_at_their_time() {
        let at = |second: u32| format!("\"1970-01-01T00:00:0{second}Z\"");
        let from_to = |kind: &str| format!("kind = \"{kind}\"\nfrom = {}\nto = {}", at(2), at(4));
        for (fault, expected, is_broken) in [
            (from_to("socket-silent"), "0145", false),
            (from_to("socket-dropped"), "01", true),
            ("kind = \"socket-silent\"\nafter = 1\nnext = 2".to_owned(), "0345", false),
            ("kind = \"socket-silent\"\nevery = 3".to_owned(), "0134", false),
            ("kind = \"socket-dropped\"".to_owned(), "", true),
        ] {
            assert_eq!(told(&fault).await, (expected.chars().map(String::from).collect(), is_broken), "{fault}");
        }
    }

    #[tokio::test]
    async fn who_hears_nothing_is_not_even_pinged() {
        let fault = "[[fault]]\nkind = \"socket-silent\"\nnext = 1\nto = \"1970-01-01T00:00:02Z\"";
        let plan = FaultPlan::from_toml(fault, Server::Trading).unwrap();
        let faults = SharedFaults::new(std::sync::Mutex::new(Faults::new(plan)));
        let (outlet, inlet) = way_with(SocketFaults::new("/ws/a", &faults));
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        assert_eq!([1, 2].map(|second| inlet.is_silent(|| at(second))), [true, false]);
        outlet.say("swallowed", at(1));
        assert!(!inlet.is_silent(|| at(1)), "that was all");
    }
}
