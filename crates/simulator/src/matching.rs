//! How orders fill: bid and ask (rule 3.1), taking (3.2, 4.1 to 4.5), resting (3.3, 3.6).

use candlewick_model::run::{MakerFill, Slippage};
use candlewick_model::{
    ExecutionType, ExpiryReason, Liquidity, Order, OrderStatus, OrderType, Price, Quantity, SelfTradePrevention, Side,
    TimeInForce,
};

use crate::venue::{Venue, Working};

/// How a maker limit lies to the price for a side: how far the price is beyond it, in units;
/// negative where it has not been reached.
fn beyond(side: Side, limit: Price, price: Price) -> i64 {
    match side {
        Side::Buy => limit.units() - price.units(),
        Side::Sell => price.units() - limit.units(),
    }
}

impl Venue {
    fn half_spread(&self) -> i64 {
        self.instrument.filters.tick().units().saturating_mul(self.model.half_spread_ticks.into())
    }

    /// What a buyer pays before slippage.
    fn ask(&self) -> Price {
        Price::from_units(self.last.units().saturating_add(self.half_spread()))
    }

    /// What a seller gets before slippage; never under one tick.
    fn bid(&self) -> Price {
        let tick = self.instrument.filters.tick().units();
        Price::from_units((self.last.units() - self.half_spread()).max(tick))
    }

    /// At which price a taker trades with the market: ask or bid, worse by the slippage,
    /// rounded to the tick against the account, never under one tick, never worse than the
    /// limit.
    pub(crate) fn taker_price(&self, side: Side, limit: Option<Price>) -> Price {
        let tick = self.instrument.filters.tick();
        let touch = match side {
            Side::Buy => self.ask(),
            Side::Sell => self.bid(),
        };
        let slip = match self.model.slippage {
            Slippage::None => 0,
            Slippage::Ticks(ticks) => tick.units().saturating_mul(ticks.into()),
            Slippage::BasisPoints(bps) => {
                let product = i128::from(touch.units()) * i128::from(bps);
                i64::try_from((product + 9_999) / 10_000).unwrap_or(i64::MAX)
            }
        };
        match side {
            Side::Buy => {
                let price = Price::from_units(touch.units().saturating_add(slip));
                let price = price.ceil_to(tick).unwrap_or(Price::MAX);
                limit.map_or(price, |limit| price.min(limit))
            }
            Side::Sell => {
                let price = Price::from_units(touch.units().saturating_sub(slip).max(0)).floor_to(tick).max(tick);
                limit.map_or(price, |limit| price.max(limit))
            }
        }
    }

    /// Whether a limit reaches the market's price (rule 3.2).
    fn reaches_market(&self, side: Side, limit: Price) -> bool {
        match side {
            Side::Buy => limit >= self.ask(),
            Side::Sell => limit <= self.bid(),
        }
    }

    /// Whether a limit reaches the market or an own order on the other side (rules 3.2, 4.5).
    pub(crate) fn would_take(&self, side: Side, limit: Price) -> bool {
        self.reaches_market(side, limit) || self.best_own(side, limit).is_some()
    }

    /// The own resting order that a taker of `side` meets first at `bound` or better: best
    /// price, then longest on the book.
    fn best_own(&self, side: Side, bound: Price) -> Option<usize> {
        let reachable = |w: &Working| {
            w.order.side != side
                && match side {
                    Side::Buy => w.order.price <= bound,
                    Side::Sell => w.order.price >= bound,
                }
        };
        let rank = |w: &Working| match side {
            Side::Buy => w.order.price.units(),
            Side::Sell => -w.order.price.units(),
        };
        let reachable = self.open.iter().enumerate().filter(|(_, w)| reachable(w));
        reachable.min_by_key(|(_, w)| (rank(w), w.order.order_id)).map(|(at, _)| at)
    }

