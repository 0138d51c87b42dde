//! The line between the strategy and its venue, where commands are late, lost or refused (9.2 to 9.5).
//!
//! What a strategy hears under stress is what a live session gives it (`live/src/sender.rs`,
//! `patience`). Such a session sends one command after the other and waits for each outcome;
//! while one is late the strategy hears nothing, and what happens meanwhile is held and
//! delivered in its order afterwards. Not for: halts, which are data (`halts`).

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::number::ONE;
use candlewick_model::run::{CommandId, Event};
use candlewick_model::stress::{Episode, Met, Rejection, RejectionOutcome, Trouble};
use candlewick_model::time::SECOND;
use candlewick_model::{Action, Rate, Refusal, Symbol, Timestamp};
use candlewick_strategy::patience::{PAUSE_US, Reaction, TRIES, never_seen, reaction};
use candlewick_strategy::{Outgoing, Session, Strategy};
use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

use super::Stress;
use crate::desk::VenueEvent;
use crate::setup::Transfer;

/// How long the exchange tries before it answers -1007 (`rest-api.md`, General API Information).
const TIMEOUT_US: i64 = 10 * SECOND;
/// How long any other answer takes that the venue does not give: long enough that a strategy
/// which tries again at once does not do so for ever at one instant.
const ANSWER_US: i64 = SECOND / 10;

/// What is delivered, at once or when the session hears again.
pub(crate) enum Held {
    /// What the venue has said, about a market where it is a refusal.
    Said(Box<VenueEvent>, Option<usize>),
    /// A bar of a series that has closed.
    Bar(usize, Timestamp),
    /// What everything is worth.
    Mark(Timestamp),
    /// A deposit or a withdrawal.
    Paid(Transfer),
}

/// The line, and what waits at its ends.
pub(crate) struct Line {
    /// Episodes that concern commands, by time.
    episodes: Arc<[Episode]>,
    /// The first of them that is not over.
    first: usize,
    random: ChaCha8Rng,
    /// What the strategy has said and the session could not send yet.
    outbox: VecDeque<Outgoing>,
    /// The outcome without which the session does nothing at all.
    wait: Option<Wait>,
    /// Commands that arrive late, and when: nothing is heard before the venue has taken them up.
    late: Vec<(CommandId, Timestamp)>,
    /// By time.
    held: VecDeque<(Timestamp, Held)>,
    /// Bars that closed after a command had arrived which candles let the venue take up only
    /// later: its answer is heard before them, as it would be.
    behind: VecDeque<Held>,
    /// No command leaves before.
    free: Timestamp,
}

/// A session that waits for the outcome of a command.
struct Wait {
    command: CommandId,
    action: Action,
    market: Option<usize>,
    left: Timestamp,
    /// When it goes on; not known before the venue has taken up what it waits for.
    until: Option<Timestamp>,
    /// What it makes of the outcome, where that is no report.
    refusal: Option<Refusal>,
    /// Whether the answer was lost, and the command executed all the same.
    timed_out: Option<bool>,
    /// When the command arrives, if it does.
    arrival: Timestamp,
    /// When the session looks for the order for the first and for the last time.
    looks: (Timestamp, Timestamp),
}

/// What a command meets that leaves at an instant.
#[derive(Default)]
struct Meeting {
    delay_ms: u32,
    rejection: Option<Rejection>,
    timeout: Option<Rate>,
}

impl Line {
    /// A line with trouble; `None` where no episode concerns commands.
    pub(crate) fn new(stress: &Stress) -> Option<Self> {
        let episodes: Arc<[Episode]> =
            stress.episodes.iter().filter(|episode| episode.trouble != Trouble::Halt).cloned().collect();
        (!episodes.is_empty()).then(|| Self {
            episodes,
            first: 0,
            random: stress.random.clone(),
            outbox: VecDeque::new(),
            wait: None,
            late: Vec::new(),
            held: VecDeque::new(),
            behind: VecDeque::new(),
            free: Timestamp::MIN,
        })
    }

    /// Whether the session waits for something.
    pub(crate) fn waits(&self) -> bool {
        self.wait.is_some() || !self.late.is_empty()
    }

    /// Whether what happens is held.
    pub(crate) fn holds(&self) -> bool {
        self.waits() || !self.held.is_empty() || !self.behind.is_empty()
    }

