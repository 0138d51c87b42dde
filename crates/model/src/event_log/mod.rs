//! The log of a run, kept small: years of orders fit into memory.
//!
//! For: appending what happened and reading it again from the beginning. Not for: what events
//! mean (`run`), nor for a file format: the bytes are private to one process.
//!
//! A report is written as what is different from the report before, a command likewise; most
//! events then take some forty bytes instead of five hundred. Commands and events that are rare
//! are kept as they are.

mod coding;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::command::Command;
use crate::execution::ExecutionReport;
use crate::run::{CommandId, Event};
use crate::time::Timestamp;
use coding::{Last, Pass, Reader, Writer};

/// What happened, in its order.
#[derive(Clone, Default)]
pub struct EventLog {
    bytes: Vec<u8>,
    /// Events that are not written as bytes, in their order.
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

/// Room for any event: at most 9 bytes for each of some sixty numbers, and texts.
const EVENT_BYTES_MAX: usize = 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rare,
    Report,
    Submit,
    Cancel,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Rare, Self::Report, Self::Submit, Self::Cancel];
}

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
        self.write(Kind::Report, |w, last| w.report(last, *report));
    }

    /// Adds a command that has left the strategy.
    pub fn push_sent(&mut self, time: Timestamp, id: CommandId, command: &Command) {
        match command {
            Command::Submit(request) => {
                self.write(Kind::Submit, |w, last| w.sent(last, time, id, |w, last| w.request(last, *request)));
            }
            Command::Cancel(cancel) => {
                self.write(Kind::Cancel, |w, last| w.sent(last, time, id, |w, last| w.cancel(last, *cancel)));
            }
            other => {
                self.push_rare(Event::Sent { time, command: id, action: other.action(), parameters: other.clone() })
            }
        }
    }

    fn push_rare(&mut self, event: Event) {
        self.write(Kind::Rare, |_, _| {});
        self.rare.push(event);
    }

    fn write(&mut self, kind: Kind, write: impl FnOnce(&mut Writer<'_>, &mut Last)) {
        let from = self.bytes.len();
        self.bytes.resize(from + EVENT_BYTES_MAX, 0);
        let mut writer = Writer { bytes: &mut self.bytes[from..], at: 1 };
        writer.bytes[0] = kind as u8;
        write(&mut writer, &mut self.last);
        let to = from + writer.at;
        self.bytes.truncate(to);
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
        let kind = Kind::ALL[usize::from(*self.bytes.get(cursor.at)?)];
        let mut reader = Reader { bytes: &self.bytes, at: cursor.at + 1 };
        let last = &mut cursor.last;
        let event = match kind {
            Kind::Rare => {
                cursor.rare += 1;
                self.rare[cursor.rare - 1].clone()
            }
            Kind::Report => {
                reader.report(last, last.report);
                Event::ExecutionReport(last.report)
            }
            Kind::Submit => {
                reader.sent(last, last.time, last.command, |r, last| r.request(last, last.request));
                sent(last, Command::Submit(last.request))
            }
            Kind::Cancel => {
                reader.sent(last, last.time, last.command, |r, last| r.cancel(last, last.cancel));
                sent(last, Command::Cancel(last.cancel))
            }
        };
        cursor.at = reader.at;
        Some(event)
    }

    /// All events from the first one on.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { log: self, cursor: Cursor::default(), left: self.len }
    }
}

fn sent(last: &Last, parameters: Command) -> Event {
    Event::Sent { time: last.time, command: last.command, action: parameters.action(), parameters }
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
