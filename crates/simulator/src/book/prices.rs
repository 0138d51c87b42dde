//! Bid and ask, slippage, and the reach of a limit (rules 3.1 and 3.2).

use candlewick_model::run::{MakerFill, Slippage};
use candlewick_model::{Order, Peg, PegPriceType, Price, Refusal, Side};

use super::{Book, Stage, Working};

/// How a maker limit lies to the price for a side: how far the price is beyond it, in units;
/// negative where it has not been reached.
pub(super) fn beyond(side: Side, limit: Price, price: Price) -> i64 {
    match side {
        Side::Buy => limit.units() - price.units(),
        Side::Sell => price.units() - limit.units(),
    }
}

impl Book {
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
    pub(super) fn taker_price(&self, side: Side, limit: Option<Price>) -> Price {
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
    pub(super) fn reaches_market(&self, side: Side, limit: Price) -> bool {
        match side {
            Side::Buy => limit >= self.ask(),
            Side::Sell => limit <= self.bid(),
        }
    }

    /// Whether a limit reaches the market or an own order on the other side (rules 3.2, 4.5).
    pub(super) fn would_take(&self, side: Side, limit: Price) -> bool {
        self.reaches_market(side, limit) || self.best_own(side, limit).is_some()
    }

    /// Whether the path at a price fills a resting order (rule 3.3).
    pub(super) fn is_through(&self, order: &Order, price: Price) -> bool {
        let beyond = beyond(order.side, order.limit(), price);
        match self.model.maker_fill {
            MakerFill::Through => beyond > 0,
            MakerFill::Touch => beyond >= 0,
        }
    }

    /// What a peg comes to: own orders inside the spread come first, then levels one tick apart
    /// from bid or ask away. It is bounded by the order's own price, where it has one.
    pub(super) fn pegged(&self, side: Side, peg: Peg, own: Option<Price>) -> Result<Price, Refusal> {
        let buys = match peg.price_type {
            PegPriceType::Primary => side,
            PegPriceType::Market => side.opposite(),
        };
        let mut level = usize::from(peg.offset.unwrap_or(0));
        let inside = self.own_inside(buys);
        let price = match inside.get(level) {
            Some(own) => *own,
            None => {
                level -= inside.len();
                self.market_level(buys, level)
                    .ok_or(Refusal::new(-2010, "Order book liquidity is too low for this pegged order."))?
            }
        };
        Ok(match (side, own) {
            (_, None) => price,
            (Side::Buy, Some(own)) => price.min(own),
            (Side::Sell, Some(own)) => price.max(own),
        })
    }

    /// The prices of own resting orders that are better than the market's, the best first.
    fn own_inside(&self, side: Side) -> Vec<Price> {
        let (bid, ask) = (self.bid(), self.ask());
        let inside = |w: &&Working| w.stage == Stage::Resting && w.order.side == side;
        let prices = self.open.iter().filter(inside).map(|w| w.order.limit());
        let mut prices: Vec<_> = prices.filter(|price| (bid < *price) && (*price < ask)).collect();
        prices.sort_unstable();
        prices.dedup();
        if side == Side::Buy {
            prices.reverse();
        }
        prices
    }

    /// The market's price so many levels away from the best one; none under one tick.
    fn market_level(&self, side: Side, level: usize) -> Option<Price> {
        let tick = self.instrument.filters.tick();
        let deeper = tick.units().saturating_mul(i64::try_from(level).unwrap_or(i64::MAX));
        let units = match side {
            Side::Buy => self.bid().floor_to(tick).units() - deeper,
            Side::Sell => self.ask().ceil_to(tick).unwrap_or(Price::MAX).units().saturating_add(deeper),
        };
        (units > 0).then(|| Price::from_units(units))
    }
}