    /// Lets a new order take what it can, and puts the rest where its kind says.
    pub(crate) fn match_arriving(&mut self, mut working: Working) {
        let order = &working.order;
        let limit = (order.order_type != OrderType::Market).then_some(order.price);
        let takes = limit.is_none_or(|limit| self.would_take(order.side, limit));
        let is_fok = order.time_in_force == TimeInForce::Fok;
        if takes && !(is_fok && self.available(order) < order.quantity) {
            self.take(&mut working.order);
        }
        if working.order.status.is_final() {
            return;
        }
        match (working.order.order_type, working.order.time_in_force) {
            (OrderType::Market, _) => {
                self.assumptions.market_order_expired += 1;
                self.expire(&mut working, ExpiryReason::InsufficientLiquidity);
            }
            (_, TimeInForce::Ioc) => self.expire(&mut working, ExpiryReason::UnfilledIocQuantityExpired),
            (_, TimeInForce::Fok) => self.expire(&mut working, ExpiryReason::UnfilledFokOrderExpired),
            (_, TimeInForce::Gtc) => {
                working.remainder = self.reaches_market(working.order.side, working.order.price);
                self.open.push(working);
            }
        }
    }

    fn expire(&mut self, working: &mut Working, reason: ExpiryReason) {
        self.end(working, OrderStatus::Expired, ExecutionType::Expired, Some(reason), None);
    }

    /// How much an order could trade at once; for FOK.
    fn available(&self, order: &Order) -> Quantity {
        let bound = self.bound(order);
        let own =
            self.open.iter().filter(|w| w.order.side != order.side && beyond(order.side, bound, w.order.price) >= 0);
        let own: i64 = match order.self_trade_prevention {
            SelfTradePrevention::None => own.map(|w| w.order.remaining().units()).sum(),
            SelfTradePrevention::ExpireMaker => 0,
            // The first own order in the way ends the taker.
            _ if own.count() > 0 => return Quantity::ZERO,
            _ => 0,
        };
        let market = if order.order_type == OrderType::Market || self.reaches_market(order.side, order.price) {
            self.budget.units()
        } else {
            0
        };
        Quantity::from_units(own.saturating_add(market))
    }

    /// The worst price at which an order meets own ones: its execution price where it reaches
    /// the market, else its limit.
    fn bound(&self, order: &Order) -> Price {
        let limit = (order.order_type != OrderType::Market).then_some(order.price);
        match limit {
            Some(limit) if !self.reaches_market(order.side, limit) => limit,
            _ => self.taker_price(order.side, limit),
        }
    }

    /// Takes: own orders in the way first, then the market's liquidity.
    fn take(&mut self, order: &mut Order) {
        let bound = self.bound(order);
        while let Some(at) = self.best_own(order.side, bound) {
            self.meet_own(order, at);
            if order.status.is_final() {
                return;
            }
        }
        let limit = (order.order_type != OrderType::Market).then_some(order.price);
        if limit.is_some_and(|limit| !self.reaches_market(order.side, limit)) {
            return;
        }
        let quantity = self.draw(order.remaining());
        if !quantity.is_zero() {
            self.next_trade();
            let price = self.taker_price(order.side, limit);
            self.fill(order, price, quantity, Liquidity::Taker);
        }
    }

    /// A taker meets an own resting order: they trade, or one or both expire (rule 4.5). The
    /// taker's mode decides. No liquidity of the market is used.
    fn meet_own(&mut self, taker: &mut Order, at: usize) {
        let mode = taker.self_trade_prevention;
        if mode == SelfTradePrevention::None {
            let mut maker = self.open.remove(at);
            let quantity = taker.remaining().min(maker.order.remaining());
            let price = maker.order.price;
            self.next_trade();
            self.fill(&mut maker.order, price, quantity, Liquidity::Maker);
            self.fill(taker, price, quantity, Liquidity::Taker);
            if !maker.order.status.is_final() {
                self.open.insert(at, maker);
            }
            return;
        }
        if mode != SelfTradePrevention::ExpireTaker {
            let mut maker = self.open.remove(at);
            self.prevent(&mut maker);
        }
        if mode != SelfTradePrevention::ExpireMaker {
            let mut working = Working { order: *taker, remainder: false };
            self.prevent(&mut working);
            *taker = working.order;
        }
    }

