//! Revisions of markets: which are to come, when they come into force, and what happens then.
//!
//! For: the same change for all accounts at one instant, before the markets move there. Not for:
//! what a revision says (`revision`).

use candlewick_model::{Refusal, Symbol, Timestamp};

use super::{Change, LocalExchange};
use crate::journal::Entry;
use crate::revision::{self, InForce, Revision};

/// What is to come: by time, then as it was told.
#[derive(Debug, Default)]
pub(super) struct ToCome(Vec<Revision>);

impl ToCome {
    /// When the next one comes into force.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().and_then(|revision| revision.at)
    }

    fn add(&mut self, revision: Revision) {
        let at = self.0.partition_point(|other| other.at <= revision.at);
        self.0.insert(at, revision);
    }

    fn take_until(&mut self, instant: Timestamp) -> Vec<Revision> {
        let due = self.0.partition_point(|revision| revision.at <= Some(instant));
        self.0.drain(..due).collect()
    }

    fn of(&self, symbol: Symbol) -> impl Iterator<Item = &Revision> + Clone {
        self.0.iter().filter(move |revision| revision.symbol == symbol)
    }
}

impl LocalExchange {
    /// Revisions with their times, if they make sense together and with those that are known.
    pub(crate) fn ready(&self, mut revisions: Vec<Revision>) -> Result<Vec<Revision>, String> {
        let (now, end) = (self.now, self.ends());
        let mut concerned = Vec::new();
        for revision in &mut revisions {
            let symbol = revision.symbol;
            concerned.push(self.market_of(symbol).ok_or_else(|| {
                let known: Vec<_> = self.markets.iter().map(|market| market.symbol.to_string()).collect();
                format!("there is no market {symbol}; there is {}", known.join(", "))
            })?);
            let at = *revision.at.get_or_insert(now);
            if at < now {
                return Err(format!("{symbol}: {at} is over, it is {now}"));
            }
            if at > end {
                return Err(format!("{symbol}: nothing happens any more at {at}; the last bar closes at {end}"));
            }
        }
        concerned.sort_unstable();
        concerned.dedup();
        for market in concerned {
            let symbol = self.markets[market].symbol;
            let new = revisions.iter().filter(|revision| revision.symbol == symbol);
            let mut to_come: Vec<_> = self.to_come.of(symbol).chain(new).collect();
            to_come.sort_by_key(|revision| revision.at);
            let in_force = self.markets[market].revisions().iter().map(|in_force| &in_force.revision);
            revision::check(&self.origin.setup.markets[market], in_force.chain(to_come.iter().copied()))?;
        }
        Ok(revisions)
    }

    /// Takes in revisions that are [`Self::ready`]; what is due already happens now.
    pub(crate) fn revise(&mut self, revisions: Vec<Revision>) -> Result<(), Refusal> {
        if revisions.is_empty() {
            return Ok(());
        }
        self.note(&Entry::Revised((&revisions).into()))?;
        self.take_in(revisions)?;
        self.journal.taken_up(self.now);
        Ok(())
    }

    pub(super) fn take_in(&mut self, revisions: Vec<Revision>) -> Result<(), Refusal> {
        revisions.into_iter().for_each(|revision| self.to_come.add(revision));
        if self.to_come.next().is_some_and(|next| next <= self.now) {
            self.go_to(self.now)?;
        }
        Ok(())
    }

    /// Whether a revision with a time is known: in force, or to come.
    pub(crate) fn knows(&self, revision: &Revision) -> bool {
        let in_force = self.markets.iter().flat_map(|market| market.revisions());
        in_force.map(|in_force| &in_force.revision).chain(&self.to_come.0).any(|known| known == revision)
    }

    /// What is to come of a market.
    pub(crate) fn to_come(&self, symbol: Symbol) -> impl Iterator<Item = &Revision> {
        self.to_come.of(symbol)
    }

    /// Brings into force what is due: bars that have not opened and instruments are others now.
    /// The markets concerned, and whether each is delisted now.
    pub(super) fn revise_until(&mut self, instant: Timestamp) -> Vec<(usize, bool)> {
        let mut concerned: Vec<(usize, bool)> = Vec::new();
        for revision in self.to_come.take_until(instant) {
            let market = self.market_of(revision.symbol).expect("it was checked");
            let bars_from = self.first_to_change(market, instant);
            let is_delisted = revision.delisted;
            self.markets[market].take_in(InForce { revision, bars_from });
            match concerned.iter_mut().find(|(known, _)| *known == market) {
                Some((_, delisted)) => *delisted |= is_delisted,
                None => concerned.push((market, is_delisted)),
            }
        }
        for (market, _) in &concerned {
            self.remake(*market);
        }
        concerned
    }

    /// From when on bars may be others: one that opens at the instant and has done so stays.
    fn first_to_change(&self, market: usize, instant: Timestamp) -> Timestamp {
        match self.markets[market].last_open() {
            Some(open) if open >= instant => open.plus(1),
            _ => instant,
        }
    }

    fn remake(&mut self, market: usize) {
        let data = &mut self.markets[market];
        let revised = data.revised(&self.origin.setup.markets[market]);
        self.traders.iter_mut().for_each(|trader| trader.replay.revise(market, &revised));
        if data.remake(&revised) {
            self.catalogue.replace(data.symbol, data.told_bars());
        }
    }

    /// What follows once the markets have moved, if they have: orders of a delisted one expire, and
    /// who listens is told. How many orders changed.
    pub(super) fn follow_up(&mut self, revised: &[(usize, bool)], instant: Timestamp, have_moved: bool) -> usize {
        if revised.is_empty() {
            return 0;
        }
        self.now = self.now.max(instant);
        let mut reports = 0;
        for (market, is_delisted) in revised {
            for account in (0..self.traders.len()).filter(|_| *is_delisted) {
                let replay = &mut self.traders[account].replay;
                if !have_moved {
                    // Nothing else moves at this instant: what expires does so now, and not at the last point.
                    replay.wait(instant);
                }
                replay.expire_all(*market);
                reports += self.absorb(account).len();
            }
            self.markets[*market].touch(1);
            self.tell(*market, Change::Orders);
        }
        reports
    }
}
