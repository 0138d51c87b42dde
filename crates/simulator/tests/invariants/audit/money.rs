//! Conservation: fills, commissions and transfers explain every balance, none is negative, and
//! exactly what open orders need is locked (rules 5.5, 5.6 and 5.8; `faqs/opo.md`).

use std::collections::BTreeMap;

use candlewick_model::number::ONE;
use candlewick_model::{Account, Amount, Asset, ExecutionReport, Order, OrderListId, OrderStatus, OrderType, Side};
use candlewick_simulator::{Replay, Transfer};
use proptest::prelude::*;

use super::{Orders, Scene};

pub(crate) struct Money {
    totals: BTreeMap<Asset, i128>,
    /// Base and quote asset by symbol, as reports show them.
    pairs: BTreeMap<candlewick_model::Symbol, (Asset, Asset)>,
    /// What working orders have received for the pending ones that they pay: at least and at
    /// most, since commission may come from elsewhere.
    received: BTreeMap<OrderListId, (i128, i128)>,
}

impl Money {
    pub(crate) fn new(account: &Account) -> Self {
        let totals = account.iter().map(|(asset, balance)| (asset, balance.total().units())).collect();
        Self { totals, pairs: BTreeMap::new(), received: BTreeMap::new() }
    }

    pub(crate) fn transfer(&mut self, transfer: Transfer) {
        *self.totals.entry(transfer.asset).or_insert(0) += transfer.amount.units();
    }

    pub(crate) fn report(
        &mut self,
        scene: &Scene<'_>,
        orders: &Orders,
        before: Option<&Order>,
        report: &ExecutionReport,
    ) -> Result<(), TestCaseError> {
        let (base, quote) = (scene.instrument.base_asset, scene.instrument.quote_asset);
        self.pairs.insert(report.order.symbol, (base, quote));
        if let Some(received) = report.order.order_list_id.and_then(|list| self.received.get(&list)) {
            let paid = before.is_some_and(Order::awaits_quantity) && report.order.status == OrderStatus::New;
            let quantity = i128::from(report.order.quantity.units());
            prop_assert!(!paid || quantity <= received.1, "more than was received: {:?}", report);
        }
        let Some(fill) = report.fill else { return Ok(()) };
        let sign = if report.order.side == Side::Buy { 1 } else { -1 };
        *self.totals.entry(base).or_insert(0) += sign * i128::from(fill.quantity.units());
        *self.totals.entry(quote).or_insert(0) -= sign * fill.quote_quantity.units();
        *self.totals.entry(fill.commission_asset).or_insert(0) -= fill.commission.units();
        prop_assert!(self.totals.values().all(|total| *total >= 0), "{:?} after {:?}", self.totals, report);
        if let Some(list) = report.order.order_list_id
            && orders.values().any(|order| order.order_list_id == Some(list) && order.awaits_quantity())
        {
            let quantity = i128::from(fill.quantity.units());
            let commission = if fill.commission_asset == base { fill.commission.units() } else { 0 };
            let (least, most) = self.received.entry(list).or_insert((0, 0));
            *least += quantity - commission;
            *most += if base.as_str() == "BNB" { quantity - commission } else { quantity };
        }
        Ok(())
    }

    pub(crate) fn end(&self, orders: &Orders, replay: &Replay) -> Result<(), TestCaseError> {
        let account = replay.account();
        let open: Vec<&Order> = orders.values().filter(|order| !order.status.is_final()).collect();
        for (asset, balance) in account.iter() {
            prop_assert!(balance.free >= Amount::ZERO && balance.locked >= Amount::ZERO, "{}: {:?}", asset, balance);
            let total = self.totals.get(&asset).copied().unwrap_or(0);
            prop_assert_eq!(balance.total().units(), total, "all of {}", asset);
            let (least, most) = self.needed(asset, &open);
            let locked = balance.locked.units();
            prop_assert!(
                least <= locked && locked <= most,
                "{} {} locked for {} to {}: {:?}",
                locked,
                asset,
                least,
                most,
                open
            );
        }
        Ok(())
    }

    /// What open orders need of an asset, at least and at most.
    fn needed(&self, asset: Asset, open: &[&Order]) -> (i128, i128) {
        let mut alone = 0;
        let mut lists: BTreeMap<OrderListId, i128> = BTreeMap::new();
        for order in open {
            let (base, quote) = self.pairs[&order.symbol];
            let given = if order.side == Side::Buy { quote } else { base };
            let held = if given == asset { held_by(order) } else { 0 };
            match order.order_list_id {
                None => alone += held,
                // Of a pair one alone can trade.
                Some(list) => {
                    let most = lists.entry(list).or_insert(held);
                    *most = held.max(*most);
                }
            }
        }
        let held = alone + lists.values().sum::<i128>();
        let waits = |list: &OrderListId| {
            open.iter().any(|order| {
                order.order_list_id == Some(*list) && order.awaits_quantity() && self.pairs[&order.symbol].0 == asset
            })
        };
        let received = self.received.iter().filter(|(list, _)| waits(list)).map(|(_, received)| received);
        received.fold((held, held), |(least, most), received| (least + received.0, most + received.1))
    }
}

/// What one order needs of what it gives.
fn held_by(order: &Order) -> i128 {
    if order.status == OrderStatus::PendingNew {
        return 0;
    }
    let left = i128::from(order.remaining().units());
    match order.side {
        Side::Sell => left,
        Side::Buy if order.order_type == OrderType::Market => 0,
        Side::Buy => price_set_aside(order) * left / i128::from(ONE),
    }
}

/// The limit; before there is one the stop price, or the last price at placement, which the
/// order tells.
fn price_set_aside(order: &Order) -> i128 {
    let known = [order.limit(), order.stop_price].into_iter().find(|price| !price.is_zero());
    known.unwrap_or(order.lock_price).units().into()
}
