//! Takers: whom they meet, what they get, and where the rest goes (rules 3.2, 4.1 to 4.5).

use candlewick_model::{
    ExpiryReason, Liquidity, Order, Prevented, Price, Quantity, SelfTradePrevention, Side, TimeInForce,
};

use super::booking::End;
use super::prices::beyond;
use super::{Book, Place, Stage, Working};
use crate::desk::Desk;
use crate::reference::ExecutionLimits;
use crate::trace::{Fact, Way};

impl Book {
    /// The own order on the book that a taker of `side` meets first at `bound` or better: best
    /// price, then longest on the book (rules 4.5 and 8.12).
    pub(super) fn best_own(&self, side: Side, bound: Price) -> Option<Place> {
        let reachable = |w: &Working| {
            w.order.side != side
                && w.is_on_book()
                && match side {
                    Side::Buy => w.order.limit() <= bound,
                    Side::Sell => w.order.limit() >= bound,
                }
        };
        let rank = |w: &Working| match side {
            Side::Buy => w.order.limit().units(),
            Side::Sell => -w.order.limit().units(),
        };
        let best = self.open.best_on_book(side.opposite(), bound).filter(|at| reachable(&self.open[*at]));
        best.min_by_key(|at| (rank(&self.open[*at]), self.open[*at].queued))
    }

    /// All own orders that a taker of `side` can meet at `bound` or better.
    pub(super) fn own_ahead(&self, side: Side, bound: Price) -> impl Iterator<Item = &Working> {
        let on_book = self.open.on_book(side.opposite(), bound).map(|at| &self.open[at]);
        on_book.filter(move |w| w.is_on_book() && w.order.side != side && beyond(side, bound, w.order.limit()) >= 0)
    }

    /// Lets an order that has just come onto the book take what it can, and puts the rest where
    /// its kind says.
    pub(super) fn match_arriving(&mut self, desk: &mut Desk, w: &mut Working) {
        w.tried = self.step;
        let order = &w.order;
        let takes = Self::limit_of(order).is_none_or(|limit| self.would_take(order.side, limit));
        desk.note(order, || self.reach_fact(order, takes));
        let before = order.filled_quantity;
        if takes {
            let limits = self.execution_limits(desk, order.side);
            if order.time_in_force == TimeInForce::Fok && !self.fills_whole(desk, order, limits) {
                let reason = self.unfilled_fok(order);
                return self.end(desk, &mut w.order, End::expired(reason));
            }
            self.take(desk, &mut w.order, limits);
        }
        if w.order.status.is_final() {
            return;
        }
        if w.order.order_type.is_market() {
            self.assumptions.market_order_expired += 1;
            return self.end(desk, &mut w.order, End::expired(ExpiryReason::InsufficientLiquidity));
        }
        match w.order.time_in_force {
            TimeInForce::Ioc => self.end(desk, &mut w.order, End::expired(ExpiryReason::UnfilledIocQuantityExpired)),
            TimeInForce::Fok => self.end(desk, &mut w.order, End::expired(ExpiryReason::UnfilledFokOrderExpired)),
            TimeInForce::Gtc => {
                let remains = self.reaches_market(w.order.side, w.order.limit());
                w.stage = if remains { Stage::Remainder } else { Stage::Resting };
                // An order that took nothing here may still fill on the way.
                if w.order.filled_quantity == before {
                    w.tried = 0;
                }
                w.queued = desk.queue();
                w.came = (self.step, self.last);
                w.show();
                desk.note(&w.order, || self.rest_fact(w));
                self.open.insert(*w);
            }
        }
    }

    /// Whether a FOK gets all that it asks for within price limits.
    fn fills_whole(&mut self, desk: &mut Desk, order: &Order, limits: ExecutionLimits) -> bool {
        let (needed, available) = (order.remaining(), self.available(order, limits));
        let holds = available >= needed;
        desk.note(order, || Fact::AllOrNothing { needed, available, holds });
        if !holds && desk.trace.is_on() {
            let price = self.taker_price(order.side, Self::limit_of(order), needed);
            self.note_range(desk, order, price, limits.allow(price));
        }
        holds
    }

    /// Why a FOK is not filled: the price range alone is in its way, or there is not enough
    /// (rule 8.30).
    fn unfilled_fok(&self, order: &Order) -> ExpiryReason {
        if self.available(order, ExecutionLimits::NONE) < order.remaining() {
            ExpiryReason::UnfilledFokOrderExpired
        } else {
            ExpiryReason::ExecutionRulePriceRangeExceeded
        }
    }

