//! What is noted of the matcher's decisions where an order is explained (`crate::trace`).
//!
//! For: putting together what was looked at. Not for: deciding anything; all of it is only called
//! where notes are taken.

use std::sync::Arc;

use candlewick_model::commission::Traded;
use candlewick_model::ledger::Ledger;
use candlewick_model::{Amount, Asset, ExecutionReport, Order, OrderRequest, OrderSize, Peg, Price, Quantity, Side};

use super::prices::beyond;
use super::{Book, Place, Stage, Working};
use crate::desk::Desk;
use crate::trace::{About, Discounted, Fact, Stand, Way};

impl Book {
    /// Where the market stands.
    pub(crate) fn stand(&self) -> Stand {
        let (opened, closes) = self.running;
        let (last, bid, ask) = (self.last, self.bid(), self.ask());
        let Self { within, budget, has_volume, .. } = *self;
        Stand { within, opened, closes, last, bid, ask, budget, has_volume }
    }

    /// The rules that are in force, once it is known whether the request obeys what they say of
    /// its symbol.
    pub(super) fn note_symbol(&self, desk: &mut Desk, holds: bool) {
        let Desk { trace, limits, now, .. } = desk;
        trace.note(*now, About::Request, || Fact::Symbol {
            status: self.instrument.status,
            snapshot: self.timeline.time_of(&self.instrument).max(self.timeline.first_time()),
            is_assumed: *now < self.timeline.first_time(),
            exchange_snapshot: limits.since(),
            exchange_is_assumed: limits.is_assumed(*now),
            filters: [self.instrument.filters.names(), limits.filters.names()].concat(),
            holds,
        });
    }

    /// What stands for the market in each filter that asks for an average.
    pub(super) fn note_averages(&mut self, desk: &mut Desk, about: About) {
        if !desk.trace.is_on() {
            return;
        }
        let filters = &Arc::clone(&self.instrument).filters;
        let percent = [filters.percent_price, filters.percent_price_by_side].into_iter().flatten();
        let mut minutes: Vec<u32> = percent.map(|f| f.avg_price_mins).collect();
        minutes.extend(filters.min_notional.map(|f| f.avg_price_mins));
        minutes.extend(filters.notional.map(|f| f.avg_price_mins));
        minutes.sort_unstable();
        minutes.dedup();
        for minutes in minutes {
            let reference = self.reference.at(desk.now);
            let average = self.averages.average(minutes, desk.now, self.running);
            desk.note(about, || Fact::Average { minutes, reference, average, last: self.last });
        }
    }

    /// Of an order that is sized in quote asset what that comes to.
    pub(super) fn size_fact(&self, request: &OrderRequest, quantity: Option<Quantity>) -> Option<Fact> {
        let OrderSize::Quote(money) = request.size else { return None };
        let quantity = quantity?;
        let price = self.taker_price(request.side, None, quantity);
        let (own, _) = self.own_part(self.taker_of(request), price, |_, _, _| quantity);
        Some(Fact::Sized { money, price: own.is_zero().then_some(price), quantity })
    }

    pub(super) fn peg_fact(&self, side: Side, peg: Peg, own: Option<Price>, price: Option<Price>) -> Fact {
        let inside = self.own_inside(Self::pegged_side(side, peg));
        Fact::Pegged { peg, own, bid: self.bid(), ask: self.ask(), inside, price }
    }

    pub(super) fn post_only_fact(&self, side: Side, limit: Price, holds: bool) -> Fact {
        Fact::PostOnly { limit, bid: self.bid(), ask: self.ask(), own: self.own_within(side, limit), holds }
    }

    /// Whether it takes; an order without a limit always does.
    pub(super) fn reach_fact(&self, order: &Order, takes: bool) -> Option<Fact> {
        let limit = Self::limit_of(order)?;
        Some(Fact::Reach { limit, bid: self.bid(), ask: self.ask(), own: self.own_within(order.side, limit), takes })
    }

    fn own_within(&self, side: Side, limit: Price) -> Option<Price> {
        self.best_own(side, limit).map(|at| self.open[at].order.limit())
    }

    pub(super) fn price_fact(&self, side: Side, limit: Option<Price>, wanted: Quantity) -> Fact {
        let touch = match side {
            Side::Buy => self.ask(),
            Side::Sell => self.bid(),
        };
        Fact::TakerPrice {
            side,
            last: self.last,
            half_spread: Price::from_units(self.half_spread()),
            slippage: Price::from_units(self.slippage(touch, wanted)),
            limit,
            price: self.taker_price(side, limit, wanted),
        }
    }

    pub(super) fn note_range(&mut self, desk: &mut Desk, order: &Order, price: Price, holds: bool) {
        let (Some(range), Some(reference)) = (self.price_range, self.reference.at(desk.now)) else { return };
        let (up, down) = match order.side {
            Side::Buy => (range.bid_limit_mult_up, range.bid_limit_mult_down),
            Side::Sell => (range.ask_limit_mult_up, range.ask_limit_mult_down),
        };
        desk.note(order, || Fact::Range { price, reference, up, down, holds });
    }

