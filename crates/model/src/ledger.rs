//! The two balances that trading one symbol moves, driven by execution reports alone.
//!
//! For: venue and strategy side alike, so that both hold the same figures after the same
//! reports. Not for: deciding whether an order may be placed.

use crate::account::{Account, Balance};
use crate::execution::ExecutionReport;
use crate::number::{Amount, Price, product_floor};
use crate::order::{Order, OrderType, Side};
use crate::text::Asset;

/// Free and locked of a symbol's two assets.
///
/// A commission in a third asset is not taken from here: that asset belongs to no slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// The base asset's name.
    pub base_asset: Asset,
    /// The quote asset's name.
    pub quote_asset: Asset,
    /// What there is of the base asset.
    pub base: Balance,
    /// What there is of the quote asset.
    pub quote: Balance,
}

impl Ledger {
    /// The part of an account that a symbol's trading moves.
    #[must_use]
    pub fn of(account: &Account, base_asset: Asset, quote_asset: Asset) -> Self {
        Self { base_asset, quote_asset, base: account.balance(base_asset), quote: account.balance(quote_asset) }
    }

    /// Books one report: what the order held before (`lock_before`) is released, the fill and
    /// its commission move, and what it holds now (`lock_after`) is set aside.
    pub fn book(&mut self, report: &ExecutionReport, lock_before: Amount, lock_after: Amount) {
        self.given(report.side).unlock(lock_before);
        if let Some(fill) = report.fill {
            match report.side {
                Side::Buy => {
                    self.quote.debit(fill.quote_quantity);
                    self.base.credit(fill.quantity.into());
                }
                Side::Sell => {
                    self.base.debit(fill.quantity.into());
                    self.quote.credit(fill.quote_quantity);
                }
            }
            if fill.commission_asset == self.base_asset {
                self.base.debit(fill.commission);
            } else if fill.commission_asset == self.quote_asset {
                self.quote.debit(fill.commission);
            }
        }
        self.given(report.side).lock(lock_after);
    }

    /// Everything in quote asset at a price, rounded down at 1e-8.
    #[must_use]
    #[inline]
    pub fn equity(&self, price: Price) -> Amount {
        let base = self.base.total();
        if base.is_zero() {
            return self.quote.total();
        }
        let value = match i64::try_from(base.units()) {
            Ok(units) => product_floor(units, price.units()),
            Err(_) => base.units() / i128::from(crate::number::ONE) * i128::from(price.units()),
        };
        Amount::from_units(self.quote.total().units() + value)
    }

    /// The two balances as an account.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut account = Account::default();
        *account.balance_mut(self.base_asset) = self.base;
        *account.balance_mut(self.quote_asset) = self.quote;
        account
    }

    /// What an order of that side gives away.
    fn given(&mut self, side: Side) -> &mut Balance {
        match side {
            Side::Buy => &mut self.quote,
            Side::Sell => &mut self.base,
        }
    }
}

/// What an order holds of the asset that it gives away (rule 5.6): LIMIT BUY price ×
/// remaining, rounded down at 1e-8; SELL the remaining quantity; nothing for MARKET and for
/// orders that are done.
///
/// It follows from the order alone, not from the symbol's precision, which a later snapshot
/// may change: what was set aside is what is released.
#[must_use]
pub fn locked_by(order: &Order) -> Amount {
    if order.status.is_final() || order.order_type == OrderType::Market {
        return Amount::ZERO;
    }
    match order.side {
        Side::Buy => order.price.notional_floor(order.remaining()),
        Side::Sell => order.remaining().into(),
    }
}
