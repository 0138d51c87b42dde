//! A market that the exchange has changed under way: by which revisions, and what shows of it.
//!
//! For: where it stands still, is not told of, or is gone. Not for: when that happens (`local`).

use std::ops::Range;
use std::sync::Arc;

use candlewick_model::{Bars, SymbolStatus, Timestamp};
use candlewick_simulator::Market;

use super::{MarketData, View};
use crate::revision::{self, InForce};

/// What has been changed.
#[derive(Default)]
pub(super) struct Changed {
    /// By time.
    revisions: Vec<InForce>,
    /// Bars that open then are not told: the market has the status BREAK.
    breaks: Vec<Range<Timestamp>>,
}

impl Changed {
    /// Whether a bar that opens then is told.
    fn tells(&self, open_time: Timestamp) -> bool {
        !self.breaks.iter().any(|times| times.contains(&open_time))
    }
}

impl MarketData {
    /// What the exchange has done to it.
    pub(crate) fn revisions(&self) -> &[InForce] {
        &self.changed.revisions
    }

    /// One more is in force.
    pub(crate) fn take_in(&mut self, revision: InForce) {
        self.changed.revisions.push(revision);
    }

    /// What the market that it was comes to.
    pub(crate) fn revised(&self, market: &Market) -> Market {
        revision::revised(market, &self.changed.revisions)
    }

    /// It goes on as that; whether its bars are others now.
    pub(crate) fn remake(&mut self, revised: &Market) -> bool {
        let stretches = revision::stretches(&self.changed.revisions).into_iter();
        let breaks = stretches.filter(|still| still.status == SymbolStatus::Break).map(|still| still.from..still.to);
        self.changed.breaks = breaks.collect();
        self.timeline = revised.timeline.clone();
        self.average_bars = Arc::clone(&revised.average_bars);
        let has_changed = !Arc::ptr_eq(self.tape.bars(), &revised.bars);
        if has_changed {
            self.tape = self.tape.with_bars(Arc::clone(&revised.bars));
        }
        has_changed
    }

    /// Its bars but those that open while it has the status BREAK: of these there is no market data
    /// (`faqs/spot_glossary.md`).
    pub(crate) fn told_bars(&self) -> Arc<Bars> {
        let bars = self.tape.bars();
        if self.changed.breaks.is_empty() {
            return Arc::clone(bars);
        }
        Arc::new(bars.iter().filter(|bar| self.changed.tells(bar.open_time)).collect())
    }

    /// When the last bar that has opened did so.
    pub(crate) fn last_open(&self) -> Option<Timestamp> {
        let opened = self.tape.opened(&self.stand);
        opened.checked_sub(1).map(|row| self.tape.bars().open_time.at(row))
    }

    /// Whether it is gone for good.
    pub(crate) fn is_delisted(&self) -> bool {
        self.changed.revisions.last().is_some_and(|last| last.revision.delisted)
    }

    /// Whether nothing is told of it now.
    fn is_silent(&self) -> bool {
        let mut statuses = self.changed.revisions.iter().rev().filter_map(|in_force| in_force.revision.status());
        statuses.next() == Some(SymbolStatus::Break)
    }
}

impl View<'_> {
    /// Whether streams say anything of it now.
    pub(crate) fn is_silent(&self) -> bool {
        self.market.is_silent()
    }

    /// Whether one of its own bars is told, once it has opened.
    pub(crate) fn tells_bar(&self, row: usize) -> bool {
        self.market.changed.tells(self.tape().bars().open_time.at(row))
    }

    /// Its entry in `exchangeInfo` as it is now.
    pub(crate) fn put_into(&self, entry: &mut serde_json::Value) {
        let instrument = self.instrument();
        if let Some(status) = instrument.status {
            entry["status"] = status.to_string().into();
        }
        revision::put_into(entry, &self.market.changed.revisions, instrument);
    }
}
