//! What becomes of a command: orders, cancels, replacements, amendments.

use candlewick_model::{
    AmendRequest, CancelListRequest, CancelReplaceMode, CancelReplaceRequest, CancelRequest, CancelRestrictions,
    ClientOrderId, ExpiryReason, Half, Halves, Judged, Order, OrderListId, OrderRequest, OrderSize, OrderStatus, Price,
    Quantity, RateLimitExceededMode, Refusal,
};

use super::booking::End;
use super::judge::Terms;
use super::{Book, Place, Stage, Working};
use crate::desk::Desk;
use crate::trace::{About, Fact};

/// `-2011`, `-2038`: no such order.
const fn unknown(code: i32) -> Refusal {
    Refusal::new(code, "Unknown order sent.")
}

impl Book {
    pub(crate) fn submit(&mut self, desk: &mut Desk, request: &OrderRequest) -> Result<(), Refusal> {
        desk.check_unfilled(1)?;
        let terms = self.screen(desk, request)?;
        self.engage(desk, request, terms)?;
        self.accept(desk, request, terms);
        Ok(())
    }

    /// Judges what the exchange judges before an order reaches its matching engine
    /// (`rest-api.md`, Test new order; rule 8.28).
    pub(crate) fn test(&mut self, desk: &mut Desk, request: &OrderRequest) -> Result<(), Refusal> {
        self.screen(desk, request).map(drop)
    }

    /// Makes the order, reports it, and lets it take what it can.
    fn accept(&mut self, desk: &mut Desk, request: &OrderRequest, terms: Terms) {
        desk.unfilled.placed(desk.now, 1);
        let mut working = self.make(desk, request, terms, None, false);
        self.tell_new(desk, &working.order);
        self.enter(desk, &mut working);
        self.settle_lists(desk);
    }

    /// An order of a request, not yet told of. A pending one waits for its list.
    pub(super) fn make(
        &self,
        desk: &mut Desk,
        request: &OrderRequest,
        terms: Terms,
        list: Option<OrderListId>,
        pending: bool,
    ) -> Working {
        let order_id = desk.next_order();
        let trailing_delta = request.trigger.and_then(|t| t.trailing_delta);
        let trails = !pending && trailing_delta.is_some() && request.stop_price().is_none();
        let works = !pending && request.trigger.is_none();
        let (now, quantity) = (desk.now, terms.quantity);
        let order = || Order {
            order_id,
            order_list_id: list,
            client_order_id: request.client_order_id.unwrap_or_else(|| self.free_name("auto-", order_id, |_| false)),
            symbol: request.symbol,
            side: request.side,
            order_type: request.order_type(),
            time_in_force: request.kind.time_in_force(),
            price: request.price().unwrap_or(Price::ZERO),
            stop_price: request.stop_price().unwrap_or(Price::ZERO),
            trailing_delta,
            trailing_time: trails.then_some(now),
            iceberg_quantity: request.iceberg_quantity.unwrap_or(Quantity::ZERO),
            peg: request.peg,
            pegged_price: terms.pegged_price,
            lock_price: terms.lock_price,
            strategy_id: request.strategy_id,
            strategy_type: request.strategy_type,
            quantity,
            quote_order_quantity: match request.size {
                OrderSize::Quote(money) => money,
                OrderSize::Base(_) | OrderSize::Received => candlewick_model::Amount::ZERO,
            },
            filled_quantity: Quantity::ZERO,
            filled_quote: candlewick_model::Amount::ZERO,
            prevented_quantity: Quantity::ZERO,
            status: if pending { OrderStatus::PendingNew } else { OrderStatus::New },
            created: now,
            updated: now,
            working_time: works.then_some(now),
            expiry_reason: None,
            self_trade_prevention: self.instrument.self_trade_prevention_of(request),
        };
        let stage = match (pending, request.trigger) {
            (true, _) => Stage::Pending,
            (false, Some(_)) => Stage::Contingent,
            (false, None) => Stage::Resting,
        };
        Working::new(order, stage, self.last)
    }

    /// A name for an order that was given none: its number, or the next one of which the name is
    /// free (rule 8.41).
    pub(super) fn free_name(
        &self,
        prefix: &str,
        number: u64,
        is_taken: impl Fn(ClientOrderId) -> bool,
    ) -> ClientOrderId {
        let is_free = |name: &ClientOrderId| self.open.named(*name).is_none() && !is_taken(*name);
        (number..).map(|number| ClientOrderId::numbered(prefix, number)).find(is_free).expect("numbers do not end")
    }

    /// An order that has been told of goes where its kind says.
    pub(super) fn enter(&mut self, desk: &mut Desk, working: &mut Working) {
        match working.stage {
            Stage::Pending | Stage::Contingent => {
                desk.note(&working.order, || self.wait_fact(working));
                self.open.insert(*working);
            }
            Stage::Resting | Stage::Remainder => self.match_arriving(desk, working),
        }
    }

