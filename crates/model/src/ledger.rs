//! The balances that trading moves, driven by execution reports alone.
//!
//! For: venue and strategy side alike, so that both hold the same figures after the same
//! reports. Not for: deciding whether an order may be placed.

use serde::{Deserialize, Serialize};

use crate::account::{Account, Balance};
use crate::execution::{ExecutionReport, Fill};
use crate::number::{Amount, ONE, Price};
use crate::order::{Order, OrderId, OrderListId, OrderStatus, Side};
use crate::text::Asset;

/// Free and locked of some assets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    assets: Vec<(Asset, Balance)>,
    /// What open lists hold.
    lists: Vec<ListHold>,
}

/// What the orders of a list hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ListHold {
    list: OrderListId,
    /// Of the asset that its orders give.
    held: Amount,
    /// The leg of a pair that was filled first: from then on it holds for itself alone, since
    /// the other one is about to go.
    touched: Option<OrderId>,
    /// What its working order has received for the pending ones that it pays (OPO).
    reserved: Amount,
}

/// Where a ledger keeps a symbol's two assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The base asset.
    pub base: usize,
    /// The quote asset.
    pub quote: usize,
}

impl Pair {
    /// Where the asset is kept that an order of a side gives.
    #[inline]
    const fn given(self, side: Side) -> usize {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }
}

/// What booking needs to know of an order as it was before a report.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    locked: Amount,
    was_pending: bool,
    awaited_quantity: bool,
}

impl Before {
    /// Of an order that is about to change.
    #[must_use]
    #[inline]
    pub fn of(order: &Order) -> Self {
        Self {
            locked: locked_by(order),
            was_pending: order.status == OrderStatus::PendingNew,
            awaited_quantity: order.awaits_quantity(),
        }
    }
}

