//! Order lists (rule 5.9; `rest-api.md`, Order lists; `faqs/opo.md`): how they are placed, and
//! what a change of one order does to the others.
//!
//! A change only leaves a note (`due`); [`Book::settle_lists`] acts on it once the order that
//! changed has had its turn, so that nothing moves under a matching that is under way.

use candlewick_model::{
    Amount, ClientOrderId, ContingencyType, Counts, ExpiryReason, ListOrderStatus, ListRequest, ListStatus,
    ListStatusType, Order, OrderId, OrderListId, OrderRequest, OrderStatus, Quantity, Refusal,
};

use candlewick_model::ledger::Before;
use serde::{Deserialize, Serialize};

use super::booking::End;
use super::judge::{Terms, counts_of_list};
use super::{Book, Place, Stage, Working};
use crate::desk::{Desk, VenueEvent};
use crate::trace::{About, Fact};

/// An open list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct List {
    id: OrderListId,
    client_order_id: ClientOrderId,
    contingency: ContingencyType,
    members: Vec<(OrderId, ClientOrderId)>,
}

/// What a change of one order asks of its list.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// It was filled, perhaps in part; as it is now.
    Filled { order: Order },
    /// It has ended otherwise; as it was before.
    Ended { order: Order, canceled: bool, name: Option<ClientOrderId> },
}

impl Book {
    pub(crate) fn submit_list(&mut self, desk: &mut Desk, request: &ListRequest) -> Result<(), Refusal> {
        let legs = request.legs.in_order_of_ids();
        desk.check_unfilled(legs.len() as u32)?;
        let admitted = self.instrument.admit_list(request);
        self.note_symbol(desk, admitted.is_ok());
        admitted?;
        let pending = |at: usize| at > 0 && request.legs.working().is_some();
        let mut terms = Vec::with_capacity(legs.len());
        for (at, leg) in legs.iter().enumerate() {
            let (side, order_type) = (leg.side, leg.order_type());
            desk.note(About::Request, || Fact::Leg { number: at + 1, side, order_type });
            let adding = if at == 0 { counts_of_list(&request.legs) } else { Counts::default() };
            terms.push(self.screen_leg(desk, leg, adding, !pending(at))?);
        }
        self.check_names(desk, request, &legs)?;
        self.engage_list(desk, request, &legs, &terms)?;
        desk.unfilled.placed(desk.now, legs.len() as u32);
        self.accept_list(desk, request, &legs, &terms);
        Ok(())
    }

    fn check_names(&self, desk: &mut Desk, request: &ListRequest, legs: &[&OrderRequest]) -> Result<(), Refusal> {
        let duplicate = Refusal::new(-2010, "Duplicate order sent.");
        let name = request.client_order_id;
        let holds = name.is_none_or(|name| self.lists.iter().all(|list| list.client_order_id != name));
        desk.note(About::Request, || Fact::Name { name, holds });
        if !holds {
            return Err(duplicate);
        }
        for (at, leg) in legs.iter().enumerate() {
            let name = leg.client_order_id;
            self.check_name(desk, About::Request, name)?;
            if name.is_some() && legs[..at].iter().any(|earlier| earlier.client_order_id == name) {
                desk.note(About::Request, || Fact::Name { name, holds: false });
                return Err(duplicate);
            }
        }
        Ok(())
    }

    /// Balance and the market, for the orders that begin at once.
    fn engage_list(
        &self,
        desk: &mut Desk,
        request: &ListRequest,
        legs: &[&OrderRequest],
        terms: &[Terms],
    ) -> Result<(), Refusal> {
        let at_once = if request.legs.working().is_some() { 1 } else { legs.len() };
        let cost = |at: usize| self.cost(legs[at], terms[at]);
        let needed = (0..at_once).map(cost).max().unwrap_or_default();
        self.check_funds(desk, About::Request, legs[0].side, needed, Amount::ZERO)?;
        if request.legs.working().is_none() {
            self.check_relation(desk, About::Request, legs)?;
        }
        (0..at_once).try_for_each(|at| self.check_place(desk, About::Request, legs[at], terms[at]))
    }

