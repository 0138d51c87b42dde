//! Whether an order is taken, in the order of rule 5.1: symbol, filters, name, balance, trigger
//! and post-only. Parameters were judged before (`candlewick_model::request`).

use candlewick_model::filter::{Filters, LotSize};
use candlewick_model::{
    Amount, ClientOrderId, Counts, Judged, Legs, Order, OrderKind, OrderRequest, OrderSize, Price, Quantity, Refusal,
    RejectReason, SelfTradePrevention, Side, Timestamp, Trigger, TriggerKind,
};

use super::{Book, Stage, Working};
use crate::averages::Averages;
use crate::desk::Desk;
use crate::reference::Reference;
use crate::trace::{About, Fact, Readings};

/// What a request comes to here and now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Base quantity; zero while it waits for what another order receives.
    pub(super) quantity: Quantity,
    /// What its peg comes to; zero where it has none, or gets it later.
    pub(super) pegged_price: Price,
    /// What a BUY sets aside for each unit of base.
    pub(super) lock_price: Price,
}

/// What must be free for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Cost {
    pub(super) amount: Amount,
    /// For a unit of base, where that makes it up.
    price: Price,
}

impl Book {
    /// Symbol and filters, of an order alone. Most pass at once; of the others, and where somebody
    /// wants to know why, every rule is looked at.
    pub(super) fn screen(&mut self, desk: &mut Desk, request: &OrderRequest) -> Result<Terms, Refusal> {
        if let Some(terms) = self.pass_ordinary(desk, request) {
            return Ok(terms);
        }
        let admitted = self.instrument.admit(request);
        self.note_symbol(desk, admitted.is_ok());
        admitted?;
        self.screen_leg(desk, request, counts_of(request), true)
    }

    /// What an order comes to that is sure to pass; `None` of any other.
    fn pass_ordinary(&mut self, desk: &Desk, request: &OrderRequest) -> Option<Terms> {
        if desk.trace.is_on() || desk.limits.limit_single_orders() {
            return None;
        }
        let quantity = match request.size {
            OrderSize::Base(quantity) => quantity,
            OrderSize::Quote(money) => self.worth_of(self.taker_of(request), money),
            OrderSize::Received => return None,
        };
        let Self { ordinary, reference, averages, running, counts, .. } = self;
        let average = |minutes| reference.at(desk.now).or_else(|| averages.average(minutes, desk.now, *running));
        if !ordinary.passes(request, quantity, counts.orders, average) {
            return None;
        }
        let pegged_price = Price::ZERO;
        Some(Terms { quantity, pegged_price, lock_price: self.lock_price(request, pegged_price) })
    }

    /// All filters of an order, alone or as a leg; `adding` is what is opened with it. A pending
    /// leg gets its peg when it goes onto the book.
    pub(super) fn screen_leg(
        &mut self,
        desk: &mut Desk,
        request: &OrderRequest,
        adding: Counts,
        at_once: bool,
    ) -> Result<Terms, Refusal> {
        let pegged = match request.peg {
            Some(peg) if at_once && request.trigger.is_none() => {
                Some(self.pegged(desk, About::Request, request.side, peg, request.price())?)
            }
            _ => None,
        };
        let quantity = match request.size {
            OrderSize::Base(quantity) => Some(quantity),
            OrderSize::Quote(money) => Some(self.worth_of(self.taker_of(request), money)),
            OrderSize::Received => None,
        };
        desk.note(About::Request, || self.size_fact(request, quantity));
        let judged = Judged::of(request, quantity, pegged);
        self.check_filters(desk, request, judged, adding)?;
        // A limit or a trigger of nothing where no filter forbids it.
        let is_nothing = |price: Option<Price>| price.is_some_and(Price::is_zero);
        if is_nothing(request.price()) || is_nothing(request.stop_price()) {
            return Err(Refusal::new(-2010, "Price * QTY is zero or less."));
        }
        let pegged_price = pegged.unwrap_or_default();
        let lock_price = self.lock_price(request, pegged_price);
        Ok(Terms { quantity: quantity.unwrap_or_default(), pegged_price, lock_price })
    }

