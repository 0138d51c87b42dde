//! Bid and ask, slippage, and the reach of a limit (rules 3.1 and 3.2).

use candlewick_model::number::ONE;
use candlewick_model::run::{MakerFill, Slippage};
use candlewick_model::{
    Amount, Order, Peg, PegPriceType, Price, Quantity, Refusal, SelfTradePrevention, Side, Timestamp,
};

use super::{Book, Stage};
use crate::desk::Desk;
use crate::trace::About;

/// How a maker limit lies to the price for a side: how far the price is beyond it, in units;
/// negative where it has not been reached.
pub(super) fn beyond(side: Side, limit: Price, price: Price) -> i64 {
    match side {
        Side::Buy => limit.units() - price.units(),
        Side::Sell => price.units() - limit.units(),
    }
}

/// So many basis points of a price, times a share at 1e-8, rounded up.
fn part_of(price: Price, bps: u32, share: i128) -> i64 {
    let product = i128::from(price.units()) * i128::from(bps) * share;
    let whole = 10_000 * i128::from(ONE);
    i64::try_from((product + whole - 1) / whole).unwrap_or(i64::MAX)
}

/// The square root of the share of a bar's volume, at 1e-8, rounded up; nothing of nothing.
fn root_of_share(quantity: Quantity, volume: Amount) -> i128 {
    let one = i128::from(ONE);
    let scaled = i128::from(quantity.units()) * one * one;
    let Some(share) = scaled.checked_div(volume.units()) else { return 0 };
    let share = share + i128::from(share * volume.units() < scaled);
    let root = share.isqrt();
    root + i128::from(root * root < share)
}

impl Book {
    pub(super) fn half_spread(&self) -> i64 {
        self.instrument.filters.tick().units().saturating_mul(self.model.half_spread_ticks.into())
    }

    /// What a buyer pays before slippage.
    pub(super) fn ask(&self) -> Price {
        Price::from_units(self.last.units().saturating_add(self.half_spread()))
    }

    /// What a seller gets before slippage; never under one tick.
    pub(super) fn bid(&self) -> Price {
        let tick = self.instrument.filters.tick().units();
        Price::from_units((self.last.units() - self.half_spread()).max(tick))
    }

