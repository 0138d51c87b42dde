//! Whether an order is taken, in the order of rule 5.1: symbol, filters, name, balance, trigger
//! and post-only. Parameters were judged before (`candlewick_model::request`).

use std::sync::Arc;

use candlewick_model::filter::LotSize;
use candlewick_model::{
    Amount, ClientOrderId, Counts, Judged, Legs, OrderKind, OrderRequest, OrderSize, Price, Quantity, Refusal, Side,
    Timestamp, Trigger, TriggerKind,
};

use super::{Book, Stage, Working};
use crate::desk::Desk;

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

impl Book {
    /// Symbol and filters, of an order alone.
    pub(super) fn screen(&mut self, desk: &Desk, request: &OrderRequest) -> Result<Terms, Refusal> {
        self.instrument.admit(request)?;
        self.screen_leg(desk, request, counts_of(request), true)
    }

    /// All filters of an order, alone or as a leg; `adding` is what the whole request would
    /// open. A pending leg gets its peg when it goes onto the book.
    pub(super) fn screen_leg(
        &mut self,
        desk: &Desk,
        request: &OrderRequest,
        adding: Counts,
        at_once: bool,
    ) -> Result<Terms, Refusal> {
        let pegged = match request.peg {
            Some(peg) if at_once && request.trigger.is_none() => {
                Some(self.pegged(request.side, peg, request.price())?)
            }
            _ => None,
        };
        let quantity = match request.size {
            OrderSize::Base(quantity) => Some(quantity),
            OrderSize::Quote(money) => Some(
                Quantity::bought_floor(money, self.taker_price(request.side, None))
                    .unwrap_or(Quantity::MAX)
                    .floor_to(self.instrument.filters.step()),
            ),
            OrderSize::Received => None,
        };
        let judged = Judged::of(request, quantity, pegged);
        self.check_filters(desk, request, judged, adding)?;
        // A limit of nothing where no filter forbids it.
        if request.price().is_some_and(Price::is_zero) {
            return Err(Refusal::new(-2010, "Price * QTY is zero or less."));
        }
        let pegged_price = pegged.unwrap_or_default();
        let lock_price = self.lock_price(request, pegged_price);
        Ok(Terms { quantity: quantity.unwrap_or_default(), pegged_price, lock_price })
    }

    /// The price that stands for the market in filters: the reference price, where there is one,
    /// else the average over so many minutes (`filters.md`; rule 5.3).
    pub(super) fn standing_price(&mut self, now: Timestamp, minutes: u32) -> Price {
        let reference = self.reference.at(now);
        reference.unwrap_or_else(|| self.averages.price(minutes, now, self.last, self.running))
    }

    /// What a BUY sets aside for each unit of base (rule 5.6); MARKET what it may have to pay.
    pub(super) fn lock_price(&self, request: &OrderRequest, pegged: Price) -> Price {
        if request.side == Side::Sell {
            return Price::ZERO;
        }
        match (request.kind, request.trigger) {
            (OrderKind::Market, None) => self.taker_price(Side::Buy, None),
            (OrderKind::Limit { .. } | OrderKind::LimitMaker { .. }, _) if !pegged.is_zero() => pegged,
            (OrderKind::Limit { price, .. } | OrderKind::LimitMaker { price }, _) if !price.is_zero() => price,
            (_, trigger) => trigger.and_then(|t| t.stop_price).unwrap_or(self.last),
        }
    }

    /// Filters of the symbol, then of the exchange, then of the assets.
    fn check_filters(
        &mut self,
        desk: &Desk,
        request: &OrderRequest,
        judged: Judged,
        adding: Counts,
    ) -> Result<(), Refusal> {
        let position = self.position(desk);
        let (instrument, last) = (Arc::clone(&self.instrument), self.last);
        let standing = &mut |minutes| self.standing_price(desk.now, minutes);
        instrument.filters.check(request, judged, &position, adding, standing)?;
        desk.exchange_filters.check_counts(desk.open, adding)?;
        desk.exchange_filters.check_assets((instrument.base_asset, instrument.quote_asset), judged, &mut |_| last)
    }

    /// Name, balance, and where the market stands, of an order alone.
    pub(super) fn engage(&self, desk: &Desk, request: &OrderRequest, terms: Terms) -> Result<(), Refusal> {
        self.check_name(request.client_order_id)?;
        self.check_funds(desk, request.side, self.cost(request, terms), Amount::ZERO)?;
        self.check_place(request, terms)?;
        if matches!(request.size, OrderSize::Quote(_)) { self.check_liquidity() } else { Ok(()) }
    }

    /// A name is free again when its order is final.
    pub(super) fn check_name(&self, name: Option<ClientOrderId>) -> Result<(), Refusal> {
        match name {
            Some(name) if self.open.iter().any(|w| w.order.client_order_id == name) => {
                Err(Refusal::new(-2010, "Duplicate order sent."))
            }
            _ => Ok(()),
        }
    }