    /// Tells of its orders and of the list, and then lets the working one in (rule 8.16).
    fn accept_list(&mut self, desk: &mut Desk, request: &ListRequest, legs: &[&OrderRequest], terms: &[Terms]) {
        let id = desk.next_list();
        let has_working = request.legs.working().is_some();
        self.lists.push(List {
            id,
            client_order_id: request.client_order_id.unwrap_or_else(|| self.free_list_name(id)),
            contingency: if has_working { ContingencyType::Oto } else { ContingencyType::Oco },
            members: Vec::with_capacity(legs.len()),
        });
        let list = self.lists.len() - 1;
        self.counts.order_lists += 1;
        desk.open.order_lists += 1;
        let mut at_once = None;
        for (at, (leg, terms)) in legs.iter().zip(terms).enumerate() {
            let mut working = self.make(desk, leg, *terms, Some(id), has_working && at > 0);
            if leg.client_order_id.is_none() {
                // Neither that of an order of this list, whether it is made already or not.
                let is_taken = |name| {
                    self.lists[list].members.iter().any(|(_, made)| *made == name)
                        || legs.iter().any(|leg| leg.client_order_id == Some(name))
                };
                working.order.client_order_id = self.free_name("auto-", working.order.order_id, is_taken);
            }
            self.lists[list].members.push((working.order.order_id, working.order.client_order_id));
            self.tell_new(desk, &working.order);
            match working.stage {
                Stage::Pending | Stage::Contingent => self.enter(desk, &mut working),
                Stage::Resting | Stage::Remainder => at_once = Some(working),
            }
        }
        self.tell_list(desk, &self.lists[list], ListStatusType::ExecStarted);
        if let Some(mut working) = at_once {
            self.enter(desk, &mut working);
        }
        self.settle_lists(desk);
    }

    /// A name for a list that was given none (rule 8.41).
    fn free_list_name(&self, id: OrderListId) -> ClientOrderId {
        let is_free = |name: &ClientOrderId| self.lists.iter().all(|list| list.client_order_id != *name);
        (id..).map(|id| ClientOrderId::numbered("list-", id)).find(is_free).expect("numbers do not end")
    }

    fn tell_list(&self, desk: &mut Desk, list: &List, list_status_type: ListStatusType) {
        let done = list_status_type == ListStatusType::AllDone;
        let status = ListStatus {
            time: desk.now,
            symbol: self.instrument.symbol,
            order_list_id: list.id,
            contingency_type: list.contingency,
            list_status_type,
            list_order_status: if done { ListOrderStatus::AllDone } else { ListOrderStatus::Executing },
            list_client_order_id: list.client_order_id,
            orders: list.members.clone(),
        };
        desk.note(About::List(list.id), || Fact::List(Box::new(status.clone())));
        desk.events.push(VenueEvent::ListStatus(status));
    }

    /// An order of a list bears another name.
    pub(super) fn rename_in_list(&mut self, desk: &mut Desk, list: OrderListId, id: OrderId, name: ClientOrderId) {
        let Some(at) = self.list(list) else { return };
        for member in &mut self.lists[at].members {
            if member.0 == id {
                member.1 = name;
            }
        }
        let list = self.lists[at].clone();
        self.tell_list(desk, &list, ListStatusType::Updated);
    }

    /// A list by its number, or its name, or both: the oldest open order of it.
    pub(super) fn find_list(&self, id: Option<OrderListId>, name: Option<ClientOrderId>) -> Option<Place> {
        let named =
            |list: &&List| id.is_none_or(|id| id == list.id) && name.is_none_or(|name| name == list.client_order_id);
        let list = self.lists.iter().find(named)?;
        list.members.iter().find_map(|(id, _)| self.open.at(*id))
    }

    /// Where a list is; by number, as they came.
    fn list(&self, id: OrderListId) -> Option<usize> {
        self.lists.binary_search_by_key(&id, |list| list.id).ok()
    }