    /// At which price a taker that wants so much trades with the market: ask or bid, worse by
    /// the slippage, rounded to the tick against the account, never under one tick, never worse
    /// than the limit.
    pub(super) fn taker_price(&self, side: Side, limit: Option<Price>, wanted: Quantity) -> Price {
        let tick = self.instrument.filters.tick();
        let touch = match side {
            Side::Buy => self.ask(),
            Side::Sell => self.bid(),
        };
        let slip = self.slippage(touch, wanted);
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

    /// How much worse than bid or ask a taker that wants so much trades, before rounding (rules
    /// 3.1, 8.11 and 8.27).
    pub(super) fn slippage(&self, touch: Price, wanted: Quantity) -> i64 {
        match self.model.slippage {
            Slippage::None => 0,
            Slippage::Ticks(ticks) => self.instrument.filters.tick().units().saturating_mul(ticks.into()),
            Slippage::BasisPoints(bps) => part_of(touch, bps, ONE.into()),
            Slippage::SquareRoot(bps) => part_of(touch, bps, root_of_share(wanted.min(self.budget), self.volume)),
        }
    }

    /// What a market order takes from own orders, at `bound` or better, before the market has its
    /// turn, and for how much (rule 4.5): of each, the best price first, at most what it `wants` at
    /// that price when it has so much for so much.
    pub(super) fn own_part(
        &self,
        (side, mode): (Side, SelfTradePrevention),
        bound: Price,
        wants: impl Fn(Price, Quantity, Amount) -> Quantity,
    ) -> (Quantity, Amount) {
        let (mut quantity, mut value) = (Quantity::ZERO, Amount::ZERO);
        if self.open.is_empty() || mode == SelfTradePrevention::ExpireMaker {
            return (quantity, value);
        }
        let mut ahead: Vec<_> = self.own_ahead(side, bound).map(|w| (w.order.limit(), w.order.remaining())).collect();
        ahead.sort_unstable_by_key(|(price, _)| -beyond(side, bound, *price));
        for (price, there) in ahead {
            let taken = there.min(wants(price, quantity, value));
            quantity = quantity.checked_add(taken).unwrap_or(Quantity::MAX);
            value = value.checked_add(price.notional_floor(taken)).unwrap_or(Amount::MAX);
        }
        (quantity, value)
    }

    /// The most that comes to no more than `money`, from own orders and at the price that a taker of so
    /// much pays or gets, rounded down to the steps of market orders (rules 5.7, 8.6 and 8.27).
    pub(super) fn worth_of(&self, (side, mode): (Side, SelfTradePrevention), money: Amount) -> Quantity {
        let step = self.instrument.filters.market_step();
        let bought = |money: Amount, price| Quantity::bought_floor(money, price).unwrap_or(Quantity::MAX);
        let at_price_of = |wanted| {
            let price = self.taker_price(side, None, wanted);
            let left = |value| money.checked_sub(value).unwrap_or(Amount::ZERO);
            let (own, value) = self.own_part((side, mode), price, |price, _, value| bought(left(value), price));
            own.checked_add(bought(left(value), price)).unwrap_or(Quantity::MAX).floor_to(step)
        };
        let fixed = at_price_of(Quantity::ZERO);
        if !matches!(self.model.slippage, Slippage::SquareRoot(_)) {
            return fixed;
        }
        // The more, the worse the price: halved until it fits.
        let step = step.units().max(1);
        let (mut fits, mut most) = (0, fixed.max(at_price_of(Quantity::MAX)).units() / step);
        while fits < most {
            let half = most - (most - fits) / 2;
            let wanted = Quantity::from_units(half * step);
            if at_price_of(wanted) >= wanted {
                fits = half;
            } else {
                most = half - 1;
            }
        }
        Quantity::from_units(fits * step)
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
    /// from bid or ask away. It is bounded by the order's own price, where it has one
    /// (rule 8.18).
    pub(super) fn pegged(
        &self,
        desk: &mut Desk,
        about: About,
        side: Side,
        peg: Peg,
        own: Option<Price>,
    ) -> Result<Price, Refusal> {
        let price = self.level(side, peg).map(|price| match (side, own) {
            (_, None) => price,
            (Side::Buy, Some(own)) => price.min(own),
            (Side::Sell, Some(own)) => price.max(own),
        });
        desk.note(about, || self.peg_fact(side, peg, own, price));
        price.ok_or(Refusal::new(-2010, "Order book liquidity is too low for this pegged order."))
    }

    /// The level of the book that a peg names, where there is one.
    fn level(&self, side: Side, peg: Peg) -> Option<Price> {
        let (buys, level) = (Self::pegged_side(side, peg), usize::from(peg.offset.unwrap_or(0)));
        let inside = self.own_inside(buys);
        match inside.get(level) {
            Some(own) => Some(*own),
            None => self.market_level(buys, level - inside.len()),
        }
    }

    /// On which side of the book a peg looks.
    pub(super) fn pegged_side(side: Side, peg: Peg) -> Side {
        match peg.price_type {
            PegPriceType::Primary => side,
            PegPriceType::Market => side.opposite(),
        }
    }

    /// The prices of own resting orders that are better than the market's, the best first.
    pub(super) fn own_inside(&self, side: Side) -> Vec<Price> {
        let (bid, ask) = (self.bid(), self.ask());
        let bound = if side == Side::Buy { bid } else { ask };
        let own = self.open.on_book(side, bound).map(|at| &self.open[at]);
        let inside = own.filter(|w| w.stage == Stage::Resting && w.order.side == side);
        let prices = inside.map(|w| w.order.limit());
        let mut prices: Vec<_> = prices.filter(|price| (bid < *price) && (*price < ask)).collect();
        prices.sort_unstable();
        prices.dedup();
        if side == Side::Buy {
            prices.reverse();
        }
        prices
    }

    /// The reference price of an instant, where there is one and it is not null.
    pub(crate) fn reference_at(&self, at: Timestamp) -> Option<Price> {
        self.reference.clone().at(at)
    }

    /// What the book shows of own resting orders of a side with a limit as good as a price or
    /// better.
    pub(crate) fn own_shown(&self, side: Side, bound: Price) -> impl Iterator<Item = (Price, Quantity)> {
        let resting = self.open.on_book(side, bound).map(|at| &self.open[at]);
        let resting = resting.filter(move |w| w.stage == Stage::Resting && w.order.side == side);
        let shown = resting.map(|w| (w.order.limit(), w.shown.min(w.order.remaining())));
        shown.filter(move |(limit, _)| beyond(side, *limit, bound) >= 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_1_roots_are_rounded_up() {
        let root =
            |quantity: i64, volume: i128| root_of_share(Quantity::from_units(quantity), Amount::from_units(volume));
        assert_eq!(root(1, 100), i128::from(ONE / 10), "an exact one stays");
        assert_eq!(root(1, 2), 70_710_679);
        assert_eq!(root(1, 3), 57_735_027);
        assert_eq!(root(i64::MAX, i64::MAX.into()), ONE.into());
        assert_eq!((root(1, i128::MAX / 10), root(0, 5), root(0, 0)), (1, 0, 0));
        assert_eq!(part_of(Price::from_units(101), 250, ONE.into()), 3, "2.525");
    }
}
