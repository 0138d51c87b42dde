//! The journal: every event of a live run, appended to a file of JSON lines.
//!
//! A line is an event exactly as the backtest writes it, so that the two files can be compared
//! byte by byte and read with anybody's tools; that is why there is no checksum in it. A crash
//! can only cut the last line short: [`Journal::read`] leaves such a line out and says so, and
//! a new run under the same name is refused.
//!
//! What is sent is on disk before the network sees it: [`Journal::make_durable`] (fsync) comes
//! before every command. Everything else is written at once and synced with the next command
//! or at the end: reports can be asked for again, a command that nobody remembers cannot.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use candlewick_model::run::Event;
use serde_json::Value;

use crate::LiveError;

/// A journal under way.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Whether something was written since the last sync.
    dirty: bool,
}

/// What a journal holds.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRead {
    /// The events, in order.
    pub events: Vec<Value>,
    /// Whether a last line was cut short, and left out.
    pub cut_short: bool,
}

impl Journal {
    /// Begins a journal. A file that is there already is an error: it may be the only record
    /// of open orders.
    pub fn create(path: &Path) -> Result<Self, LiveError> {
        let failed = |source| LiveError::Journal { path: path.to_owned(), source };
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(failed)?;
        // The name itself must survive too.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(Self { file, path: path.to_owned(), dirty: false })
    }

    /// Appends events; one write for all of them.
    pub fn append(&mut self, events: &[Event]) -> Result<(), LiveError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, event).expect("events are made of texts and numbers");
            lines.push(b'\n');
        }
        self.dirty = true;
        self.file.write_all(&lines).map_err(|source| self.failed(source))
    }

    /// Waits until everything appended is on disk.
    pub fn make_durable(&mut self) -> Result<(), LiveError> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data().map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> LiveError {
        LiveError::Journal { path: self.path.clone(), source }
    }

    /// Reads a journal, also one whose writer was killed.
    pub fn read(path: &Path) -> Result<JournalRead, LiveError> {
        let failed = |source| LiveError::Journal { path: path.to_owned(), source };
        let text = std::fs::read(path).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events: Result<Vec<Value>, _> = lines.map(serde_json::from_slice).collect();
        let events = events.map_err(|e| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, e)))?;
        Ok(JournalRead { events, cut_short: whole < text.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candlewick_model::Action;
    use candlewick_model::{Refusal, Timestamp};

    fn refused(command: u64) -> Event {
        let (time, action) = (Timestamp::from_micros(1_672_531_200_000_000), Action::New);
        Event::Refused { time, command, action, refusal: Refusal::new(-1013, "Filter failure: LOT_SIZE") }
    }

    #[test]
    fn what_was_appended_is_read_also_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        journal.append(&[refused(1), refused(2)]).unwrap();
        journal.make_durable().unwrap();
        let read = Journal::read(&path).unwrap();
        assert_eq!((read.events.len(), read.cut_short), (2, false));
        assert_eq!(read.events[1]["command"], 2);
        // Killed in the middle of a line, wherever.
        let whole = std::fs::read(&path).unwrap();
        let second = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
        for cut in second + 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let read = Journal::read(&path).unwrap();
            assert_eq!((read.events.len(), read.cut_short), (1, true), "cut at {cut}");
        }
        assert!(Journal::create(&path).is_err(), "an old journal is never overwritten");
    }
}
