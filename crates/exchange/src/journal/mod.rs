//! What came from outside, in order: enough to make the same world again.
//!
//! For: seeking back, and going on after the process has ended. Markets follow from the setup and
//! orders from requests, so that nothing else is written down; secrets and signatures never get
//! here. Not for: what became of a request, or for making a world (`local`).

mod file;
mod header;
mod line;
mod lines;

use std::borrow::Cow;
use std::io;

use candlewick_model::{Command, Timestamp};

pub(crate) use file::Kept;
pub use file::StateFile;
pub(crate) use header::Header;
pub(crate) use line::{Entry, Line, Place};
pub(crate) use lines::Lines;

/// The requests so far, and the file that they are in as well, if there is one.
#[derive(Default)]
pub(crate) struct Journal {
    lines: Lines,
    file: Option<StateFile>,
}

/// Where a world has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// To a place.
    Place(Place),
    /// To the end of an instant.
    Instant(Timestamp),
}

impl Journal {
    /// Takes down what happens next, before it happens. Where the file cannot be written, it must
    /// not happen.
    pub(crate) fn note(&mut self, place: Place, entry: &Entry<'_>) -> io::Result<()> {
        if self.file.is_none() && matches!(entry, Entry::Mark) {
            return Ok(());
        }
        let line = line::written(place, entry);
        if let Some(file) = &mut self.file {
            file.append(&line)?;
        }
        if !matches!(entry, Entry::Mark) {
            self.lines.push(place.time, line.into());
        }
        Ok(())
    }

    /// What was noted last was taken up at that time, which may be later than when it came.
    pub(crate) fn taken_up(&mut self, time: Timestamp) {
        self.lines.last_taken_up(time);
    }

    /// A line that was noted in an earlier life.
    pub(crate) fn remember(&mut self, taken_up: Timestamp, line: &str) {
        self.lines.push(taken_up, line.into());
    }

    /// Forgets what came after an instant.
    pub(crate) fn go_back(&mut self, to: Timestamp) -> io::Result<()> {
        let stay = self.lines.count_until(to);
        if let Some(file) = &mut self.file {
            file.append(&line::written_back(to, stay))?;
        }
        self.lines.truncate(stay);
        Ok(())
    }

    /// What came up to an instant.
    pub(crate) fn until(&self, to: Timestamp) -> Lines {
        let mut lines = self.lines.clone();
        lines.truncate(lines.count_until(to));
        lines
    }

    /// Whether it is on file, too.
    pub(crate) fn is_on_file(&self) -> bool {
        self.file.is_some()
    }

    /// From now on in a file, which holds everything so far.
    pub(crate) fn keep_in(&mut self, file: StateFile) {
        self.file = Some(file);
    }
}

impl<'a> Entry<'a> {
    /// A trading request.
    pub(crate) fn of(account: usize, command: &'a Command) -> Self {
        match command {
            Command::Raw(action, raw) => Self::Request { account, action: *action, parameters: Cow::Borrowed(raw) },
            other => Self::Request { account, action: other.action(), parameters: Cow::Owned(other.parameters()) },
        }
    }
}