    /// The open orders of a list, by number.
    pub(super) fn open_of_list(&self, list: Option<OrderListId>) -> impl Iterator<Item = &Working> + Clone {
        let list = list.and_then(|id| self.list(id)).map(|at| &self.lists[at]);
        let members = list.into_iter().flat_map(|list| &list.members);
        members.filter_map(move |(id, _)| self.open.at(*id).map(|place| &self.open[place]))
    }

    /// Does what the changes of orders ask of their lists (rule 8.35).
    pub(super) fn settle_lists(&mut self, desk: &mut Desk) {
        while !self.due.is_empty() {
            match self.due.remove(0) {
                Due::Filled { order } => self.after_fill(desk, &order),
                Due::Ended { order, canceled, name } => self.after_end(desk, &order, canceled, name),
            }
        }
    }

    fn after_fill(&mut self, desk: &mut Desk, order: &Order) {
        let Some(list) = order.order_list_id else { return };
        self.expire_partners(desk, order);
        // A fill before the last one leaves the rest to the note of that one.
        if order.status == OrderStatus::Filled {
            self.activate(desk, list);
            self.finish(desk, list);
        }
    }

    fn after_end(&mut self, desk: &mut Desk, order: &Order, canceled: bool, name: Option<ClientOrderId>) {
        let Some(list) = order.order_list_id else { return };
        if canceled {
            for partner in self.partners(order, |_| true) {
                self.close(desk, partner, End::canceled(name));
            }
        } else {
            self.expire_partners(desk, order);
            self.end_pending(desk, order);
        }
        self.finish(desk, list);
    }

    /// The working order has ended without being filled: so do the pending ones.
    fn end_pending(&mut self, desk: &mut Desk, order: &Order) {
        for pending in self.partners(order, |w| w.stage == Stage::Pending) {
            self.close(desk, pending, End::expired(ExpiryReason::OtoPhaseOneExpired));
        }
    }

    /// The other open orders of an order's list.
    fn partners(&self, order: &Order, which: impl Fn(&Working) -> bool) -> Vec<OrderId> {
        let others = self.open_of_list(order.order_list_id).filter(|w| w.order.order_id != order.order_id && which(w));
        others.map(|w| w.order.order_id).collect()
    }

    /// Ends an order because of another one of its list.
    fn close(&mut self, desk: &mut Desk, id: OrderId, end: End) {
        if let Some(at) = self.open.at(id) {
            let mut working = self.open.remove(at);
            self.end_quietly(desk, &mut working.order, end);
        }
    }

    /// A leg that works ends the other one.
    pub(super) fn expire_partners(&mut self, desk: &mut Desk, order: &Order) {
        for partner in self.partners(order, |w| w.stage != Stage::Pending) {
            self.close(desk, partner, End::expired(ExpiryReason::OcoTrigger));
        }
    }

    /// The other leg of a pair of which one cancels the other.
    pub(super) fn partner_in_pair(&self, order: &Order) -> Option<OrderId> {
        let pending = order.status == OrderStatus::PendingNew;
        self.partners(order, |w| (w.stage == Stage::Pending) == pending).first().copied()
    }

    /// A list of which no order is open is done.
    fn finish(&mut self, desk: &mut Desk, list: OrderListId) {
        if self.open_of_list(Some(list)).next().is_some() {
            return;
        }
        if let Some(at) = self.list(list) {
            let done = self.lists.remove(at);
            self.counts.order_lists -= 1;
            desk.open.order_lists -= 1;
            self.tell_list(desk, &done, ListStatusType::AllDone);
        }
    }

