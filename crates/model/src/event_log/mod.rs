//! The log of a run, kept small: years of orders fit into memory.
//!
//! For: appending what happened and reading it again from the beginning. Not for: what events
//! mean (`run`), nor for a file format: the bytes are private to one process.
//!
//! An event is written as by how much it differs from what was to be expected after those before
//! it. Most events then take nine to some thirty bytes instead of five hundred: memory that is new costs
//! more than the arithmetic. Commands and events that are rare are kept as they are.

mod bytes;
mod commands;
mod reports;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::command::Command;
use crate::execution::ExecutionReport;
use crate::run::{CommandId, Event};
use crate::time::Timestamp;
use bytes::{Fields, MOST, Reader, Writer};
use commands::Commands;
use reports::Reports;

/// What happened, in its order.
#[derive(Clone, Default)]
pub struct EventLog {
    /// Room for one more event is kept behind the last one.
    bytes: Vec<u8>,
    end: usize,
    /// Events that are not written as bytes, in their order.
    rare: Vec<Event>,
    len: usize,
    told: Told,
}

/// What a log has told so far: what comes next is written as how it differs from what is to be
/// expected after that.
#[derive(Debug, Clone, Default)]
struct Told {
    time: Timestamp,
    commands: Commands,
    reports: Reports,
}

/// How far a log was read; the default is its beginning.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    at: usize,
    rare: usize,
    told: Told,
}

/// What follows a head, in its upper two bits; below are four that are a report's kind.
const RARE: u32 = 0;
const REPORT: u32 = 1;
const SUBMIT: u32 = 2;
const CANCEL: u32 = 3;
const SHIFT: u32 = 4;

/// By how much the log grows at least.
const GROWTH: usize = 16 * MOST;

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
        let Told { time, commands, reports } = &mut self.told;
        let writer = Writer::new(room(&mut self.bytes, self.end), REPORT << SHIFT | reports::kind(report));
        self.end += reports.write(writer, time, &commands.asked, report).end();
        self.len += 1;
    }

    /// Adds a command that has left the strategy.
    pub fn push_sent(&mut self, time: Timestamp, id: CommandId, command: &Command) {
        let told = &mut self.told;
        match command {
            Command::Submit(request) => {
                let mut writer = Writer::new(room(&mut self.bytes, self.end), SUBMIT << SHIFT);
                told.time = writer.time(told.time, time);
                self.end += told.commands.write_submit(writer, id, request).end();
                self.len += 1;
            }
            Command::Cancel(cancel) => {
                let mut writer = Writer::new(room(&mut self.bytes, self.end), CANCEL << SHIFT);
                told.time = writer.time(told.time, time);
                told.commands.pass_cancel(&mut writer, id, cancel);
                self.end += writer.end();
                self.len += 1;
            }
            other => {
                self.push_rare(Event::Sent { time, command: id, action: other.action(), parameters: other.clone() })
            }
        }
    }

    fn push_rare(&mut self, event: Event) {
        self.end += Writer::new(room(&mut self.bytes, self.end), RARE << SHIFT).end();
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
        if cursor.at >= self.end {
            return None;
        }
        let (mut reader, head) = Reader::new(&self.bytes[..self.end], cursor.at);
        let Told { time, commands, reports } = &mut cursor.told;
        let event = match head >> SHIFT {
            REPORT => {
                Event::ExecutionReport(reports.read(&mut reader, head & ((1 << SHIFT) - 1), time, &commands.asked))
            }
            SUBMIT => {
                *time = reader.time(*time, *time);
                let (command, request) = commands.read_submit(&mut reader);
                sent(*time, command, Command::Submit(request))
            }
            CANCEL => {
                *time = reader.time(*time, *time);
                let (command, cancel) = commands.read_cancel(&mut reader);
                sent(*time, command, Command::Cancel(cancel))
            }
            _ => {
                cursor.rare += 1;
                self.rare[cursor.rare - 1].clone()
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

/// Room for an event behind the last one.
#[inline]
fn room(bytes: &mut Vec<u8>, end: usize) -> &mut [u8; MOST] {
    if bytes.len() < end + MOST {
        bytes.resize(end + GROWTH, 0);
    }
    bytes[end..].first_chunk_mut().expect("it was made")
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
