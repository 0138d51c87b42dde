//! The log of a run, kept small: years of orders fit into memory.
//!
//! For: appending what happened and reading it again from the beginning. Not for: what events
//! mean (`run`), nor for a file format: the bytes are private to one process.
//!
//! An event is written as words of 64 bits: those in which it differs from the last one of its
//! kind. Most events then take some eighty bytes instead of five hundred. Commands and events
//! that are rare are kept as they are.

mod coding;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::command::Command;
use crate::execution::ExecutionReport;
use crate::run::{CommandId, Event};
use crate::time::Timestamp;
use coding::Last;

/// What happened, in its order.
#[derive(Clone, Default)]
pub struct EventLog {
    words: Vec<u64>,
    /// Events that are not written as words, in their order.
    rare: Vec<Event>,
    len: usize,
    last: Last,
}

/// How far a log was read; the default is its beginning.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    at: usize,
    rare: usize,
    last: Last,
}

/// What follows a head, in its upper two bits.
const RARE: u64 = 0;
const REPORT: u64 = 1;
const SUBMIT: u64 = 2;
const CANCEL: u64 = 3;

impl EventLog {
    /// Adds what has just happened.
    pub fn push(&mut self, event: Event) {
        match &event {
            Event::ExecutionReport(report) => self.push_report(report),
            Event::Sent { time, command, parameters, .. } => self.push_sent(*time, *command, parameters),
            _ => self.push_rare(event),
        }
    }

    /// Adds a change of an order.
    pub fn push_report(&mut self, report: &ExecutionReport) {
        let differ = self.last.pack_report(report);
        words::write(&mut self.words, REPORT, differ, &self.last.report);
        self.len += 1;
    }

    /// Adds a command that has left the strategy.
    pub fn push_sent(&mut self, time: Timestamp, id: CommandId, command: &Command) {
        match command {
            Command::Submit(request) => {
                let differ = self.last.pack_submit(time, id, request);
                words::write(&mut self.words, SUBMIT, differ, &self.last.submit);
                self.len += 1;
            }
            Command::Cancel(cancel) => {
                let differ = self.last.pack_cancel(time, id, cancel);
                words::write(&mut self.words, CANCEL, differ, &self.last.cancel);
                self.len += 1;
            }
            other => {
                self.push_rare(Event::Sent { time, command: id, action: other.action(), parameters: other.clone() })
            }
        }
    }

    fn push_rare(&mut self, event: Event) {
        self.words.push(RARE << words::KIND_SHIFT);
        self.rare.push(event);
        self.len += 1;
    }

    /// How many events there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has happened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The event behind a cursor, which moves on; `None` at the end, where more may come later.
    pub fn read(&self, cursor: &mut Cursor) -> Option<Event> {
        let kind = *self.words.get(cursor.at)? >> words::KIND_SHIFT;
        let (log, at, last) = (&self.words, cursor.at, &mut cursor.last);
        let event;
        (cursor.at, event) = match kind {
            REPORT => {
                let next = words::read(log, at, &mut last.report);
                (next, Event::ExecutionReport(last.unpack_report()))
            }
            SUBMIT => {
                let next = words::read(log, at, &mut last.submit);
                let (time, command, request) = last.unpack_submit();
                (next, sent(time, command, Command::Submit(request)))
            }
            CANCEL => {
                let next = words::read(log, at, &mut last.cancel);
                let (time, command, cancel) = last.unpack_cancel();
                (next, sent(time, command, Command::Cancel(cancel)))
            }
            _ => {
                cursor.rare += 1;
                (at + 1, self.rare[cursor.rare - 1].clone())
            }
        };
        Some(event)
    }

    /// All events from the first one on.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { log: self, cursor: Cursor::default(), left: self.len }
    }
}

fn sent(time: Timestamp, command: CommandId, parameters: Command) -> Event {
    Event::Sent { time, command, action: parameters.action(), parameters }
}

/// The events of a log, one after the other.
pub struct Iter<'a> {
    log: &'a EventLog,
    cursor: Cursor,
    left: usize,
}

impl Iterator for Iter<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let event = self.log.read(&mut self.cursor)?;
        self.left -= 1;
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a EventLog {
    type Item = Event;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Extend<Event> for EventLog {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push(event));
    }
}

impl FromIterator<Event> for EventLog {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut log = Self::default();
        log.extend(events);
        log
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Serialize for EventLog {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self)
    }
}
