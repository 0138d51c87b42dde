//! The same world once more: from its journal, after a seek back or the end of the process.
//!
//! For: making it again from the beginning, which is fast and cannot differ. Not for: writing the
//! journal (`journal`).

use candlewick_model::{Command, Refusal, Timestamp};

use super::{Came, LocalExchange, Origin, Tells};
use crate::ExchangeError;
use crate::journal::{End, Entry, Header, Kept, Line, Lines, Place, StateFile};

/// A world as it was, to be made without holding up the present one.
pub(crate) struct Past {
    origin: Origin,
    lines: Lines,
    to: Timestamp,
}

/// What a file has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// How many entries.
    pub(crate) entries: usize,
    /// Whether it has only been begun.
    pub(crate) is_new: bool,
    /// What is to be told of it.
    pub(crate) notes: Vec<String>,
}

impl Past {
    /// Makes it; with the instant that it is of.
    pub(crate) fn made(self) -> Result<(LocalExchange, Timestamp), Refusal> {
        let mut world = LocalExchange::with_accounts(&self.origin.setup, &self.origin.accounts);
        world.tells = Tells::Nothing;
        let astray = |reason: String| Refusal::naming(-1000, format!("the past cannot be made again: {reason}"));
        for line in self.lines.iter() {
            world.take_again(&line).map_err(astray)?;
        }
        world.run(Some(self.to), |_| true)?;
        Ok((world, self.to))
    }
}

impl LocalExchange {
    /// Where it stands in time.
    fn place(&self) -> Place {
        Place { time: self.now, turns: self.turns, said: self.said }
    }

    /// Takes down what happens next.
    pub(super) fn note(&mut self, entry: &Entry<'_>) -> Result<(), Refusal> {
        let place = self.place();
        self.journal.note(place, entry).map_err(|error| not_written(&error))
    }

    /// Takes down how far time has come, where that is kept in a file.
    pub(crate) fn mark(&mut self) -> Result<(), Refusal> {
        self.note(&Entry::Mark)
    }

    /// Whether its journal is kept in a file.
    pub(crate) fn is_kept(&self) -> bool {
        self.journal.is_on_file()
    }

    /// When the last bar closes.
    pub(crate) fn ends(&self) -> Timestamp {
        let closes = self.origin.setup.markets.iter().filter_map(|market| market.bars.close_time.last());
        closes.max().unwrap_or(Timestamp::MAX)
    }

    /// From now on its journal is in a file. What is in it already happens now.
    pub(crate) fn keep_in(&mut self, mut file: StateFile, shift_us: i64) -> Result<Resumed, ExchangeError> {
        let path = file.path().to_owned();
        let wrong = |reason: String| ExchangeError::State { path: path.clone(), reason };
        let Kept { lines, end } = file.read(Header::new(&self.origin.setup, &self.origin.accounts, shift_us))?;
        self.tells = Tells::Nothing;
        for (number, line) in &lines {
            let again = self.take_again(line);
            again.map_err(|reason| wrong(format!("line {number}: {reason}")))?;
            self.journal.remember(self.now, line);
        }
        let reached = match end {
            Some(End::Place(place)) => self.go_to_place(place),
            Some(End::Instant(time)) => self.run(Some(time), |_| true).map(|_| ()).map_err(|no| no.to_string()),
            None => Ok(()),
        };
        reached.map_err(|reason| wrong(format!("its last line: {reason}")))?;
        self.tells = Tells::All;
        let notes = file.notes().to_vec();
        self.journal.keep_in(file);
        Ok(Resumed { entries: lines.len(), is_new: lines.is_empty() && end.is_none(), notes })
    }

    /// What happened once happens again.
    fn take_again(&mut self, line: &str) -> Result<(), String> {
        let Line::Entry(place, entry) = Line::read(line)? else { return Err("no entry".to_owned()) };
        self.go_to_place(place)?;
        match entry {
            Entry::TakesUp(takes_up) => self.takes_up = takes_up,
            Entry::Mark => {}
            Entry::Transfer(booking) => {
                self.can_book(&booking)?;
                self.book(booking);
            }
            Entry::Revised(revisions) => {
                let ready = self.ready(revisions.into_owned())?;
                self.take_in(ready).map_err(|no| no.to_string())?;
            }
            Entry::Request { account, action, parameters } => {
                if account >= self.traders.len() {
                    return Err(format!("there is no account {account}"));
                }
                // What was refused is refused again.
                let _ = self.execute(account, &Command::Raw(action, Box::new(parameters.into_owned())));
            }
        }
        Ok(())
    }

    /// Goes on to a place where a world that began as this one has been.
    fn go_to_place(&mut self, place: Place) -> Result<(), String> {
        while self.turns < place.turns {
            let next = self.next_instant().map_err(|no| no.to_string())?;
            let next = next.filter(|next| *next <= place.time);
            let next = next.ok_or_else(|| format!("the markets do not move so often before {}", place.time))?;
            self.go_to(next).map_err(|no| no.to_string())?;
        }
        self.wait(place.time);
        if self.place() != place {
            return Err(format!(
                "at {} the same requests have not led to the same orders; was it written by another version?",
                place.time
            ));
        }
        Ok(())
    }

    /// The world as it was at the end of an earlier instant; before the first one there is none.
    pub(crate) fn past(&self, to: Timestamp) -> Past {
        let to = to.max(self.origin.setup.start());
        Past { origin: self.origin.clone(), lines: self.journal.until(to), to }
    }

    /// Goes back to what it was. Requests are taken up where they are now.
    pub(crate) fn go_back(&mut self, (mut past, to): (Self, Timestamp)) -> Result<(), Refusal> {
        self.journal.go_back(to).map_err(|error| not_written(&error))?;
        let takes_up = self.takes_up;
        std::mem::swap(&mut self.journal, &mut past.journal);
        std::mem::swap(&mut self.audience, &mut past.audience);
        past.catalogue.take_over(&mut self.catalogue);
        past.audience.users.forget_late();
        past.tells = Tells::All;
        *self = past;
        self.tell_where_markets_are();
        self.take_up_where(takes_up)
    }

    /// Puts time to the end of another instant: forward through all that happens until then, of which
    /// only accounts are told, or back to the world as it was. Whether the markets have ended there.
    pub fn seek(&mut self, to: Timestamp) -> Result<bool, Refusal> {
        if to >= self.now {
            return Ok(self.run_unseen(to, |_| true)?.came == Came::ToTheEnd);
        }
        let past = self.past(to).made()?;
        self.go_back(past)?;
        self.has_ended()
    }
}

fn not_written(error: &std::io::Error) -> Refusal {
    Refusal::naming(-1000, format!("the state cannot be written: {error}"))
}
