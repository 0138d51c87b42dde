//! Bid and ask, slippage, and the reach of a limit (rules 3.1 and 3.2).

use candlewick_model::run::{MakerFill, Slippage};
use candlewick_model::{Order, Peg, PegPriceType, Price, Refusal, Side};

use super::Book;

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

    /// What a peg comes to: levels lie one tick apart around bid and ask, deeper ones further
    /// from the market. It is bounded by the order's own price, where it has one.
    pub(super) fn pegged(&self, side: Side, peg: Peg, own: Option<Price>) -> Result<Price, Refusal> {
        let buys = match peg.price_type {
            PegPriceType::Primary => side,
            PegPriceType::Market => side.opposite(),
        };
        let tick = self.instrument.filters.tick();
        let deeper = tick.units().saturating_mul(peg.offset.unwrap_or(0).into());
        let units = match buys {
            Side::Buy => self.bid().floor_to(tick).units() - deeper,
            Side::Sell => self.ask().ceil_to(tick).unwrap_or(Price::MAX).units().saturating_add(deeper),
        };
        if units <= 0 {
            return Err(Refusal::new(-2010, "Order book liquidity is too low for this pegged order."));
        }
        let price = Price::from_units(units);
        Ok(match (side, own) {
            (_, None) => price,
            (Side::Buy, Some(own)) => price.min(own),
            (Side::Sell, Some(own)) => price.max(own),
        })
    }
}