    /// How much an order could trade at once within price limits; for FOK (rule 8.14).
    fn available(&self, order: &Order, limits: ExecutionLimits) -> Quantity {
        let own = self.own_ahead(order.side, self.bound(order));
        let own: i64 = match order.self_trade_prevention {
            SelfTradePrevention::None => {
                own.filter(|w| limits.allow(w.order.limit())).map(|w| w.order.remaining().units()).sum()
            }
            SelfTradePrevention::ExpireMaker => 0,
            // The first own order in the way ends the taker, or takes from it.
            _ if own.count() > 0 => return Quantity::ZERO,
            _ => 0,
        };
        let limit = Self::limit_of(order);
        let meets_market = limit.is_none_or(|limit| self.reaches_market(order.side, limit));
        let allowed = limits.allow(self.taker_price(order.side, limit, order.remaining()));
        let market = if meets_market && allowed && self.is_trading() { self.budget.units() } else { 0 };
        Quantity::from_units(own.saturating_add(market))
    }

    /// The worst price at which an order meets own ones: its execution price where it reaches
    /// the market, else its limit.
    fn bound(&self, order: &Order) -> Price {
        match Self::limit_of(order) {
            Some(limit) if !self.reaches_market(order.side, limit) => limit,
            limit => self.taker_price(order.side, limit, order.remaining()),
        }
    }

    /// What a taker's prices must lie between; fixed for as long as it takes.
    fn execution_limits(&mut self, desk: &Desk, side: Side) -> ExecutionLimits {
        match (self.price_range, self.reference.at(desk.now)) {
            (Some(range), Some(reference)) => range.around(reference, side),
            _ => ExecutionLimits::NONE,
        }
    }

    /// Takes: own orders in the way first, then the market's liquidity.
    pub(super) fn take(&mut self, desk: &mut Desk, order: &mut Order, limits: ExecutionLimits) {
        while !self.open.is_empty()
            && let Some(at) = self.best_own(order.side, self.bound(order))
        {
            if !self.is_within(desk, order, limits, self.open[at].order.limit()) {
                return self.exceed(desk, order);
            }
            self.meet_own(desk, order, at);
            if order.status.is_final() {
                return;
            }
        }
        let limit = Self::limit_of(order);
        if limit.is_some_and(|limit| !self.reaches_market(order.side, limit)) || !self.is_trading() {
            return;
        }
        let price = self.taker_price(order.side, limit, order.remaining());
        desk.note(&*order, || self.price_fact(order.side, limit, order.remaining()));
        // Without liquidity there is nothing out of range (rule 8.38).
        if !self.budget.is_zero() && !self.is_within(desk, order, limits, price) {
            return self.exceed(desk, order);
        }
        desk.note(&*order, || self.draw_fact(order));
        let quantity = self.draw(order.remaining());
        if !quantity.is_zero() {
            let trade = desk.next_trade();
            self.fill(desk, order, (trade, price, quantity, Liquidity::Taker));
        }
    }

    /// Whether a taker may trade at a price.
    fn is_within(&mut self, desk: &mut Desk, order: &Order, limits: ExecutionLimits, price: Price) -> bool {
        let holds = limits.allow(price);
        if desk.trace.is_on() {
            self.note_range(desk, order, price, holds);
        }
        holds
    }

    /// A taker that would trade outside the price range expires.
    fn exceed(&mut self, desk: &mut Desk, order: &mut Order) {
        self.end(desk, order, End::expired(ExpiryReason::ExecutionRulePriceRangeExceeded));
    }

    /// A taker meets an own resting order: they trade, or one or both expire or shrink (rules
    /// 4.5, 8.4, 8.5 and 8.40; `faqs/stp_faq.md`). The taker's mode decides. No liquidity of the market is used.
    fn meet_own(&mut self, desk: &mut Desk, taker: &mut Order, at: Place) {
        let mut maker = self.open.remove(at);
        let price = maker.order.limit();
        let mode = match (taker.self_trade_prevention, maker.order.self_trade_prevention) {
            (SelfTradePrevention::Transfer, other) if other != SelfTradePrevention::Transfer => {
                SelfTradePrevention::Decrement
            }
            (mode, _) => mode,
        };
        let both = taker.remaining().min(maker.shown);
        let ids = (taker.order_id, maker.order.order_id);
        let met = || Fact::MeetsOwn { taker: ids.0, maker: ids.1, price, quantity: both, mode };
        desk.note(&*taker, met);
        desk.note(&maker.order, met);
        let (from_maker, from_taker) = match mode {
            SelfTradePrevention::None => {
                let trade = desk.next_trade();
                self.fill(desk, &mut maker.order, (trade, price, both, Liquidity::Maker));
                maker.refill(both, desk);
                self.fill(desk, taker, (trade, price, both, Liquidity::Taker));
                (Quantity::ZERO, Quantity::ZERO)
            }
            SelfTradePrevention::ExpireMaker => (maker.order.remaining(), Quantity::ZERO),
            SelfTradePrevention::ExpireTaker => (Quantity::ZERO, taker.remaining()),
            SelfTradePrevention::ExpireBoth => (maker.order.remaining(), taker.remaining()),
            SelfTradePrevention::Decrement | SelfTradePrevention::Transfer => (both, both),
        };
        if mode != SelfTradePrevention::None {
            let match_id = desk.next_prevented();
            let of = |quantity, counter_order_id| Prevented {
                match_id,
                quantity,
                counter_order_id,
                price,
                match_quantity: both,
                mode,
            };
            if !from_maker.is_zero() {
                self.prevent(desk, &mut maker.order, of(from_maker, ids.0));
                maker.refill(from_maker, desk);
            }
            if !from_taker.is_zero() {
                self.prevent(desk, taker, of(from_taker, ids.1));
            }
        }
        if !maker.order.status.is_final() {
            self.open.insert(maker);
        }
    }