    /// The working order is filled: the pending ones go onto the book, if they still may (rule
    /// 5.4).
    fn activate(&mut self, desk: &mut Desk, list: OrderListId) {
        let is_pending = |w: &&Working| w.stage == Stage::Pending;
        let pending: Vec<Working> = self.open_of_list(Some(list)).filter(is_pending).copied().collect();
        let reserved = desk.ledger.reserved(list);
        let mut ready = Vec::with_capacity(pending.len());
        let is_pair = pending.len() > 1;
        for w in &pending {
            match self.make_ready(desk, w, reserved, is_pair) {
                Ok(w) => ready.push(w),
                Err(refusal) => return self.reject(desk, (w.order.order_id, &refusal), &pending, reserved),
            }
        }
        let mut at_once = None;
        for (old, mut w) in pending.iter().zip(ready) {
            if let Some(at) = self.open.at(old.order.order_id) {
                self.open.remove(at);
            }
            self.tell_working(desk, &old.order, &mut w.order);
            match w.stage {
                Stage::Contingent | Stage::Pending => self.enter(desk, &mut w),
                Stage::Resting | Stage::Remainder => at_once = Some(w),
            }
        }
        if let Some(mut w) = at_once {
            self.match_arriving(desk, &mut w);
        }
    }

    /// A pending order as it goes onto the book, or why it may not (rules 5.4 and 8.19).
    fn make_ready(
        &mut self,
        desk: &mut Desk,
        pending: &Working,
        reserved: Amount,
        is_leg_of_pair: bool,
    ) -> Result<Working, Refusal> {
        let mut w = *pending;
        let paid = w.order.awaits_quantity();
        if paid {
            w.order.quantity = self.payable(&w.order, reserved);
        }
        let (received, quantity) = (paid.then_some(reserved), w.order.quantity);
        desk.note(&pending.order, || Fact::Activated { received, quantity });
        w.order.status = OrderStatus::New;
        let request = OrderRequest::from(&w.order);
        w.stage = if request.trigger.is_some() { Stage::Contingent } else { Stage::Resting };
        w.extreme = self.last;
        if w.stage == Stage::Resting {
            w.order.working_time = Some(desk.now);
            if let Some(peg) = w.order.peg {
                w.order.pegged_price = self.pegged(desk, About::from(&w.order), w.order.side, peg, request.price())?;
            }
        } else if w.order.trailing_delta.is_some() && request.stop_price().is_none() {
            w.order.trailing_time = Some(desk.now);
        }
        w.order.lock_price = self.lock_price(&request, w.order.pegged_price);
        if paid {
            self.screen_paid(desk, &request, &w.order)?;
        }
        self.check_again(desk, &w, reserved)?;
        let terms =
            Terms { quantity: w.order.quantity, pegged_price: w.order.pegged_price, lock_price: w.order.lock_price };
        if is_leg_of_pair {
            self.check_relation(desk, About::from(&w.order), &[&request])?;
        }
        self.check_place(desk, About::from(&w.order), &request, terms)?;
        Ok(w)
    }

    /// What was received, adjusted to the lot filters.
    fn payable(&self, order: &Order, received: Amount) -> Quantity {
        let filters = &self.instrument.filters;
        let is_market = order.order_type.is_market();
        let step = if is_market { filters.market_step() } else { filters.step() };
        let lots = [filters.lot_size, filters.market_lot_size.filter(|_| is_market)];
        let most = lots.into_iter().flatten().map(|lot| lot.max_qty).filter(|most| !most.is_zero()).min();
        Quantity::from_amount_saturating(received).min(most.unwrap_or(Quantity::MAX)).floor_to(step)
    }

    /// A pending order that may not work expires, after its partner. One that was to be paid for
    /// tells what it would have been.
    fn reject(&mut self, desk: &mut Desk, (id, why): (OrderId, &Refusal), pending: &[Working], reserved: Amount) {
        self.note_rejected();
        let mut row: Vec<&Working> = pending.iter().collect();
        row.sort_by_key(|w| w.order.order_id == id);
        for w in row {
            let is_partner = w.order.order_id != id;
            let end = if is_partner { End::expired(ExpiryReason::OcoTrigger) } else { End::rejected(why) };
            let Some(at) = self.open.at(w.order.order_id) else { continue };
            let old = self.open.remove(at).order;
            let mut order = old;
            if old.awaits_quantity() {
                order.quantity = self.payable(&old, reserved);
            }
            self.end_from(desk, Before::of(&old), &mut order, end);
        }
    }
}