    fn prevent(&mut self, working: &mut Working) {
        self.end(working, OrderStatus::ExpiredInMatch, ExecutionType::TradePrevention, None, None);
    }

    /// Draws from the bar's budget (rule 4.1).
    fn draw(&mut self, wanted: Quantity) -> Quantity {
        let quantity = wanted.min(self.budget);
        self.assumptions.budget_exhausted += u64::from(quantity < wanted && self.has_volume);
        self.budget = self.budget.checked_sub(quantity).expect("at most the budget");
        quantity
    }

    /// The market jumps to an open: remainders and resting orders, the limit furthest beyond
    /// the open first (rules 1.6, 4.2).
    pub(crate) fn jump_to(&mut self, price: Price) {
        self.last = price;
        if self.open.is_empty() {
            return;
        }
        let mut order: Vec<usize> = (0..self.open.len()).collect();
        let rank = |w: &Working| (-beyond(w.order.side, w.order.price, price), w.order.order_id);
        order.sort_by_key(|at| rank(&self.open[*at]));
        let ids: Vec<_> = order.into_iter().map(|at| self.open[at].order.order_id).collect();
        for id in ids {
            // An order earlier in the row may have ended this one.
            let Some(at) = self.open.iter().position(|w| w.order.order_id == id) else { continue };
            if self.open[at].remainder {
                self.continue_remainder(at);
            } else if self.is_through(&self.open[at].order, price) {
                self.fill_resting(at);
            }
        }
    }

    /// A remainder takes on at the open, or rests from here on.
    fn continue_remainder(&mut self, at: usize) {
        let mut working = self.open.remove(at);
        working.remainder = self.would_take(working.order.side, working.order.price);
        if working.remainder && !self.budget.is_zero() {
            let before = working.order.filled_quantity;
            self.take(&mut working.order);
            self.assumptions.remainder_filled += u64::from(working.order.filled_quantity > before);
        }
        if !working.order.status.is_final() {
            let at = self.open.partition_point(|w| w.order.order_id < working.order.order_id);
            self.open.insert(at, working);
        }
    }

    /// Whether the path at a price fills a resting order (rule 3.3).
    fn is_through(&self, order: &Order, price: Price) -> bool {
        let beyond = beyond(order.side, order.price, price);
        match self.model.maker_fill {
            MakerFill::Through => beyond > 0,
            MakerFill::Touch => beyond >= 0,
        }
    }

    /// The market moves through every tick to a price: resting orders by their position along
    /// the path, then remainders see whether they still take there.
    pub(crate) fn move_to(&mut self, price: Price) {
        let from = self.last;
        self.last = price;
        let rising = price >= from;
        let reached =
            |w: &&Working| !w.remainder && (self.is_through(&w.order, from) || self.is_through(&w.order, price));
        let mut row: Vec<_> = self.open.iter().filter(reached).map(|w| (w.order.price, w.order.order_id)).collect();
        row.sort_by_key(|(limit, id)| (if rising { limit.units() } else { -limit.units() }, *id));
        for (_, id) in row {
            if let Some(at) = self.open.iter().position(|w| w.order.order_id == id) {
                self.fill_resting(at);
            }
        }
        for at in 0..self.open.len() {
            if self.open[at].remainder {
                let order = &self.open[at].order;
                self.open[at].remainder = self.would_take(order.side, order.price);
            }
        }
    }

    /// Fills a resting order at its own limit with what the budget gives.
    fn fill_resting(&mut self, at: usize) {
        let mut working = self.open[at];
        let quantity = self.draw(working.order.remaining());
        if quantity.is_zero() {
            return;
        }
        self.next_trade();
        let price = working.order.price;
        self.fill(&mut working.order, price, quantity, Liquidity::Maker);
        if working.order.status.is_final() {
            self.open.remove(at);
        } else {
            self.open[at] = working;
        }
    }
}