    pub(super) fn draw_fact(&self, order: &Order) -> Fact {
        let Self { within, budget, has_volume, .. } = *self;
        Fact::Drawn { wanted: order.remaining(), budget, within, has_volume }
    }

    /// That an order rests, behind those of its side that the market meets before it.
    pub(super) fn rest_fact(&self, w: &Working) -> Fact {
        let (side, limit) = (w.order.side, w.order.limit());
        let is_before = |other: &&Working| {
            let ahead = beyond(side, other.order.limit(), limit);
            other.is_on_book() && other.order.side == side && (ahead > 0 || (ahead == 0 && other.queued < w.queued))
        };
        let before = self.open.iter().filter(is_before).count();
        Fact::Rests { limit, remains_taker: w.stage == Stage::Remainder, before, shown: w.shown }
    }

    pub(super) fn remain_fact(&self, w: &Working) -> Fact {
        let takes = w.stage == Stage::Remainder;
        Fact::Remains { takes, limit: w.order.limit(), bid: self.bid(), ask: self.ask(), budget: self.budget }
    }

    /// What a contingent order waits for; nothing of others.
    pub(super) fn wait_fact(&self, w: &Working) -> Option<Fact> {
        let (level, is_above) = self.watched(w);
        let is_dormant = Self::is_dormant(&w.order);
        let extreme = w.order.trailing_time.map(|_| w.extreme);
        (w.stage == Stage::Contingent).then_some(Fact::Waits { level, is_above, is_dormant, extreme })
    }

    pub(super) fn trail_fact(&self, w: &Working) -> Option<Fact> {
        let delta = w.order.trailing_delta?;
        Some(Fact::Trails { extreme: w.extreme, level: self.watched(w).0, delta })
    }

    /// Orders whose best price the market has just made.
    pub(super) fn note_trails(&self, desk: &mut Desk, price: Price) {
        let trails =
            |w: &&Working| w.stage == Stage::Contingent && w.order.trailing_time.is_some() && w.extreme == price;
        for w in self.open.iter().filter(trails) {
            desk.note(&w.order, || self.trail_fact(w));
        }
    }

    /// That a contingent order is triggered, or begins to trail; nothing of others.
    pub(super) fn reached_fact(&self, w: &Working, way: Way) -> Option<Fact> {
        let (level, begins_to_trail) = (self.watched(w).0, Self::is_dormant(&w.order));
        (w.stage == Stage::Contingent).then_some(Fact::Reached { level, way, begins_to_trail })
    }

    /// That a move goes through a resting order, and what is there for it.
    pub(super) fn note_through(&self, desk: &mut Desk, at: Place, way: Way) {
        let (order, since) = (&self.open[at].order, desk.now);
        let limit = order.limit();
        if self.budget.is_zero() {
            return desk.note(order, || Fact::Dry { limit, within: self.within, since, times: 1 });
        }
        desk.note(order, || Fact::Through { limit, way });
        desk.note(order, || self.draw_fact(order));
    }

    /// At a point of the path: why orders that one might think filled were not.
    pub(super) fn note_point(&self, desk: &mut Desk) {
        if !desk.trace.is_on() {
            return;
        }
        let (since, status) = (desk.now, self.instrument.status);
        for w in self.open.iter().filter(|w| w.stage == Stage::Resting) {
            let limit = w.order.limit();
            if !self.is_trading() {
                desk.note(&w.order, || Fact::Halted { status, since, times: 1 });
            } else if limit == self.last && !self.is_through(&w.order, limit) {
                desk.note(&w.order, || Fact::Touched { limit, since, times: 1 });
            }
        }
    }

    /// A report, and what there is afterwards of the assets that it may move.
    pub(super) fn report_fact(&self, ledger: &Ledger, report: &ExecutionReport) -> Fact {
        let own = [self.instrument.base_asset, self.instrument.quote_asset];
        let discount = self.model.fees.discount.map(|discount| discount.asset);
        let balances = ledger.iter().filter(|(asset, _)| own.contains(asset) || discount == Some(*asset));
        Fact::Report { report: Box::new(*report), balances: balances.collect() }
    }

    pub(super) fn commission_fact(
        &self,
        fill: Traded,
        (commission, charged_in): (Amount, Asset),
        discount: Option<Discounted>,
    ) -> Fact {
        let (of, asset, precision) = match fill.side {
            Side::Buy => (fill.quantity.into(), self.instrument.base_asset, self.instrument.base_commission_precision),
            Side::Sell => {
                (fill.quote_quantity, self.instrument.quote_asset, self.instrument.quote_commission_precision)
            }
        };
        let (liquidity, fees) = (fill.liquidity, &self.model.fees);
        let rate = fees.total(fill.side, liquidity);
        let parts = [fees.standard, fees.special, fees.tax].map(|part| part.of(fill.side, liquidity));
        let quote_quantity = fill.quote_quantity;
        Fact::Commission {
            of,
            asset,
            liquidity,
            rate,
            precision,
            commission,
            charged_in,
            parts,
            quote_quantity,
            discount,
        }
    }
}