impl Ledger {
    /// Everything that an account holds.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self { assets: account.iter().collect(), lists: Vec::new() }
    }

    /// Where a symbol's assets are kept, from now on.
    pub fn pair(&mut self, base: Asset, quote: Asset) -> Pair {
        Pair { base: self.slot(base), quote: self.slot(quote) }
    }

    fn slot(&mut self, asset: Asset) -> usize {
        self.assets.iter().position(|(known, _)| *known == asset).unwrap_or_else(|| {
            self.assets.push((asset, Balance::default()));
            self.assets.len() - 1
        })
    }

    /// What there is of an asset by its place.
    #[must_use]
    #[inline]
    pub fn balance(&self, at: usize) -> Balance {
        self.assets[at].1
    }

    /// What there is of an asset by its name.
    #[must_use]
    pub fn of_asset(&self, asset: Asset) -> Balance {
        self.assets.iter().find(|(known, _)| *known == asset).map_or(Balance::default(), |(_, balance)| *balance)
    }

    /// All assets, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (Asset, Balance)> + '_ {
        self.assets.iter().copied()
    }

    /// A deposit, or a withdrawal where it is negative; `false` if there is not so much free.
    pub fn transfer(&mut self, asset: Asset, amount: Amount) -> bool {
        let at = self.slot(asset);
        let balance = &mut self.assets[at].1;
        match balance.free.checked_add(amount) {
            Some(free) if free >= Amount::ZERO => {
                balance.free = free;
                true
            }
            _ => false,
        }
    }

    /// Books one report: what the order held before it is released, the fill and its commission
    /// move, and what it holds now is set aside. `before` is the order before the report, `others`
    /// are the other open orders of its list (asked for only if it is in one).
    #[inline]
    pub fn book<'a>(
        &mut self,
        pair: Pair,
        before: Option<Before>,
        report: &ExecutionReport,
        others: impl Iterator<Item = &'a Order> + Clone,
    ) {
        match report.order.order_list_id {
            None => self.book_alone(pair, before.map_or(Amount::ZERO, |before| before.locked), report),
            Some(list) => self.book_in_list(list, pair, before, report, others),
        }
    }

    /// An order that is in no list: `was` is what it held before.
    fn book_alone(&mut self, pair: Pair, was: Amount, report: &ExecutionReport) {
        let (order, is) = (&report.order, locked_by(&report.order));
        let given = pair.given(order.side);
        let changes = was != is;
        if changes && !was.is_zero() {
            self.assets[given].1.unlock(was);
        }
        if let Some(fill) = &report.fill {
            self.settle(pair, order.side, fill);
        }
        if changes && !is.is_zero() {
            self.assets[given].1.lock(is);
        }
    }

    #[inline(never)]
    fn book_in_list<'a>(
        &mut self,
        list: OrderListId,
        pair: Pair,
        before: Option<Before>,
        report: &ExecutionReport,
        others: impl Iterator<Item = &'a Order> + Clone,
    ) {
        let new = &report.order;
        let given = pair.given(new.side);
        let at = self.list(list);
        let mut hold = self.lists[at];
        // A pending order holds nothing yet, whatever becomes of it.
        let was_pending = before.is_some_and(|before| before.was_pending);
        let idle = new.status == OrderStatus::PendingNew || (was_pending && new.status.is_final());
        if !idle {
            self.assets[given].1.unlock(hold.held);
        }
        if before.is_some_and(|before| before.awaited_quantity) && new.status != OrderStatus::PendingNew {
            self.assets[pair.base].1.unlock(hold.reserved);
            hold.reserved = Amount::ZERO;
        }
        if let Some(fill) = report.fill {
            let free = self.assets[pair.base].1.free;
            self.settle(pair, new.side, &fill);
            if new.side == Side::Buy && others.clone().any(Order::awaits_quantity) {
                let received = self.received(pair.base, &fill, free);
                self.assets[pair.base].1.lock(received);
                hold.reserved = hold.reserved.checked_add(received).expect("balances fit 128 bits");
            }
            if others.clone().any(|order| order.status != OrderStatus::PendingNew) {
                hold.touched = Some(new.order_id);
            }
        }
        if !idle {
            hold.held = match hold.touched {
                Some(id) if id == new.order_id => locked_by(new),
                Some(_) => hold.held,
                None => others.clone().map(locked_by).max().unwrap_or(Amount::ZERO).max(locked_by(new)),
            };
            self.assets[given].1.lock(hold.held);
        }
        self.lists[at] = hold;
        if new.status.is_final() && others.clone().next().is_none() {
            self.lists.remove(at);
        }
    }

    fn list(&mut self, list: OrderListId) -> usize {
        self.lists.iter().position(|hold| hold.list == list).unwrap_or_else(|| {
            self.lists.push(ListHold { list, held: Amount::ZERO, touched: None, reserved: Amount::ZERO });
            self.lists.len() - 1
        })
    }

    fn settle(&mut self, pair: Pair, side: Side, fill: &Fill) {
        let (base, quote) = ((pair.base, fill.quantity.into()), (pair.quote, fill.quote_quantity));
        let ((given, gives), (received, receives)) = match side {
            Side::Buy => (quote, base),
            Side::Sell => (base, quote),
        };
        self.assets[given].1.debit(gives);
        self.assets[received].1.credit(receives);
        if !fill.commission.is_zero() {
            // Most pay it in what they receive.
            let is_received = self.assets[received].0 == fill.commission_asset;
            let at = if is_received { received } else { self.slot(fill.commission_asset) };
            self.assets[at].1.debit(fill.commission);
        }
    }

    /// What of a fill is there for the pending orders; its commission comes from what was free
    /// before, if that was enough (`faqs/opo.md`).
    fn received(&self, base: usize, fill: &Fill, free: Amount) -> Amount {
        let asset = self.assets[base].0;
        let in_received = fill.commission_asset == asset;
        let paid_from_it = in_received && (asset.as_str() == "BNB" || free < fill.commission);
        let commission = if paid_from_it { fill.commission } else { Amount::ZERO };
        Amount::from(fill.quantity).checked_sub(commission).expect("less than was received")
    }

    /// What is set aside for the pending orders of a list.
    #[must_use]
    pub fn reserved(&self, list: OrderListId) -> Amount {
        self.lists.iter().find(|hold| hold.list == list).map_or(Amount::ZERO, |hold| hold.reserved)
    }

    /// The balances as an account.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut account = Account::default();
        for (asset, balance) in &self.assets {
            *account.balance_mut(*asset) = *balance;
        }
        account
    }
}

/// An amount of an asset, taken apart so that valuing it at a price divides nothing wide: it
/// changes with a fill, and is valued at every bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    whole: i64,
    part: i64,
}

impl Holding {
    /// Of an amount below 10^18 of an asset.
    #[must_use]
    pub fn new(amount: Amount) -> Self {
        // Most amounts fit 64 bits, in which dividing is cheap.
        if let Ok(small) = i64::try_from(amount.units()) {
            return Self { whole: small / ONE, part: small % ONE };
        }
        let one = i128::from(ONE);
        Self {
            whole: i64::try_from(amount.units() / one).expect("less than 10^18 of an asset"),
            part: (amount.units() % one) as i64,
        }
    }