    /// When the session goes on, as far as that is known.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        self.wait.as_ref().and_then(|wait| wait.until)
    }

    /// Takes what the strategy has said.
    pub(crate) fn say(&mut self, commands: impl Iterator<Item = Outgoing>) {
        self.outbox.extend(commands);
    }

    /// The next command that the session can send.
    pub(crate) fn next_to_send(&mut self) -> Option<Outgoing> {
        if self.wait.is_some() { None } else { self.outbox.pop_front() }
    }

    /// What was never sent.
    pub(crate) fn into_outbox(self) -> VecDeque<Outgoing> {
        self.outbox
    }

    /// Sends a command: when it reaches the venue, if it does.
    pub(crate) fn send<S: Strategy>(
        &mut self,
        session: &mut Session<S>,
        outgoing: &Outgoing,
        latency_us: i64,
    ) -> Option<Timestamp> {
        let Outgoing { id, time, market, command, .. } = outgoing;
        let (action, symbol) = (command.action(), command.symbol());
        let first_left = (*time).max(self.free);
        let wait = || Wait {
            command: *id,
            action,
            market: *market,
            left: first_left,
            until: None,
            refusal: None,
            timed_out: None,
            arrival: first_left,
            looks: (first_left, first_left),
        };
        let log_time = session.now();
        let mut note = |left, met| {
            session.note(Event::Trouble { time: log_time, command: *id, left, met: Box::new(met) });
        };
        let (mut left, mut rejected, mut times) = (first_left, None, 0);
        let meeting = loop {
            let mut meeting = self.meet(left, action, symbol);
            let Some(rejection) = meeting.rejection.take() else { break meeting };
            times += 1;
            let answered = left.plus(latency_us + i64::from(meeting.delay_ms) * 1_000 + ANSWER_US);
            let (outcome, known) = match reaction(rejection.status, rejection.code, rejection.retry_after) {
                Reaction::Again { after_us } if times < TRIES => {
                    left = answered.plus(after_us);
                    rejected = Some(rejection);
                    continue;
                }
                Reaction::Again { .. } if rejection.status != 429 => (RejectionOutcome::Refused, answered),
                Reaction::Again { .. } | Reaction::GiveUp => (RejectionOutcome::GivenUp, answered),
                Reaction::Refused => (RejectionOutcome::Refused, answered),
                Reaction::LookUp => (RejectionOutcome::Unknown, answered.plus(i64::from(TRIES) * PAUSE_US)),
            };
            let refusal = match outcome {
                RejectionOutcome::Unknown => never_seen(),
                _ => Refusal { code: rejection.code, text: rejection.msg.clone(), halves: None },
            };
            note(first_left, Met::Rejected { rejection, times, outcome, known });
            self.wait = Some(Wait { until: Some(known), refusal: Some(refusal), ..wait() });
            return None;
        };
        if let Some(rejection) = rejected {
            note(first_left, Met::Rejected { rejection, times, outcome: RejectionOutcome::Passed, known: left });
        }
        if meeting.delay_ms > 0 {
            note(left, Met::Delayed { ms: meeting.delay_ms });
        }
        let arrival = left.plus(latency_us + i64::from(meeting.delay_ms) * 1_000);
        let Some(share) = meeting.timeout else {
            if times > 0 || meeting.delay_ms > 0 {
                self.late.push((*id, arrival));
                self.free = arrival;
            }
            return Some(arrival);
        };
        let executed = action != Action::Test && self.chance(share);
        let answered = arrival.plus(TIMEOUT_US);
        let looks = (answered.plus(PAUSE_US), answered.plus(i64::from(TRIES) * PAUSE_US));
        let (until, refusal) = if executed { (None, None) } else { (Some(looks.1), Some(never_seen())) };
        self.wait = Some(Wait { left, until, refusal, timed_out: Some(executed), arrival, looks, ..wait() });
        executed.then_some(arrival)
    }

    fn meet(&mut self, at: Timestamp, action: Action, symbol: Option<Symbol>) -> Meeting {
        while self.episodes.get(self.first).is_some_and(|episode| episode.to <= at) {
            self.first += 1;
        }
        let begun = self.episodes[self.first..].iter().take_while(|episode| episode.from <= at);
        let mut meeting = Meeting::default();
        for episode in begun.filter(|episode| at < episode.to && episode.concerns(symbol)) {
            match &episode.trouble {
                Trouble::Latency { ms } => meeting.delay_ms = meeting.delay_ms.max(*ms),
                Trouble::Timeout { executed } => meeting.timeout = meeting.timeout.or(Some(*executed)),
                // Too many new orders: nothing else is one.
                Trouble::Rejection(rejection) if rejection.code != -1015 || action.places() => {
                    meeting.rejection = meeting.rejection.or_else(|| Some(rejection.clone()));
                }
                Trouble::Rejection(_) | Trouble::Halt => {}
            }
        }
        meeting
    }

    fn chance(&mut self, share: Rate) -> bool {
        match share.units() {
            0 => false,
            ONE.. => true,
            units => (u128::from(self.random.next_u64()) * u128::from(ONE.unsigned_abs())) >> 64 < units as u128,
        }
    }

    /// The venue has taken up a command. If it is the one whose answer was lost, the session
    /// finds it when it looks for it; candles may let that be later than it would be.
    pub(crate) fn taken_up(&mut self, command: CommandId, now: Timestamp) {
        if let Some(at) = self.late.iter().position(|(late, _)| *late == command) {
            self.late.remove(at);
            // What is heard now cannot be answered earlier.
            self.free = self.free.max(now);
        }
        if let Some(wait) = &mut self.wait
            && wait.command == command
            && wait.timed_out == Some(true)
        {
            wait.until = Some(wait.looks.0.max(now));
        }
    }

    /// Keeps what the venue has said. A refusal whose answer was lost is never heard: the
    /// session looks for an order that there is not, to the end.
    pub(crate) fn hold_said(&mut self, now: Timestamp, said: &mut Vec<VenueEvent>, market: Option<usize>) {
        for event in said.drain(..) {
            match (&event, &mut self.wait) {
                (VenueEvent::Refused { command, .. }, Some(wait))
                    if wait.command == *command && wait.timed_out == Some(true) =>
                {
                    wait.until = Some(wait.looks.1.max(now));
                    wait.refusal = Some(never_seen());
                }
                _ => self.hold(event.time(), Held::Said(Box::new(event), market)),
            }
        }
        if !self.is_overdue(now) {
            self.catch_up_bars(now);
        }
    }

    /// Keeps what has happened.
    pub(crate) fn hold(&mut self, time: Timestamp, held: Held) {
        match held {
            Held::Bar(..) | Held::Mark(_) if self.is_overdue(time) => self.behind.push_back(held),
            _ => self.append(time, held),
        }
    }

    /// Time does not go back: a deposit that was due before the session went on is booked after
    /// that.
    fn append(&mut self, time: Timestamp, held: Held) {
        let last = self.held.back().map_or(time, |(last, _)| *last);
        self.held.push_back((time.max(last), held));
    }

    /// Whether a command has arrived by now that the venue has not taken up.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let lost = self.wait.as_ref().is_some_and(|wait| wait.until.is_none() && wait.arrival <= now);
        lost || self.late.iter().any(|(_, arrival)| *arrival <= now)
    }

    /// The session knows what it waited for, and goes on.
    pub(crate) fn end_wait<S: Strategy>(&mut self, session: &mut Session<S>, now: Timestamp) {
        let Some(wait) = self.wait.take() else { return };
        self.free = self.free.max(now);
        if let Some(executed) = wait.timed_out {
            let met = Box::new(Met::TimedOut { executed, known: now });
            session.note(Event::Trouble { time: session.now(), command: wait.command, left: wait.left, met });
        }
        if let Some(refusal) = wait.refusal {
            let refused = VenueEvent::Refused { time: now, command: wait.command, action: wait.action, refusal };
            self.hold(now, Held::Said(Box::new(refused), wait.market));
        }
    }

    /// When the next of what is held is to be heard.
    pub(crate) fn next_held(&mut self) -> Option<Timestamp> {
        self.held.front().map(|(time, _)| *time)
    }

    /// What is to be heard at an instant, one after the other.
    pub(crate) fn take_held(&mut self, instant: Timestamp) -> Option<Held> {
        self.held.pop_front_if(|(time, _)| *time == instant).map(|(_, held)| held)
    }

    /// After the last bar: nothing is waited for any more.
    pub(crate) fn hang_up<S: Strategy>(&mut self, session: &mut Session<S>) {
        if let Some(end) = self.next_end() {
            self.end_wait(session, end);
        }
        self.wait = None;
        self.late.clear();
        self.catch_up_bars(Timestamp::MIN);
    }

    /// Bars come after the answer that they were to wait for.
    fn catch_up_bars(&mut self, now: Timestamp) {
        for held in std::mem::take(&mut self.behind) {
            self.append(now, held);
        }
    }
}
