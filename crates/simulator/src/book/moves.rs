//! What a move of the market does to open orders: jumps between bars, and steps through every
//! tick inside them (rules 1.6, 2.1, 3.3 to 3.6).

use candlewick_model::Price;

use super::prices::beyond;
use super::{Book, Place, Stage, Working};
use crate::desk::Desk;
use crate::trace::Way;

/// What the market meets on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meeting {
    /// The stop price of an order that trails from there on.
    Dormant,
    /// A stop price or trailing level.
    Trigger,
    /// A resting order's limit.
    Limit,
}

/// How far along the way of a market a position lies.
fn along(rising: bool, position: Price) -> i64 {
    if rising { position.units() } else { -position.units() }
}

impl Book {
    /// The market jumps to an open: triggers, the nearest to the previous price first; then
    /// remainders and resting orders, the limit furthest beyond the open first.
    pub(crate) fn jump_to(&mut self, desk: &mut Desk, price: Price) {
        let from = self.last;
        self.last = price;
        self.note_trade(desk);
        if self.is_untouched(price) || !self.is_trading() {
            return self.note_point(desk);
        }
        self.step += 1;
        let way = Way { from, to: price, jumps: true };
        self.trigger_passed(desk, way);
        self.follow(desk, price);
        let rank = |w: &Working| (-beyond(w.order.side, w.order.limit(), price), w.queued, w.order.order_id);
        let acts = |w: &&Working| {
            w.stage == Stage::Remainder || (w.stage == Stage::Resting && self.is_through(&w.order, price))
        };
        let mut row: Vec<_> = self.open.reached(price).map(|at| &self.open[at]).filter(acts).map(rank).collect();
        // The next one is the last.
        row.sort_unstable_by(|a, b| b.cmp(a));
        while let Some((_, _, id)) = row.pop() {
            // An order earlier in the row may have ended this one.
            let Some(at) = self.open.at(id) else { continue };
            if self.open[at].tried == self.step {
                continue;
            }
            match self.open[at].stage {
                Stage::Remainder => self.continue_remainder(desk, at),
                Stage::Resting if self.is_through(&self.open[at].order, price) => {
                    self.fill_resting(desk, at, way);
                    // The next part of an iceberg has its turn behind the others at its price.
                    if let Some(at) = self.open.at(id).filter(|at| self.open[*at].tried != self.step) {
                        let next = rank(&self.open[at]);
                        row.insert(row.partition_point(|other| *other > next), next);
                    }
                }
                Stage::Resting | Stage::Pending | Stage::Contingent => {}
            }
            self.settle_lists(desk);
        }
        self.rest_remainders(desk);
        self.note_point(desk);
    }

    /// Stops that a jump has reached or passed.
    fn trigger_passed(&mut self, desk: &mut Desk, way: Way) {
        let (from, price) = (way.from, way.to);
        let passed = |at: Place| {
            let w = &self.open[at];
            let (level, above) = self.watched(w);
            let met = if above { price >= level } else { price <= level };
            (w.stage == Stage::Contingent && met).then(|| ((level.units() - from.units()).abs(), w.order.order_id))
        };
        let mut row: Vec<_> = self.open.reached(price).filter_map(passed).collect();
        row.sort_unstable();
        for (_, id) in row {
            let Some(at) = self.open.at(id).filter(|at| self.open[*at].stage == Stage::Contingent) else { continue };
            desk.note(&self.open[at].order, || self.reached_fact(&self.open[at], way));
            if Self::is_dormant(&self.open[at].order) {
                self.begin_trailing(desk, at, price);
            } else {
                self.trigger(desk, at);
                self.settle_lists(desk);
                // What it could not take here, it can have in the next step.
                if let Some(at) = self.open.at(id) {
                    self.open.had_its_turn(at, self.step);
                }
            }
        }
    }

