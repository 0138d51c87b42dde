//! The venue: one account and its books. Commands are read and handed to the book that they
//! name.
//!
//! It is given every instant and every price; it asks for nothing.

use candlewick_model::run::CommandId;
use candlewick_model::{Amount, Command, Refusal, Timestamp, request};

use crate::book::Book;
use crate::desk::{Desk, VenueEvent};
use crate::trace::{About, Fact};

#[derive(Debug, Clone)]
pub(crate) struct Venue {
    pub(crate) books: Vec<Book>,
    pub(crate) desk: Desk,
}

impl Venue {
    /// Time goes on, for all books.
    #[inline]
    pub(crate) fn go_to(&mut self, now: Timestamp) {
        self.desk.go_to(now);
        for book in &mut self.books {
            book.go_to(now);
        }
    }

    /// The place of the market that a command names.
    pub(crate) fn book_of(&self, command: &Command) -> Option<usize> {
        let symbol = command.symbol()?;
        self.books.iter().position(|book| book.instrument.symbol == symbol)
    }

    /// What a market's own assets, and what its commission may be paid in, are worth in its
    /// quote asset.
    pub(crate) fn worth_at(&mut self, market: usize) -> Amount {
        let Self { books, desk } = self;
        books[market].worth(desk)
    }

    /// Takes up a command where the market stands.
    pub(crate) fn execute(&mut self, market: Option<usize>, id: CommandId, command: &Command) {
        let (time, action) = (self.desk.now, command.action());
        self.desk.trace.begin(id);
        let answer = match command {
            Command::Raw(action, raw) => {
                request::command(*action, raw).and_then(|command| self.take_up(market, id, &command))
            }
            command => self.take_up(market, id, command),
        };
        self.desk.trace.end(time, answer.as_ref().err());
        if let Err(refusal) = answer {
            self.desk.events.push(VenueEvent::Refused { time, command: id, action, refusal });
        }
    }

    fn take_up(&mut self, market: Option<usize>, id: CommandId, command: &Command) -> Result<(), Refusal> {
        let now = self.desk.now;
        let at = market.ok_or(Refusal::new(-1121, "Invalid symbol."))?;
        let Self { books, desk } = self;
        let book = &mut books[at];
        book.note_command(desk);
        desk.note(About::Request, || Fact::TakenUp { action: command.action(), stand: book.stand() });
        match command {
            Command::Submit(order) => book.submit(desk, order),
            Command::Test(order) => {
                book.test(desk, order)?;
                desk.note(About::Request, || Fact::Tested);
                desk.events.push(VenueEvent::Tested { time: now, command: id });
                Ok(())
            }
            Command::SubmitList(list) => book.submit_list(desk, list),
            Command::Cancel(cancel) => book.cancel(desk, cancel),
            Command::CancelList(cancel) => book.cancel_list(desk, cancel),
            Command::CancelAll(_) => book.cancel_all(desk),
            Command::CancelReplace(replace) => book.cancel_replace(desk, replace),
            Command::Amend(amend) => book.amend(desk, amend),
            Command::Raw(..) => unreachable!("raw parameters were read before"),
        }
    }
}
