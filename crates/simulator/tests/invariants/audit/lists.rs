//! How lists begin, go on and end (rule 5.9; `rest-api.md`, Order lists; `faqs/opo.md`).

use std::collections::BTreeMap;

use candlewick_model::{
    ContingencyType, ExecutionReport, ExpiryReason, ListOrderStatus, ListStatus, ListStatusType, Order, OrderId,
    OrderListId, OrderStatus,
};
use proptest::prelude::*;

use super::Orders;

#[derive(Default)]
pub(crate) struct Lists {
    open: BTreeMap<OrderListId, ListStatus>,
    done: usize,
    /// How each leg ended that was pending: since what its working order says then.
    activated: BTreeMap<OrderId, bool>,
}

impl Lists {
    pub(crate) fn report(&mut self, before: Option<&Order>, report: &ExecutionReport) -> Result<(), TestCaseError> {
        let order = &report.order;
        let Some(list) = order.order_list_id else { return Ok(()) };
        if before.is_none() {
            prop_assert!(!self.open.contains_key(&list), "another order of a list: {:?}", report);
        }
        if before.is_some_and(|before| before.status == OrderStatus::PendingNew) {
            self.activated.insert(order.order_id, order.status == OrderStatus::New);
        }
        Ok(())
    }

    /// Its legs are told of first, then that it was placed; names may change; then it is done,
    /// once, when all of them are.
    pub(crate) fn status(&mut self, orders: &Orders, status: &ListStatus) -> Result<(), TestCaseError> {
        let list = status.order_list_id;
        let legs: Vec<&Order> = status.orders.iter().map(|(id, _)| &orders[id]).collect();
        prop_assert!(legs.iter().all(|leg| leg.order_list_id == Some(list)), "{:?}", status);
        let names = legs.iter().map(|leg| leg.client_order_id);
        prop_assert!(status.orders.iter().map(|(_, name)| *name).eq(names), "{:?}", status);
        match status.list_status_type {
            ListStatusType::ExecStarted => {
                prop_assert_eq!(list, (self.open.len() + self.done) as u64 + 1);
                let of_pair = status.contingency_type == ContingencyType::Oco;
                prop_assert!(legs.len() == 2 || (legs.len() == 3 && !of_pair), "{:?}", status);
                self.open.insert(list, status.clone());
            }
            ListStatusType::Updated => prop_assert!(self.open.contains_key(&list), "{:?}", status),
            ListStatusType::AllDone => {
                prop_assert!(self.open.remove(&list).is_some(), "told of after its end: {:?}", status);
                prop_assert!(legs.iter().all(|leg| leg.status.is_final()), "{:?}", status);
                self.done += 1;
                self.ends_as_its_kind(status.contingency_type, &legs)?;
            }
            ListStatusType::Response => prop_assert!(false, "{:?}", status),
        }
        let done = status.list_status_type == ListStatusType::AllDone;
        prop_assert_eq!(status.list_order_status == ListOrderStatus::AllDone, done);
        Ok(())
    }

    pub(crate) fn end(&self, orders: &Orders) -> Result<(), TestCaseError> {
        for (list, status) in &self.open {
            let open = status.orders.iter().filter(|(id, _)| !orders[id].status.is_final()).count();
            prop_assert!(open > 0, "list {} has no open order and is not done", list);
            let legs: Vec<&Order> = status.orders.iter().map(|(id, _)| &orders[id]).collect();
            let pair = match status.contingency_type {
                ContingencyType::Oco => &legs[..],
                ContingencyType::Oto => &legs[1..],
            };
            let touched = |leg: &&&Order| !leg.filled_quantity.is_zero();
            prop_assert!(pair.len() < 2 || pair.iter().filter(touched).count() == 0 || open == 1, "{:?}", legs);
        }
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.open.is_empty(), "{:?}", self.open);
        Ok(())
    }

    fn ends_as_its_kind(&self, kind: ContingencyType, legs: &[&Order]) -> Result<(), TestCaseError> {
        if kind == ContingencyType::Oco {
            return pair_ends(legs);
        }
        let (working, pending) = (legs[0], &legs[1..]);
        let activated: Vec<bool> = pending.iter().map(|leg| self.activated[&leg.order_id]).collect();
        if working.status == OrderStatus::Filled {
            // On the book, or refused there.
            return if pending.len() == 2 { pair_ends(pending) } else { Ok(()) };
        }
        prop_assert!(!activated.contains(&true), "the working order was not filled: {:?}", legs);
        let expected = match working.status {
            OrderStatus::Canceled => (OrderStatus::Canceled, None),
            _ => (OrderStatus::Expired, Some(ExpiryReason::OtoPhaseOneExpired)),
        };
        for leg in pending {
            prop_assert_eq!((leg.status, leg.expiry_reason), expected, "{:?}", legs);
        }
        Ok(())
    }
}

/// Both are cancelled together, or one works and ends as it may while the other has expired
/// because of it, untouched.
fn pair_ends(legs: &[&Order]) -> Result<(), TestCaseError> {
    let by_partner = |leg: &&&Order| leg.expiry_reason == Some(ExpiryReason::OcoTrigger);
    match legs.iter().filter(by_partner).count() {
        0 => {
            let canceled = |leg: &&Order| leg.status == OrderStatus::Canceled && leg.filled_quantity.is_zero();
            prop_assert!(legs.iter().all(canceled), "{:?}", legs);
        }
        1 => {
            let untouched = legs.iter().find(|leg| by_partner(leg)).unwrap();
            prop_assert!(untouched.filled_quantity.is_zero(), "{:?}", legs);
        }
        _ => prop_assert!(false, "each because of the other: {:?}", legs),
    }
    Ok(())
}