    /// Whether it is nothing.
    #[must_use]
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.whole | self.part == 0
    }

    /// What [`Self::value`] does not exceed at any of some prices, where 64 bits hold that and no
    /// price is negative.
    #[must_use]
    #[inline]
    pub fn most(self, prices: &[Price]) -> Option<i64> {
        // The bits of all prices: at least as much as the highest one.
        let bound = prices.iter().fold(0, |bound, price| bound | price.units());
        if self.whole < 0 || self.part < 0 || bound < 0 {
            return None;
        }
        let part = self.small_part(Price::from_units(bound))?;
        self.whole.checked_mul(bound)?.checked_add_unsigned(part)
    }

    /// [`Self::value`] at each of some prices at which there is a [`Self::most`], in less work. This
    /// is done at every bar of most runs.
    #[inline]
    pub fn values(self, prices: &[Price]) -> impl ExactSizeIterator<Item = i64> {
        let (whole, part) = (self.whole, self.part.cast_unsigned());
        prices.iter().map(move |price| {
            let product = u128::from(part).wrapping_mul(price.units().cast_unsigned().into());
            let small = (product >> 8) as u64 / (ONE.unsigned_abs() >> 8);
            whole.wrapping_mul(price.units()).wrapping_add(small.cast_signed())
        })
    }

    /// What the fraction of a unit is worth. Most prices leave 64 bits of it once the 2^8 of
    /// 10^8 is taken out: a division that is cheap.
    #[inline]
    fn small_part(self, price: Price) -> Option<u64> {
        // Below 2^27 × 2^63.
        let part = i128::from(self.part).wrapping_mul(price.units().into());
        u64::try_from(part >> 8).ok().map(|small| small / (ONE.unsigned_abs() >> 8))
    }

    /// Its value at a price, rounded down at 1e-8.
    #[must_use]
    #[inline]
    pub fn value(self, price: Price) -> Amount {
        let part = self
            .small_part(price)
            .map(i128::from)
            .unwrap_or_else(|| i128::from(self.part).wrapping_mul(price.units().into()).div_euclid(ONE.into()));
        // The product of two numbers of 64 bits fits 128.
        Amount::from_units(i128::from(self.whole).wrapping_mul(price.units().into()) + part)
    }
}

/// What an order alone holds of the asset that it gives away (rule 5.6): BUY its lock price ×
/// remaining, rounded down at 1e-8 (nothing for MARKET, which has none); SELL the remaining
/// quantity; nothing for pending orders and for those that are done.
///
/// It follows from the order alone, not from the symbol's precision, which a later snapshot
/// may change: what was set aside is what is released.
#[must_use]
#[inline]
pub fn locked_by(order: &Order) -> Amount {
    if order.status.is_final() || order.status == OrderStatus::PendingNew {
        return Amount::ZERO;
    }
    match order.side {
        Side::Buy if order.lock_price.is_zero() => Amount::ZERO,
        Side::Buy => order.lock_price.notional_floor(order.remaining()),
        Side::Sell => order.remaining().into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::product_floor;

    proptest! {
        #[test]
        fn a_value_is_the_exact_product(amount in 0..i64::MAX, price in prop_oneof![0..10_000_000_000_000_i64, 0..1_000_000_000_000_000_000_i64]) {
            let holding = Holding::new(Amount::from_units(amount.into()));
            let exact = product_floor(amount, price);
            prop_assert_eq!(holding.value(Price::from_units(price)).units(), exact);
        }

        #[test]
        fn values_in_a_row_are_the_values(
            amount in prop_oneof![0..1_000_i64, 0..10_000_000_000_i64, 0..i64::MAX],
            prices in prop::collection::vec(prop_oneof![0..10_000_000_000_000_i64, 0..i64::MAX, -5..5_i64], 0..9),
        ) {
            let holding = Holding::new(Amount::from_units(amount.into()));
            let ordinary = amount < 10_000_000_000 && prices.iter().all(|price| (0..10_000_000_000_000).contains(price));
            let prices: Vec<_> = prices.into_iter().map(Price::from_units).collect();
            let most = holding.most(&prices);
            prop_assert!(most.is_some() || !ordinary);
            if let Some(most) = most {
                let values: Vec<_> = holding.values(&prices).collect();
                prop_assert!(values.iter().all(|value| *value <= most));
                let exact = |price: &Price| holding.value(*price).units();
                prop_assert_eq!(values.into_iter().map(i128::from).collect::<Vec<_>>(), prices.iter().map(exact).collect::<Vec<_>>());
            }
        }
    }
}
