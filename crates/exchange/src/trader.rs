//! An account of the exchange: what it holds and has open, and what it has done.
//!
//! For: one account beside others on the same markets. Every account has the matcher to itself:
//! accounts do not trade with each other, as nothing that they do moves the recorded market.
//! Not for: when markets move (`local`).

use candlewick_model::Order;
use candlewick_simulator::{Replay, VenueEvent};

use crate::history::History;

/// An account with its orders on all markets.
pub(crate) struct Trader {
    pub(crate) replay: Replay,
    history: History,
}

impl Trader {
    pub(crate) fn new(replay: Replay) -> Self {
        Self { replay, history: History::default() }
    }

    /// What it has done.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Its orders that are not done, by market and number.
    pub(crate) fn open_orders(&self) -> impl Iterator<Item = &Order> {
        (0..self.replay.markets()).flat_map(|market| self.replay.open_orders(market))
    }

    /// Takes over what the venue has said.
    pub(crate) fn absorb(&mut self) -> Vec<VenueEvent> {
        let events: Vec<_> = self.replay.drain_events().collect();
        events.iter().for_each(|event| self.history.take_in(event));
        events
    }
}
