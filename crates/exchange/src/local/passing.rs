//! Time that goes on by itself, or to an instant: through all points on the way.
//!
//! For: whoever decides how far, one piece after another. Not for: deciding that (`pace`), or for
//! steps that stop where something happens.

use candlewick_model::{Refusal, Timestamp};

use super::{Audience, LocalExchange, Tells};

/// How far time has gone on, and what has happened on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) came: Came,
    /// How many orders changed, changes of one order counted each.
    pub(crate) reports: usize,
    /// How many bars closed.
    pub(crate) bars: usize,
}

/// Where it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// To the end of the instant that was wanted.
    There,
    /// Not so far yet.
    OnTheWay,
    /// To the end of the markets.
    ToTheEnd,
}

impl LocalExchange {
    /// Lets time go on to the end of an instant, or as far as it goes, while `goes_on`; it is asked
    /// after every instant at which something moves, and shown who listens.
    pub(crate) fn run(
        &mut self,
        until: Option<Timestamp>,
        mut goes_on: impl FnMut(&Audience) -> bool,
    ) -> Result<Ran, Refusal> {
        let (mut reports, mut bars) = (0, 0);
        let came = loop {
            let next = self.next_instant()?;
            match (next, until) {
                (Some(next), Some(until)) if next > until => {
                    self.wait(until);
                    break Came::There;
                }
                (Some(next), _) => {
                    let (changed, closed) = self.go_to(next)?;
                    (reports, bars) = (reports + changed, bars + closed);
                }
                (None, until) => {
                    self.wait(until.unwrap_or(Timestamp::MIN));
                    break Came::ToTheEnd;
                }
            }
            if !goes_on(&self.audience) {
                break Came::OnTheWay;
            }
        };
        Ok(Ran { came, reports, bars })
    }

    /// As [`Self::run`]; of the way only accounts are told, and once it is there where markets are.
    pub(crate) fn run_unseen(
        &mut self,
        until: Timestamp,
        goes_on: impl FnMut(&Audience) -> bool,
    ) -> Result<Ran, Refusal> {
        self.tells = Tells::Accounts;
        let ran = self.run(Some(until), goes_on);
        self.tells = Tells::All;
        if ran.as_ref().is_ok_and(|ran| ran.came != Came::OnTheWay) {
            self.tell_where_markets_are();
        }
        ran
    }

    pub(super) fn tell_where_markets_are(&mut self) {
        super::views(&self.markets, &self.traders, self.now).for_each(|view| self.audience.jumped(&view));
    }

    /// Whether all markets have ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool, Refusal> {
        Ok(self.next_instant()?.is_none())
    }
}