    pub(crate) fn cancel(&mut self, desk: &mut Desk, cancel: &CancelRequest) -> Result<(), Refusal> {
        let at = self.find(desk, cancel.order_id, cancel.original_client_order_id).ok_or(unknown(-2011))?;
        let status = self.open[at].order.status;
        if let Some(restrictions) = cancel.restrictions {
            let holds = match restrictions {
                CancelRestrictions::OnlyNew => status == OrderStatus::New,
                CancelRestrictions::OnlyPartiallyFilled => status == OrderStatus::PartiallyFilled,
            };
            desk.note(&self.open[at].order, || Fact::Restricted { restrictions, status, holds });
            if !holds {
                return Err(Refusal::new(-2011, "Order was not canceled due to cancel restrictions."));
            }
        }
        self.cancel_at(desk, at, cancel.client_order_id);
        self.settle_lists(desk);
        Ok(())
    }

    /// Ends an order. The cancel of a list has one name for all of its orders; where one order
    /// ends and no name was given, it follows from the report.
    fn cancel_at(&mut self, desk: &mut Desk, at: Place, name: Option<ClientOrderId>) {
        let mut order = self.open.remove(at).order;
        let name = name.or_else(|| order.order_list_id.map(|_| desk.name_for_cancel()));
        self.end(desk, &mut order, End::canceled(name));
    }

