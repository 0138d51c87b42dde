//! What of a book changes as it goes: to be written down, and to go on from.
//!
//! For: [`crate::ReplayState`]. Not for: what the setup gives again (filters, fill model, costs,
//! bars), nor what follows from the rest (counts of open orders). Between two points nothing is
//! due to a list, so that `due` is no part of it.

use candlewick_model::run::Assumptions;
use candlewick_model::{Amount, Bars, Counts, Ledger, Ordinary, Price, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Book, List, Working};
use crate::averages::Averages;
use crate::desk::DiscountPrices;
use crate::fingerprint::Fingerprint;
use crate::reference::{MovingMean, Reference};

/// What a book cannot get from its setup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BookState {
    /// When the filters in force were taken.
    filters_of: Timestamp,
    open: Vec<Working>,
    lists: Vec<List>,
    last: Price,
    has_volume: bool,
    running: (Timestamp, Timestamp),
    volume: Amount,
    budget: Quantity,
    step: u64,
    step_from: Price,
    averages: Averages,
    average_bars: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount: Option<DiscountPrices>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount_bars: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<MovingMean>,
    assumptions: Assumptions,
}

/// In what a market of the setup is not the one that a state was taken on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Other data, or less of them.
    #[error("the {what} are not those that the state was taken on: {state} then, {setup} now")]
    Bars {
        /// Which of its series.
        what: &'static str,
        /// Those of the state.
        state: Box<Fingerprint>,
        /// Those of the setup.
        setup: Box<Fingerprint>,
    },
    /// A row or step that no bar has: the state was changed.
    #[error("the state stands where the {what} have no bar")]
    Place {
        /// Which of its series.
        what: &'static str,
    },
    /// The detail inside the running bar.
    #[error("what happened inside the running bar cannot be read: {0}")]
    Detail(String),
    /// The snapshot is gone.
    #[error("filters taken at {0} were in force, and are not there now")]
    Filters(Timestamp),
    /// A recorded one then and a calculated one now, or none, or another window.
    #[error("the reference price was calculated in another way")]
    Reference,
    /// A price series then and none now, or the other way round.
    #[error("the prices of the discount's asset were given then and are not now, or the other way round")]
    Discount,
}

impl Mismatch {
    /// Whether a series is the one that was known, and has the rows that were passed.
    pub(crate) fn check_bars(what: &'static str, known: &Fingerprint, bars: &Bars, passed: usize) -> Result<(), Self> {
        if !known.is_of(bars) {
            return Err(Self::Bars { what, state: known.clone().into(), setup: Fingerprint::of(bars).into() });
        }
        if passed > bars.len() { Err(Self::Place { what }) } else { Ok(()) }
    }
}

impl Book {
    pub(crate) fn state(&self) -> BookState {
        assert!(self.due.is_empty(), "a state is taken between two points");
        BookState {
            filters_of: self.timeline.time_of(&self.instrument),
            open: self.open.iter().copied().collect(),
            lists: self.lists.clone(),
            last: self.last,
            has_volume: self.has_volume,
            running: self.running,
            volume: self.volume,
            budget: self.budget,
            step: self.step,
            step_from: self.step_from,
            averages: self.averages.clone(),
            average_bars: Fingerprint::of(&self.averages.bars),
            discount: self.discount.clone(),
            discount_bars: self.discount.as_ref().map(|prices| Fingerprint::of(&prices.bars)),
            mean: match &self.reference {
                Reference::Mean(mean) => Some(mean.clone()),
                Reference::Absent | Reference::Recorded(_) => None,
            },
            assumptions: self.assumptions,
        }
    }

    /// Goes on from a state; the book is as its setup makes it.
    pub(crate) fn resume(&mut self, state: BookState, ledger: &mut Ledger) -> Result<(), Mismatch> {
        let instrument = self.timeline.taken_at(state.filters_of).ok_or(Mismatch::Filters(state.filters_of))?;
        self.instrument = instrument.clone();
        self.ordinary = Ordinary::of(instrument);
        self.instrument_changes = self.timeline.next_change(state.filters_of);
        self.pair = ledger.pair(self.instrument.base_asset, self.instrument.quote_asset);
        Mismatch::check_bars("average bars", &state.average_bars, &self.averages.bars, state.averages.closed)?;
        self.averages.resume(state.averages);
        match (&mut self.discount, state.discount, state.discount_bars) {
            (None, None, None) => {}
            (Some(prices), Some(state), Some(known)) => {
                Mismatch::check_bars("discount prices", &known, &prices.bars, state.opened)?;
                prices.opened = state.opened;
            }
            _ => return Err(Mismatch::Discount),
        }
        match (&mut self.reference, state.mean) {
            (Reference::Mean(mean), Some(state)) if mean.is_like(&state) => *mean = state,
            (Reference::Absent | Reference::Recorded(_), None) => {}
            _ => return Err(Mismatch::Reference),
        }
        self.counts = Counts { order_lists: state.lists.len(), ..Counts::default() };
        state.open.iter().for_each(|w| self.counts += Working::counts(&w.order));
        self.open = state.open.into_iter().collect();
        self.lists = state.lists;
        self.last = state.last;
        self.has_volume = state.has_volume;
        self.running = state.running;
        self.volume = state.volume;
        self.budget = state.budget;
        self.step = state.step;
        self.step_from = state.step_from;
        self.assumptions = state.assumptions;
        Ok(())
    }

    /// What it counts for on the exchange.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}
