//! Stops and trailing stops (rules 3.4, 3.5 and 5.4; `faqs/trailing-stop-faq.md`).

use candlewick_model::{Order, OrderRequest, OrderType, Price, Refusal, Side, Trigger, TriggerKind};

use super::booking::End;
use super::{Book, Place, Stage, Working};
use crate::desk::Desk;
use crate::trace::About;

/// Ten thousand basis points are the whole.
const WHOLE: i128 = 10_000;

impl Book {
    /// What a contingent order waits for: a price, and whether the market must rise to it. An
    /// order that will trail waits for its stop price first.
    pub(super) fn watched(&self, w: &Working) -> (Price, bool) {
        let order = &w.order;
        match (order.trailing_delta, order.trailing_time) {
            (Some(delta), Some(_)) => (self.trailing_level(order.side, w.extreme, delta), order.side == Side::Buy),
            _ => (order.stop_price, waits_above(order)),
        }
    }

    /// The level at which a trailing order triggers: the next tick beyond.
    pub(super) fn trailing_level(&self, side: Side, extreme: Price, delta: u32) -> Price {
        let tick = i128::from(self.instrument.filters.tick().units());
        let (extreme, delta) = (i128::from(extreme.units()), i128::from(delta));
        let units = match side {
            Side::Sell => (extreme * (WHOLE - delta)).div_euclid(WHOLE).div_euclid(tick) * tick,
            Side::Buy => {
                let exact = extreme * (WHOLE + delta);
                -(-exact).div_euclid(WHOLE * tick) * tick
            }
        };
        Price::from_units(i64::try_from(units).unwrap_or(i64::MAX))
    }

    /// Whether an order waits to begin trailing.
    pub(super) fn is_dormant(order: &Order) -> bool {
        order.trailing_delta.is_some() && order.trailing_time.is_none()
    }

    /// The market has met the stop price of an order that trails from here on.
    pub(super) fn begin_trailing(&mut self, desk: &mut Desk, at: Place, price: Price) {
        self.open.change(at, |w| {
            w.order.trailing_time = Some(desk.now);
            w.extreme = price;
        });
        desk.note(&self.open[at].order, || self.trail_fact(&self.open[at]));
    }

    /// The market stands at `price`: the best price of orders that trail moves along.
    pub(super) fn follow(&mut self, desk: &mut Desk, price: Price) {
        if !self.open.has_restless() {
            return;
        }
        self.open.follow(|w| {
            w.extreme = match w.order.side {
                Side::Buy => w.extreme.min(price),
                Side::Sell => w.extreme.max(price),
            };
        });
        if desk.trace.is_on() {
            self.note_trails(desk, price);
        }
    }

    /// An order is triggered where the market stands: its partner expires, it is judged again,
    /// and it is the order that it becomes (rule 3.4).
    pub(super) fn trigger(&mut self, desk: &mut Desk, at: Place) {
        let order = self.open[at].order;
        self.expire_partners(desk, &order);
        let at = self.open.at(order.order_id).expect("its partner's end does not end it");
        let mut w = self.open.remove(at);
        let released = candlewick_model::ledger::locked_by(&w.order);
        let old = w.order;
        w.stage = Stage::Resting;
        let taken = self.take_peg(desk, &mut w.order);
        if let Err(refusal) = taken.and_then(|()| self.check_again(desk, &w, released)) {
            return self.reject_triggered(desk, old, &refusal);
        }
        w.order.working_time = Some(desk.now);
        if !w.order.order_type.is_market() {
            self.tell_working(desk, &old, &mut w.order);
        }
        self.match_arriving(desk, &mut w);
    }

    /// A pegged order gets its price when it is triggered.
    fn take_peg(&mut self, desk: &mut Desk, order: &mut Order) -> Result<(), Refusal> {
        let Some(peg) = order.peg else { return Ok(()) };
        let request = OrderRequest::from(&*order);
        order.pegged_price = self.pegged(desk, About::from(&*order), order.side, peg, request.price())?;
        order.lock_price = self.lock_price(&request, order.pegged_price);
        Ok(())
    }

    /// The position that the order was to protect is left unprotected.
    fn reject_triggered(&mut self, desk: &mut Desk, mut order: Order, refusal: &Refusal) {
        self.note_rejected();
        self.end(desk, &mut order, End::rejected(refusal));
    }

    pub(super) fn note_rejected(&mut self) {
        self.assumptions.rejected_when_triggered += 1;
    }
}

/// Whether the market must rise to the stop price.
pub(super) fn waits_above(order: &Order) -> bool {
    let kind = match order.order_type {
        OrderType::TakeProfit | OrderType::TakeProfitLimit => TriggerKind::TakeProfit,
        _ => TriggerKind::StopLoss,
    };
    Trigger::is_above(kind, order.side)
}