    /// The market moves through every tick to a price: what it meets by its position along the
    /// path, then remainders see whether they still take there.
    pub(crate) fn move_to(&mut self, desk: &mut Desk, price: Price) {
        if (self.is_untouched(self.last) && self.is_untouched(price)) || !self.is_trading() {
            self.last = price;
            self.note_trade(desk);
            return self.note_point(desk);
        }
        let way = Way { from: self.last, to: price, jumps: false };
        let rising = price >= self.last;
        self.step += 1;
        self.step_from = self.last;
        while let Some((at, meeting, position)) = self.next_meeting(price, rising) {
            let between = if rising { position > self.last } else { position < self.last };
            if between && (if rising { position <= price } else { position >= price }) {
                self.last = position;
            }
            desk.note(&self.open[at].order, || self.reached_fact(&self.open[at], way));
            match meeting {
                Meeting::Dormant => self.begin_trailing(desk, at, position),
                Meeting::Trigger => self.trigger(desk, at),
                Meeting::Limit if self.budget.is_zero() && !desk.trace.is_on() => self.pass_dry(price, rising),
                Meeting::Limit => self.fill_resting(desk, at, way),
            }
            self.settle_lists(desk);
        }
        self.last = price;
        self.note_trade(desk);
        self.follow(desk, price);
        self.rest_remainders(desk);
        self.note_point(desk);
    }

    /// What the market meets next on its way from where it stands (rules 3.6, 8.13): by position; at one
    /// position triggers before limits, then the limit furthest beyond, then time on the book, then
    /// order id.
    fn next_meeting(&self, to: Price, rising: bool) -> Option<(Place, Meeting, Price)> {
        let next = self.open.next(self.last, rising, self.step);
        let met = next.filter_map(|at| Some((at, &self.open[at], self.meets(&self.open[at], to)?)));
        let next = met.min_by_key(|(_, w, (meeting, position))| {
            let beyond = match meeting {
                Meeting::Limit => beyond(w.order.side, w.order.limit(), *position),
                Meeting::Dormant | Meeting::Trigger => 0,
            };
            (along(rising, *position), *meeting, -beyond, w.queued, w.order.order_id)
        })?;
        let (at, _, (meeting, position)) = next;
        Some((at, meeting, position))
    }

    /// As what and where the market meets an order on its way from where it stands, if it does.
    fn meets(&self, w: &Working, to: Price) -> Option<(Meeting, Price)> {
        match w.stage {
            Stage::Contingent => {
                let (level, above) = self.watched(w);
                let meeting = if Self::is_dormant(&w.order) { Meeting::Dormant } else { Meeting::Trigger };
                // One that lies behind the market was passed while nothing was matched (rule 8.25).
                let met = if above { level <= self.last.max(to) } else { level >= self.last.min(to) };
                met.then_some((meeting, level))
            }
            Stage::Resting => {
                let from = if w.came.0 == self.step { w.came.1 } else { self.step_from };
                let (limit, at_once) = (w.order.limit(), self.is_through(&w.order, from));
                let through = at_once || self.is_through(&w.order, to);
                // Beyond it already, the market meets it where the move begins.
                let position = if at_once { from } else { limit };
                (through && w.tried != self.step).then_some((Meeting::Limit, position))
            }
            Stage::Pending | Stage::Remainder => None,
        }
    }

    /// All limits that are met before a stop is have their turn, and get nothing: the bar's budget is
    /// used up.
    fn pass_dry(&mut self, to: Price, rising: bool) {
        let next = self.open.next(self.last, rising, self.step).map(|at| &self.open[at]);
        let stops = next.filter(|w| w.stage == Stage::Contingent).filter_map(|w| self.meets(w, to));
        let stop = stops.map(|(_, position)| along(rising, position)).min();
        let comes_first = |position| stop.is_none_or(|stop| along(rising, position) < stop);
        let has_its_turn = |at: &Place| match self.meets(&self.open[*at], to) {
            Some((Meeting::Limit, position)) => comes_first(position),
            _ => false,
        };
        let met = self.open.reached(self.step_from).chain(self.open.reached(to));
        let met: Vec<Place> = met.filter(has_its_turn).collect();
        for at in met {
            if self.open[at].tried != self.step {
                self.open.had_its_turn(at, self.step);
                self.note_dry();
            }
        }
    }

    /// For a reference price that is calculated (rule 8.26).
    fn note_trade(&mut self, desk: &Desk) {
        if self.reference.follows_trades() {
            self.reference.trade(desk.now, self.last);
        }
    }
}