    /// Filters of the symbol, of the exchange, of the assets.
    fn check_filters(
        &mut self,
        desk: &mut Desk,
        request: &OrderRequest,
        judged: Judged,
        adding: Counts,
    ) -> Result<(), Refusal> {
        let about = About::Request;
        self.note_averages(desk, about);
        let position = self.position(desk);
        let Desk { limits, trace, now, .. } = desk;
        let see = &mut Readings { trace, now: *now, about };
        let (filters, mut market) = self.filters_at(*now);
        filters.check(request, judged, &position, adding, &mut |minutes| market.price(minutes), see)?;
        limits.filters.check_counts(position.on_exchange, adding, see)?;
        self.check_assets(desk, about, judged)
    }

    fn check_assets(&self, desk: &mut Desk, about: About, judged: Judged) -> Result<(), Refusal> {
        let assets = (self.instrument.base_asset, self.instrument.quote_asset);
        let Desk { limits, trace, now, .. } = desk;
        let see = &mut Readings { trace, now: *now, about };
        limits.filters.check_assets(assets, judged, &mut |_| self.last, see)
    }

    /// What depends on its quantity, of an order of which it was not known before: the part that is
    /// shown, and the filters that look at it.
    pub(super) fn screen_paid(
        &mut self,
        desk: &mut Desk,
        request: &OrderRequest,
        order: &Order,
    ) -> Result<(), Refusal> {
        request.check_shown(order.quantity)?;
        let (about, judged) = (About::from(order), Judged::of_order(order, order.quantity));
        self.note_averages(desk, about);
        let (filters, mut market) = self.filters_at(desk.now);
        filters.check_size(request, judged, &mut |minutes| market.price(minutes), &mut desk.readings(about))?;
        self.check_assets(desk, about, judged)
    }

    /// The filters in force, and the market as they see it.
    pub(super) fn filters_at(&mut self, now: Timestamp) -> (&Filters, Standing<'_>) {
        let Self { instrument, reference, averages, last, running, .. } = self;
        (&instrument.filters, Standing { reference, averages, last: *last, running: *running, now })
    }

    /// What a BUY sets aside for each unit of base (rules 5.6 and 8.10).
    pub(super) fn lock_price(&self, request: &OrderRequest, pegged: Price) -> Price {
        if request.side == Side::Sell {
            return Price::ZERO;
        }
        match (request.kind, request.trigger) {
            (OrderKind::Market, None) => Price::ZERO,
            (OrderKind::Limit { .. } | OrderKind::LimitMaker { .. }, _) if !pegged.is_zero() => pegged,
            (OrderKind::Limit { price, .. } | OrderKind::LimitMaker { price }, _) if !price.is_zero() => price,
            (_, trigger) => trigger.and_then(|t| t.stop_price).unwrap_or(self.last),
        }
    }

    /// Name, balance, and where the market stands, of an order alone.
    pub(super) fn engage(&self, desk: &mut Desk, request: &OrderRequest, terms: Terms) -> Result<(), Refusal> {
        self.check_name(desk, About::Request, request.client_order_id)?;
        self.check_funds(desk, About::Request, request.side, self.cost(request, terms), Amount::ZERO)?;
        self.check_place(desk, About::Request, request, terms)?;
        if matches!(request.size, OrderSize::Quote(_)) { self.check_liquidity(desk, request) } else { Ok(()) }
    }

    /// A name is free again when its order is final.
    pub(super) fn check_name(&self, desk: &mut Desk, about: About, name: Option<ClientOrderId>) -> Result<(), Refusal> {
        let holds = name.is_none_or(|name| self.open.named(name).is_none());
        desk.note(about, || Fact::Name { name, holds });
        if holds { Ok(()) } else { Err(Refusal::new(-2010, "Duplicate order sent.")) }
    }

    /// What an order needs of the asset that it gives (rules 5.6 and 5.7).
    pub(super) fn cost(&self, request: &OrderRequest, terms: Terms) -> Cost {
        match (request.side, request.size, request.kind, request.trigger) {
            (Side::Sell, ..) => Cost { amount: terms.quantity.into(), ..Cost::default() },
            (Side::Buy, OrderSize::Quote(money), ..) => Cost { amount: money, ..Cost::default() },
            (Side::Buy, _, OrderKind::Market, None) => self.market_cost(self.taker_of(request), terms.quantity),
            (Side::Buy, ..) => Cost::at(terms.lock_price, terms.quantity),
        }
    }

