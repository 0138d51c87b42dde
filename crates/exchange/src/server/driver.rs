//! Time that goes by itself: the machine's clocks, and the task that moves the markets by them.
//!
//! For: as much of what is due at a time as nobody has to wait for, and a mark in the state now
//! and then. Not for: what is due (`pace`), or what happens there (`local`).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use candlewick_model::{Refusal, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as Turnstile, Notify};

use super::Shared;
use crate::audience::Audience;
use crate::data::wall_now;
use crate::local::{Came, LocalExchange, Ran};
use crate::pace::{Due, Pace, Reading, Speed};

/// For so long requests wait for the markets at most.
const TURN: Duration = Duration::from_micros(500);
/// Who listens is looked after every so many instants, and so are clocks.
const INSTANTS: u32 = 8;
/// Where nothing is due, so long is waited.
const TICK: Duration = Duration::from_millis(1);
/// So long requests are given way to between two turns, if there are so many.
const WAY: Duration = Duration::from_micros(200);
/// Who listens and does not get on for so long is left.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often time is written down, where nothing else is.
const MARK: Duration = Duration::from_secs(1);

/// What moves time, and what is to be told of it.
pub(super) struct Drive {
    pace: Mutex<Pace>,
    began: Instant,
    /// Something else may be due now.
    changed: Notify,
    /// How many wait for the exchange.
    waiting: AtomicUsize,
    notices: UnboundedSender<String>,
    has_told_end: AtomicBool,
    /// Who puts time elsewhere does so alone.
    pub(super) turnstile: Turnstile<()>,
}

impl Drive {
    /// At a speed, from a simulated time on; and where what is to be told comes out.
    pub(super) fn new(speed: Speed, now: Timestamp) -> (Self, UnboundedReceiver<String>) {
        let (notices, told) = unbounded_channel();
        let began = Instant::now();
        let pace = Pace::new(speed, now, Reading { elapsed: Duration::ZERO, wall: wall_now() });
        let drive = Self {
            pace: Mutex::new(pace),
            began,
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
            notices,
            has_told_end: AtomicBool::new(false),
            turnstile: Turnstile::new(()),
        };
        (drive, told)
    }

    /// Taken after the exchange where both are, so that nothing moves meanwhile.
    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().expect("nobody panics with it")
    }

    pub(super) fn reading(&self) -> Reading {
        Reading { elapsed: self.began.elapsed(), wall: wall_now() }
    }

    /// Changes how time goes.
    pub(super) fn change(&self, change: impl FnOnce(&mut Pace, Reading)) {
        change(&mut self.pace(), self.reading());
        self.changed.notify_one();
    }

    /// Locks something that the driver locks too, before the driver does so again.
    pub(super) fn lock<'a>(&self, exchange: &'a Mutex<LocalExchange>) -> MutexGuard<'a, LocalExchange> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // A panic in a handler leaves no half-made state behind that anybody could trust.
        let exchange = exchange.lock().expect("no handler has panicked");
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        exchange
    }

    /// Tells the user something.
    pub(super) fn tell(&self, notice: String) {
        // Nobody has to listen.
        let _ = self.notices.send(notice);
    }

    /// Tells once that the markets have ended.
    pub(super) fn tell_end(&self, now: Timestamp) {
        if !self.has_told_end.swap(true, Ordering::Relaxed) {
            self.tell(format!("the market has ended at {now}; requests are still answered, orders with -1016"));
        }
    }

    /// They have not ended any more.
    pub(super) fn forget_end(&self) {
        self.has_told_end.store(false, Ordering::Relaxed);
    }
}

/// What comes after a turn.
enum Next {
    /// Another one, at once.
    Turn,
    /// Another one, a little later.
    Tick,
    /// Nothing, until something changes.
    Change,
}