    /// Ends all orders of the symbol, oldest first; a list as a whole.
    pub(crate) fn cancel_all(&mut self, desk: &mut Desk) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return Err(unknown(-2011));
        }
        self.end_all(desk, End::canceled(Some(desk.name_for_cancel())));
        Ok(())
    }

    /// Ends all orders because the exchange wants so, oldest first (`user-data-stream.md`, Order
    /// Expiry Reason).
    pub(crate) fn expire_all(&mut self, desk: &mut Desk) {
        self.end_all(desk, End::expired(ExpiryReason::ExchangeCanceled));
    }

    /// Ends all orders, oldest first; a list as a whole.
    fn end_all(&mut self, desk: &mut Desk, end: End) {
        while let Some(mut working) = self.open.remove_first() {
            self.end(desk, &mut working.order, end);
            self.settle_lists(desk);
        }
    }

    /// Ends a whole list.
    pub(crate) fn cancel_list(&mut self, desk: &mut Desk, cancel: &CancelListRequest) -> Result<(), Refusal> {
        let at = self.find_list(cancel.order_list_id, cancel.list_client_order_id).ok_or(unknown(-2011))?;
        self.cancel_at(desk, at, cancel.client_order_id);
        self.settle_lists(desk);
        Ok(())
    }

    /// An order by its number, or its name, or both: then it must bear both.
    fn find(&self, desk: &mut Desk, id: Option<u64>, name: Option<ClientOrderId>) -> Option<Place> {
        let found = match id {
            Some(id) => self.open.at(id).filter(|at| name.is_none_or(|n| n == self.open[*at].order.client_order_id)),
            None => name.and_then(|name| self.open.named(name)),
        };
        if found.is_none() {
            desk.trace.miss(desk.now, id, name);
        }
        found
    }

    /// `rest-api.md`, Cancel an Existing Order and Send a New Order: filters and order count
    /// come before both halves; the new order's money after the cancel has released its own (rule
    /// 8.24).
    pub(crate) fn cancel_replace(&mut self, desk: &mut Desk, request: &CancelReplaceRequest) -> Result<(), Refusal> {
        self.instrument.check_cancel_replace()?;
        let over_limit = desk.check_unfilled(1).err();
        if let Some(refusal) = &over_limit
            && request.rate_limit_exceeded == RateLimitExceededMode::DoNothing
        {
            return Err(refusal.clone());
        }
        let terms = self.screen(desk, &request.order)?;
        let cancel = match self.cancel(desk, &request.cancel) {
            Ok(()) => Half::Success,
            Err(refusal) => Half::Failure(refusal),
        };
        let stops = request.mode == CancelReplaceMode::StopOnFailure && cancel != Half::Success;
        let new_order = match over_limit {
            _ if stops => {
                // It counts all the same.
                desk.unfilled.placed(desk.now, 1);
                Half::NotAttempted
            }
            Some(refusal) => Half::Failure(refusal),
            None => match self.replace_with(desk, &request.order, terms) {
                Ok(()) => Half::Success,
                Err(refusal) => Half::Failure(refusal),
            },
        };
        match (&cancel, &new_order) {
            (Half::Success, Half::Success) => Ok(()),
            (Half::Success, _) | (_, Half::Success) => {
                Err(halves(-2021, "Order cancel-replace partially failed.", cancel, new_order))
            }
            _ => Err(halves(-2022, "Order cancel-replace failed.", cancel, new_order)),
        }
    }

    /// The new order of a replacement. Its peg is taken anew: what was cancelled is gone.
    fn replace_with(&mut self, desk: &mut Desk, order: &OrderRequest, mut terms: Terms) -> Result<(), Refusal> {
        if let Some(peg) = order.peg.filter(|_| order.trigger.is_none()) {
            terms.pegged_price = self.pegged(desk, About::Request, order.side, peg, order.price())?;
            terms.lock_price = self.lock_price(order, terms.pegged_price);
        }
        self.engage(desk, order, terms)?;
        self.accept(desk, order, terms);
        Ok(())
    }

    /// `faqs/order_amend_keep_priority.md`.
    pub(crate) fn amend(&mut self, desk: &mut Desk, request: &AmendRequest) -> Result<(), Refusal> {
        self.instrument.check_amend(request.quantity)?;
        let at = self.find(desk, request.order_id, request.original_client_order_id).ok_or(unknown(-2038))?;
        let w = self.open[at];
        let order = &w.order;
        let (to, name) = (request.quantity, request.client_order_id);
        desk.note(order, || Fact::Amended { from: order.quantity, to, name });
        if order.awaits_quantity() {
            return Err(Refusal::new(-2038, "Order amend (pending OPO order) is not supported."));
        }
        // The legs of a pair always have the same quantity.
        let partner = self.partner_in_pair(order);
        self.check_amendment(desk, &w, request.quantity)?;
        if let Some(at) = partner.and_then(|id| self.open.at(id)) {
            let partner = self.open[at];
            self.check_amendment(desk, &partner, request.quantity)?;
        }
        if request.client_order_id.is_some_and(|name| name != order.client_order_id) {
            let named = self.check_name(desk, About::from(order), request.client_order_id);
            named.map_err(|r| Refusal { code: -2038, ..r })?;
        }
        let list = order.order_list_id;
        let id = order.order_id;
        let name = request.client_order_id.unwrap_or_else(|| self.free_name("amend-", desk.queue(), |_| false));
        let renamed = name != order.client_order_id;
        self.reduce(desk, id, request.quantity, name);
        if let Some(partner) = partner
            && let Some(at) = self.open.at(partner)
        {
            let name = self.open[at].order.client_order_id;
            self.reduce(desk, partner, request.quantity, name);
        }
        if let Some(list) = list.filter(|_| renamed) {
            self.rename_in_list(desk, list, id, name);
        }
        for id in [Some(id), partner].into_iter().flatten() {
            self.end_if_done(desk, id);
        }
        self.settle_lists(desk);
        Ok(())
    }

    /// The filters that an amendment is held to (rule 8.29).
    fn check_amendment(&mut self, desk: &mut Desk, w: &Working, quantity: Quantity) -> Result<(), Refusal> {
        let order = &w.order;
        if quantity == order.quantity {
            return Err(Refusal::new(-2038, "The requested action would change no state; rejecting."));
        }
        if quantity > order.quantity {
            return Err(Refusal::new(-2038, "Order amend (quantity increase) is not supported."));
        }
        let judged = Judged::of_order(order, quantity);
        let see = &mut desk.readings(order);
        let (filters, mut market) = self.filters_at(see.now);
        filters.check_quantity(judged, &mut |minutes| market.price(minutes), see)?;
        filters.check_amends(w.amended, see)
    }

    /// Gives an order a smaller quantity, though not less than what is done of it, and a name.
    fn reduce(&mut self, desk: &mut Desk, id: u64, quantity: Quantity, name: ClientOrderId) {
        let at = self.open.at(id).expect("it is open");
        let mut w = self.open.remove(at);
        let old = w.order;
        let done = Quantity::from_units(old.filled_quantity.units() + old.prevented_quantity.units());
        w.order.quantity = quantity.max(done);
        w.order.iceberg_quantity = w.order.iceberg_quantity.min(w.order.quantity);
        w.order.client_order_id = name;
        w.amended += 1;
        self.tell_replaced(desk, &old, &mut w.order);
        w.shown = w.shown.min(w.order.remaining());
        self.open.insert(w);
    }

    /// An order of which nothing is left has ended (rule 8.21).
    fn end_if_done(&mut self, desk: &mut Desk, id: u64) {
        let Some(at) = self.open.at(id).filter(|at| self.open[*at].order.remaining().is_zero()) else { return };
        let mut order = self.open.remove(at).order;
        self.end(desk, &mut order, End::expired(ExpiryReason::None));
    }

    /// The limit of an order that has one.
    pub(super) fn limit_of(order: &Order) -> Option<Price> {
        (!order.order_type.is_market()).then_some(order.limit())
    }
}

fn halves(code: i32, text: &'static str, cancel: Half, new_order: Half) -> Refusal {
    Refusal { halves: Some(Box::new(Halves { cancel, new_order })), ..Refusal::new(code, text) }
}