    /// As whom an order meets own ones.
    pub(super) fn taker_of(&self, request: &OrderRequest) -> (Side, SelfTradePrevention) {
        (request.side, self.instrument.self_trade_prevention_of(request))
    }

    /// What a MARKET BUY must afford: all of it, from own orders at their prices, and the rest at the
    /// execution price.
    fn market_cost(&self, taker: (Side, SelfTradePrevention), quantity: Quantity) -> Cost {
        let price = self.taker_price(Side::Buy, None, quantity);
        let left = |taken| quantity.checked_sub(taken).unwrap_or(Quantity::ZERO);
        let (own, value) = self.own_part(taker, price, |_, taken, _| left(taken));
        let amount = value.checked_add(price.notional_floor(left(own))).unwrap_or(Amount::MAX);
        let amount = amount.truncate_to(self.instrument.quote_precision);
        Cost { amount, price: if own.is_zero() { price } else { Price::ZERO } }
    }

    /// Whether the account has so much, with what is about to be released.
    pub(super) fn check_funds(
        &self,
        desk: &mut Desk,
        about: About,
        side: Side,
        Cost { amount: needed, price }: Cost,
        released: Amount,
    ) -> Result<(), Refusal> {
        let (at, asset) = match side {
            Side::Buy => (self.pair.quote, self.instrument.quote_asset),
            Side::Sell => (self.pair.base, self.instrument.base_asset),
        };
        let free = desk.ledger.balance(at).free;
        let holds = needed <= free.checked_add(released).unwrap_or(Amount::MAX);
        desk.note(about, || Fact::Funds { asset, needed, price, free, released, holds });
        if holds { Ok(()) } else { Err(RejectReason::InsufficientBalances.refusal()) }
    }

    /// Trigger and post-only.
    pub(super) fn check_place(
        &self,
        desk: &mut Desk,
        about: About,
        request: &OrderRequest,
        terms: Terms,
    ) -> Result<(), Refusal> {
        if let Some(Trigger { kind, stop_price: Some(stop), .. }) = request.trigger {
            let (last, is_above) = (self.last, Trigger::is_above(kind, request.side));
            // The market must not be at or beyond it already (rule 3.4).
            let holds = if is_above { last < stop } else { last > stop };
            desk.note(about, || Fact::Stop { stop, is_above, last, holds });
            if !holds {
                return Err(RejectReason::StopPriceWouldTriggerImmediately.refusal());
            }
        }
        if let OrderKind::LimitMaker { price } = request.kind {
            let limit = if terms.pegged_price.is_zero() { price } else { terms.pegged_price };
            let takes = self.would_take(request.side, limit);
            desk.note(about, || self.post_only_fact(request.side, limit, !takes));
            if takes {
                return Err(RejectReason::WouldMatchImmediately.refusal());
            }
        }
        Ok(())
    }

    /// The price relations of a pair, or of one leg of it (`rest-api.md`, New Order list - OCO):
    /// what is above must be above the last price, what is below must be below it.
    pub(super) fn check_relation(&self, desk: &mut Desk, about: About, legs: &[&OrderRequest]) -> Result<(), Refusal> {
        let last = self.last;
        let is_above = |leg: &OrderRequest| {
            leg.trigger.map_or(leg.side == Side::Sell, |trigger| Trigger::is_above(trigger.kind, leg.side))
        };
        let prices = |above: bool| {
            let of_leg = |leg: &OrderRequest| {
                // A stop-loss-limit's own price is free; a take-profit-limit is tested on both.
                let limit = match (leg.kind, leg.trigger) {
                    (OrderKind::LimitMaker { .. }, _) => leg.price(),
                    (OrderKind::Limit { .. }, Some(t)) if t.kind == TriggerKind::TakeProfit => leg.price(),
                    _ => None,
                };
                [leg.stop_price(), limit].into_iter().flatten()
            };
            legs.iter().filter(move |leg| is_above(leg) == above).flat_map(move |leg| of_leg(leg))
        };
        let holds = prices(true).all(|price| price > last) && prices(false).all(|price| price < last);
        desk.note(about, || {
            let (above, below) = (prices(true).collect(), prices(false).collect());
            Fact::Relation { above, below, last, holds }
        });
        if holds {
            return Ok(());
        }
        Err(RejectReason::OcoBadPrices.refusal())
    }