/// Moves time until it is aborted.
pub(super) async fn drive(shared: Arc<Shared>) {
    let mut marked = Instant::now();
    loop {
        let due = shared.drive.pace().due(shared.drive.reading());
        if due == Due::Everything {
            shared.wait_for_listeners().await;
        }
        match shared.turn(&mut marked) {
            Next::Turn => shared.give_way().await,
            Next::Tick => tokio::time::sleep(TICK).await,
            Next::Change => shared.drive.changed.notified().await,
        }
    }
}

impl Shared {
    /// Lets as much of what is due happen as nobody has to wait for; `marked` is when time was written
    /// down last.
    fn turn(&self, marked: &mut Instant) -> Next {
        let mut exchange = self.exchange.lock().expect("no handler has panicked");
        let until = match self.drive.pace().due(self.drive.reading()) {
            Due::Nothing => return Next::Change,
            Due::Until(until) => Some(until),
            Due::Everything => None,
        };
        let waits = until.is_none();
        let ran = exchange.run(until, turn_of(waits)).and_then(|ran| {
            let is_due = ran.reports > 0 || (marked.elapsed() > MARK && ran.came != Came::ToTheEnd);
            if is_due && exchange.is_kept() {
                *marked = Instant::now();
                exchange.mark()?;
            }
            Ok(ran)
        });
        match ran {
            Ok(Ran { came: Came::OnTheWay, .. }) => Next::Turn,
            Ok(Ran { came: Came::There, .. }) => Next::Tick,
            Ok(Ran { came: Came::ToTheEnd, .. }) => {
                self.drive.tell_end(exchange.now());
                if waits { Next::Change } else { Next::Tick }
            }
            Err(refusal) => {
                // Nothing that was promised could be kept if time went on.
                let now = exchange.now();
                self.drive.pace().pause(true, now, self.drive.reading());
                self.drive.tell(format!("time is paused at {now}: {}", refusal.text));
                Next::Change
            }
        }
    }

    /// Requests that wait come first, but not for ever.
    async fn give_way(&self) {
        tokio::task::yield_now().await;
        let begun = Instant::now();
        while self.drive.waiting.load(Ordering::Relaxed) > 0 && begun.elapsed() < WAY {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until all who listen have caught up, and leaves those who do not.
    async fn wait_for_listeners(&self) {
        let begun = Instant::now();
        while self.exchange().audience.is_busy() {
            if begun.elapsed() > PATIENCE {
                self.exchange().audience.leave_busy();
                self.drive.tell(format!("who has not listened for {} s is left", PATIENCE.as_secs()));
                return;
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Lets time go on to the end of an instant, as fast as it goes and all who listen can follow.
    pub(super) async fn run_to(&self, until: Timestamp) -> Result<Ran, Refusal> {
        self.run_in_turns(true, |exchange| exchange.run(Some(until), turn_of(true))).await
    }

    /// As [`Self::run_to`], where those who listen are told of accounts alone.
    pub(super) async fn run_unseen_to(&self, until: Timestamp) -> Result<Ran, Refusal> {
        self.run_in_turns(false, |exchange| exchange.run_unseen(until, turn_of(false))).await
    }

    async fn run_in_turns(
        &self,
        waits: bool,
        turn: impl Fn(&mut LocalExchange) -> Result<Ran, Refusal>,
    ) -> Result<Ran, Refusal> {
        let (mut reports, mut bars) = (0, 0);
        loop {
            if waits {
                self.wait_for_listeners().await;
            }
            let ran = turn(&mut self.exchange())?;
            (reports, bars) = (reports + ran.reports, bars + ran.bars);
            if ran.came != Came::OnTheWay {
                return Ok(Ran { reports, bars, ..ran });
            }
            self.give_way().await;
        }
    }
}

/// Goes on as long as a turn may take, and as long as all who listen get on if they are waited for.
fn turn_of(waits: bool) -> impl FnMut(&Audience) -> bool {
    let begun = Instant::now();
    let mut instants = 0;
    move |audience| {
        instants += 1;
        instants % INSTANTS != 0 || (begun.elapsed() < TURN && !(waits && audience.is_busy()))
    }
}