    /// Draws from the bar's budget (rule 4.1).
    fn draw(&mut self, wanted: Quantity) -> Quantity {
        let quantity = wanted.min(self.budget);
        if quantity < wanted {
            self.note_dry();
        }
        self.budget = self.budget.checked_sub(quantity).expect("at most the budget");
        quantity
    }

    /// The budget was not enough for somebody.
    pub(super) fn note_dry(&mut self) {
        self.assumptions.budget_exhausted += u64::from(self.has_volume);
    }

    /// A remainder takes on at the open (rule 4.2).
    pub(super) fn continue_remainder(&mut self, desk: &mut Desk, at: Place) {
        let takes = self.takes(at);
        desk.note(&self.open[at].order, || takes.then(|| self.remain_fact(&self.open[at])));
        if !takes || self.budget.is_zero() {
            return;
        }
        let mut w = self.open.remove(at);
        let before = w.order.filled_quantity;
        let limits = self.execution_limits(desk, w.order.side);
        self.take(desk, &mut w.order, limits);
        self.assumptions.remainder_filled += u64::from(w.order.filled_quantity > before);
        if !w.order.status.is_final() {
            w.shown = w.shown.min(w.order.remaining());
            self.open.insert(w);
        }
    }

    /// Remainders that no longer reach the other side where the market stands rest from here on
    /// (rules 4.2 and 8.2); what they reached may have been an own order alone.
    pub(super) fn rest_remainders(&mut self, desk: &mut Desk) {
        if !self.open.has_restless() {
            return;
        }
        let rests = |at: &Place| self.open[*at].stage == Stage::Remainder && !self.takes(*at);
        let resting: Vec<Place> = self.open.restless().filter(rests).collect();
        for at in resting {
            self.open.change(at, |w| w.stage = Stage::Resting);
            desk.note(&self.open[at].order, || self.remain_fact(&self.open[at]));
        }
    }

    fn takes(&self, at: Place) -> bool {
        let order = &self.open[at].order;
        self.would_take(order.side, order.limit())
    }

    /// Fills a resting order that a move goes through, at its own limit, with what the budget
    /// gives (rule 3.3). Of an iceberg it is the part that is shown; the next one has a turn of its
    /// own, at the end of the queue (rule 8.20).
    pub(super) fn fill_resting(&mut self, desk: &mut Desk, at: Place, way: Way) {
        self.open.had_its_turn(at, self.step);
        if desk.trace.is_on() {
            self.note_through(desk, at, way);
        }
        let w = &self.open[at];
        let is_iceberg = !w.order.iceberg_quantity.is_zero();
        let quantity = self.draw(if is_iceberg { w.shown } else { w.order.remaining() });
        if quantity.is_zero() {
            return;
        }
        let mut w = self.open.remove(at);
        let trade = desk.next_trade();
        let price = w.order.limit();
        self.fill(desk, &mut w.order, (trade, price, quantity, Liquidity::Maker));
        if is_iceberg && quantity == w.shown {
            w.tried = 0;
        }
        w.refill(quantity, desk);
        if !w.order.status.is_final() {
            self.open.insert(w);
        }
    }
}

impl Working {
    /// What the book shows of an order that has just come onto it.
    fn show(&mut self) {
        let (rest, part) = (self.order.remaining(), self.order.iceberg_quantity);
        self.shown = if part.is_zero() { rest } else { rest.min(part) };
    }

    /// A part of an iceberg was filled or prevented: what is shown shrinks, and once it is gone the
    /// next part is shown, at the end of the queue (rule 8.20).
    fn refill(&mut self, filled: Quantity, desk: &mut Desk) {
        let part = self.order.iceberg_quantity.units();
        if part == 0 || filled < self.shown {
            self.shown = Quantity::from_units(self.shown.units() - filled.units());
            return;
        }
        let into_next = (filled.units() - self.shown.units()) % part;
        self.shown = Quantity::from_units(part - into_next).min(self.order.remaining());
        self.queued = desk.queue();
    }
}