    /// What a market order sized in quote asset needs on the book (rule 4.4).
    fn check_liquidity(&self, desk: &mut Desk, request: &OrderRequest) -> Result<(), Refusal> {
        let bound = self.taker_price(request.side, None, Quantity::ZERO);
        let (own, _) = self.own_part(self.taker_of(request), bound, |_, _, _| Quantity::MAX);
        let (filters, budget) = (&self.instrument.filters, self.budget.checked_add(own).unwrap_or(Quantity::MAX));
        let under = |lot: Option<LotSize>| lot.is_some_and(|f| budget < f.min_qty);
        let text = if budget.is_zero() {
            Some("Order book liquidity is less than symbol minimum quantity.")
        } else if under(filters.lot_size) {
            Some("Order book liquidity is less than LOT_SIZE filter minimum quantity.")
        } else if under(filters.market_lot_size) {
            Some("Order book liquidity is less than MARKET_LOT_SIZE filter minimum quantity.")
        } else {
            None
        };
        let lots = [filters.lot_size, filters.market_lot_size].into_iter().flatten();
        desk.note(About::Request, || Fact::Depth {
            budget,
            least: lots.map(|f| f.min_qty).collect(),
            holds: text.is_none(),
        });
        text.map_or(Ok(()), |text| Err(Refusal::new(-2010, text)))
    }

    /// What is judged again when a contingent or pending order goes onto the book (rules 5.4, 8.9);
    /// it is counted once.
    pub(super) fn check_again(&mut self, desk: &mut Desk, w: &Working, released: Amount) -> Result<(), Refusal> {
        let order = &w.order;
        let (about, left) = (About::from(order), order.remaining());
        let own = Working::counts(order);
        let mut others = self.counts;
        others -= own;
        let adding = Counts { iceberg_orders: 0, ..own };
        self.instrument.filters.check_counts(others, adding, &mut desk.readings(about))?;
        self.note_averages(desk, about);
        let judged = Judged::of_order(order, left);
        let (filters, mut market) = self.filters_at(desk.now);
        filters.check_again(judged, &mut |minutes| market.price(minutes), &mut desk.readings(about))?;
        let cost = match order.side {
            Side::Sell => Cost { amount: left.into(), ..Cost::default() },
            // A pending stop sets aside its stop price (rule 5.6), whatever it pays later.
            Side::Buy if order.order_type.is_market() && w.stage != Stage::Contingent => {
                self.market_cost((order.side, order.self_trade_prevention), left)
            }
            Side::Buy => Cost::at(order.lock_price, left),
        };
        self.check_funds(desk, about, order.side, cost, released)
    }
}

/// The market as filters see it at an instant.
pub(super) struct Standing<'a> {
    reference: &'a mut Reference,
    averages: &'a mut Averages,
    last: Price,
    running: (Timestamp, Timestamp),
    now: Timestamp,
}

impl Standing<'_> {
    /// The price that stands for it: the reference price, where there is one, else the average
    /// over so many minutes (`filters.md`; rule 5.3).
    pub(super) fn price(&mut self, minutes: u32) -> Price {
        let reference = self.reference.at(self.now);
        reference.unwrap_or_else(|| self.averages.price(minutes, self.now, self.last, self.running))
    }
}

impl Cost {
    fn at(price: Price, quantity: Quantity) -> Self {
        Self { amount: price.notional_floor(quantity), price }
    }
}

/// What a request counts for in the filters.
pub(super) fn counts_of(request: &OrderRequest) -> Counts {
    Counts::of(request.trigger.is_some(), request.iceberg_quantity.is_some())
}

/// What a list counts for in the filters: its orders, and one list.
pub(super) fn counts_of_list(legs: &Legs) -> Counts {
    let mut counts = Counts { order_lists: 1, ..Counts::default() };
    for leg in legs.in_order_of_ids() {
        counts += counts_of(leg);
    }
    counts
}