    /// What an order needs of the asset that it gives (rules 5.6 and 5.7).
    pub(super) fn cost(&self, request: &OrderRequest, terms: Terms) -> Amount {
        match (request.side, request.size) {
            (Side::Sell, _) => terms.quantity.into(),
            (Side::Buy, OrderSize::Quote(money)) => money,
            (Side::Buy, _) => terms.lock_price.notional_floor(terms.quantity),
        }
    }

    /// Whether the account has so much, with what is about to be released.
    pub(super) fn check_funds(&self, desk: &Desk, side: Side, needed: Amount, released: Amount) -> Result<(), Refusal> {
        let at = match side {
            Side::Buy => self.pair.quote,
            Side::Sell => self.pair.base,
        };
        let free = desk.ledger.balance(at).free.checked_add(released).unwrap_or(Amount::MAX);
        if needed > free {
            return Err(Refusal::new(-2010, "Account has insufficient balance for requested action."));
        }
        Ok(())
    }

    /// Trigger and post-only.
    pub(super) fn check_place(&self, request: &OrderRequest, terms: Terms) -> Result<(), Refusal> {
        if self.triggers_at_once(request) {
            return Err(Refusal::new(-2010, "Order would trigger immediately."));
        }
        if let OrderKind::LimitMaker { price } = request.kind {
            let limit = if terms.pegged_price.is_zero() { price } else { terms.pegged_price };
            if self.would_take(request.side, limit) {
                return Err(Refusal::new(-2010, "Order would immediately match and take."));
            }
        }
        Ok(())
    }

    /// Whether the market is at or beyond the stop price already (rule 3.4).
    fn triggers_at_once(&self, request: &OrderRequest) -> bool {
        let Some(Trigger { kind, stop_price: Some(stop), .. }) = request.trigger else { return false };
        if Trigger::is_above(kind, request.side) { self.last >= stop } else { self.last <= stop }
    }

    /// The price relation of a leg of a pair (`rest-api.md`, New Order list - OCO): what is above
    /// must be above the last price, what is below must be below it.
    pub(super) fn check_relation(&self, leg: &OrderRequest) -> Result<(), Refusal> {
        let is_above = leg.trigger.map_or(leg.side == Side::Sell, |t| Trigger::is_above(t.kind, leg.side));
        let holds = |price: Price| if is_above { price > self.last } else { price < self.last };
        // A stop-loss-limit's own price is free; a take-profit-limit is tested on both.
        let limit = match (leg.kind, leg.trigger) {
            (OrderKind::LimitMaker { .. }, _) => leg.price(),
            (OrderKind::Limit { .. }, Some(t)) if t.kind == TriggerKind::TakeProfit => leg.price(),
            _ => None,
        };
        if leg.stop_price().is_none_or(holds) && limit.is_none_or(holds) {
            return Ok(());
        }
        Err(Refusal::new(-2010, "The relationship of the prices for the orders is not correct."))
    }

    /// What a market order sized in quote asset needs on the book (rule 4.4).
    fn check_liquidity(&self) -> Result<(), Refusal> {
        let filters = &self.instrument.filters;
        let under = |lot: Option<LotSize>| lot.is_some_and(|f| self.budget < f.min_qty);
        let text = if self.budget.is_zero() {
            "Order book liquidity is less than symbol minimum quantity."
        } else if under(filters.lot_size) {
            "Order book liquidity is less than LOT_SIZE filter minimum quantity."
        } else if under(filters.market_lot_size) {
            "Order book liquidity is less than MARKET_LOT_SIZE filter minimum quantity."
        } else {
            return Ok(());
        };
        Err(Refusal::new(-2010, text))
    }

    /// What is judged again when a contingent or pending order goes onto the book (rule 5.4);
    /// it is counted once.
    pub(super) fn check_again(&mut self, desk: &Desk, w: &Working, released: Amount) -> Result<(), Refusal> {
        let order = &w.order;
        let judged = Judged::of_order(order, order.remaining());
        let own = Working::counts(order);
        let mut others = self.counts;
        others -= own;
        self.instrument.filters.check_counts(others, Counts { iceberg_orders: 0, ..own })?;
        let instrument = Arc::clone(&self.instrument);
        instrument.filters.check_again(judged, &mut |minutes| self.standing_price(desk.now, minutes))?;
        let needed = match order.side {
            Side::Sell => order.remaining().into(),
            Side::Buy if order.order_type.is_market() && w.stage != Stage::Contingent => {
                self.taker_price(Side::Buy, None).notional_floor(order.remaining())
            }
            Side::Buy => order.lock_price.notional_floor(order.remaining()),
        };
        self.check_funds(desk, order.side, needed, released)
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
